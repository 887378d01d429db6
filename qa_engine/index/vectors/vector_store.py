"""Sentence nodes in Chroma, as a LlamaIndex vector store."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llama_index.core.schema import BaseNode, MetadataMode, TextNode
from llama_index.core.vector_stores.types import VectorStoreQueryResult
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.errors import StorageError
from qa_engine.index.records import StoredSentence
from qa_engine.index.sentence_texts import SentenceTexts
from qa_engine.index.vectors.chroma import chroma_turn, leave_client
from qa_engine.index.vectors.chroma_rows import node_of, stored_sentence
from qa_engine.models.batching import bounded_groups

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

DOCUMENT_ID = "document_id"
_PLACE = "at"
"""Metadata key of the first character and the end: one, because each takes a hundred bytes on disk."""
_DEEPER = 4
"""How many times as many sentences are asked for, if too many of the best belong to no published document."""
_ATTEMPTS = 4
"""Times that a server is asked to store or delete something before a run gives up."""
_REQUEST_BYTES = 900_000
"""Size of a request that stores nodes on a server, which takes 40 MB; nginx before it takes 1 MB unless told otherwise."""


class SentenceVectorStore(ChromaVectorStore):
    """Chroma for sentence nodes: upserts instead of silently kept old vectors, lean metadata, cosine similarity.

    Given where else the texts are, it asks Chroma for ids and distances alone.

    The stock class stores each node a second time as JSON and turns the distance into ``exp(-distance)``.
    """

    _max_batch: int = PrivateAttr(default=5000)
    _visible: Container[str] | None = PrivateAttr(default=None)
    _folder: Path | None = PrivateAttr(default=None)
    _texts: SentenceTexts | None = PrivateAttr(default=None)
    _server: str | None = PrivateAttr(default=None)
    _failure: StorageError | None = PrivateAttr(default=None)

    def __init__(
        self,
        collection: Collection,
        visible: Container[str] | None = None,
        folder: Path | None = None,
        texts: SentenceTexts | None = None,
    ) -> None:
        """
        Args:
            collection: of Chroma.
            visible: ids of the documents that a query may find: those of a published state; None for all.
            folder: where an embedded Chroma is, whose writers and openers take turns; None for a server.
            texts: the texts and metadata of the same sentences, to read from instead; None reads them from Chroma.
        """
        super().__init__(chroma_collection=collection)
        self._visible = visible
        self._folder = folder
        self._texts = texts
        self._server = getattr(collection._client, "url", None)
        with self._storage_errors():
            self._max_batch = int(collection._client.get_max_batch_size())

    @classmethod
    def class_name(cls) -> str:
        return "SentenceVectorStore"

    @property
    def _place(self) -> str:
        if self._server is not None:
            return f"on the Chroma server at {self._server}"
        return f"in {self._folder}" if self._folder is not None else "in the folder of the collection"

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Chroma's errors, which are of many types, as one of ours; those of the way to a server are ours already."""
        from chromadb.errors import ChromaError, NotFoundError

        try:
            yield
        except NotFoundError as error:
            raise StorageError(
                f"The vectors are no longer {self._place} ({error}): bring them back, or run qa-engine ingest on the files "
                "into a new collection."
            ) from error
        except (ChromaError, OSError) as error:
            raise StorageError(
                f"The vectors {self._place} cannot be read or written ({error}): check permissions and free space there, "
                "then run the same command again."
            ) from error

    def _write(self, action: Callable[[], object]) -> None:
        """Stores or deletes something; on a server, several times if need be, which does no harm."""
        if self._server is None:
            self._write_embedded(action)
            return
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

        from qa_engine.index.vectors.chroma_server import may_pass

        retrying = Retrying(
            retry=retry_if_exception(may_pass),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(0.5),
            reraise=True,
        )
        with self._storage_errors():
            retrying(action)

    def _write_embedded(self, action: Callable[[], object]) -> None:
        """Stores or deletes something in the folder, until that fails once.

        After a failed write Chroma 1.5 may wait for ever in the next one (a full disk, seen once in some ten runs).
        """
        if self._failure is not None:
            raise StorageError(str(self._failure)) from self._failure
        turn = chroma_turn(self._folder) if self._folder is not None else nullcontext()
        try:
            with turn, self._storage_errors():
                action()
        except StorageError as error:
            self._failure = error
            if self._folder is not None:
                leave_client(self._folder)
            raise

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Stores nodes with their embeddings; a node whose id exists is replaced. Returns the ids."""
        for batch in self._batches(nodes):
            self._write(partial(self._upsert, batch))
        return [node.node_id for node in nodes]

    def _batches(self, nodes: Sequence[BaseNode]) -> Iterator[list[BaseNode]]:
        """Nodes in the numbers that Chroma takes at once, and on the way to a server in requests of a bounded size."""
        on_server = self._server is not None
        for part in bounded_groups(nodes, _request_bytes, _REQUEST_BYTES) if on_server else [list(nodes)]:
            for start in range(0, len(part), self._max_batch):
                yield part[start : start + self._max_batch]

    def _upsert(self, nodes: Sequence[BaseNode]) -> None:
        self._collection.upsert(
            ids=[node.node_id for node in nodes],
            embeddings=cast(Any, np.array([node.get_embedding() for node in nodes], np.float32)),
            documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in nodes],
            metadatas=cast(Any, [_stored_metadata(node) for node in nodes]),
        )

    def delete_sentences(self, document_id: str, count: int) -> None:
        """Deletes the first ``count`` sentences of a document; those that are not there are passed over."""
        ids = [node_id(document_id, ordinal) for ordinal in range(count)]
        for start in range(0, len(ids), self._max_batch):
            self._write(partial(self._collection.delete, ids=ids[start : start + self._max_batch]))

    def identifiers(self) -> Iterator[list[str]]:
        """The ids of all nodes, in batches."""
        for start in range(0, self.count(), self._max_batch):
            with self._storage_errors():
                yield list(self._collection.get(limit=self._max_batch, offset=start, include=[])["ids"])

    def sentences(self, ids: Sequence[str]) -> dict[str, TextNode]:
        """Those of the nodes that exist, by id."""
        return {name: node_of(sentence) for name, sentence in self.stored_sentences(ids).items()}

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The same without making nodes of them."""
        if self._texts is not None:
            return self._texts.get(ids)
        found = {}
        for start in range(0, len(ids), self._max_batch):
            batch = list(ids[start : start + self._max_batch])
            with self._storage_errors():
                rows: Any = self._collection.get(ids=batch, include=["documents", "metadatas"])
            for identifier, text, stored in zip(
                rows["ids"], rows["documents"], rows["metadatas"], strict=True
            ):
                found[identifier] = _sentence(identifier, text, stored)
        return found

    def with_vectors(self, ids: Sequence[str]) -> list[TextNode]:
        """Those of the nodes that exist, with their embeddings, in no particular order."""
        nodes: list[TextNode] = []
        for start in range(0, len(ids), self._max_batch):
            batch = list(ids[start : start + self._max_batch])
            with self._storage_errors():
                found: Any = self._collection.get(ids=batch, include=["documents", "metadatas", "embeddings"])
            columns = zip(
                found["ids"], found["documents"], found["metadatas"], found["embeddings"], strict=True
            )
            for identifier, text, metadata, vector in columns:
                node = node_of(_sentence(identifier, text, metadata))
                node.embedding = [float(x) for x in vector]
                nodes.append(node)
        return nodes

    def count(self) -> int:
        """Number of nodes stored."""
        with self._storage_errors():
            return self._collection.count()

    def _query(
        self, query_embeddings: list[float], n_results: int, where: dict[str, Any], **kwargs: Any
    ) -> VectorStoreQueryResult:
        filters: dict[str, Any] = {"where": where, **kwargs} if where else kwargs
        depth = n_results
        while True:
            with self._storage_errors():
                found: Any = self._collection.query(
                    query_embeddings=cast(Any, [query_embeddings]),
                    n_results=depth,
                    include=self._wanted,
                    **filters,
                )
            ids: list[str] = found["ids"][0]
            seen = [row for row, identifier in enumerate(ids) if self._is_visible(identifier)][:n_results]
            # A writer's nodes that are not published yet may stand before those that are.
            if len(seen) == n_results or len(ids) < depth:
                break
            depth *= _DEEPER
        if self._texts is not None:
            texts = self._texts.get([ids[row] for row in seen])
            # A document that a writer is just deleting leaves Chroma first.
            seen = [row for row in seen if ids[row] in texts]
            sentences = [texts[ids[row]] for row in seen]
        else:
            texts_here, stored = found["documents"][0], found["metadatas"][0]
            sentences = [_sentence(ids[row], texts_here[row], stored[row]) for row in seen]
        return VectorStoreQueryResult(
            nodes=[node_of(sentence) for sentence in sentences],
            similarities=[1.0 - float(found["distances"][0][row]) for row in seen],
            ids=[ids[row] for row in seen],
        )

    @property
    def _wanted(self) -> Any:
        """What a query asks Chroma for, besides ids."""
        return ["distances"] if self._texts is not None else ["documents", "metadatas", "distances"]

    def _is_visible(self, identifier: str) -> bool:
        return self._visible is None or split_node_id(identifier)[0] in self._visible


