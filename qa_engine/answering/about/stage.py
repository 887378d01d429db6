"""Answers questions about the documents themselves, before anything is searched for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.about.kinds import OF_DOCUMENTS_ALONE
from qa_engine.answering.about.naming import Translate, is_title, is_told_of, named_documents
from qa_engine.answering.about.question import AboutQuestion, about_questions, together
from qa_engine.answering.about.statements import Statement
from qa_engine.answering.about.telling import FEW, AboutDocuments, Teller, in_one, statements_of
from qa_engine.answering.refusal.gate import Evidence
from qa_engine.retrieval.passages.documents import SearchedDocument, SearchedDocuments
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.text.one_line import one_line
from qa_engine.types import passage_node, passage_of

Readings = Sequence[AboutQuestion]
"""The readings of a question, the most telling first."""
_NEAR_BEST = 0.5
"""Files treat a topic whose best passage has so much of the score of the very best."""
_MAX_QUOTED = 300
_MOST_NAMED = 2000
"""Of more documents, the first lines are not read to see which of them a question names."""


class AboutStage:
    """Finds what is known in answer to questions about documents. Thread-safe, and without state."""

    def __init__(self, extractive: bool) -> None:
        """``extractive`` says whether answers are made without a language model, which is shown more of a document."""
        self._teller = Teller(extractive)

    def recognised(self, query: QueryBundle) -> list[Sequence[Readings]]:
        """A question as one about documents, or as several in one, each in its readings; empty for other questions, and
        for those with vectors.
        """
        if query.embedding or query.custom_embedding_strs:
            return []
        whole = list(about_questions(query.query_str))
        return [parts for parts in ([whole] if whole else [], together(query.query_str)) if parts]

    def found(
        self,
        asked: Sequence[Sequence[Readings]],
        documents: SearchedDocuments,
        translate: Translate = lambda _: (),
    ) -> AboutDocuments | None:
        """What is known in answer to a question; None if it names no document, or asks for what is not known of it.

        Args:
            asked: the question, see `recognised`.
            documents: those that it is asked of.
            translate: finds words in the other language.
        """
        started = time.perf_counter()
        everything = documents.all()
        if not everything:
            return None
        first = documents.first_sentences(everything) if len(everything) <= _MOST_NAMED else {}
        for parts in asked:
            told = []
            for readings in parts:
                answer = self._first_told(readings, everything, first, translate)
                if answer is None:
                    break
                told.append(answer)
            if len(told) < len(parts):
                continue
            nodes = {
                one.passage.node_id: passage_node(one.passage) for part in told for one in part.statements
            }
            timings = {"about": time.perf_counter() - started}
            ranked = RankedPassages(list(nodes.values()), timings, sources=documents.sources)
            return replace(told[0] if len(told) == 1 else in_one(told), ranked=ranked)
        return None

    def _first_told(
        self,
        readings: Readings,
        everything: Sequence[SearchedDocument],
        first: dict[str, list[str]],
        translate: Translate,
    ) -> AboutDocuments | None:
        """What is known in answer to the first reading to which anything is known."""
        for question in readings:
            named = named_documents(question.subject, everything, first, translate)
            if question.kind != "which" and self._is_meant(question, named, first):
                told = self._teller.told(question, named)
                if told is not None:
                    return told
        return None

    def topic(
        self, asked: Sequence[Sequence[Readings]], documents: SearchedDocuments
    ) -> AboutQuestion | None:
        """The topic whose files a question asks for; None if it asks for no files, or for such as there are not."""
        found = [one for parts in asked for one in parts[0] if len(parts) == 1 and one.kind == "which"]
        return found[0] if found and named_documents(found[0].subject, documents.all(), {}) else None

    def treating(
        self, question: AboutQuestion, evidence: Evidence, documents: SearchedDocuments
    ) -> AboutDocuments | None:
        """The files of the best passages about a topic; None without any that the question means.

        Args:
            question: from `topic`.
            evidence: the passages that were found for the topic.
            documents: those that are searched.
        """
        named = {one.document_id for one in named_documents(question.subject, documents.all(), {})}
        best: dict[str, NodeWithScore] = {}
        for node in evidence.passages:
            if passage_of(node).document_id in named:
                best.setdefault(passage_of(node).document_id, node)
        highest = max((node.score or 0.0 for node in best.values()), default=0.0)
        nodes = [one for one in best.values() if (one.score or 0.0) >= _NEAR_BEST * highest][:FEW]
        said = []
        for passage in map(passage_of, nodes):
            certain = [one for one in passage.sentences if not one.doubt]
            quoted = next(
                (one for one in certain if one.text == passage.sentence), certain[0] if certain else None
            )
            place = f"第{quoted.page}页" if quoted is not None and quoted.page else ""
            quote = f"：“{one_line(quoted.text, _MAX_QUOTED)}”" if quoted is not None else ""
            said.append(Statement(f"《{one_line(passage.file_name)}》{place}{quote}", passage))
        found = statements_of(question, said)
        ranked = replace(evidence.ranked, passages=nodes)
        return replace(found, ranked=ranked, probability=evidence.probability or 0.0) if found else None

    def _is_meant(
        self,
        question: AboutQuestion,
        named: Sequence[SearchedDocument],
        first: dict[str, list[str]],
    ) -> bool:
        """Whether the question means documents: not a thing that one of them is called after."""
        subject = question.subject
        if not named:
            return False
        if question.kind == "files" and not subject.points and len(named) < 2:
            return False  # how many copies of a contract there are
        if question.kind in OF_DOCUMENTS_ALONE or subject.points or subject.noun:
            return True
        texts = [first.get(one.document_id, ()) for one in named]
        if any(is_told_of(subject, own) for own in texts):
            return False
        return subject.marked or any(map(partial(is_title, subject), named, texts))
