"""Sentence nodes in Chroma, as a LlamaIndex vector store."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import VectorStoreQueryResult
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from qa_engine.documents.node_parser import METADATA_KEYS, node_id, split_node_id
from qa_engine.errors import ServiceUnavailableError, StorageError
from qa_engine.index.chroma import chroma_turn

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

DOCUMENT_ID = "document_id"
_START, _END = "start", "end"
_DEEPER = 4
"""How many times as many sentences are asked for, if too many of the best belong to no published document."""
_ATTEMPTS = 4
"""Times that a server is asked to store or delete something before a run gives up."""


class SentenceVectorStore(ChromaVectorStore):
    """Chroma for sentence nodes: upserts instead of silently kept old vectors, lean metadata, cosine similarity.

    The stock class stores each node a second time as JSON and turns the distance into ``exp(-distance)``.
    """

    _max_batch: int = PrivateAttr(default=5000)
    _visible: Container[str] | None = PrivateAttr(default=None)
    _folder: Path | None = PrivateAttr(default=None)

    def __init__(
        self, collection: Collection, visible: Container[str] | None = None, folder: Path | None = None
    ) -> None:
        """
        Args:
            collection: of Chroma.
            visible: ids of the documents that a query may find: those of a published state; None for all.
            folder: where an embedded Chroma is, whose writers and openers take turns; None for a server.
        """
        super().__init__(chroma_collection=collection)
        self._max_batch = int(collection._client.get_max_batch_size())
        self._visible = visible
        self._folder = folder

    @classmethod
    def class_name(cls) -> str:
        return "SentenceVectorStore"

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Chroma's errors, which are of many types, as one of ours."""
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except httpx.HTTPError as error:
            raise ServiceUnavailableError(
                f"The Chroma server does not answer as it should ({type(error).__name__}: {error}): check index.url and "
                "the server, then run the same command again."
            ) from error
        except (ChromaError, OSError) as error:
            raise StorageError(
                f"The vectors cannot be read or written ({error}): check permissions and free space, then run "
                "qa-engine ingest on the files again."
            ) from error

    def _write(self, action: Callable[[], object]) -> None:
        """Stores or deletes something; on a server, several times if need be, which does no harm."""
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        if self._folder is not None:
            with chroma_turn(self._folder), self._storage_errors():
                action()
            return
        retrying = Retrying(
            retry=retry_if_exception_type(httpx.TransportError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(0.5),
            reraise=True,
        )
        with self._storage_errors():
            retrying(action)

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Stores nodes with their embeddings; a node whose id exists is replaced. Returns the ids."""
        for start in range(0, len(nodes), self._max_batch):
            batch = nodes[start : start + self._max_batch]
            self._write(partial(self._upsert, batch))
        return [node.node_id for node in nodes]

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
        if not ids:
            return {}
        nodes: dict[str, TextNode] = {}
        for start in range(0, len(ids), self._max_batch):
            batch = list(ids[start : start + self._max_batch])
            with self._storage_errors():
                found = self._collection.get(ids=batch, include=["documents", "metadatas"])
            columns = zip(found["ids"], found["documents"] or (), found["metadatas"] or (), strict=True)
            nodes.update(
                {identifier: _node(identifier, text, metadata) for identifier, text, metadata in columns}
            )
        return nodes

    def count(self) -> int:
        """Number of nodes stored."""
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
                    include=["documents", "metadatas", "distances"],
                    **filters,
                )
            ids: list[str] = found["ids"][0]
            rows = zip(ids, found["documents"][0], found["metadatas"][0], found["distances"][0], strict=True)
            seen = [row for row in rows if self._is_visible(row[0])][:n_results]
            # A writer's nodes that are not published yet may stand before those that are.
            if len(seen) == n_results or len(ids) < depth:
                break
            depth *= _DEEPER
        return VectorStoreQueryResult(
            nodes=[_node(identifier, text, metadata) for identifier, text, metadata, _ in seen],
            similarities=[1.0 - float(distance) for *_, distance in seen],
            ids=[identifier for identifier, *_ in seen],
        )

    def _is_visible(self, identifier: str) -> bool:
        return self._visible is None or split_node_id(identifier)[0] in self._visible


def _stored_metadata(node: BaseNode) -> dict[str, Any]:
    metadata = {key: value for key, value in node.metadata.items() if value is not None}
    metadata[DOCUMENT_ID] = node.ref_doc_id or ""
    if isinstance(node, TextNode):
        metadata[_START], metadata[_END] = node.start_char_idx or 0, node.end_char_idx or 0
    return metadata


def _node(identifier: str, text: str | None, stored: Mapping[str, Any] | None) -> TextNode:
    # Chroma returns the keys in an order that changes from call to call, and the hash of a node depends on it.
    metadata = dict(sorted((stored or {}).items()))
    document_id = str(metadata.pop(DOCUMENT_ID, ""))
    start, end = metadata.pop(_START, None), metadata.pop(_END, None)
    hidden = sorted({*METADATA_KEYS, *metadata})
    return TextNode(
        id_=identifier,
        text=text or "",
        metadata=metadata,
        excluded_embed_metadata_keys=hidden,
        excluded_llm_metadata_keys=hidden,
        start_char_idx=start,
        end_char_idx=end,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document_id)},
    )
