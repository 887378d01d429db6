"""What ``qa-engine show`` prints about a file of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa_engine.cli.output import print_json, results

if TYPE_CHECKING:
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.records import FileRecord

_STATES = {
    "unchanged": "as it was ingested",
    "changed": "changed since it was ingested: qa-engine ingest it again",
    "gone": "gone from there: qa-engine delete takes it out of the collection",
    "unreadable": "there, and cannot be read: check its permissions",
}
_SECTIONS = 30
"""Sections that are listed for people; with ``--json`` all are."""


def file_of(catalog: Catalog, wanted: str, collection: str) -> FileRecord | None:
    """The file that a path, a name or a pattern stands for; None if there is none.

    Raises:
        InputError: it stands for several.
    """
    from qa_engine.errors import InputError
    from qa_engine.index.files.matching import matching_files

    found = matching_files(catalog.files().values(), wanted)
    if len(found) > 1:
        paths = [record.path for record in found[:10]]
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        raise InputError(
            f"{wanted!r} stands for {len(found)} files of the collection {collection!r}: name one of "
            f"{', '.join(paths)}{more}."
        )
    return found[0] if found else None


def show_file(catalog: Catalog, record: FileRecord, collection: str, as_json: bool) -> None:
    """Prints what is known about a file."""
    from qa_engine.ingestion.files.info import file_info

    info = file_info(catalog, record)
    if as_json:
        print_json({"collection": collection, **info.to_dict()})
        return
    console = results()
    console.print(info.file, style="bold", markup=False)
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
        "copies": ", ".join(info.copies) or "none",
    }
    for name, value in rows.items():
        console.print(f"{name + ':':<10} {value}", markup=False)
    for section in info.sections[:_SECTIONS]:
        console.print(f"  {section}", markup=False)
    if len(info.sections) > _SECTIONS:
        console.print(f"  … {len(info.sections) - _SECTIONS} more, with --json", markup=False)
