"""How fast PDFs are read, on one core, and by two worker processes.

    python benchmarks/pdf_speed.py
    python benchmarks/pdf_speed.py pumpkin_book.pdf --pages 40

Without a PDF, one is made: Chinese and English paragraphs of invented text, one column, about 1,200 characters a page.
Of a PDF that is given, the first pages are taken.

Every competitor runs in a process of its own, with one thread (``one_thread.py``), and reads a two-page file first: the
time is without imports and loading of models, which ``start s`` has. They run one after the other, in several rounds;
figures are medians. pages/s is of wall time, CPU ms/page of processor time, which tells a slow reader from a busy
machine. Ours are ``PdfReader().load_data`` without OCR; the peers are plain PyMuPDF ``get_text``, pypdf
``extract_text``, and ``pymupdf4llm.to_markdown`` without OCR.

For the workers, ``parse_files`` reads several files with one and with two processes, in turns; the start of the
processes is measured apart, with two-page files, and taken off.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pymupdf
import typer
from one_thread import environment
from pdf_pages import make_pdf
from pdf_readers import UnavailableError, documents_config
from report import RESULTS, Report, publish
from rich.console import Console

PEERS = ("get_text", "pypdf", "pymupdf4llm")
OURS = ("fast", "layout", "auto")
BASE = "pymupdf4llm"
# Through a small process between: a child's peak of memory would begin with that of this one.
_LAUNCH = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
_CHILD = Path(__file__).with_name("pdf_speed_child.py")
_LEADING = 30.0
"""Points from line to line of the PDF that is made: so far apart, a page holds about 1,200 characters."""
_WARM_PAGES = 2
_LAYOUT_FILES = 4

progress_console = Console(stderr=True)


class Runner:
    """Runs children with one thread each; ``folder`` holds the files."""

    def __init__(self, folder: Path) -> None:
        start = folder / "start"
        start.mkdir()
        self._environment = environment(start)

    def run(self, *arguments: str) -> dict[str, Any]:
        """What a child measured.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-c", _LAUNCH, sys.executable, str(_CHILD), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments[:2])} failed:\n{done.stderr[-2000:]}")
        progress_console.print(f"{' '.join(arguments[:2])}: {done.stdout.splitlines()[-1]}", style="dim")
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return measured


