"""``qa-engine delete``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import plural, print_json, results

if TYPE_CHECKING:
    from qa_engine.config import Config


def delete(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE...",
            help="Paths, names or patterns such as '年报*.pdf'; a folder stands for the files below it.",
            show_default=False,
        ),
    ] = None,
    whole_collection: Annotated[
        bool, typer.Option("--whole-collection", help="Remove the collection with all that it holds.")
    ] = False,
    collection: CollectionOption = None,
    storage: StorageOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Remove files from a collection. The files themselves stay where they are."""
    settings = load_config(config)
    if whole_collection:
        _remove(
            collection if collection is not None else settings.collection,
            bool(files),
            storage,
            settings,
            json,
        )
        return
    from qa_engine.cli.display.ingestion import ingest_progress
    from qa_engine.ingestion.maintenance.delete import delete_files

    with ingest_progress() as progress:
        report = delete_files(files or [], storage, collection, settings, progress=progress)
    if json:
        print_json(report.to_dict())
        return
    console = results()
    for file in report.files:
        shared = "; a copy stays, and the sentences with it" if file.shared else ""
        console.print_line(f"deleted {file.path} (pages: {file.pages}, sentences: {file.nodes}{shared})")
    console.print_line(
        f"{plural(len(report.files), 'file')} left the collection {report.collection}, and "
        f"{plural(report.nodes, 'sentence')} with {'it' if len(report.files) == 1 else 'them'}."
    )


def _remove(name: str, names_files: bool, storage: Path | None, settings: Config, as_json: bool) -> None:
    from qa_engine.errors import InputError
    from qa_engine.ingestion.collections import remove_collection

    if names_files:
        raise InputError("--whole-collection removes all files: leave their names out.")
    remove_collection(name, storage, settings)
    if as_json:
        print_json({"collection": name, "removed": True})
    else:
        results().print_line(f"The collection {name} was removed.")
