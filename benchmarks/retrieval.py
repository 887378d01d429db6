"""Retrieval quality of qa_engine and of stock LlamaIndex on the same PDFs, questions and embedding model.

python benchmarks/retrieval.py cmrc2018_trial.json
python benchmarks/retrieval.py xquad.en.json --questions xquad.zh.json
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from corpus import PARAGRAPHS_PER_FILE, SEED, Corpus, Question, build_corpus
from metrics import (
    BUDGETS,
    TOP_K,
    Interval,
    first_hit,
    found_within,
    ndcg,
    paired_bootstrap,
    reciprocal_rank,
    squash,
)
from peers import OURS, PEERS, Pipeline, build_ours, build_peer, embedding_model
from report import RESULTS, Report, measured_settings, publish
from rich.console import Console
from rich.progress import track

from qa_engine.config import Config

progress_console = Console(stderr=True)


@dataclass
class Scores:
    """What one pipeline reached, question by question."""

    name: str
    nodes: int
    build_seconds: float
    ranks: list[int | None] = field(default_factory=list)
    within: dict[int, list[bool]] = field(default_factory=lambda: {budget: [] for budget in BUDGETS})
    milliseconds: list[float] = field(default_factory=list)
    passage_chars: list[int] = field(default_factory=list)

    def add(self, question: Question, passages: Sequence[str], seconds: float) -> None:
        """Judge the passages that were returned for one question."""
        self.ranks.append(first_hit(passages, question.answers))
        for budget, found in self.within.items():
            found.append(found_within(passages, question.answers, budget))
        self.milliseconds.append(seconds * 1e3)
        self.passage_chars += [len(squash(passage)) for passage in passages]

    def measures(self) -> dict[str, list[float]]:
        """The scores of each question by the name of the measure."""
        return {
            f"MRR@{TOP_K}": [reciprocal_rank(rank) for rank in self.ranks],
            f"nDCG@{TOP_K}": [ndcg(rank) for rank in self.ranks],
            **{f"≤{budget}": [float(hit) for hit in found] for budget, found in self.within.items()},
        }

    def summary(self) -> dict[str, Any]:
        """Means, as they are printed and stored."""
        return {
            "nodes": self.nodes,
            **{name: statistics.fmean(values) for name, values in self.measures().items()},
            "passage_chars_mean": statistics.fmean(self.passage_chars) if self.passage_chars else 0.0,
            "build_seconds": self.build_seconds,
            "query_ms_p50": statistics.median(self.milliseconds),
        }


def ask_all(pipelines: Sequence[Pipeline], questions: Sequence[Question]) -> list[Scores]:
    """Ask every pipeline every question; question by question, so that a busy moment hits all alike."""
    scores = [Scores(p.name, p.nodes, p.build_seconds) for p in pipelines]
    for pipeline in pipelines:
        pipeline.retrieve(questions[0].question)
    for turn, question in enumerate(track(questions, "asking", console=progress_console, transient=True)):
        # Who is first may find colder caches, so the first place goes round.
        for place in range(len(pipelines)):
            which = (turn + place) % len(pipelines)
            started = time.perf_counter()
            passages = pipelines[which].retrieve(question.question)
            scores[which].add(question, passages, time.perf_counter() - started)
    return scores


def compare(scores: Sequence[Scores], seed: int) -> dict[str, tuple[str, Interval]]:
    """For each measure the peer that is best in it, and our paired difference to it."""
    ours, *others = (score.measures() for score in scores)
    if not others:
        return {}
    found = {}
    for name, values in ours.items():
        best = max(range(len(others)), key=lambda index: statistics.fmean(others[index][name]))
        found[name] = (scores[best + 1].name, paired_bootstrap(values, others[best][name], seed=seed))
    return found


def quality_report(title: str, scores: Sequence[Scores], notes: Sequence[str]) -> Report:
    """One row a pipeline."""
    measures = list(scores[0].measures())
    rows = []
    for score in scores:
        summary = score.summary()
        rows.append(
            [
                score.name,
                *(f"{summary[measure]:.3f}" for measure in measures),
                f"{summary['passage_chars_mean']:.0f}",
                f"{score.nodes:,}",
                f"{score.build_seconds:.1f}",
                f"{summary['query_ms_p50']:.0f}",
            ]
        )
    columns = ["pipeline", *measures, "chars/passage", "nodes", "build s", "query ms p50"]
    return Report(title, columns, rows, notes)


def difference_report(comparison: dict[str, tuple[str, Interval]]) -> Report:
    """One row a measure: our distance to the best peer."""
    rows = [
        [measure, peer, f"{interval.difference:+.3f}", f"{interval.low:+.3f} … {interval.high:+.3f}"]
        for measure, (peer, interval) in comparison.items()
    ]
    return Report(
        "Difference to the best peer",
        ["measure", "best peer", "difference", "95 % interval"],
        rows,
        ["Paired bootstrap over the questions, 10,000 resamples."],
    )


def build_pipelines(corpus: Corpus, peers: Sequence[str], storage: Path, config: Config) -> list[Pipeline]:
    """Ours first, then the peers; the model is loaded and warm before the first clock starts."""
    embedding = embedding_model(config)
    embedding.get_text_embedding_batch(["热身", "warm-up"])
    embedding.get_query_embedding("热身")
    progress_console.print(f"building {OURS}")
    pipelines = [build_ours(corpus.files, storage, config, "benchmark")]
    for peer in peers:
        progress_console.print(f"building {peer}")
        pipelines.append(build_peer(peer, corpus.files, embedding))
    return pipelines


def main(
    data: Annotated[Path, typer.Argument(help="SQuAD-style JSON; becomes the PDFs.")],
    questions: Annotated[
        Path | None, typer.Option(help="Parallel file: questions in another language.")
    ] = None,
    max_questions: Annotated[int, typer.Option(min=1)] = 300,
    max_paragraphs: Annotated[
        int | None, typer.Option(min=1, help="Only the first ones, for a trial run.")
    ] = None,
    paragraphs_per_file: Annotated[int, typer.Option(min=1)] = PARAGRAPHS_PER_FILE,
    seed: Annotated[int, typer.Option()] = SEED,
    peers: Annotated[str, typer.Option(help="Names with commas between; empty for none.")] = ",".join(PEERS),
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
    config: Annotated[Path | None, typer.Option(help="qa_engine.toml to use.")] = None,
) -> None:
    """Measure retrieval through the public contract, with stock LlamaIndex beside it in the same run."""
    names = [name.strip() for name in peers.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PEERS]:
        raise typer.BadParameter(f"{', '.join(unknown)}: known peers are {', '.join(PEERS)}")
    settings = Config.of(config)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        corpus = build_corpus(
            data,
            Path(scratch) / "pdf",
            questions=questions,
            paragraphs_per_file=paragraphs_per_file,
            max_paragraphs=max_paragraphs,
            max_questions=max_questions,
            seed=seed,
        )
        if not corpus.questions:
            raise typer.BadParameter(f"{data} has no question with an answer")
        pipelines = build_pipelines(corpus, names, Path(scratch) / "storage", settings)
        scores = ask_all(pipelines, corpus.questions)
    title = data.stem + (f", questions of {questions.stem}" if questions else "")
    notes = [
        f"{len(corpus.files)} PDFs, {corpus.pages} pages, {corpus.paragraphs} paragraphs, "
        f"{len(corpus.questions)} questions, seed {seed}; embedding {settings.embedding.model} for all.",
        "≤N: share of questions whose answer is within the first N characters of the concatenated passages;"
        " chars/passage: their mean length; white space counts in neither.",
    ]
    comparison = compare(scores, seed)
    reports = [quality_report(title, scores, notes)]
    if comparison:
        reports.append(difference_report(comparison))
    stem = f"retrieval-{data.stem}" + (f"-{questions.stem}" if questions else "")
    publish(
        out,
        stem,
        reports,
        {
            "data": data.name,
            "questions_from": questions.name if questions else data.name,
            "seed": seed,
            "files": len(corpus.files),
            "pages": corpus.pages,
            "paragraphs": corpus.paragraphs,
            "questions": len(corpus.questions),
            "settings": measured_settings(settings),
            "pipelines": {score.name: score.summary() for score in scores},
            "difference_to_best_peer": {
                name: {"peer": peer, **asdict(interval)} for name, (peer, interval) in comparison.items()
            },
            "ranks": {
                "ids": [question.id for question in corpus.questions],
                **{score.name: score.ranks for score in scores},
            },
        },
    )


if __name__ == "__main__":
    typer.run(main)
