"""Opens a collection for reading, and opens it again when a writer has published a new state."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from qa_engine.errors import CollectionNotFoundError, StorageError
from qa_engine.index.bm25 import Bm25Index
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.token_store import TOKEN_BITS, TokenStore
from qa_engine.index.vector_store import SentenceVectorStore, open_chroma

_MIXED = 0.03
"""From this share of sentences in the rarer language on, a collection counts as one of several languages."""


@dataclass(frozen=True)
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

    def __init__(self, paths: CollectionPaths, catalog: Catalog, name: str | None = None) -> None:
        """
        Args:
            paths: where the collection is.
            catalog: of the collection.
            name: what it is called in results; the one that it was made with if None.
        """
        self._paths = paths
        self.catalog = catalog
        self.name = name or catalog.meta("name") or paths.root.name
        self._file = paths.catalog.stat().st_ino
        self._lock = Lock()
        self._snapshot: IndexSnapshot | None = None

    def snapshot(self) -> IndexSnapshot:
        """The state to answer from. Costs one look into the catalog unless something new was published.

        Raises:
            CollectionNotFoundError: the collection was deleted meanwhile.
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
                self._file = file

    def _open(self, published: int) -> IndexSnapshot:
        if published == 0 or not self._paths.bm25(published).is_dir():
            raise StorageError(
                f"The collection in {self._paths.root} was never completed: run qa-engine ingest on its files again."
            )
        store = SentenceVectorStore(open_chroma(self._paths.chroma, published))
        bm25 = Bm25Index.load(self._paths.bm25(published))
        share = self.catalog.chinese_share()
        tokens = self._paths.tokens(int(self.catalog.meta(TOKEN_BITS) or 0))
        return IndexSnapshot(
            published,
            store,
            bm25,
            mixed_languages=_MIXED < share < 1 - _MIXED,
            tokens=TokenStore(tokens) if tokens.is_file() else None,
            chinese_share=share,
        )
