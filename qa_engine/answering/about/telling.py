"""What is known of the documents that a question names, by the kind of the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.about.kinds import Kind
from qa_engine.answering.about.outline import article, on_page, part, section
from qa_engine.answering.about.question import AboutQuestion
from qa_engine.answering.about.statements import DocumentFacts, Statement
from qa_engine.answering.answer import Answer, Nearest
from qa_engine.answering.checks.citations import build_answer, passage_citation
from qa_engine.answering.refusal.gate import Evidence
from qa_engine.retrieval.passages.documents import SearchedDocument
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.text.one_line import one_line
from qa_engine.types import passage_of

FEW, _LISTED = 5, 30
"""Documents that are each answered for, and that are listed, at most."""
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
        probability: estimated, that the passages hold the answer.
    """

    question: AboutQuestion
    statements: Sequence[Statement]
    ranked: RankedPassages
    before: str = ""
    after: str = ""
    missing: Sequence[str] = ()
    nearest: Sequence[Nearest] = ()
    probability: float = 1.0

    @property
    def is_worded(self) -> bool:
        """Whether a language model words the answer, if there is one: it is text of the documents, and no plain fact."""
        return self.question.kind in _WORDED and not self.missing

    def evidence(self, query: QueryBundle, ranked: RankedPassages) -> Evidence:
        """The passages for the answer, after all postprocessors; without any of them, the answer is the refusal."""
        refused = not ranked.passages
        evidence = Evidence(query, ranked, ranked.passages, 0.0 if refused else self.probability, refused)
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


