"""Opens a collection for reading, and opens it again when a writer has published a new state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from qa_engine.config import Bm25Config, EmbeddingConfig, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError, StorageError
from qa_engine.index.bm25.index import Bm25Folder, Bm25Index
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, require_collection, require_identity
from qa_engine.index.sentence_texts import SentenceTexts
from qa_engine.index.vectors.locations import open_vectors
from qa_engine.index.vectors.token_store import TokenStore, token_file
from qa_engine.index.vectors.vector_store import SentenceVectorStore

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


_MIXED = 0.03
"""From this share of sentences in the rarer language on, a collection counts as one of several languages."""


@dataclass(frozen=True, eq=False)
class IndexSnapshot:
    """One published state of a collection.

    Attributes:
        published: its number.
        store: the sentences and their vectors.
        bm25: the lexical index.
        mixed_languages: whether it holds both Chinese and other sentences in some number.
        chinese_share: the share of Chinese sentences, 0 to 1.
        tokens: the token vectors of the sentences, if they are kept.
    """

    published: int
    store: SentenceVectorStore
    bm25: Bm25Index
    mixed_languages: bool = False
    tokens: TokenStore | None = None
    chinese_share: float = 0.5

    def holds_other_language(self, chinese: bool) -> bool:
        """Whether it holds sentences in some number that are not Chinese, or to a question that is not, Chinese ones."""
        return (1 - self.chinese_share if chinese else self.chinese_share) >= _MIXED


class IndexReader:
    """The newest published state of a collection, for any number of threads."""

    def __init__(
        self,
        paths: CollectionPaths,
        catalog: Catalog,
        name: str | None = None,
        index: IndexConfig | None = None,
        bm25: Bm25Config | None = None,
    ) -> None:
        """
        Args:
            paths: where the collection is.
            catalog: of the collection.
            name: what it is called in results; the one that it was made with if None.
            index: where its vectors are.
            bm25: how lexical hits are scored.
        """
        self._index = index or IndexConfig()
        self._bm25 = bm25 or Bm25Config()
        self._paths = paths
        self.catalog = catalog
        self.name = name or catalog.meta("name") or paths.root.name
        self._file = paths.catalog.stat().st_ino
        self._lock = Lock()
        self._snapshot: IndexSnapshot | None = None
        self._identity = catalog.identity
        self._texts = SentenceTexts(paths.catalog)

    def snapshot(self) -> IndexSnapshot:
        """The state to answer from. Costs one look into the catalog unless something new was published.

        Raises:
            CollectionNotFoundError: the collection was deleted meanwhile.
            ConfigurationError: it was embedded with another model meanwhile.
            StorageError: it was never completed, or is damaged.
        """
        try:
            file = self._paths.catalog.stat().st_ino
        except OSError:
            raise CollectionNotFoundError(f"The collection in {self._paths.root} was deleted.") from None
        if file != self._file:
            self._open_catalog(file)
        published = self.catalog.published
        current = self._snapshot
        if current is not None and current.published == published:
            return current
        with self._lock:
            if self._snapshot is None or self._snapshot.published != published:
                self._snapshot = self._open(published)
            return self._snapshot

    def _open_catalog(self, file: int) -> None:
        """The collection was deleted and made again: the open catalog is the one that is gone."""
        with self._lock:
            if file != self._file:
                self.catalog = Catalog(self._paths.catalog)
                self._snapshot = None
                self._identity = self.catalog.identity
                self._texts = SentenceTexts(self._paths.catalog)
                self._file = file

    def _open(self, published: int) -> IndexSnapshot:
        folder = Bm25Folder(self._paths.bm25)
        if published == 0 or not folder.manifest(published).is_file():
            raise StorageError(
                f"The collection in {self._paths.root} was never completed: run qa-engine ingest on its files again."
            )
        if self._identity is not None and self.catalog.identity != self._identity:
            raise ConfigurationError(
                f"The collection in {self._paths.root} was embedded with another model meanwhile: open it again, with "
                "[embedding] set to that model."
            )
        bm25 = folder.load(published, self._bm25)
        vectors = open_vectors(self._paths, self.catalog, self._index)
        store = SentenceVectorStore(vectors, visible=bm25.document_ids, texts=self._texts)
        share = self.catalog.chinese_share()
        tokens = token_file(self.catalog, self._paths)
        return IndexSnapshot(
            published,
            store,
            bm25,
            mixed_languages=_MIXED < share < 1 - _MIXED,
            tokens=TokenStore(tokens) if tokens is not None else None,
            chinese_share=share,
        )


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
