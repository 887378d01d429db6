"""The collections that an engine asks: which parts of them a question is about, and where a passage is from."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.config import RetrievalConfig
from qa_engine.documents.blocks import Span
from qa_engine.documents.node_parser import split_node_id
from qa_engine.errors import InputError
from qa_engine.index.reader import IndexReader, IndexSnapshot
from qa_engine.index.user_metadata import Scalar
from qa_engine.retrieval.passages import COLLECTION, METADATA
from qa_engine.retrieval.retriever import PassageRetriever, RankedPassages
from qa_engine.retrieval.scope import Scope, metadata_keys, resolve
from qa_engine.retrieval.tables import TableAttacher

Snapshots = tuple[IndexSnapshot, ...]


class CollectionSearch:
    """One or several collections, always in their newest state. Thread-safe.

    A document that several collections hold in the same version counts for the first that is named; it is found once.
    """

    def __init__(
        self,
        readers: Sequence[IndexReader],
        embed_model: BaseEmbedding,
        reranker: BaseNodePostprocessor | None,
        config: RetrievalConfig,
    ) -> None:
        """
        Args:
            readers: the collections, which were embedded with the same model.
            embed_model: that model.
            reranker: orders the candidates; None keeps the fused order.
            config: sizes and weights.

        Raises:
            InputError: there is no collection.
        """
        if not readers:
            raise InputError("No collection was given: name at least one.")
        self._readers = tuple(readers)
        self._embed_model = embed_model
        self._reranker = reranker
        self._config = config
        self._unfiltered: tuple[Snapshots, list[Scope | None], PassageRetriever] | None = None
        self._lock = Lock()

    def holds_other_language(self, chinese: bool) -> bool:
        """Whether there are texts in some number in another language than a question that is Chinese, or is not."""
        return any(reader.snapshot().holds_other_language(chinese) for reader in self._readers)

    def rank(
        self, query: QueryBundle, top_k: int = 0, filters: MetadataFilters | None = None
    ) -> RankedPassages:
        """The candidate passages for a question, best first, with ``collection`` and ``metadata`` in their metadata.

        Args:
            query: the question.
            top_k: passages wanted.
            filters: what to search; None for everything. What matches nothing finds nothing.

        Raises:
            InputError: a filter names a key that no file has, or compares what cannot be compared.
        """
        snapshots = tuple(reader.snapshot() for reader in self._readers)
        if filters is None:
            scopes, retriever = self._everything(snapshots)
        else:
            scopes = self._scopes(filters)
            retriever = self._retriever(snapshots, scopes)
        ranked = retriever.rank(query, top_k)
        self._note_origins(ranked.passages, scopes)
        return ranked

    def with_tables(self, passages: list[NodeWithScore]) -> list[NodeWithScore]:
        """The passages with the tables, in Markdown, of which they hold rows."""
        readers = {document_id_of(passage): self._reader_of(passage) for passage in passages}
        attacher = TableAttacher(lambda document_id: readers[document_id].catalog.tables(document_id))
        return attacher.postprocess_nodes(passages)

    def spans(self, passage: NodeWithScore) -> list[Span]:
        """The places of the lines of the document that a passage is from."""
        return self._reader_of(passage).catalog.spans(document_id_of(passage))

    def _reader_of(self, passage: NodeWithScore) -> IndexReader:
        name = passage.node.metadata.get(COLLECTION)
        return next((reader for reader in self._readers if reader.name == name), self._readers[0])

    def _everything(self, snapshots: Snapshots) -> tuple[list[Scope | None], PassageRetriever]:
        """The retriever for questions without a filter, made once for each state."""
        with self._lock:
            known = self._unfiltered
            if known is None or any(old is not new for old, new in zip(known[0], snapshots, strict=True)):
                scopes = self._scopes(None)
                known = self._unfiltered = (snapshots, scopes, self._retriever(snapshots, scopes))
            return known[1], known[2]

    def _retriever(self, snapshots: Snapshots, scopes: Sequence[Scope | None]) -> PassageRetriever:
        return PassageRetriever(snapshots, self._embed_model, self._reranker, self._config, scopes)

    def _scopes(self, filters: MetadataFilters | None) -> list[Scope | None]:
        """What to search of each collection; None for all of it, including what a writer is adding."""
        if filters is None and len(self._readers) == 1:
            return [None]
        keys = [
            key
            for reader in (self._readers if filters is not None and len(self._readers) > 1 else ())
            for key in metadata_keys(reader.catalog.files().values())
        ]
        scopes: list[Scope | None] = []
        taken: set[str] = set()
        for reader in self._readers:
            scope = resolve(filters, reader.catalog, keys).without(taken)
            taken.update(scope.conditions)
            scopes.append(None if filters is None and scope.complete else scope)
        return scopes

    def _note_origins(self, passages: Sequence[NodeWithScore], scopes: Sequence[Scope | None]) -> None:
        """Writes into each passage the collection that it is from, and what is noted there about its file."""
        left = {document_id_of(passage) for passage in passages}
        origins: dict[str, tuple[str, dict[str, Scalar]]] = {}
        for reader, scope in zip(self._readers, scopes, strict=True):
            here = [document_id for document_id in left if scope is None or document_id in scope.conditions]
            noted = reader.catalog.metadata(here)
            origins.update({document_id: (reader.name, metadata) for document_id, metadata in noted.items()})
            left -= noted.keys()
        gone: tuple[str, dict[str, Scalar]] = (self._readers[0].name if len(self._readers) == 1 else "", {})
        for passage in passages:
            name, metadata = origins.get(document_id_of(passage), gone)
            passage.node.metadata[COLLECTION] = name
            passage.node.metadata[METADATA] = metadata


def document_id_of(passage: NodeWithScore) -> str:
    """The document that a passage, or a sentence, is from."""
    return split_node_id(passage.node.node_id.partition("..")[0])[0]
