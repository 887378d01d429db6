"""Opens a collection for reading, and opens it again when a writer has published a new state."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, StorageError
from qa_engine.index.bm25 import Bm25Folder, Bm25Index
from qa_engine.index.catalog import Catalog
from qa_engine.index.chroma import open_vectors
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.sentence_texts import SentenceTexts
from qa_engine.index.token_store import TokenStore, token_file
from qa_engine.index.vector_store import SentenceVectorStore

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
