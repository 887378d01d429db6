"""Latency of a question without a language model, against the bare work that it cannot do without.

    python benchmarks/query.py                        # invented text
    python benchmarks/query.py cmrc2018_trial.json    # real text, repeated up to the size

Ours and the floor take turns, question by question, in one process on one index.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from corpus import PARAGRAPHS_PER_FILE, SEED, render_pdf
from floor import PARTS, Floor
from report import RESULTS, Report, measured_settings, publish
from rich.console import Console
from rich.progress import track
from texts import invented_volume, repeated_volume

from qa_engine.config import Config
from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import percentile

COLLECTION = "benchmark"
QUESTIONS_FILE = "questions.json"
LIMIT = 1.2

progress_console = Console(stderr=True)


@dataclass(frozen=True)
class Latencies:
    """Seconds of each question: ours, and the parts of the floor."""

    ours: list[float]
    floor: list[dict[str, float]]

    def summary(self) -> dict[str, Any]:
        """Milliseconds, and the ratio of the medians."""
        sums = [sum(parts.values()) for parts in self.floor]
        series = {
            "qa_engine": self.ours,
            "floor": sums,
            "difference": [mine - bare for mine, bare in zip(self.ours, sums, strict=True)],
            **{part: [seconds[part] for seconds in self.floor] for part in PARTS},
        }
        milliseconds = {
            name: {"p50": percentile(values, 0.5) * 1e3, "p95": percentile(values, 0.95) * 1e3}
            for name, values in series.items()
        }
        ratio = milliseconds["qa_engine"]["p50"] / milliseconds["floor"]["p50"]
        return {"milliseconds": milliseconds, "ratio": ratio}


def build_index(
    work: Path, data: Path | None, nodes: int, questions: int, seed: int, config: Config
) -> list[str]:
    """Render, ingest, and return the questions; an index that is there already is taken as it is."""
    from qa_engine import ingest

    asked = work / QUESTIONS_FILE
    if asked.exists():
        known: list[str] = json.loads(asked.read_text(encoding="utf-8"))
        return known[:questions]
    volume = (
        repeated_volume(data, nodes, questions, seed) if data else invented_volume(nodes, questions, seed)
    )
    folder = work / "pdf"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, start in enumerate(range(0, len(volume.paragraphs), PARAGRAPHS_PER_FILE), start=1):
        file = folder / f"volume_{number:03d}.pdf"
        part = volume.paragraphs[start : start + PARAGRAPHS_PER_FILE]
        render_pdf(part, file, header=f"资料汇编 第{number}册")
        files.append(file)
    progress_console.print(f"ingesting {len(files)} PDFs")
    report = ingest(files, storage=work / "storage", collection=COLLECTION, config=config)
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} files failed, first: {report.failures[0].message}")
    asked.write_text(json.dumps(volume.questions, ensure_ascii=False), encoding="utf-8")
    return volume.questions


def measure(work: Path, questions: Sequence[str], config: Config) -> tuple[Latencies, int]:
    """The latencies, and the number of nodes in the index."""
    from qa_engine import QueryEngine

    engine = QueryEngine.open(storage=work / "storage", collection=COLLECTION, config=config)
    floor = Floor(work / "storage", COLLECTION, config)
    prepared = []
    # All candidates, as the reranker sees them. This round also is the warm-up.
    for question in track(questions, "warming up", console=progress_console, transient=True):
        candidates = engine.retrieve(question, top_k=config.retrieval.candidates)
        prepared.append(floor.prepare(question, candidates))
        floor.run(prepared[-1])
    latencies = Latencies([], [])
    for turn, item in enumerate(track(prepared, "asking", console=progress_console, transient=True)):
        # Whoever comes second finds warmer processor caches.
        if turn % 2:
            latencies.floor.append(floor.run(item))
        started = time.perf_counter()
        engine.retrieve(item.question, top_k=TOP_K)
        latencies.ours.append(time.perf_counter() - started)
        if not turn % 2:
            latencies.floor.append(floor.run(item))
    return latencies, floor.nodes()


def latency_report(title: str, summary: dict[str, Any], notes: Sequence[str]) -> Report:
    """Ours, the floor and its parts."""
    rows = [
        [f"  bare {name}" if name in PARTS else name, f"{values['p50']:.1f}", f"{values['p95']:.1f}"]
        for name, values in summary["milliseconds"].items()
    ]
    verdict = "kept" if summary["ratio"] <= LIMIT else "missed"
    rows.append(["ratio of the medians", f"{summary['ratio']:.2f}", f"≤ {LIMIT}: {verdict}"])
    return Report(title, ["", "p50 ms", "p95 ms"], rows, notes)


def main(
    data: Annotated[Path | None, typer.Argument(help="SQuAD-style JSON; invented text without.")] = None,
    nodes: Annotated[int, typer.Option(min=100, help="About so many sentences.")] = 10_000,
    questions: Annotated[int, typer.Option(min=1)] = 100,
    seed: Annotated[int, typer.Option()] = SEED,
    work: Annotated[
        Path | None, typer.Option(help="Keep the index here, and use the one that is here.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
    config: Annotated[Path | None, typer.Option(help="qa_engine.toml to use.")] = None,
) -> None:
    """Measure the latency of retrieval against the bare calls it is made of."""
    settings = Config.load(config)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        place = work or Path(scratch)
        asked = build_index(place, data, nodes, questions, seed, settings)
        latencies, stored = measure(place, asked, settings)
    summary = latencies.summary()
    title = f"Query latency, {stored:,} nodes"
    source = data.name if data else "invented text"
    notes = [f"{source}, {len(asked)} questions, seed {seed}, top {TOP_K}; no language model."]
    results = {
        "data": source,
        "nodes": stored,
        "questions": len(asked),
        "seed": seed,
        "settings": measured_settings(settings),
        "limit": LIMIT,
        **summary,
    }
    publish(out, "query", [latency_report(title, summary, notes)], results)


if __name__ == "__main__":
    typer.run(main)
