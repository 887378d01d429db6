"""``qa-engine rebuild``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.display.progress import shown_progress
from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results

if TYPE_CHECKING:
    from qa_engine.ingestion.maintenance.rebuild import Part


def rebuild(
    collection: CollectionOption = None,
    storage: StorageOption = None,
    embedding: Annotated[
        bool, typer.Option("--embedding", help="Embed all sentences with the configured model.")
    ] = False,
    vectors: Annotated[
        bool,
        typer.Option("--vectors", help="Move the vectors to where index.url says: a server, or the folder."),
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make the BM25 index anew from the stored sentences, or their vectors; no file is read, and questions go on."""
    settings = load_config(config)
    from qa_engine.errors import InputError
    from qa_engine.ingestion.maintenance.rebuild import rebuild as run_rebuild

    if embedding and vectors:
        raise InputError("--embedding and --vectors are two rebuilds: run one after the other.")
    part: Part = "embedding" if embedding else "vectors" if vectors else "bm25"
    with shown_progress() as progress:
        report = run_rebuild(storage, collection, settings, part=part, progress=progress)
    if json:
        print_json(report.to_dict())
        return
    what = {"bm25": "the BM25 index", "embedding": "the embedding", "vectors": "the place of the vectors"}
    results().print(
        f"Collection {report.collection}: {what[part]} was made anew, {report.nodes} sentences of {report.documents} "
        f"documents in {report.seconds:.1f} s.",
        markup=False,
        highlight=False,
    )
