"""Whether passages are about a period that a question names: a year, a half or a quarter of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from qa_engine.answering.refusal.holding import all_text, document_period, document_years, name_of_document
from qa_engine.text.identifiers import Identifier
from qa_engine.text.language import is_chinese
from qa_engine.text.periods import Period, names_part, parts_of_year, period_of, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage, PassageSentence

_BEFORE = re.compile(
    r"(?<![比较])(?:上期|上年|去年|期初|年初|(?<![年月季])同期)"
    r"|\b(?:prior|previous|preceding|last) (?:fiscal )?(?:year|period)\b",
    re.I,
)
"""What says that a figure is of the year before; 比上年增长4% gives none of that year."""
_HALF = {
    "H1": re.compile(r"(?<!\d)1\s*[-–—~至到]\s*6\s*月|[六6]个月|\bsix[- ]months?\b", re.I),
    "H2": re.compile(r"(?<!\d)7\s*[-–—~至到]\s*12\s*月"),
}
_ASKING = re.compile(
    "发生|什么|多少|哪[一个些家几里年]?|几|如何|怎么样?|怎样|为什么|为何|是否|有没有|请问|一共|总共|分别|公司|情况|关于|[的了是在和与及或呢吗有]"
)


_TOLD_OF = {"person", "place", "word", "numbered"}


class AskedPeriods:
    """Looks up the periods of one question in passages."""

    def __init__(self, question: str, named: Sequence[Identifier]) -> None:
        """
        Args:
            question: as it was asked.
            named: its identifiers.
        """
        self._question, self._named = question, named
        self._chinese = is_chinese(question)
        self._periods = [period_of(one.value) for one in named if one.kind in {"year", "quarter"}]

    def hold(self, passage: Passage, period: Period) -> bool:
        """Whether a passage says something of a period about what is asked."""
        year, own, text = period.year, document_years(passage), all_text(passage)
        if period.part:
            return self._hold_part(passage, period, text)
        if year in own:
            return True
        # A report shows the year before in its statements, where columns may be called 本期 and 上期.
        before = year + 1 in own

        def names_it(one: str) -> bool:
            return year in years_of(one) or (before and _BEFORE.search(one) is not None)

        if not names_it(text):
            return False
        if is_chinese(passage.text) != self._chinese or not passage.sentences:
            return True
        name = fold(name_of_document(passage)).lower() if own else ""
        for index, sentence in enumerate(passage.sentences):
            if names_it(f"{sentence.section}\n{sentence.text}"):
                # What a document about another period says of this year is said in one sentence.
                reach = 0 if own or sentence.table is not None else 1
                around = passage.sentences[max(0, index - reach) : index + reach + 1]
                texts = [passage.section, *(f"{one.section}\n{one.text}" for one in around)]
                if self._covered(fold("\n".join(texts)), name):
                    return True
        return False

    def contradict(self, passage: Passage) -> bool:
        """Whether a passage is of another period than all that the question names, by its document or by its section."""
        if not self._periods:
            return False
        years, text = {period.year for period in self._periods}, all_text(passage)
        own = document_period(passage)
        parts = {period.part for period in self._periods}
        if own.part and all(part[:1] == own.part[:1] for part in parts):
            return not any(self._hold_part(passage, period, text) for period in self._periods)
        texts = "\n".join([passage.section, *(sentence.text for sentence in passage.sentences), passage.text])
        of_section = set(years_of(passage.section.rpartition(">")[2]))
        for known in (document_years(passage), of_section):
            before = known & {year + 1 for year in years} and _BEFORE.search(texts)
            if known and years.isdisjoint(known) and not before and years.isdisjoint(years_of(texts)):
                return True
        return False

    def _hold_part(self, passage: Passage, period: Period, text: str) -> bool:
        """Whether a passage, or the document it is of, is about a quarter or a half of a year."""
        own = document_period(passage)
        if own.part:
            if (own.year, own.part) == (period.year, period.part):
                return True
            return any(_names_part(one, period) for one in passage.sentences)
        named = period.year in document_years(passage) or period.year in years_of(text)
        return named and _has_part(text, period.part)

    @cached_property
    def _subject(self) -> list[str]:
        """The words of the question that are neither identifiers nor ask; persons and places are told of as well."""
        import rjieba

        text = fold(self._question)
        for one in self._named:
            if one.kind not in _TOLD_OF:
                text = text.replace(one.text, " ")
        text = re.sub(r"[0-9]+\s*年?", " ", _ASKING.sub(" ", text))
        return [
            word.lower()
            for word in rjieba.cut(text)
            if len(word) > 1 and (not word.isascii() or len(word) > 3)
        ]

    def _covered(self, text: str, name: str) -> bool:
        """Whether a text holds a word of the subject that does not only name its document; true if there is no such word."""
        lower, told = text.lower(), [word for word in self._subject if word not in name]
        return not told or any(_stem(word) in lower for word in told)


def _names_part(sentence: PassageSentence, period: Period) -> bool:
    text = f"{sentence.section}\n{sentence.text}"
    if sentence.table is None:
        return names_part(text, period.year, period.part)
    return period.year in years_of(text) and _has_part(text, period.part)  # in a column and a row


def _has_part(text: str, part: str) -> bool:
    return part in parts_of_year(text) or (part in _HALF and _HALF[part].search(text) is not None)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)] if word.isascii() else word
