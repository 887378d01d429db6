"""Answers questions about the documents themselves, before anything is searched for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.about.kinds import OF_DOCUMENTS_ALONE, Kind
from qa_engine.answering.about.naming import is_title, is_told_of, named_documents
from qa_engine.answering.about.outline import article, on_page, part
from qa_engine.answering.about.question import AboutQuestion, about_questions
from qa_engine.answering.about.statements import DocumentFacts, Statement
from qa_engine.answering.answer import Answer, Nearest
from qa_engine.answering.checks.citations import build_answer, passage_citation
from qa_engine.answering.refusal.gate import Evidence
from qa_engine.retrieval.passages.documents import SearchedDocument, SearchedDocuments
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import passage_node, passage_of

_FEW, _LISTED = 5, 30
"""Documents that are each answered for, and that are listed, at most."""
_MOST_NAMED = 2000
"""Of more documents, the first lines are not read to see which of them a question names."""
_QUOTED, _LEAD, _SHORT_LEAD = 700.0, 200.0, 80.0
"""Chinese characters that an answer without a language model quotes: of a part, of a beginning, of one of several."""
_FOR_MODEL = 3000.0
"""Chinese characters that a language model is shown of each."""

_WORDED: frozenset[Kind] = frozenset({"overview", "article", "chapter", "page"})
"""Kinds whose answer is text of the documents, which a language model words if there is one."""


@dataclass(frozen=True)
class AboutDocuments:
    """What is known in answer to a question about documents.

    Attributes:
        question: the question.
        statements: the answer, one statement after the other; empty if something that it names is missing.
        ranked: the passages that they cite.
        before: what the answer begins with.
        after: what it ends with.
        missing: what the question names and the document lacks, such as a page.
        nearest: what it has instead.
    """

    question: AboutQuestion
    statements: Sequence[Statement]
    ranked: RankedPassages
    before: str = ""
    after: str = ""
    missing: Sequence[str] = ()
    nearest: Sequence[Nearest] = ()

    @property
    def is_worded(self) -> bool:
        """Whether a language model words the answer, if there is one: it is text of the documents, and no plain fact."""
        return self.question.kind in _WORDED and not self.missing

    def evidence(self, query: QueryBundle, ranked: RankedPassages) -> Evidence:
        """The passages for the answer, after all postprocessors; without any of them, the answer is the refusal."""
        refused = not ranked.passages
        evidence = Evidence(query, ranked, ranked.passages, 0.0 if refused else 1.0, refused)
        evidence.missing, evidence.nearest = self.missing, self.nearest
        return evidence

    def answer(self, query: QueryBundle, nodes: Sequence[NodeWithScore]) -> Answer:
        """The answer in the words of the statements whose passages are left."""
        numbers = {passage_of(node).node_id: number for number, node in enumerate(nodes, 1)}
        said = []
        for statement in self.statements:
            number = numbers.get(statement.passage.node_id)
            if number is None:
                continue
            quote = f"：“{passage_of(nodes[number - 1]).text}”" if statement.quoted else ""
            said.append(f"{statement.text}{quote}[{number}]{statement.after}")
        text = f"{self.before}{'；'.join(said)}{self.after}"
        citations = [passage_citation(number, passage_of(node)) for number, node in enumerate(nodes, 1)]
        return build_answer(query.query_str, text, nodes, citations)


class AboutStage:
    """Finds what is known in answer to questions about documents. Thread-safe, and without state."""

    def __init__(self, extractive: bool) -> None:
        """``extractive`` says whether answers are made without a language model, which is shown more of a document."""
        self._extractive = extractive

    def recognised(self, query: QueryBundle) -> list[AboutQuestion]:
        """The readings of a question as one about documents; empty for other questions, and for those with vectors."""
        if query.embedding or query.custom_embedding_strs:
            return []
        return list(about_questions(query.query_str))

    def found(self, readings: Sequence[AboutQuestion], documents: SearchedDocuments) -> AboutDocuments | None:
        """What is known in answer to a question; None if it names no document, or asks for what is not known of it.

        Args:
            readings: of the question.
            documents: those that it is asked of.
        """
        started = time.perf_counter()
        everything = documents.all()
        if not everything:
            return None
        first = documents.first_sentences(everything) if len(everything) <= _MOST_NAMED else {}
        for question in readings:
            named = named_documents(question.subject, everything, first)
            if not self._is_meant(question, named, first):
                continue
            found = self._told(question, named)
            if found is not None:
                ranked = RankedPassages(
                    list(
                        {one.passage.node_id: passage_node(one.passage) for one in found.statements}.values()
                    ),
                    {"about": time.perf_counter() - started},
                    sources=documents.sources,
                )
                return replace(found, ranked=ranked)
        return None

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

    def _told(
        self,
        question: AboutQuestion,
        named: Sequence[SearchedDocument],
    ) -> AboutDocuments | None:
        kind = question.kind
        if kind == "files" or (kind in {"overview", "pages", "title"} and len(named) > _FEW):
            return self._list(question, named)
        if kind in {"article", "chapter", "page"}:
            return self._part(question, named)
        if len(named) > _FEW:
            return None
        facts = _facts(named)
        if kind == "overview":
            return self._overview(question, facts)
        return _statements(question, [said for one in facts for said in _attribute(question, one)])

    def _list(self, question: AboutQuestion, documents: Sequence[SearchedDocument]) -> AboutDocuments | None:
        said = [one.entry() for one in _facts(documents[:_LISTED])]
        files = sum(one.copies for one in documents)
        copies = f"（其中{files - len(documents)}个与别的内容相同）" if files > len(documents) else ""
        pages = f"，合计{sum(one.file.pages for one in documents)}页" if question.kind == "pages" else ""
        more = f"；其余{len(documents) - _LISTED}个没有列出" if len(documents) > _LISTED else ""
        return _statements(question, said, f"共有{files}个文件{copies}{pages}：", more)

    def _overview(self, question: AboutQuestion, facts: Sequence[DocumentFacts]) -> AboutDocuments | None:
        if len(facts) == 1:
            size = _LEAD if self._extractive else _FOR_MODEL / 2
            return _statements(question, facts[0].overview(size, leads=not self._extractive))
        size = _SHORT_LEAD if self._extractive else _FOR_MODEL / 6
        said = []
        for one in facts:
            said.append(one.entry())
            if (len(facts) <= 3 or not self._extractive) and (lead := one.lead(size)):
                said.append(Statement("开头写道", one.document.passage(lead), quoted=True))
        return _statements(question, said, f"共有{len(facts)}个文件：")

    def _part(self, question: AboutQuestion, named: Sequence[SearchedDocument]) -> AboutDocuments | None:
        """An article, a chapter or a page of the documents that have it."""
        kind, number = question.kind, question.number
        has = [one for one in named if kind != "page" or number <= one.file.pages]
        if not has:
            return self._no_page(question, named)
        if len(has) > _FEW and kind == "page":
            return None
        said: list[list[Statement]] = []
        ordinal = "最后一" if number < 0 else f"第{number}"
        size = (_QUOTED if len(has) == 1 else _QUOTED / 2) if self._extractive else _FOR_MODEL
        for facts in _facts(has):
            if kind == "page":
                page = facts.document.file.pages if number < 0 else number
                own, what = on_page(facts.sentences, page), f"第{page}页写道"
            elif kind == "article":
                own, what = article(facts.sentences, number), f"{ordinal}条写道"
            else:
                own = part(facts.sentences, question.unit, number)
                what = f"{ordinal}{question.unit}写道"
            quotation = facts.quotation(what, own, size)
            said += [quotation] if quotation else []
            if len(said) > _FEW:
                return None  # a question that names no document, of what many of them have
        return _statements(question, [one for own in said for one in own])

    def _no_page(self, question: AboutQuestion, named: Sequence[SearchedDocument]) -> AboutDocuments | None:
        if not named:
            return None
        longest = max(named, key=lambda one: one.file.pages)
        last = longest.file.pages
        nearest = Nearest(f"第{last}页", "page", str(last), longest.file.file_name)
        return AboutDocuments(
            question, (), RankedPassages([]), missing=(f"第{question.number}页",), nearest=(nearest,)
        )


def _attribute(question: AboutQuestion, facts: DocumentFacts) -> list[Statement]:
    """A plain fact about a document; nothing if it is not known."""
    if question.kind == "pages":
        return facts.pages()
    if question.kind == "title":
        return facts.titles()
    if question.kind == "author":
        return facts.authors()
    return facts.dates(question.created) if question.kind == "date" else facts.chapters(question.unit)


def _facts(documents: Sequence[SearchedDocument]) -> list[DocumentFacts]:
    """The documents with their sentences, without those of which nothing may be shown."""
    read = ((one, one.sentences()) for one in documents)
    return [DocumentFacts(one, sentences) for one, sentences in read if sentences]


def _statements(
    question: AboutQuestion, said: Sequence[Statement], before: str = "", after: str = ""
) -> AboutDocuments | None:
    """The statements with a number for each passage; None without any."""
    return AboutDocuments(question, said, RankedPassages([]), before, after) if said else None