class Teller:
    """Tells what is known of documents, by the kind of a question."""

    def __init__(self, extractive: bool) -> None:
        """``extractive`` says whether answers are made without a language model, which is shown more of a document."""
        self._extractive = extractive

    def told(
        self,
        question: AboutQuestion,
        named: Sequence[SearchedDocument],
    ) -> AboutDocuments | None:
        """What is known of the documents that a question names; None if nothing is."""
        kind = question.kind
        if kind == "files" or (kind in {"overview", "pages", "title"} and len(named) > FEW):
            return self._list(question, named)
        if kind == "extreme":
            return self._extreme(question, named)
        if kind in {"article", "chapter", "page"}:
            return self._part(question, named)
        if len(named) > FEW and kind == "chapters":
            return None
        facts = _facts(named[:_LISTED])
        if kind == "overview":
            return self._overview(question, facts)
        more = f"；其余{len(named) - _LISTED}个没有列出" if len(named) > _LISTED else ""
        return statements_of(
            question, [said for one in facts for said in _attribute(question, one)], after=more
        )

    def _extreme(self, question: AboutQuestion, named: Sequence[SearchedDocument]) -> AboutDocuments | None:
        """The longest or the newest documents, or the shortest or oldest; None if no date is known."""
        values: dict[str, int | str] = {
            one.document_id: (one.identity.created or one.identity.period.end)
            if question.date
            else one.file.pages
            for one in named
        }
        known = [one for one in named if values[one.document_id]]
        if not known:
            return None
        limit = (max if question.number > 0 else min)(values[one.document_id] for one in known)
        facts = _facts([one for one in known if values[one.document_id] == limit][:_LISTED])
        if question.date:
            said = [(one.dates(False) or [one.entry()]) for one in facts]
            what = "日期最晚" if question.number > 0 else "日期最早"
            unknown = f"；{len(named) - len(known)}个文件的日期不明" if len(known) < len(named) else ""
        else:
            said, unknown = [one.pages() for one in facts], ""
            what = "页数最多" if question.number > 0 else "页数最少"
        before = f"{len(named)}个文件中{what}的是："
        return statements_of(question, [one for own in said for one in own], before, unknown)

    def _list(self, question: AboutQuestion, documents: Sequence[SearchedDocument]) -> AboutDocuments | None:
        said = [one.entry() for one in _facts(documents[:_LISTED])]
        files = sum(one.copies for one in documents)
        which = "，请写明是其中哪一个" if question.kind == "page" else ""
        copies = f"（其中{files - len(documents)}个与别的内容相同）" if files > len(documents) else ""
        pages = f"，合计{sum(one.file.pages for one in documents)}页" if len(documents) > 1 else ""
        more = f"；其余{len(documents) - _LISTED}个没有列出" if len(documents) > _LISTED else ""
        return statements_of(question, said, f"共有{files}个文件{copies}{pages}{which}：", more)

    def _overview(self, question: AboutQuestion, facts: Sequence[DocumentFacts]) -> AboutDocuments | None:
        if len(facts) == 1:
            size = _LEAD if self._extractive else _FOR_MODEL / 2
            return statements_of(question, facts[0].overview(size, leads=not self._extractive))
        size = _SHORT_LEAD if self._extractive else _FOR_MODEL / 6
        said = []
        for one in facts:
            said.append(one.entry())
            if (len(facts) <= 3 or not self._extractive) and (lead := one.lead(size)):
                said.append(Statement("开头写道", one.document.passage(lead), quoted=True))
        return statements_of(question, said, f"共有{len(facts)}个文件：")

    def _part(self, question: AboutQuestion, named: Sequence[SearchedDocument]) -> AboutDocuments | None:
        """An article, a chapter or a page of the documents that have it."""
        kind, number = question.kind, question.number
        has = [one for one in named if kind != "page" or number <= one.file.pages]
        if not has:
            return self._no_page(question, named)
        if len(has) > FEW and kind == "page":
            return self._list(question, has)
        said: list[list[Statement]] = []
        ordinal = "最后一" if number < 0 else f"第{number}"
        size = (_QUOTED if len(has) == 1 else _QUOTED / 2) if self._extractive else _FOR_MODEL
        for facts in _facts(has):
            if kind == "page":
                page = facts.document.file.pages if number < 0 else number
                own, what = on_page(facts.sentences, page), f"第{page}页写道"
            elif question.name:
                own = section(facts.sentences, question.name)
                what = f"的“{one_line(question.name)}”部分写道"
            elif kind == "article":
                own, what = article(facts.sentences, number), f"{ordinal}条写道"
            else:
                own = part(facts.sentences, question.unit, number)
                what = f"{ordinal}{question.unit}写道"
            quotation = facts.quotation(what, own, size)
            said += [quotation] if quotation else []
            if len(said) > FEW:
                return None  # a question that names no document, of what many of them have
        return statements_of(question, [one for own in said for one in own])

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
    if question.kind == "issuer":
        return facts.issuers()
    return (
        facts.dates(question.created)
        if question.kind == "date"
        else facts.chapters(question.unit, question.number)
    )


def in_one(told: Sequence[AboutDocuments]) -> AboutDocuments:
    """The answers to several questions in one, of which a language model words nothing if one of them is a plain fact."""
    said = []
    for one in told:
        own = list(one.statements)
        if own:
            own[0] = replace(own[0], text=f"{one.before}{own[0].text}")
            own[-1] = replace(own[-1], after=f"{own[-1].after}{one.after}")
        said += own
    missing = [word for one in told for word in one.missing]
    question = next((one.question for one in told if not one.is_worded), told[0].question)
    return AboutDocuments(question, said, RankedPassages([]), missing=missing if not said else ())


def _facts(documents: Sequence[SearchedDocument]) -> list[DocumentFacts]:
    """The documents with their sentences, without those of which nothing may be shown."""
    read = ((one, one.sentences()) for one in documents)
    return [DocumentFacts(one, sentences) for one, sentences in read if sentences]


def statements_of(
    question: AboutQuestion, said: Sequence[Statement], before: str = "", after: str = ""
) -> AboutDocuments | None:
    """The statements with a number for each passage; None without any."""
    return AboutDocuments(question, said, RankedPassages([]), before, after) if said else None
