"""Sentence nodes in Chroma, as a LlamaIndex vector store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import VectorStoreQueryResult
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from qa_engine.documents.node_parser import METADATA_KEYS, node_id
from qa_engine.errors import StorageError

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

CHROMA_COLLECTION = "sentences"
DOCUMENT_ID = "document_id"
_START, _END = "start", "end"
_opened: dict[Path, tuple[int, int, Collection]] = {}
_opening = Lock()


def open_chroma(folder: Path, published: int, create: bool = False) -> Collection:
    """The Chroma collection in a folder, in the state ``published`` or a later one.

    A client goes on searching the index it has loaded while another process writes, and a second client of the same
    folder in one process shares the first one's state. So a client is shared by all as long as the published state
    is the same, and opened afresh when it is not; queries that run on the old one end undisturbed.

    Raises:
        StorageError: Chroma cannot open or create the collection.
    """
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

    folder = folder.absolute()
    with _opening:
        known = _opened.get(folder)
        if known is not None and known[:2] == (published, _file_number(folder)):
            return known[2]
        try:
            if known is not None:
                SharedSystemClient.clear_system_cache()
            client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
            if create:
                collection = client.get_or_create_collection(
                    CHROMA_COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
                )
            else:
                collection = client.get_collection(CHROMA_COLLECTION, embedding_function=None)
        except (ChromaError, OSError, ValueError, RuntimeError) as error:
            raise StorageError(
                f"The vectors in {folder} cannot be opened ({error}): check permissions and free space, "
                "or ingest into a new collection."
            ) from error
        _opened[folder] = (published, _file_number(folder), collection)
        return collection


def _file_number(folder: Path) -> int:
    """Tells Chroma's database from one that was made again in its place; 0 if there is none."""
    try:
        return (folder / "chroma.sqlite3").stat().st_ino
    except OSError:
        return 0


class SentenceVectorStore(ChromaVectorStore):
    """Chroma for sentence nodes: upserts instead of silently kept old vectors, lean metadata, cosine similarity.

    The stock class stores each node a second time as JSON and turns the distance into ``exp(-distance)``.
    """

    _max_batch: int = PrivateAttr(default=5000)

    def __init__(self, collection: Collection) -> None:
        super().__init__(chroma_collection=collection)
        self._max_batch = int(collection._client.get_max_batch_size())

    @classmethod
    def class_name(cls) -> str:
        return "SentenceVectorStore"

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Chroma's errors, which are of many types, as one of ours."""
        from chromadb.errors import ChromaError

        try:
            yield
        except (ChromaError, OSError) as error:
            raise StorageError(
                f"The vectors cannot be read or written ({error}): check permissions and free space, then run "
                "qa-engine ingest on the files again."
            ) from error

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        """Stores nodes with their embeddings; a node whose id exists is replaced. Returns the ids."""
        for start in range(0, len(nodes), self._max_batch):
            batch = nodes[start : start + self._max_batch]
            with self._storage_errors():
                self._collection.upsert(
                    ids=[node.node_id for node in batch],
                    embeddings=cast(Any, [node.get_embedding() for node in batch]),
                    documents=[node.get_content(metadata_mode=MetadataMode.NONE) for node in batch],
                    metadatas=cast(Any, [_stored_metadata(node) for node in batch]),
                )
        return [node.node_id for node in nodes]

    def delete_sentences(self, document_id: str, count: int) -> None:
        """Deletes the first ``count`` sentences of a document; those that are not there are passed over."""
        ids = [node_id(document_id, ordinal) for ordinal in range(count)]
        for start in range(0, len(ids), self._max_batch):
            with self._storage_errors():
                self._collection.delete(ids=ids[start : start + self._max_batch])

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
        with self._storage_errors():
            found: Any = self._collection.query(
                query_embeddings=cast(Any, [query_embeddings]),
                n_results=n_results,
                include=["documents", "metadatas", "distances"],
                **filters,
            )
        ids: list[str] = found["ids"][0]
        rows = zip(ids, found["documents"][0], found["metadatas"][0], strict=True)
        return VectorStoreQueryResult(
            nodes=[_node(identifier, text, metadata) for identifier, text, metadata in rows],
            similarities=[1.0 - float(distance) for distance in found["distances"][0]],
            ids=ids,
        )


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
