"""The files of a collection on their disk."""

from __future__ import annotations

from collections.abc import Iterator

from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, counted, ok, some_of, warning
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.on_disk import FileState, file_state


def check_files(view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Which files are gone, or have changed, since they were ingested. Answers come from what was ingested."""
    states: dict[FileState, list[FileRecord]] = {}
    for record in view.files.values():
        states.setdefault(file_state(record), []).append(record)
    gone, changed = states.get("gone", []), states.get("changed", [])
    told = [
        f"{len(records)} {state} ({some_of(record.path for record in records)})"
        for state, records in states.items()
        if state != "unchanged"
    ]
    if not told:
        yield ok("files", f"{counted(len(view.files), 'file')} as ingested.")
        return
    mending = [commands.delete(gone)] * bool(gone) + [commands.ingest(changed)] * bool(changed)
    many = counted(len(view.files), "file")
    yield warning("files", f"Of {many}: {'; '.join(told)}.", " && ".join(mending) or None)
