"""Opens the collections that are asked together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.config import Bm25Config, EmbeddingConfig, IndexConfig
from qa_engine.errors import ConfigurationError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, require_collection, require_identity
from qa_engine.index.reader import IndexReader

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


def open_collections(
    storage: Path,
    names: Sequence[str],
    config: EmbeddingConfig,
    embed_model: BaseEmbedding | None = None,
    index: IndexConfig | None = None,
    bm25: Bm25Config | None = None,
) -> list[IndexReader]:
    """Readers of one or several collections that were embedded with the same model.

    Args:
        storage: folder of the index.
        names: of the collections, the most important first; one that is named twice is opened once.
        config: the embedding of the question.
        embed_model: a model that the caller brought instead.
        index: where the vectors are.
        bm25: how lexical hits are scored.

    Raises:
        InputError: no name is given.
        CollectionNotFoundError: there is no such collection; the message lists those that exist.
        ConfigurationError: the collections were embedded with different models, or with another than the configured one.
        StorageError: a collection is damaged, or was never completed.
        ServiceUnavailableError: the Chroma server does not answer.
    """
    if not names:
        raise InputError("No collection was given: name at least one.")
    opened: dict[CollectionPaths, tuple[str, Catalog]] = {}
    for name in names:
        paths = require_collection(storage, name)
        if paths not in opened:
            opened[paths] = (name, Catalog(paths.catalog))
    _require_one_embedding(dict(opened.values()))
    readers = []
    for paths, (name, catalog) in opened.items():
        require_identity(catalog.identity, config, name, embed_model)
        readers.append(IndexReader(paths, catalog, name, index, bm25))
    for reader in readers:
        reader.snapshot()
    return readers


def _require_one_embedding(catalogs: dict[str, Catalog]) -> None:
    """Vectors of different models cannot be compared."""
    made = {name: catalog.identity for name, catalog in catalogs.items()}
    complete = {name: identity for name, identity in made.items() if identity is not None}
    first = next(iter(complete.items()), ("", {}))
    for name, identity in complete.items():
        different = [key for key in {**first[1], **identity} if first[1].get(key) != identity.get(key)]
        if different:
            told = [
                f"{collection!r} with " + ", ".join(f"{key} = {parts.get(key)!r}" for key in different)
                for collection, parts in (first, (name, identity))
            ]
            raise ConfigurationError(
                f"The collections were embedded differently, {' and '.join(told)}, and cannot be asked together: ask them "
                "one by one, or ingest the files of one of them into a new collection with the embedding of the other."
            )
