"""Opens a collection for reading, and opens it again when a writer has published a new state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.config import Bm25Config, EmbeddingConfig, IndexConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError, StorageError
from qa_engine.forks import RenewedLock
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.index import Bm25Index
from qa_engine.index.bm25.lexical_index import LexicalIndex
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import (
    CollectionPaths,
    collection_paths,
    identity_description,
    identity_differences,
    require_identity,
)
from qa_engine.index.opening import open_catalog
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.vectors.exact_search import nearest
from qa_engine.index.vectors.locations import VectorLocation, open_vectors
from qa_engine.index.vectors.token_store import StoredTokens, TokenStore, token_file
from qa_engine.index.vectors.vector_store import SentenceVectorStore

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

logger = logging.getLogger("qa_engine.index")
_MIXED = 0.03
"""From this share of sentences in the rarer language on, a collection counts as one of several languages."""


@dataclass(frozen=True, eq=False)
class IndexSnapshot:
    """One published state of a collection.

    Attributes:
        published: its number.
        store: the sentences and their vectors.
        bm25: the lexical index.
        chinese_share: the share of Chinese sentences, 0 to 1.
        tokens: the token vectors of the sentences, if they are kept.
    """

    published: int
    store: SentenceVectorStore
    bm25: LexicalIndex
    chinese_share: float = 0.5
    tokens: StoredTokens | None = None

    def holds_other_language(self, chinese: bool) -> bool:
        """Whether it holds sentences in some number that are not Chinese, or to a question that is not, Chinese ones."""
        return (1 - self.chinese_share if chinese else self.chinese_share) >= _MIXED

    def close(self) -> None:
        """Closes what the state was opened with; questions that still use it raise `StorageError`.

        A state that is replaced need not be closed: its files are closed when nothing refers to it any more.
        """
        self.store.close()
        self.bm25.close()
        if self.tokens is not None:
            self.tokens.close()


class IndexReader:
    """The newest published state of a collection, for any number of threads.

    To be closed, or used in a ``with`` statement. What a replaced state was opened with is closed when the last question
    that uses it is done.
    """

    def __init__(
        self,
        paths: CollectionPaths,
        catalog: Catalog,
        name: str | None = None,
        index: IndexConfig | None = None,
        bm25: Bm25Config | None = None,
    ) -> None:
        """Takes what the collection is called in results, the name that it was made with if None.

        ``index`` says where its vectors are, and ``bm25`` how lexical hits are scored.
        """
        self._index = index or IndexConfig()
        self._bm25 = bm25 or Bm25Config()
        self._paths = paths
        self.catalog = catalog
        self.name = name or catalog.meta("name") or paths.root.name
        self._file = catalog.path.stat().st_ino
        self._lock = RenewedLock()
        self._snapshot: IndexSnapshot | None = None
        self._closed = False
        self._identity = catalog.identity
        self._texts = catalog.sentence_texts()

    def __enter__(self) -> IndexReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files of the collection and what it uses of Chroma. Once more does nothing."""
        with self._lock:
            self._closed = True
            snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            snapshot.close()
        self._texts.close()
        self.catalog.close()

    def snapshot(self) -> IndexSnapshot:
        """The state to answer from. It costs one query of the catalog unless a new state was published.

        Raises:
            CollectionNotFoundError: the collection was deleted meanwhile.
            ConfigurationError: it was embedded with another model meanwhile.
            StorageError: it was never completed, or is damaged, or the reader was closed.
        """
        if self._closed:
            raise self._closed_error()
        self._follow_catalog()
        published = self.catalog.published
        current = self._snapshot
        if current is not None and current.published == published:
            return current
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._snapshot is None or self._snapshot.published != published:
                self._snapshot = self._open(published)
                logger.info(
                    "the collection %s is read in its published state %d (before: %s)",
                    self.name,
                    published,
                    current.published if current is not None else "none",
                )
            return self._snapshot

    def last_snapshot(self) -> IndexSnapshot:
        """The state that was read last, for who asks later whether it still is the newest: no request to a search engine.

        Raises:
            CollectionNotFoundError, ConfigurationError, StorageError: as `snapshot`.
        """
        current = self._snapshot
        if current is None or self._closed or not isinstance(self.catalog, SharedCatalog):
            return self.snapshot()
        return current

    def _closed_error(self) -> StorageError:
        return StorageError(
            f"The collection {self.name!r} cannot be read: its reader was closed, open the collection again."
        )

    def _follow_catalog(self) -> None:
        """Has the catalog be the one that there is now: the collection may have been deleted, and made again."""
        if isinstance(self.catalog, SharedCatalog):
            name = self.catalog.log.collection.name
            try:
                self.catalog.synchronise()
            except CollectionNotFoundError:
                self._open_again(lambda: open_catalog(self._paths.root.parent, name, self._index))
            return
        try:
            file = self._paths.catalog.stat().st_ino
        except OSError:
            if self._index.search_url is not None:  # it was just moved there
                self._open_again(lambda: open_catalog(self._paths.root.parent, self.name, self._index))
                return
            raise CollectionNotFoundError(f"The collection in {self._paths.root} was deleted.") from None
        if file != self._file:
            self._open_again(lambda: Catalog(self._paths.catalog))
            self._file = file

    def _open_again(self, opened: Callable[[], Catalog]) -> None:
        """Opens the catalog of a collection that was deleted and made again."""
        gone = self.catalog
        with self._lock:
            if self.catalog is gone and not self._closed:
                self.catalog = opened()
                logger.info("the collection %s was deleted and made again: it is opened anew", self.name)
                self._snapshot = None
                self._identity = self.catalog.identity
                self._texts = self.catalog.sentence_texts()

    def _open(self, published: int) -> IndexSnapshot:
        if published == 0:
            raise self._incomplete()
        if self._identity is not None and self.catalog.identity != self._identity:
            raise ConfigurationError(
                f"The collection in {self._paths.root} was embedded with another model meanwhile: open it again, with "
                "[embedding] set to that model."
            )
        if isinstance(self.catalog, SharedCatalog):
            return self._open_shared(self.catalog)
        folder = Bm25Folder(self._paths.bm25)
        if not folder.manifest(published).is_file():
            raise self._incomplete()
        bm25: Bm25Index = folder.load(published, self._bm25)
        vectors = open_vectors(self._paths, self.catalog, self._place())
        store = SentenceVectorStore(
            vectors, visible=bm25.document_ids, texts=self._texts, nearest=partial(nearest, bm25)
        )
        file = token_file(self.catalog, self._paths)
        tokens = TokenStore(file) if file is not None else None
        return IndexSnapshot(published, store, bm25, self.catalog.chinese_share(), tokens)

    def _open_shared(self, catalog: SharedCatalog) -> IndexSnapshot:
        state = catalog.published_state()
        bm25 = catalog.open_lexical(self._bm25, state)
        vectors = open_vectors(self._paths, catalog, self._place())
        store = SentenceVectorStore(vectors, visible=bm25.document_ids, texts=self._texts)
        return IndexSnapshot(state.number, store, bm25, catalog.chinese_share(), catalog.open_tokens())

    def _place(self) -> IndexConfig:
        """The settings that the vectors are opened with: those of the old place while a collection is moved."""
        if isinstance(self.catalog, SharedCatalog) == (self._index.search_url is not None):
            return self._index
        location = VectorLocation.of(self.catalog)
        return self._index.model_copy(update={"url": location.url if location is not None else None})

    def _incomplete(self) -> StorageError:
        return StorageError(
            f"The collection in {self._paths.root} was never completed: run qa-engine ingest on its files again."
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
        names: the names of the collections, the most important first; one that is named twice is opened once.
        config: the embedding of the question.
        embed_model: a model that the caller brought instead.
        index, bm25: as for `IndexReader`.

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
    with ExitStack() as on_error:
        for name in names:
            paths = collection_paths(storage, name)
            if paths not in opened:
                catalog = open_catalog(storage, name, index or IndexConfig())
                on_error.callback(catalog.close)
                opened[paths] = (name, catalog)
        _require_one_embedding(dict(opened.values()))
        readers = []
        for paths, (name, catalog) in opened.items():
            require_identity(catalog.identity, config, name, embed_model)
            readers.append(IndexReader(paths, catalog, name, index, bm25))
            on_error.callback(readers[-1].close)
        for reader in readers:
            reader.snapshot()
        on_error.pop_all()
    return readers


def _require_one_embedding(catalogs: dict[str, Catalog]) -> None:
    """Vectors of different models cannot be compared."""
    complete = [
        (name, identity) for name, catalog in catalogs.items() if (identity := catalog.identity) is not None
    ]
    for name, identity in complete[1:]:
        first, expected = complete[0]
        different = identity_differences(expected, identity, {**expected, **identity})
        if different:
            raise ConfigurationError(
                f"The collections were embedded differently, {first!r} with {identity_description(expected, different)} "
                f"and {name!r} with {identity_description(identity, different)}, and cannot be asked together: ask them "
                "one by one, or ingest the files of one of them into a new collection with the embedding of the other."
            )
