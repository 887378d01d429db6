"""``qa-engine move``."""

from __future__ import annotations

from typing import Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results


def move(
    collection: CollectionOption = None,
    storage: StorageOption = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            help="Address of the search engine that the collection is in, if this machine has not asked it.",
        ),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Move a collection to the search engine that index.search_url names, or without it into the storage.

    Nothing is read or embedded again. Questions are answered meanwhile. A move that was cut off is completed by the same
    command.
    """
    settings = load_config(config)
    from qa_engine.cli.display.ingestion import ingest_progress
    from qa_engine.ingestion.maintenance.move import move_collection

    with ingest_progress() as progress:
        report = move_collection(storage, collection, settings, search_url=source, progress=progress)
    if json:
        print_json(report.to_dict())
        return
    results().print_line(
        f"Collection {report.collection} is in {report.place}: {report.nodes} sentences were copied, it has "
        f"{report.documents} documents, {report.seconds:.1f} s."
    )