def _request_bytes(node: BaseNode) -> int:
    """About what a node takes on its way to a server: text and metadata in JSON, and the vector in Base64."""
    text = node.get_content(metadata_mode=MetadataMode.NONE)
    return (
        len(text.encode("utf-8", "replace"))
        + len(str(node.metadata)) * 2
        + len(node.get_embedding()) * 16 // 3
        + 300
    )


def _stored_metadata(node: BaseNode) -> dict[str, Any]:
    sentence = stored_sentence(node)
    place = f"{sentence.start_char_idx}-{sentence.end_char_idx}"
    return sentence.metadata | {DOCUMENT_ID: node.ref_doc_id or "", _PLACE: place}


def _sentence(identifier: str, text: str | None, stored: Mapping[str, Any] | None) -> StoredSentence:
    """A row of Chroma."""
    # Chroma returns the keys in an order that changes from call to call, and the hash of a node depends on it.
    metadata = dict(sorted((stored or {}).items()))
    metadata.pop(DOCUMENT_ID, None)
    former = metadata.pop("start", None), metadata.pop("end", None)  # two keys, in collections of before
    place = metadata.pop(_PLACE, None)
    start, end = map(int, place.split("-")) if place is not None else former
    return StoredSentence(identifier, text or "", metadata, start, end)
