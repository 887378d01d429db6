"""What a question names and the documents do not hold: then there is no answer, however similar the passages are.

Scores cannot tell: the revenue of 2021 is as close to a question about 2020 as any text can be. So years, codes, articles
and names are looked up, in the whole collection and in the documents that the question names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import Nearest
from qa_engine.answering.refusal.articles import FIRST_SENTENCES, Articles
from qa_engine.answering.refusal.holding import all_text, articles, holds, name_of_document, pairs
from qa_engine.answering.refusal.nearest import (
    MOST,
    nearest_codes,
    nearest_numbers,
    nearest_periods,
    nearest_places,
)
from qa_engine.answering.refusal.periods import AskedPeriods
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.text.identifiers import Identifier, articles_of, codes_of, identifiers, sizes_of
from qa_engine.text.language import is_chinese
from qa_engine.text.periods import Period, period_of
from qa_engine.text.tokenizer import fold, tokenize
from qa_engine.types import Passage, passage_of

_OFTEN = 10
"""A document with so many sentences that hold a name, or are beside one that does, is about it."""


@dataclass(frozen=True)
class Absence:
    """What the documents lack of what a question names.

    Attributes:
        missing: what they lack, as it stands in the question.
        nearest: what they hold instead, the nearest first.
        passages: the candidates that do not contradict the question, best first; all of them if each does.
        holds_clause: whether one of these has the article or the clause that the question names.
    """

    missing: tuple[str, ...]
    nearest: tuple[Nearest, ...]
    passages: list[NodeWithScore]
    holds_clause: bool = False

    @classmethod
    def of(cls, question: str, ranked: RankedPassages) -> Absence:
        """Looks up what a question names.

        Args:
            question: as it was asked.
            ranked: the candidates for it.
        """
        named = identifiers(question)
        if not ranked.passages or not (named or ranked.named):
            return cls((), (), ranked.passages)
        return _Check(question, named, ranked).result()


class _Check:
    """Looks up the identifiers of one question among its candidates and in their collections."""

    def __init__(self, question: str, named: Sequence[Identifier], ranked: RankedPassages) -> None:
        self._question, self._named, self._nodes = question, named, ranked.passages
        self._passages = [passage_of(node) for node in ranked.passages]
        self._texts = [fold(all_text(passage)) for passage in self._passages]
        self._sources, self._preference = ranked.sources, ranked.named
        self._chinese = is_chinese(question)
        self._periods = AskedPeriods(question, named)
        self._articles = Articles(self._passages, ranked.sources, self._same_language)
        self._numbers = list(range(len(self._passages)))

    def result(self) -> Absence:
        absent = [one for one in self._named if not any(map(self._fits(one), self._numbers))]
        inside = self._inside([one for one in self._named if one not in absent])
        if not absent:
            passages = [self._passages[number] for number in inside]
            absent = [one for one in self._named if not self._answers(one, passages)]
        passages = [self._passages[number] for number in inside or self._numbers]
        nearest = [near for one in absent for near in self._nearest(one, passages)]
        agreeing = [self._nodes[number] for number in inside if not self._contradicts(self._passages[number])]
        agreeing = agreeing or self._nodes
        clauses = [one for one in self._named if one.kind in {"article", "clause"}]
        held = [
            node for node in agreeing if any(self._articles.begins(one, passage_of(node)) for one in clauses)
        ]
        return Absence(
            tuple(one.shown for one in absent),
            tuple(dict.fromkeys(nearest)),
            [*held, *(node for node in agreeing if node not in held)] if held else agreeing,
            bool(held),
        )

    def _inside(self, present: Sequence[Identifier]) -> list[int]:
        """The numbers of the passages of documents that hold what the question names."""
        inside = self._named_documents()
        for one in present:
            fits = self._fits(one, anywhere=True)
            inside = list(filter(fits, inside)) or inside
        return inside

    def _named_documents(self) -> list[int]:
        """The numbers of the passages of documents that retrieval prefers because the question names them, or of all."""
        named = self._preference
        kept = [n for n in self._numbers if self._passages[n].document_id not in named.set_aside]
        return [n for n in kept if self._passages[n].document_id in named.preferred] or kept or self._numbers

    def _fits(self, one: Identifier, anywhere: bool = False) -> Callable[[int], bool]:
        """Whether a passage holds a name, a title or a code, or is of a document about it; for others see `_answers`.

        With ``anywhere``, it is enough that its document holds it somewhere.
        """
        if one.kind == "article":
            works = self._articles.works(one) if one.work else set()
            return lambda number: not works or self._passages[number].document_id in works
        if one.kind == "annex":
            there = not self._same_language or self._articles.has_annex(one)
            return lambda number: there
        if one.kind == "size":
            missing = self._is_other_product(one)
            return lambda number: not missing
        is_latin = one.value.isascii() and self._chinese
        if one.kind == "word" and self._same_language:
            return lambda number: True  # Chinese documents spell out what is abbreviated
        if one.kind in {"year", "quarter", "clause"} or (
            one.kind in {"name", "firm", "place", "person", "title"}
            and not self._same_language
            and not is_latin
        ):
            return lambda number: True  # what is named in another language is written otherwise there
        if one.kind in {"firm", "place", "person", "numbered"} or (is_latin and not self._same_language):
            # One that the collection names at all may be called otherwise where it is meant.
            held = self._is_named(one)
            return lambda number: held
        terms = tokenize(one.value)[:1] if one.value.isascii() else pairs(one.value)
        documents = self._documents(terms) if anywhere or one.is_weak else self._about(terms)
        if one.is_weak and (documents or anywhere):
            return lambda number: True
        return lambda number: (
            self._passages[number].document_id in documents or holds(self._texts[number], one)
        )

    def _is_named(self, one: Identifier) -> bool:
        """Whether the collections hold a name; also if nothing shows that they would write it so."""
        terms = tokenize(one.value)[:1] if one.value.isascii() else pairs(one.value)
        if self._documents(terms) or any(holds(text, one) for text in self._texts):
            return True
        return one.kind == "numbered" and not nearest_numbers(one.value, self._passages)

    def _is_other_product(self, one: Identifier) -> bool:
        """Whether a document is named after a product of another size: 196Ah where the question names the 106Ah cell.

        Any other quantity may be one that no document needs to name.
        """
        if any(one.value in sizes_of(text) for text in self._texts):
            return False
        return bool(self._other_sizes(one))

    def _other_sizes(self, one: Identifier) -> list[Nearest]:
        unit = one.value.partition(" ")[2]
        return [
            Nearest(size, "size", size, passage.file_name)
            for passage in self._passages
            for value, size in sizes_of(re.sub("[_-]+", " ", fold(name_of_document(passage)))).items()
            if value.partition(" ")[2] == unit
        ][:MOST]

    def _about(self, terms: Sequence[str]) -> Set[str]:
        """The documents that name something among their first sentences, or often."""
        if self._sources is None or not terms:
            return set()
        first = self._sources.documents_holding(terms, within=FIRST_SENTENCES)
        return first | self._sources.documents_holding(terms, at_least=_OFTEN)

    @cached_property
    def _same_language(self) -> bool:
        return any(is_chinese(passage.text) == self._chinese for passage in self._passages[:5])

    def _documents(self, terms: Sequence[str]) -> Set[str]:
        """The documents that hold all the terms in one place."""
        return self._sources.documents_holding(terms) if self._sources is not None and terms else set()

    def _answers(self, one: Identifier, inside: Sequence[Passage]) -> bool:
        """Whether the documents that fit hold an article, a clause, or a year for what is asked."""
        if one.kind in {"article", "clause"}:
            return self._articles.hold(one, inside)
        if one.kind in {"year", "quarter"}:
            return any(self._periods.hold(passage, period_of(one.value)) for passage in inside)
        return True

    def _contradicts(self, passage: Passage) -> bool:
        if self._periods.contradict(passage) or self._is_of_other_code(passage):
            return True
        numbers = {int(one.value) for one in self._named if one.kind == "article"}
        sections = articles_of(passage.section.rpartition(">")[2].strip()) if numbers else set()
        return bool(sections) and not numbers & (sections | articles(passage))

    def _is_of_other_code(self, passage: Passage) -> bool:
        """Whether the document or the section of a passage is named after another code than those of the question."""
        asked = [one for one in self._named if one.kind in {"code", "numbered"}]
        text = fold(all_text(passage))
        if not asked or any(holds(text, one) for one in asked):
            return False
        titles = re.sub("_+", " ", fold(f"{name_of_document(passage)}\n{passage.section}"))
        series = {_series(code) for code in codes_of(titles)}
        return any(_series(one.value) in series for one in asked)

    def _reports(self, inside: Sequence[Passage]) -> list[tuple[Period, str]]:
        """The periods of the reports that candidates are from, and of those that differ from them in the period alone."""
        if self._sources is None:
            return []
        own = dict.fromkeys(passage.document_id for passage in inside)
        family = {other for document in own for other in self._sources.other_periods(document)}
        found = []
        for document, origin in self._sources.origins(family).items():
            identity = self._sources.identity(document)
            if identity is not None and origin.file_name:
                found += [
                    (identity.period, origin.file_name),
                    (Period(identity.period.year), origin.file_name),
                ]
        return found

    def _nearest(self, one: Identifier, inside: Sequence[Passage]) -> list[Nearest]:
        if one.kind in {"year", "quarter"}:
            return nearest_periods(one, inside, self._reports(inside))
        if one.kind == "size":
            return self._other_sizes(one)
        if one.kind == "code":
            return nearest_codes(one.value, inside)
        if one.kind in {"article", "clause"}:
            return self._articles.nearest(one, inside)
        if one.kind == "numbered":
            return nearest_numbers(one.value, self._passages)
        if one.kind == "place":
            return nearest_places(one.text, self._passages)
        return []


def _series(code: str) -> str:
    """What the codes of a series begin with: ``kd`` of ``kd220``."""
    return re.match("[a-z]*", code)[0]  # type: ignore[index]
