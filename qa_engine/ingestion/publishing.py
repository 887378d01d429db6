"""The end of an ingest run: the lexical index of what is stored now, and the number that readers look for."""

from __future__ import annotations

import shutil

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.index.bm25 import Bm25Index
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.ingestion.report import IngestProgress


def publish(catalog: Catalog, where: CollectionPaths, settings: Bm25Config, progress: IngestProgress) -> None:
    """Builds the lexical index of the present state, then lets readers see both; nothing if they see it already.

    Raises:
        StorageError: the index cannot be written.
    """
    recorded = settings.model_dump_json()
    if catalog.published == catalog.changes and catalog.meta("bm25") != recorded:
        catalog.count_change()
    changes = catalog.changes
    folder = where.bm25(changes)
    if changes == catalog.published and folder.is_dir():
        return
    progress.stage("building the BM25 index")
    index = Bm25Index.build(catalog.live_terms(), settings.k1, settings.b, settings.context_sentences)
    previous = catalog.published
    try:
        index.save(folder)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror or error}): free some space."
        ) from error
    catalog.set_meta(bm25=recorded)
    catalog.publish()
    for old in folder.parent.iterdir():
        if old.name not in {str(changes), str(previous)}:
            shutil.rmtree(old, ignore_errors=True)
