"""``qa-engine delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import plural, print_json, results


def delete(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Paths, names or patterns such as '年报*.pdf'; a folder stands for the files below it.",
            show_default=False,
        ),
    ],
    collection: CollectionOption = None,
    storage: StorageOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Remove files from a collection. The files themselves stay where they are."""
    settings = load_config(config)
    from qa_engine.cli.display.ingestion import ingest_progress
    from qa_engine.ingestion.maintenance.delete import delete_files

    with ingest_progress() as progress:
        report = delete_files(files, storage, collection, settings, progress=progress)
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
