"""``qa-engine rebuild``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results

if TYPE_CHECKING:
    from qa_engine.ingestion.maintenance.rebuild import Part


def rebuild(
    collection: CollectionOption = None,
    storage: StorageOption = None,
    embedding: Annotated[
        bool, typer.Option("--embedding", help="Embed all sentences again, with the configured model.")
    ] = False,
    vectors: Annotated[
        bool,
        typer.Option(
            "--vectors", help="Move the vectors to the server that index.url names, or back to the folder."
        ),
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Rebuild the BM25 index or the vectors of a collection.

    Uses the stored sentences and reads no PDF. Questions are answered meanwhile.
    """
    settings = load_config(config)
    from qa_engine.cli.display.ingestion import ingest_progress
    from qa_engine.errors import InputError
    from qa_engine.ingestion.maintenance.rebuild import rebuild as run_rebuild

    if embedding and vectors:
        raise InputError("--embedding and --vectors are two rebuilds: run one after the other.")
    part: Part = "embedding" if embedding else "vectors" if vectors else "bm25"
    with ingest_progress() as progress:
        report = run_rebuild(storage, collection, settings, part=part, progress=progress)
    if json:
        print_json(report.to_dict())
        return
    outcomes = {
        "bm25": "the BM25 index was rebuilt",
        "embedding": "the sentences were embedded again",
        "vectors": "the vectors were moved",
    }
    results().print_line(
        f"Collection {report.collection}: {outcomes[part]}, {report.nodes} sentences of {report.documents} documents in "
        f"{report.seconds:.1f} s."
    )
