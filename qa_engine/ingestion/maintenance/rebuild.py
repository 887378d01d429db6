"""Rebuilds parts of a collection from its stored sentences; no file is read."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.errors import ConfigurationError
from qa_engine.index.collection import require_identity
from qa_engine.ingestion.maintenance.reembedding import Reembedding
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.session import write_session

logger = logging.getLogger("qa_engine.ingestion")

Part = Literal["bm25", "embedding", "vectors"]
"""``bm25``: terms and lexical index; ``embedding``: vectors and token vectors, by the configured model; ``vectors``: the
same vectors, where the configuration says: in the folder or on a Chroma server."""


@dataclass(frozen=True)
class RebuildReport:
    """The outcome of a rebuild.

    Attributes:
        collection: its name.
        part: the part that was rebuilt.
        documents: in the collection.
        nodes: sentences that were processed; fewer than all if an interrupted rebuild was completed.
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
    """Rebuilds a part of a collection. Readers use the old part until the new one is complete.

    A rebuild of vectors that was cut off continues where it was when it is started again.

    Args:
        storage, collection, config, embed_model, progress: as for `ingest`.
        part: to rebuild.

    Raises:
        CollectionNotFoundError: there is no such collection.
        ConfigurationError: the part is not one of those, or vectors are to move and be embedded with another model at once.
        StorageError: the storage cannot be written, or another process is writing to the collection.
        ModelUnavailableError, ServiceUnavailableError: the embedding model, or the Chroma server, is not there.
    """
    if part not in ("bm25", "embedding", "vectors"):
        raise ConfigurationError(f"{part!r} is no part of a collection: rebuild bm25, embedding or vectors.")
    settings = Config.of(config)
    started = time.perf_counter()
    _restore_indices(collection if collection is not None else settings.collection, settings)
    with write_session(settings, storage, collection, progress, embed_model, create=False) as session:
        name, live = session.name, session.catalog.live_documents()
        logger.info("rebuild of %s of collection %s started: %d documents", part, name, len(live))
        if part == "bm25":
            session.nodes.retokenize(session.progress, again=True)
            publish(session.catalog, session.paths, settings.bm25, session.progress, session.nodes, anew=True)
            done = sum(live.values())
        else:
            if part == "vectors":
                require_identity(session.catalog.identity, settings.embedding, name, embed_model)
            done = Reembedding(session).run(part) if live else 0
        seconds = time.perf_counter() - started
        logger.info("rebuild of %s of collection %s ended: %d sentences, %.1f s", part, name, done, seconds)
        return RebuildReport(name, part, len(live), done, seconds)


def _restore_indices(collection: str, settings: Config) -> None:
    """Makes the indices of a collection in a search engine that are lost; what was in them is made anew, or lost."""
    if settings.index.search_url is None:
        return
    from qa_engine.index.search_engine.opening import registry_of

    registry = registry_of(settings.index)
    if registry.find(collection) is not None:
        registry.create(collection, settings.bm25)
