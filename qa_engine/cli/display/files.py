"""The files of a collection on standard output: all in a table, or what is recorded about one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_engine.cli.output import plural, print_table, results
from qa_engine.text.control_characters import show_controls_on_line

if TYPE_CHECKING:
    from qa_engine.ingestion.files.info import FileInfo, FileLine

_STATES = {
    "unchanged": "as it was ingested",
    "changed": "changed since it was ingested: run qa-engine ingest on it again",
    "gone": "no longer at its path: qa-engine delete removes it from the collection",
    "elsewhere": "not on this machine, which does not matter for answers; a page is shown where the file is",
    "unreadable": "there, but it cannot be read: check its permissions",
}
_MAX_SECTIONS = 30
"""Sections that are listed for people; with ``--json`` all are."""


def show_files(files: Sequence[FileLine], collection: str) -> None:
    """Prints a table of files, and their number."""
    console = results()
    if not files:
        console.print_line(f"{collection} holds no file: run qa-engine ingest PATH to add some.")
        return
    columns = ("file", "pages", "sentences", "ingested", "copies", "notes")
    print_table(columns, map(_cells, files), {"pages", "sentences"})
    pages, sentences = sum(file.pages for file in files), sum(file.nodes for file in files)
    console.print(f"{plural(len(files), 'file')}, {plural(pages, 'page')}, {plural(sentences, 'sentence')}")


def _cells(file: FileLine) -> tuple[str, ...]:
    notes = f"gone from {file.path}" if file.gone else ""
    cells = (file.file, str(file.pages), str(file.nodes), file.ingested_at, ", ".join(file.copies), notes)
    return tuple(map(show_controls_on_line, cells))


def show_file(info: FileInfo) -> None:
    """Prints what a collection records about a file, and the first of its sections."""
    console = results()
    console.print_line(info.file, style="bold")
    rows = {
        "path": info.path,
        "state": _STATES[info.state],
        "size": f"{info.size:,} bytes",
        "ingested": info.ingested_at,
        "pages": str(info.pages) + (f", {info.awaits_ocr} wait for OCR" if info.awaits_ocr else ""),
        "sentences": f"{info.nodes}, {info.chinese_share:.0%} Chinese",
        "tables": str(len(info.tables)),
        "sections": str(len(info.sections)),
        "metadata": ", ".join(f"{key} = {value!r}" for key, value in info.metadata.items()) or "none",
        "identity": ", ".join(f"{key} = {value!r}" for key, value in info.identity.items()) or "unknown",
        "copies": ", ".join(info.copies) or "none",
    }
    for name, value in rows.items():
        console.print_line(f"{name + ':':<10} {value}")
    for section in info.sections[:_MAX_SECTIONS]:
        console.print_line(f"  {section}")
    if len(info.sections) > _MAX_SECTIONS:
        console.print(f"  … {len(info.sections) - _MAX_SECTIONS} more, with --json")
