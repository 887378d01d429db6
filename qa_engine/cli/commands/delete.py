"""``qa-engine delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results, say


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
    """Take files out of a collection. The files themselves stay where they are."""
    settings = load_config(config)
    from qa_engine.ingestion.maintenance.delete import delete_files
    from qa_engine.ingestion.report import IngestProgress

    class Shown(IngestProgress):
        def stage(self, text: str) -> None:
            say(text)

    report = delete_files(files, storage, collection, settings, progress=Shown())
    if json:
        print_json(report.to_dict())
        return
    console = results()
    for file in report.files:
        kept = "; a copy stays, and the sentences with it" if file.shared else ""
        console.print(
            f"deleted {file.path} (pages: {file.pages}, sentences: {file.nodes}{kept})", markup=False
        )
    one = len(report.files) == 1
    many = "1 file" if one else f"{len(report.files)} files"
    console.print(
        f"{many} left the collection {report.collection}, and {report.nodes} sentences with {'it' if one else 'them'}.",
        markup=False,
    )
