"""The collections that an engine asks: which parts of them a question is about, and where a passage is from."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, QueryType
from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.config import RetrievalConfig
from qa_engine.documents.blocks import Span
from qa_engine.documents.sentences.node_ids import document_id_of
from qa_engine.errors import InputError, StorageError
from qa_engine.flow import Flow, in_thread
from qa_engine.index.reader import IndexReader, IndexSnapshot
from qa_engine.index.records import FileRecord
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery
from qa_engine.retrieval.expansion.expander import TRANSLATE, QueryExpander
from qa_engine.retrieval.filters.resolution import Scope, resolve
from qa_engine.retrieval.passages import COLLECTION, METADATA, SENTENCES
from qa_engine.retrieval.retriever import PassageRetriever, RankedPassages
from qa_engine.retrieval.tables import TableAttacher
from qa_engine.text.language import is_chinese

Snapshots = tuple[IndexSnapshot, ...]
FILE_NAME = "file_name"
_ATTEMPTS = 5
"""Times that a question is searched for while writers publish one state after the other."""


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
        expander: QueryExpander | None = None,
    ) -> None:
        """
        Args:
            readers: the collections, which were embedded with the same model.
            embed_model: that model.
            reranker: orders the candidates; None keeps the fused order.
            config: sizes and weights.
            expander: adds a translation and keywords to each question; None searches for the question alone.

        Raises:
            InputError: there is no collection.
        """
        if not readers:
            raise InputError("No collection was given: name at least one.")
        self._readers = tuple(readers)
        self._embed_model = embed_model
        self._reranker = reranker
        self._config = config
        self._expander = expander
        self._unfiltered: tuple[Snapshots, list[Scope | None], PassageRetriever] | None = None
        self._lock = Lock()

    @property
    def collections(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(reader.name for reader in self._readers)

    def checked(self, question: QueryType) -> QueryBundle:
        """A question that can be searched for.

        Raises:
            InputError: it is empty or too long.
        """
        query = QueryBundle(question) if isinstance(question, str) else question
        text = query.query_str
        limit = self._config.max_question_chars
        if not text.strip():
            raise InputError("The question is empty.")
        if len(text) > limit:
            raise InputError(
                f"The question has {len(text)} characters, more than retrieval.max_question_chars = {limit}: shorten it."
            )
        return query

    def search(
        self,
        question: QueryType,
        top_k: int = 0,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> Flow[RankedPassages]:
        """Checks a question, expands it, and ranks passages for it, as a flow (see `qa_engine.flow`).

        The arguments and errors are those of `rank`.
        """
        query = self.checked(question)
        if self._expander is not None and not isinstance(query, ExpandedQuery):
            task = yield from in_thread(self._expansion_task, query)
            query = yield from self._expander.steps(query, task)
        return (yield from in_thread(self.rank, query, top_k, filters, stages))

    def _expansion_task(self, query: QueryBundle) -> dict[str, Any]:
        """A translation is of use if there are texts in some number in another language than the question."""
        chinese = is_chinese(query.query_str)
        return {TRANSLATE: any(reader.snapshot().holds_other_language(chinese) for reader in self._readers)}

    def rank(
        self,
        query: QueryBundle,
        top_k: int = 0,
        filters: MetadataFilters | None = None,
        stages: bool = False,
    ) -> RankedPassages:
        """The candidate passages for a question, best first, with ``collection`` and ``metadata`` in their metadata.

        Args:
            query: the question.
            top_k: passages wanted.
            filters: what to search; None for everything. What matches nothing finds nothing.
            stages: whether the passages as each stage alone ranks them are wanted, too.

        Raises:
            InputError: a filter names a key that no file has, or compares what cannot be compared.
        """
        for attempt in range(_ATTEMPTS):
            snapshots = self._snapshots()
            try:
                ranked = self._rank(query, top_k, filters, stages, snapshots)
            except StorageError:
                if attempt == _ATTEMPTS - 1 or snapshots == self._snapshots():
                    raise
                continue
            if snapshots == self._snapshots():
                break
            # A writer has published meanwhile, and deletes what was replaced: some of it may have been missing already.
        return ranked

    def _snapshots(self) -> Snapshots:
        return tuple(reader.snapshot() for reader in self._readers)

    def _rank(
        self,
        query: QueryBundle,
        top_k: int,
        filters: MetadataFilters | None,
        stages: bool,
        snapshots: Snapshots,
    ) -> RankedPassages:
        if filters is None:
            scopes, retriever = self._everything(snapshots)
        else:
            scopes = self._scopes(filters, snapshots)
            retriever = self._retriever(snapshots, scopes)
        ranked = retriever.rank(query, top_k, stages)
        for passages in (ranked.passages, *ranked.stages.values()):
            self._note_origins(passages, scopes)
        return ranked

    def with_tables(self, passages: list[NodeWithScore]) -> list[NodeWithScore]:
        """The passages with the tables, in Markdown, of which they hold rows; nodes from elsewhere stay as they are."""
        own = [passage for passage in passages if SENTENCES in passage.node.metadata]
        readers = {document_id_of(passage.node.node_id): self._reader_of(passage) for passage in own}
        attacher = TableAttacher(lambda document_id: readers[document_id].catalog.tables(document_id))
        attacher.postprocess_nodes(own)
        return passages

    def spans(self, passage: NodeWithScore) -> list[Span]:
        """The places of the lines of the document that a passage is from; none for a node from elsewhere."""
        if SENTENCES not in passage.node.metadata:
            return []
        return self._reader_of(passage).catalog.spans(document_id_of(passage.node.node_id))

    def _reader_of(self, passage: NodeWithScore) -> IndexReader:
        name = passage.node.metadata.get(COLLECTION)
        return next((reader for reader in self._readers if reader.name == name), self._readers[0])

    def _everything(self, snapshots: Snapshots) -> tuple[list[Scope | None], PassageRetriever]:
        """The retriever for questions without a filter, made once for each state."""
        with self._lock:
            known = self._unfiltered
            if known is None or any(old is not new for old, new in zip(known[0], snapshots, strict=True)):
                scopes = self._scopes(None, snapshots)
                known = self._unfiltered = (snapshots, scopes, self._retriever(snapshots, scopes))
            return known[1], known[2]

    def _retriever(self, snapshots: Snapshots, scopes: Sequence[Scope | None]) -> PassageRetriever:
        return PassageRetriever(snapshots, self._embed_model, self._reranker, self._config, scopes)

    def _scopes(self, filters: MetadataFilters | None, snapshots: Snapshots) -> list[Scope | None]:
        """What to search of each collection; None for all that is published of it."""
        if filters is None and len(self._readers) == 1:
            return [None]
        catalogs = [reader.catalog for reader in self._readers]
        scopes: list[Scope | None] = []
        covered: set[str] = set()
        for catalog, snapshot in zip(catalogs, snapshots, strict=True):
            # Asked for only if the key is not one of this collection.
            keys = (key for other in catalogs if other is not catalog for key in other.metadata_keys())
            scope = resolve(filters, catalog, keys, snapshot.bm25.document_ids).without(covered)
            covered.update(scope.conditions)
            scopes.append(None if filters is None and scope.complete else scope)
        return scopes

    def _note_origins(self, passages: Sequence[NodeWithScore], scopes: Sequence[Scope | None]) -> None:
        """Writes into each passage the collection that it is from, and what its catalog says of its file."""
        left = {document_id_of(passage.node.node_id) for passage in passages}
        origins: dict[str, tuple[str, FileRecord]] = {}
        for reader, scope in zip(self._readers, scopes, strict=True):
            here = [document_id for document_id in left if scope is None or document_id in scope.conditions]
            for document_id, files in reader.catalog.files_of(here).items():
                admitted = scope.files.get(document_id) if scope is not None else None
                record = next((file for file in files if file.path == admitted), files[0])
                origins[document_id] = reader.name, record
                left.discard(document_id)
        for passage in passages:
            metadata = passage.node.metadata
            origin = origins.get(document_id_of(passage.node.node_id))
            if origin is None:  # removed while the question was answered
                metadata[COLLECTION] = self._readers[0].name if len(self._readers) == 1 else ""
                metadata[METADATA] = {}
                continue
            name, record = origin
            metadata[COLLECTION] = name
            metadata[METADATA] = record.metadata
            metadata[FILE_NAME] = record.file_name
