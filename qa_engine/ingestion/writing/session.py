"""The right to write to a collection, and everything that a run opens for it and closes after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.config import Config
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.opening import writable_catalog
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.stored_nodes import StoredNodes

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

logger = logging.getLogger("qa_engine.ingestion")


@dataclass(frozen=True)
class WriteSession:
    """A collection that this run alone writes to.

    Attributes:
        name: the name of the collection.
        paths: the paths of its parts.
        catalog: the open catalog of the collection.
        nodes: its nodes and token vectors, opened when they are needed.
        config: the settings of the run.
        embed_model: replaces the model of the configuration; None for that one.
        progress: receives what the run is doing.
    """

    name: str
    paths: CollectionPaths
    catalog: Catalog
    nodes: StoredNodes
    config: Config
    embed_model: BaseEmbedding | None
    progress: IngestProgress


@contextmanager
def write_session(
    config: Config,
    storage: Path | str | None,
    collection: str | None,
    progress: IngestProgress | None = None,
    embed_model: BaseEmbedding | None = None,
    create: bool = True,
) -> Iterator[WriteSession]:
    """Takes the lock of a collection, opens its catalog, and closes everything at the end.

    A local embedding model stays in memory, for the next run or engine of the process.

    Args:
        config, progress, embed_model: see `WriteSession`.
        storage, collection: those of the configuration if None.
        create: make the folder and the catalog, or the tables that a collection of an earlier version lacks.

    Raises:
        CollectionNotFoundError: there is no such collection, and none is to be made.
        StorageError: the folder or the catalog cannot be written.
        IndexLockedError: another process writes to the collection.
    """
    root = Path(storage) if storage is not None else config.storage
    name = collection if collection is not None else config.collection
    with ExitStack() as stack:
        paths, catalog = stack.enter_context(writable_catalog(root, name, config, create))
        nodes = stack.enter_context(closing(StoredNodes(catalog, paths, config)))
        if unfinished := len(catalog.unfinished("writing")):
            logger.warning(
                "collection %s: completing an interrupted run, %d documents half stored", name, unfinished
            )
        yield WriteSession(name, paths, catalog, nodes, config, embed_model, progress or IngestProgress())
