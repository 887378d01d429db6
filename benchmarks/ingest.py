"""Ingestion: against the bare work, against LlamaIndex and LangChain, again, one file more, in memory and on disk.

    python benchmarks/ingest.py                                  # speed, on 500 pages of invented text
    python benchmarks/ingest.py --pdfs FOLDER                    # the same on PDFs of yours, in one folder
    python benchmarks/ingest.py --part unchanged --part one-more --part memory

Each way runs in a process of its own, one after the other. The peers need the extra ``bench``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import progress_console
from corpus import SEED, render_pdf
from ingest_child import WAYS
from report import RESULTS, Report, publish
from texts import SENTENCES_PER_PARAGRAPH, SentenceMaker

_CHILD = Path(__file__).with_name("ingest_child.py")
_PAGES_A_FILE = 20
_SENTENCES_A_PAGE = 30
_THIN_PAGES, _THIN_SENTENCES = 5000, 3
_SMALL_FILES = 1000
_LARGE = 200_000
_LIMITS = {"bare": 1.15, "again": 2.0, "one more": 1.5, "peak": 2048, "disk": 0.6}


class Part(StrEnum):
    """What to measure."""

    speed = "speed"
    unchanged = "unchanged"
    one_more = "one-more"
    memory = "memory"


def write_pdfs(folder: Path, files: int, sentences: int, seed: int) -> int:
    """PDFs of invented text with about so many sentences each, every other one in English. Returns the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    maker = SentenceMaker(seed)
    pages = 0
    for number in range(files):
        english = number % 2 == 1
        made = [maker.english() if english else maker.chinese() for _ in range(sentences)]
        join = " " if english else ""
        paragraphs = [
            ("", join.join(made[start : start + SENTENCES_PER_PARAGRAPH]))
            for start in range(0, sentences, SENTENCES_PER_PARAGRAPH)
        ]
        pages += render_pdf(paragraphs, folder / f"{number:05}.pdf", header=f"资料汇编 第{number}册")
    return pages


