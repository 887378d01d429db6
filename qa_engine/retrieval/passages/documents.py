"""The documents that may be searched, one by one: their files, what they are, and their sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord, StoredSentence
from qa_engine.retrieval.filters.conditions import ALWAYS, Condition, holds
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.naming.identity_index import IdentityIndex
from qa_engine.retrieval.passages.builder import passage_sentence
from qa_engine.retrieval.passages.sources import PassageSources
from qa_engine.retrieval.passages.table_hits import is_summary
from qa_engine.types import Passage


@dataclass(frozen=True)
class SearchedDocument:
    """A document that may be searched.

    Attributes:
        document_id: its id.
        file: the first of its files that may be searched.
        collection: name of its collection.
        identity: what it is, with what the user noted about the file.
        catalog: holds its sentences.
        condition: what its sentences have to satisfy.
        copies: how many files have its content.
    """

    document_id: str
    file: FileRecord
    collection: str
    identity: DocumentIdentity
    catalog: Catalog
    condition: Condition = ALWAYS
    copies: int = 1

    def sentences(self) -> list[StoredSentence]:
        """The sentences that may be shown, in order, without what tables are about."""
        return [
            one
            for one in self.catalog.sentences(self.document_id)
            if holds(self.condition, one.metadata) and not is_summary(one)
        ]

    def passage(self, sentences: Sequence[StoredSentence], text: str | None = None) -> Passage:
        """A passage of some of its sentences, in order; ``text`` if that is not all of them as running text."""
        first, last = sentences[0], sentences[-1]
        ordinal = split_node_id(last.node_id)[1] if text is None else split_node_id(first.node_id)[1]
        paragraphs = [one.metadata.get("paragraph", 0) for one in sentences]
        return Passage(
            node_id=f"{first.node_id}..{ordinal}",
            text=join_sentences([one.text for one in sentences], paragraphs) if text is None else text,
            document_id=self.document_id,
            file_name=self.file.file_name,
            page=first.metadata.get("page"),
            page_end=last.metadata.get("page_end"),
            page_label=first.metadata.get("page_label", ""),
            section=first.metadata.get("section", ""),
            sentence=first.text,
            sentences=tuple(map(passage_sentence, sentences)),
            score=1.0,
            collection=self.collection,
            metadata=self.file.metadata,
            identity=self.identity.to_dict(),
        )


class SearchedDocuments:
    """The documents of the collections that are searched, in one state and one scope. Thread-safe."""

    def __init__(
        self, targets: Sequence[SearchTarget], identities: IdentityIndex | None, sources: PassageSources
    ) -> None:
        """Takes the collections, what their documents are, and what looks up passages of them."""
        self._targets = targets
        self._identities: Mapping[str, DocumentIdentity] = (
            identities.identities if identities is not None else {}
        )
        self.sources = sources

    def all(self) -> list[SearchedDocument]:
        """The documents, by the paths of their files; one that several collections have is of the first of them."""
        found: dict[str, SearchedDocument] = {}
        for target in self._targets:
            if target.catalog is None:
                continue
            ids = [one for one in target.snapshot.bm25.document_ids if target.holds(one) and one not in found]
            scope = target.scope
            for document_id, files in target.catalog.files_of(ids).items():
                admitted = scope.files.get(document_id) if scope is not None else None
                found[document_id] = SearchedDocument(
                    document_id,
                    target.file_of(document_id, files),
                    target.collection,
                    self._identities.get(document_id, DocumentIdentity()),
                    target.catalog,
                    scope.conditions[document_id] if scope is not None else ALWAYS,
                    len(files) if admitted is None else 1,
                )
        return sorted(found.values(), key=lambda one: (one.collection, one.file.path))

    def first_sentences(self, documents: Sequence[SearchedDocument], count: int = 2) -> dict[str, list[str]]:
        """The texts of the first sentences of some documents, by document id."""
        texts: dict[str, list[str]] = {}
        for target in self._targets:
            own = [one.document_id for one in documents if one.catalog is target.catalog]
            names = [node_id(one, number) for one in own for number in range(count)]
            for name, sentence in target.snapshot.store.stored_sentences(names).items():
                texts.setdefault(split_node_id(name)[0], []).append(sentence.text)
        return texts
