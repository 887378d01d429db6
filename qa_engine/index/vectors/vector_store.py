"""Sentence nodes in Chroma, as a LlamaIndex vector store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llama_index.core.schema import BaseNode, TextNode
from llama_index.core.utils import iter_batch
from llama_index.core.vector_stores.types import VectorStoreQueryResult
from llama_index.vector_stores.chroma import ChromaVectorStore
from numpy.typing import NDArray
from pydantic import PrivateAttr

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.errors import IndexUnavailableError, StorageError
from qa_engine.index.documents.sentence_texts import SentenceTextSource
from qa_engine.index.records import StoredSentence
from qa_engine.index.vectors.backends import (
    ClosedCollection,
    FolderBackend,
    ServerBackend,
    VectorBackend,
    storage_errors,
)
from qa_engine.index.vectors.chroma_rows import DOCUMENT_ID, node_of, sentence_of_row
from qa_engine.index.vectors.exact_search import NearSentence
from qa_engine.index.vectors.row_fence import RowFence
from qa_engine.index.vectors.sentence_rows import SentenceRows

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

Nearest = Callable[[Sequence[float], int, Container[str] | None], list[NearSentence] | None]
"""The nearest sentences to a vector, so many at most, in some documents or all; None if that cannot be told."""
_DOCUMENTS_AT_ONCE = 200
"""Documents that one condition names."""
_DEEPER = 4
"""The factor by which a query asks for more sentences if too many of the best belong to no published document."""


class SentenceVectorStore(ChromaVectorStore):
    """Chroma for sentence nodes: upserts instead of silently kept old vectors, lean metadata, cosine similarity.

    With another source of the texts, it asks Chroma for ids and distances alone.

    The stock class stores each node a second time as JSON and turns the distance into ``exp(-distance)``.
    """

    _backend: VectorBackend = PrivateAttr()
    _max_batch: int = PrivateAttr(default=5000)
    _visible: Container[str] | None = PrivateAttr(default=None)
    _texts: SentenceTextSource | None = PrivateAttr(default=None)
    _nearest: Nearest | None = PrivateAttr(default=None)
    _fence: RowFence | None = PrivateAttr(default=None)

    def __init__(
        self,
        collection: Collection,
        visible: Container[str] | None = None,
        folder: Path | None = None,
        texts: SentenceTextSource | None = None,
        nearest: Nearest | None = None,
        fence: RowFence | None = None,
    ) -> None:
        """
        Args:
            collection: the collection of Chroma.
            visible: ids of the documents that a query may find: those of a published state; None for all.
            folder: where an embedded Chroma is, whose writers and openers take turns; None for a server.
            texts: the texts and metadata of the same sentences, to read from instead; None reads them from Chroma.
            nearest: compares the vectors of the sentences that are visible, instead of Chroma; needs ``texts``.
            fence: keeps the rows of later writers from this one; None where a lock does so.
        """
        super().__init__(chroma_collection=collection)
        url = getattr(collection._client, "url", None)
        self._backend = FolderBackend(folder) if url is None else ServerBackend(url)
        self._visible = visible
        self._texts = texts
        self._nearest = nearest
        self._fence = fence
        with self._storage_errors():
            self._max_batch = int(collection._client.get_max_batch_size())

    @classmethod
    def class_name(cls) -> str:
        return "SentenceVectorStore"

    @property
    def is_remote(self) -> bool:
        """Whether a server has the vectors."""
        return isinstance(self._backend, ServerBackend)

    def close(self) -> None:
        """Releases Chroma. Calls that are under way end undisturbed; later ones raise `StorageError`."""
        self._collection = cast(Any, ClosedCollection(self._backend.location))

    def _storage_errors(self) -> AbstractContextManager[None]:
        self._backend.require_usable()
        return storage_errors(self._backend.location)

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Stores nodes with their embeddings; a node whose id exists is replaced. Returns the ids.

        ``number`` is that of their document, if who calls knows it and has no catalog, see `RowFence`.

        Raises:
            IndexLockedError: this writer may have lost its right.
        """
        number: int | None = add_kwargs.get("number")
        for batch in iter_batch(nodes, self._max_batch):
            documents = dict.fromkeys(node.ref_doc_id or "" for node in batch)
            numbers: Mapping[str, int | None] = dict.fromkeys(documents, number)
            if self._fence is not None:
                numbers = {**numbers, **self._fence.numbers(documents)}
            vectors = np.array([node.get_embedding() for node in batch], np.float32)
            self.put(SentenceRows.of(batch, vectors, numbers))
        return [node.node_id for node in nodes]

    def put(self, rows: SentenceRows) -> None:
        """Stores rows, as `add` does, in requests of a bounded size; smaller ones, if a server refuses them."""
        start = 0
        while start < len(rows):
            part = rows.request(start, self._max_batch, self._backend.request_bytes)
            try:
                self._write(partial(self._upsert, part))
            except IndexUnavailableError as error:
                if not self._backend.takes_smaller_requests(error, sum(part.request_sizes())):
                    raise
            else:
                start += len(part)

    def _write(self, operation: Callable[[], Any]) -> None:
        if self._fence is not None:
            self._fence.require()
        self._backend.write(operation)

    def _upsert(self, rows: SentenceRows) -> None:
        self._collection.upsert(
            ids=rows.ids,
            embeddings=cast(Any, rows.vectors),
            documents=rows.texts,
            metadatas=cast(Any, rows.metadatas),
        )

    def delete_sentences(self, document_id: str, count: int) -> None:
        """Deletes the first ``count`` sentences of a document; those that are not there are passed over."""
        ids = [node_id(document_id, ordinal) for ordinal in range(count)]
        own: Any = {"where": self._fence.own_rows} if self._fence is not None else {}
        for batch in iter_batch(ids, self._max_batch):
            self._write(partial(self._collection.delete, ids=batch, **own))

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        """Deletes all sentences of some documents, however many they have."""
        for batch in iter_batch(document_ids, _DOCUMENTS_AT_ONCE):
            named: Any = {DOCUMENT_ID: {"$in": list(batch)}}
            if self._fence is not None:
                named = {"$and": [named, self._fence.own_rows]}
            self._write(partial(self._collection.delete, where=named))

    def rename_file(self, document_id: str, count: int, file_name: str) -> None:
        """Has the first ``count`` sentences of a document name another file."""
        ids = [node_id(document_id, ordinal) for ordinal in range(count)]
        for batch in iter_batch(ids, self._max_batch):
            named: Any = [{"file_name": file_name}] * len(batch)
            self._write(partial(self._collection.update, ids=batch, metadatas=named))

    def identifiers(self) -> Iterator[list[str]]:
        """The ids of all nodes, in batches."""
        for start in range(0, self.count(), self._max_batch):
            with self._storage_errors():
                yield list(self._collection.get(limit=self._max_batch, offset=start, include=[])["ids"])

    def sentences(self, ids: Sequence[str]) -> dict[str, TextNode]:
        """The nodes that exist, by id."""
        return {name: node_of(sentence) for name, sentence in self.stored_sentences(ids).items()}

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """What is stored of the sentences that exist, by id, without making nodes of it."""
        if self._texts is not None:
            return self._texts.get(ids)
        rows = self._rows(ids, "documents", "metadatas")
        return {identifier: sentence_of_row(identifier, text, stored) for identifier, text, stored in rows}

    def with_vectors(self, ids: Sequence[str]) -> list[TextNode]:
        """The nodes that exist, with their embeddings, in no particular order."""
        nodes = []
        for identifier, text, stored, vector in self._rows(ids, "documents", "metadatas", "embeddings"):
            node = node_of(sentence_of_row(identifier, text, stored))
            node.embedding = [float(x) for x in vector]
            nodes.append(node)
        return nodes

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32] | None:
        """The vectors of sentences, (sentences, dimensions), in the order of their ids; None if any is missing."""
        rows = dict(self._rows(ids, "embeddings"))
        found = [rows[identifier] for identifier in ids if identifier in rows]
        return np.array(found, np.float32) if found and len(found) == len(ids) else None

    def cosines(self, vector: Sequence[float], document_id: str, ids: Sequence[str]) -> dict[str, float]:
        """The cosines of sentences of one document with a vector, by id, as a query compares them."""
        near = None
        if self._texts is not None and self._nearest is not None:
            near = self._nearest(vector, sys.maxsize, frozenset([document_id]))
        if near is not None:
            wanted = set(ids)
            return {one.node_id: one.cosine for one in near if one.node_id in wanted}
        query = np.asarray(vector, np.float32)
        found = {}
        for identifier, stored in self._rows(ids, "embeddings"):
            length = float(np.linalg.norm(stored) * np.linalg.norm(query)) or 1.0
            found[identifier] = float(np.dot(stored, query)) / length
        return found

    def _rows(self, ids: Sequence[str], *columns: str) -> Iterator[tuple[Any, ...]]:
        """The ids that exist, each with some columns of Chroma."""
        for batch in iter_batch(ids, self._max_batch):
            with self._storage_errors():
                rows: Any = self._collection.get(ids=batch, include=cast(Any, list(columns)))
            yield from zip(rows["ids"], *(rows[column] for column in columns), strict=True)

    def count(self) -> int:
        """Number of nodes stored."""
        with self._storage_errors():
            return self._collection.count()

    def _query(
        self, query_embeddings: list[float], n_results: int, where: dict[str, Any], **kwargs: Any
    ) -> VectorStoreQueryResult:
        if self._texts is not None and self._nearest is not None and not kwargs:
            self._backend.require_usable()
            documents = _documents(where)
            near = None if documents == frozenset() else self._nearest(query_embeddings, n_results, documents)
            if near is not None:
                texts = self._texts.get([one.node_id for one in near])
                return _result([(texts[one.node_id], one.cosine) for one in near if one.node_id in texts])
        filters: dict[str, Any] = {"where": where, **kwargs} if where else kwargs
        columns: Any = ["distances"] if self._texts is not None else ["documents", "metadatas", "distances"]
        depth = n_results
        while True:
            with self._storage_errors():
                result: Any = self._collection.query(
                    query_embeddings=cast(Any, [query_embeddings]),
                    n_results=depth,
                    include=columns,
                    **filters,
                )
            ids: list[str] = result["ids"][0]
            rows = [row for row, identifier in enumerate(ids) if self._is_visible(identifier)][:n_results]
            # A writer's nodes that are not published yet may stand before those that are.
            if len(rows) == n_results or len(ids) < depth:
                break
            depth *= _DEEPER
        if self._texts is not None:
            texts = self._texts.get([ids[row] for row in rows])
            # A document that a writer is just deleting leaves Chroma first.
            sentences = {row: texts[ids[row]] for row in rows if ids[row] in texts}
        else:
            contents, stored = result["documents"][0], result["metadatas"][0]
            sentences = {row: sentence_of_row(ids[row], contents[row], stored[row]) for row in rows}
        distances = result["distances"][0]
        return _result([(sentence, 1.0 - float(distances[row])) for row, sentence in sentences.items()])

    def _is_visible(self, identifier: str) -> bool:
        try:
            return self._visible is None or split_node_id(identifier)[0] in self._visible
        except ValueError as error:
            raise StorageError(
                f"The vectors name a sentence {identifier!r}, which is none: qa-engine doctor prints the command that makes "
                "them anew."
            ) from error


def _documents(where: dict[str, Any] | None) -> frozenset[str] | None:
    """The documents that a condition admits; None if there is no condition, and none if it asks for anything else."""
    if not where:
        return None
    admitted = where.get(DOCUMENT_ID) if len(where) == 1 else None
    return frozenset(admitted.get("$in", ()) if isinstance(admitted, dict) else ())


def _result(hits: Sequence[tuple[StoredSentence, float]]) -> VectorStoreQueryResult:
    """Sentences with their cosines, as LlamaIndex's vector stores return them."""
    return VectorStoreQueryResult(
        nodes=[node_of(sentence) for sentence, _ in hits],
        similarities=[cosine for _, cosine in hits],
        ids=[sentence.node_id for sentence, _ in hits],
    )