def run_child(name: str, folder: Path, storage: Path) -> dict[str, Any]:
    """One way in a process of its own."""
    progress_console.print(f"{name} …")
    done = subprocess.run(
        [sys.executable, str(_CHILD), name, str(folder), str(storage)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=_environment(),
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment() -> dict[str, str]:
    """No OCR, whether it is installed or not: invented text may be taken for a text layer that cannot be trusted."""
    return {**os.environ, "QA_ENGINE_DOCUMENTS__OCR": "never"}


def speed(
    work: Path, pdfs: Path | None, pages: int, density: int, seed: int, ways: Sequence[str]
) -> tuple[Report, Any]:
    """All ways on the same files."""
    folder = pdfs or work / "pdf"
    if pdfs is None:
        files = max(1, pages // _PAGES_A_FILE)
        pages = write_pdfs(folder, files, _PAGES_A_FILE * density, seed)
    else:
        import pymupdf

        pages = sum(len(pymupdf.open(path)) for path in folder.glob("*.pdf"))
    found = {name: run_child(name, folder, work / f"storage-{number}") for number, name in enumerate(ways)}
    ours, floor = found["qa_engine"], found.get("bare")
    windows = found.get("LlamaIndex sentence windows")
    rows = []
    for name, result in found.items():
        disk = result["disk_bytes"] / result["nodes"] if name != "bare" else 0
        rows.append(
            [
                name,
                f"{result['seconds']:.1f}",
                f"{result['cpu_seconds']:.1f}",
                f"{result['nodes']:,}",
                f"{result['tokens'] / 1000:,.0f}",
                f"{result['tokens'] / result['seconds']:,.0f}",
                f"{result['seconds'] / ours['seconds']:.2f}",
                f"{disk:,.0f}" if disk else "",
                f"{result['peak_megabytes']:.0f}",
            ]
        )
    summary: dict[str, Any] = {"pages": pages}
    notes = [f"{pages:,} pages, seed {seed}."]
    if floor is not None:
        summary["ours / bare"] = ours["seconds"] / floor["seconds"]
        notes.append(f"Ours / bare {summary['ours / bare']:.2f} (limit {_LIMITS['bare']}).")
    if windows is not None:
        summary["disk / sentence windows"] = (ours["disk_bytes"] / ours["nodes"]) / (
            windows["disk_bytes"] / windows["nodes"]
        )
    notes += [
        "bare: the same parser and the same texts through the same model, nothing stored. The peers read plain text of "
        "pages, and embed each text once, as we do; tokens: what the model sees, no more than 512 of a text.",
    ]
    columns = [
        "",
        "s",
        "cpu s",
        "nodes",
        "1,000 tokens",
        "tokens/s",
        "time / ours",
        "bytes on disk a node",
        "peak MB",
    ]
    return Report(f"Ingesting {pages:,} pages", columns, rows, notes), {"ways": found, "summary": summary}


def split(found: dict[str, Any]) -> Report:
    """Where the time of ours goes: the stages of the writer, and the processor time of all who work beside it."""
    ours = found["qa_engine"]
    rows = [[f"the writer: {stage}", f"{seconds:.1f}", ""] for stage, seconds in ours["stages"].items()]
    rows += [
        [f"processor: {group}", "", f"{seconds:.1f}"] for group, seconds in ours["cpu_by_thread"].items()
    ]
    rows.append(["all", f"{ours['seconds']:.1f}", f"{ours['cpu_seconds']:.1f}"])
    notes = [
        "The writer waits for reading and embedding while processes and threads do both; what it waits is what storing did "
        "not hide. storing: the thread of the writer; libraries: mostly those of Chroma.",
    ]
    if (chunks := found.get("LlamaIndex chunks")) is not None:
        ratios = [ours[unit] / chunks[unit] for unit in ("seconds", "cpu_seconds")]
        notes.append(
            f"Ours / LlamaIndex chunks: {ratios[0]:.2f} in seconds, {ratios[1]:.2f} in processor seconds."
        )
    return Report("Where the time of qa_engine goes", ["", "s", "cpu s"], rows, notes)


def unchanged(work: Path, seed: int) -> tuple[Report, Any]:
    """A folder of small files, again, as a user runs it."""
    folder, storage = work / "small", work / "small-storage"
    write_pdfs(folder, _SMALL_FILES, 4, seed)
    command = [sys.executable, "-m", "qa_engine", "ingest", str(folder), "--storage", str(storage), "--json"]
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=_environment())
        seconds.append(time.perf_counter() - started)
    again = min(seconds[1:])
    rows = [["first", f"{seconds[0]:.1f}"], ["again, best of 3", f"{again:.2f}"]]
    notes = [f"The whole command, limit {_LIMITS['again']} s."]
    return Report(f"{_SMALL_FILES:,} files of one page", ["", "s"], rows, notes), {"seconds": seconds}


def one_more(work: Path, seed: int, sentences: int) -> tuple[Report, Any]:
    """A file of 20 pages into an empty collection, and into a large one."""
    import large_index

    from qa_engine.config import Config

    folder = work / "one"
    write_pdfs(folder, 1, _PAGES_A_FILE * _SENTENCES_A_PAGE, seed)
    large = work / "large-storage"
    if not (large / large_index.COLLECTION).exists():
        large_index.build(large, sentences, seed, Config())
    # The large collection has invented vectors, and no token vectors that could go with them.
    environment = _environment() | {"QA_ENGINE_EMBEDDING__TOKEN_BITS": "0"}
    found = {}
    for name, storage, collection in (
        ("empty", work / "one-storage", "one"),
        ("large", large, large_index.COLLECTION),
    ):
        command = [sys.executable, "-m", "qa_engine", "ingest", str(folder), "--json"]
        command += ["--storage", str(storage), "--collection", collection]
        started = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found[name] = {"seconds": time.perf_counter() - started, **json.loads(done.stdout)}
    ratio = found["large"]["seconds"] / found["empty"]["seconds"]
    rows = [
        [name, f"{result['seconds']:.1f}", ", ".join(f"{k} {v:.1f}" for k, v in result["timings"].items())]
        for name, result in found.items()
    ]
    notes = [f"Ratio {ratio:.2f} (limit {_LIMITS['one more']}); the whole command."]
    title = f"A file of {_PAGES_A_FILE} pages into an empty collection and one of {sentences:,} sentences"
    return Report(title, ["into", "s", "of which"], rows, notes), {"ratio": ratio, **found}


def write_thin_pdfs(folder: Path, pages: int, seed: int) -> None:
    """PDFs of 20 pages with three sentences on each."""
    import pymupdf

    folder.mkdir(parents=True, exist_ok=True)
    maker = SentenceMaker(seed)
    for number in range(pages // _PAGES_A_FILE):
        with pymupdf.open() as document:
            for _ in range(_PAGES_A_FILE):
                page = document.new_page()
                text = "".join(maker.chinese() for _ in range(_THIN_SENTENCES))
                body = pymupdf.Rect(72, 72, page.rect.width - 72, page.rect.height - 72)
                page.insert_textbox(body, text, fontname="china-s", fontsize=11)
            document.save(folder / f"{number:05}.pdf")


def memory(work: Path, seed: int, pages: int) -> tuple[Report, Any]:
    """Many pages with little on them: what grows with pages would show."""
    folder = work / "thin"
    write_thin_pdfs(folder, pages, seed)
    found = run_child("qa_engine", folder, work / "thin-storage")
    samples = found["megabytes"]
    tenth = max(1, len(samples) // 10)
    early = sorted(samples[2 * tenth : 3 * tenth])[tenth // 2]
    late = sorted(samples[-tenth:])[tenth // 2]
    rows = [
        ["peak", f"{found['peak_megabytes']:.0f}"],
        ["peak of a parsing process", f"{found['worker_peak_megabytes']:.0f}"],
        ["after a quarter of the time", f"{early:.0f}"],
        ["at the end", f"{late:.0f}"],
    ]
    notes = [f"{found['nodes']:,} sentences in {found['seconds']:.0f} s; limit {_LIMITS['peak']} MB."]
    return Report(f"Memory while {pages:,} pages are ingested", ["", "MB"], rows, notes), found


def main(
    part: Annotated[list[Part] | None, typer.Option(help="What to measure [default: speed].")] = None,
    pages: Annotated[int, typer.Option(min=1)] = 500,
    density: Annotated[int, typer.Option(min=1, help="Sentences a page, about.")] = _SENTENCES_A_PAGE,
    pdfs: Annotated[Path | None, typer.Option(help="A folder of PDFs instead of invented text.")] = None,
    way: Annotated[list[str] | None, typer.Option(help=f"Of: {', '.join(WAYS)} [default: all].")] = None,
    sentences: Annotated[int, typer.Option(min=1000, help="Of the large collection.")] = _LARGE,
    thin_pages: Annotated[int, typer.Option(min=50, help="For the part memory.")] = _THIN_PAGES,
    seed: Annotated[int, typer.Option()] = SEED,
    work: Annotated[
        Path | None, typer.Option(help="Keep the files here, and use those that are here.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure ingestion."""
    for chosen in part or [Part.speed]:
        reports: list[Report] = []
        with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
            place = work or Path(scratch)
            if chosen is Part.speed:
                report, results = speed(place, pdfs, pages, density, seed, way or list(WAYS))
                reports.append(split(results["ways"]))
            elif chosen is Part.unchanged:
                report, results = unchanged(place, seed)
            elif chosen is Part.one_more:
                report, results = one_more(place, seed, sentences)
            else:
                report, results = memory(place, seed, thin_pages)
        publish(out, f"ingest_{chosen.value}", [report, *reports], results)


if __name__ == "__main__":
    typer.run(main)
