"""Makes parts of a collection anew from its stored sentences; no file is read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.errors import ConfigurationError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import require_collection, require_identity
from qa_engine.index.writer_lock import writer_lock
from qa_engine.ingestion.maintenance.reembedding import Reembedding
from qa_engine.ingestion.publishing import publish
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.stored_nodes import StoredNodes

Part = Literal["bm25", "embedding", "vectors"]
"""``bm25``: terms and lexical index; ``embedding``: vectors and token vectors, by the configured model; ``vectors``: the
same vectors, where the configuration says: in the folder or on a Chroma server."""


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did.

    Attributes:
        collection: its name.
        part: what was made anew.
        documents: in the collection.
        nodes: sentences that were gone through; fewer than all if an interrupted rebuild was completed.
        seconds: duration.
    """

    collection: str
    part: Part
    documents: int
    nodes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``rebuild --json``."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


def rebuild(
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    part: Part = "bm25",
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
) -> RebuildReport:
    """Makes a part of a collection anew. Readers are served the old one until the new one is whole.

    A rebuild of vectors that was cut off goes on where it was when it is started again.

    Args:
        storage: folder of the index; ``config.storage`` if None.
        collection: its name; ``config.collection`` if None.
        config: settings; see `Config.of`.
        part: what to make.
        embed_model: instead of the one of the configuration.
        progress: is told what is going on.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ConfigurationError: the part is not one of those, or vectors are to move and be embedded with another model at once.
        StorageError: the storage cannot be written, or another process is writing to the collection.
        ModelUnavailableError, ServiceUnavailableError: the embedding model, or the Chroma server, is not there.
    """
    if part not in ("bm25", "embedding", "vectors"):
        raise ConfigurationError(f"{part!r} is no part of a collection: rebuild bm25, embedding or vectors.")
    settings = Config.of(config)
    name = collection if collection is not None else settings.collection
    where = require_collection(Path(storage) if storage is not None else settings.storage, name)
    watched = progress or IngestProgress()
    started = time.perf_counter()
    with writer_lock(where.root, settings.ingestion.lock_timeout_seconds):
        catalog = Catalog(where.catalog)
        try:
            live = catalog.live_documents()
            if part == "bm25":
                StoredNodes(catalog, where, settings.index).reanalyse(watched, again=True)
                publish(catalog, where, settings.bm25, watched, anew=True)
                done = sum(live.values())
            else:
                if part == "vectors":
                    require_identity(catalog.identity, settings.embedding, name, embed_model)
                done = Reembedding(catalog, where, settings, embed_model, watched).run(part) if live else 0
            return RebuildReport(name, part, len(live), done, time.perf_counter() - started)
        finally:
            catalog.close()