def measure_readers(
    runner: Runner, names: Sequence[str], warm: Path, file: Path, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Rounds of all competitors, one after the other; every other round backwards."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            runs[name].append(runner.run("read", name, str(warm), str(file)))
    return runs


def summarise(runs: dict[str, list[dict[str, Any]]], pages: int) -> dict[str, Any]:
    """Medians of each competitor, and ratios of speed to `BASE` as medians over the rounds."""
    summary: dict[str, Any] = {}
    for name, measured in runs.items():
        median = {key: statistics.median(run[key] for run in measured) for key in measured[0]}
        summary[name] = {
            "pages_per_second": pages / median["seconds"],
            "cpu_ms_per_page": median["cpu_seconds"] / pages * 1e3,
            "start_seconds": median["start_seconds"],
            "peak_bytes": median["peak_bytes"],
            "characters_per_page": median["characters"] / pages,
        }
        if BASE in runs:
            pairs = list(zip(runs[BASE], measured, strict=True))
            for key, ratio in (("seconds", "speed_ratio"), ("cpu_seconds", "cpu_speed_ratio")):
                summary[name][ratio] = statistics.median(base[key] / run[key] for base, run in pairs)
    return summary


def measure_workers(
    runner: Runner, parser: str, warm: Path, files: Sequence[Path], rounds: int
) -> dict[str, Any]:
    """One worker against two on the same files, in turns."""
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for number in range(rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            runs[workers].append(
                runner.run("pool", parser, str(workers), str(warm), *(str(file) for file in files))
            )
    pairs = list(zip(runs[1], runs[2], strict=True))
    net = [
        (one["seconds"] - one["start_seconds"]) / (two["seconds"] - two["start_seconds"])
        for one, two in pairs
    ]
    return {
        "files": len(files),
        "ratio": statistics.median(one["seconds"] / two["seconds"] for one, two in pairs),
        "net_ratio": statistics.median(net),
        **{
            f"{name}_{workers}": statistics.median(run[name] for run in runs[workers])
            for workers in (1, 2)
            for name in ("seconds", "cpu_seconds", "start_seconds", "peak_bytes")
        },
    }


def readers_report(summary: dict[str, Any], title: str, rounds: int) -> Report:
    """One row a competitor."""
    rows = [
        [
            _label(name),
            f"{row['pages_per_second']:,.1f}",
            f"{row['cpu_ms_per_page']:,.1f}",
            f"{row['speed_ratio']:.2f}" if "speed_ratio" in row else "",
            f"{row['cpu_speed_ratio']:.2f}" if "cpu_speed_ratio" in row else "",
            f"{row['start_seconds']:.2f}",
            f"{row['peak_bytes'] / 1e6:,.0f}",
            f"{row['characters_per_page']:,.0f}",
        ]
        for name, row in summary.items()
    ]
    columns = [
        "reader",
        "pages/s",
        "CPU ms/page",
        f"× {BASE}",
        "same, CPU",
        "start s",
        "peak MB",
        "chars/page",
    ]
    return Report(title, columns, rows, [f"Medians of {rounds} rounds, one thread."])


def workers_report(results: dict[str, Any]) -> Report:
    """One row a parser."""
    rows = [
        [
            _label(parser),
            str(row["pages"]),
            str(row["files"]),
            f"{row['seconds_1']:.1f}",
            f"{row['seconds_2']:.1f}",
            f"{row['ratio']:.2f}",
            f"{row['net_ratio']:.2f}",
            f"{row['cpu_seconds_1']:.1f}",
            f"{row['cpu_seconds_2']:.1f}",
            f"{row['start_seconds_1']:.2f}",
            f"{row['start_seconds_2']:.2f}",
        ]
        for parser, row in results.items()
    ]
    columns = [
        "parser",
        "pages",
        "files",
        "1 worker s",
        "2 workers s",
        "×",
        "× net",
        "CPU s, 1",
        "CPU s, 2",
        "start s, 1",
        "start s, 2",
    ]
    return Report("Two workers against one", columns, rows, ["net: without the start of the processes."])


def first_pages(source: Path, out: Path, start: int, pages: int) -> Path:
    """Write some pages of a PDF to a file of their own."""
    with pymupdf.open(source) as document, pymupdf.open() as part:
        part.insert_pdf(document, from_page=start, to_page=min(start + pages, len(document)) - 1)
        part.save(out, garbage=3, deflate=True)
    return out


def _label(name: str) -> str:
    return f"qa_engine {name}" if name in OURS else name


def _page_count(path: Path) -> int:
    with pymupdf.open(path) as document:
        return len(document)


def _available(parsers: Sequence[str]) -> list[str]:
    """Those that this version has."""
    found = []
    for parser in parsers:
        try:
            documents_config(parser)
        except UnavailableError as error:
            progress_console.print(str(error), style="dim")
        else:
            found.append(parser)
    return found


def main(
    pdf: Annotated[Path | None, typer.Argument(help="PDF to read; made when left out.")] = None,
    pages: Annotated[int, typer.Option(min=4, help="Pages of the file that is read.")] = 200,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    reader: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    workers: Annotated[bool, typer.Option(help="Measure two workers against one.")] = True,
    copies: Annotated[int, typer.Option(min=2, help="Copies of the file for the workers, fast.")] = 40,
    layout_pages: Annotated[int, typer.Option(min=4, help="Pages for the workers, layout.")] = 40,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure the speed of PDF readers on one core, and of two workers."""
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        folder = Path(scratch)
        if pdf:
            file = first_pages(pdf, folder / "file.pdf", 0, pages)
        else:
            progress_console.print("making the PDF")
            file = make_pdf(folder, "file", "mixed", pages=pages, leading=_LEADING).path
        count = _page_count(file)
        warm = first_pages(file, folder / "warm.pdf", 0, _WARM_PAGES)
        runner = Runner(folder)
        ours = _available(OURS)
        names = [name for name in (*PEERS, *ours) if not reader or name in reader]
        runs = measure_readers(runner, names, warm, file, rounds)
        summary = summarise(runs, count)
        results: dict[str, Any] = {"pages": count, "rounds": rounds, "readers": summary, "runs": runs}
        reports = [readers_report(summary, f"Reading {count} pages on one core", rounds)]
        if workers:
            parts = {"fast": [file] * copies, "layout": _parts(file, folder, min(layout_pages, count))}
            results["workers"] = {
                parser: {
                    "pages": sum(_page_count(path) for path in parts[parser]),
                    **measure_workers(runner, parser, warm, parts[parser], rounds),
                }
                for parser in parts
                if parser in ours
            }
            reports.append(workers_report(results["workers"]))
    publish(out, "pdf_speed", reports, results)


def _parts(file: Path, folder: Path, pages: int) -> list[Path]:
    """The first pages in several files, so that workers can share them."""
    size = -(-pages // _LAYOUT_FILES)
    return [
        first_pages(file, folder / f"part{start}.pdf", start, min(size, pages - start))
        for start in range(0, pages, size)
    ]


if __name__ == "__main__":
    typer.run(main)
