"""Looks up the documents of passages in the catalogs: their files, whole tables, and the places of their lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.blocks import Span
from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.index.catalog import Catalog
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.naming.identity_index import IdentityIndex
from qa_engine.retrieval.passages.whole_tables import TableAttacher
from qa_engine.types import Passage, passage_of


@dataclass(frozen=True)
class Origin:
    """The collection and the file of a document.

    Attributes:
        collection: name of the collection; empty if the document was removed meanwhile, and there are several collections.
        file_name: name of the file; empty if it was removed meanwhile.
        metadata: what the user noted about the file.
        identity: what the document is, see `DocumentIdentity.to_dict`.
    """

    collection: str
    file_name: str
    metadata: Mapping[str, Any]
    identity: Mapping[str, Any] = field(default_factory=dict)


class PassageSources:
    """Looks up documents in the catalogs of the collections that are searched.

    A document that several collections have belongs to the first whose scope admits it.
    """

    def __init__(self, targets: Sequence[SearchTarget], identities: IdentityIndex | None = None) -> None:
        """Without ``identities``, no origin has one."""
        self._targets = targets
        self._identities = identities
        self._catalogs = {target.collection: target.catalog for target in targets}

    def origins(self, document_ids: Iterable[str]) -> dict[str, Origin]:
        """The origins of documents, by document id."""
        remaining = set(document_ids)
        only = self._targets[0].collection if len(self._targets) == 1 else ""
        origins = dict.fromkeys(remaining, Origin(only, "", {}))
        for target in self._targets:
            if target.catalog is None:
                continue
            files_of = target.catalog.files_of([name for name in remaining if target.holds(name)])
            for document_id, files in files_of.items():
                record = target.file_of(document_id, files)
                identity = self.identity(document_id)
                facts = identity.to_dict() if identity is not None else {}
                origins[document_id] = Origin(target.collection, record.file_name, record.metadata, facts)
                remaining.discard(document_id)
        return origins

    def identity(self, document_id: str) -> DocumentIdentity | None:
        """What a document is; None if that is not known."""
        return None if self._identities is None else self._identities.identities.get(document_id)

    def documents_holding(
        self, terms: Sequence[str], within: int | None = None, at_least: int = 1
    ) -> set[str]:
        """The documents searched that hold all of some terms in one place, see `Bm25Index.documents_holding`."""
        return {
            document_id
            for target in self._targets
            for document_id in target.snapshot.bm25.documents_holding(terms, within, at_least)
            if target.holds(document_id)
        }

    def file_names(self, limit: int = 2000) -> dict[str, str]:
        """The file names of the documents searched, by document id; empty if there are more than ``limit``."""
        ids = {
            document_id
            for target in self._targets
            for document_id in target.snapshot.bm25.document_ids
            if target.holds(document_id)
        }
        if len(ids) > limit:
            return {}
        return {document_id: origin.file_name for document_id, origin in self.origins(ids).items()}

    def other_periods(self, document_id: str) -> frozenset[str]:
        """The reports that differ from one in the period alone."""
        return (
            frozenset()
            if self._identities is None
            else self._identities.families.get(document_id, frozenset())
        )

    def with_tables(self, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        """The passages; those that hold rows of tables have these tables in Markdown."""
        for target in self._targets:
            if target.catalog is not None:
                own = (
                    passage for passage in map(passage_of, nodes) if passage.collection == target.collection
                )
                target.catalog.expect({passage.document_id for passage in own})
        return TableAttacher(self._tables).postprocess_nodes(list(nodes))

    def spans(self, node: NodeWithScore) -> Sequence[Span]:
        """The places of the lines of a passage's document; empty if they are not known."""
        passage = passage_of(node)
        catalog = self._catalog(passage)
        return catalog.spans(passage.document_id) if catalog is not None and passage.sentences else []

    def _tables(self, passage: Passage) -> list[str]:
        catalog = self._catalog(passage)
        return catalog.tables(passage.document_id) if catalog is not None else []

    def _catalog(self, passage: Passage) -> Catalog | None:
        return self._catalogs.get(passage.collection, self._targets[0].catalog)
