"""Whether passages are about a period that a question names: a year, or a quarter of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from qa_engine.answering.refusal.holding import all_text, document_years, is_report, name_of_document
from qa_engine.text.identifiers import Identifier
from qa_engine.text.language import is_chinese
from qa_engine.text.periods import Period, parts_of_year, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

_BEFORE = re.compile(
    r"上期|上年|去年|同期|期初|年初|同比|\b(?:prior|previous|preceding|last) (?:fiscal )?(?:year|period)\b",
    re.I,
)
_ASKING = re.compile(
    "什么|多少|哪[一个些家几里年]?|几|如何|怎么样?|怎样|为什么|为何|是否|有没有|请问|一共|总共|分别|公司|情况|关于|[的了是在和与及或呢吗有]"
)


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

    def hold(self, passage: Passage, period: Period) -> bool:
        """Whether a passage says something of a period about what is asked."""
        year, own, text = period.year, document_years(passage), all_text(passage)
        if period.part:
            return period.part in parts_of_year(text) and (year in own or year in years_of(text))
        # A report shows the year before in its statements, where columns may be called 本期 and 上期.
        if year in own or (year + 1 in own and (is_report(passage) or _BEFORE.search(text))):
            return True
        if year not in years_of(text):
            return False
        if is_chinese(passage.text) != self._chinese or not passage.sentences:
            return True
        name = fold(name_of_document(passage)).lower() if own else ""
        for index, sentence in enumerate(passage.sentences):
            if year in years_of(f"{sentence.section}\n{sentence.text}"):
                # What a document about another period says of this year is said in one sentence.
                reach = 0 if own or sentence.table is not None else 1
                around = passage.sentences[max(0, index - reach) : index + reach + 1]
                texts = [passage.section, *(f"{one.section}\n{one.text}" for one in around)]
                if self._covered(fold("\n".join(texts)), name):
                    return True
        return False

    @cached_property
    def _subject(self) -> list[str]:
        """The words of the question that are neither identifiers nor ask."""
        import rjieba

        text = fold(self._question)
        for one in self._named:
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


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)] if word.isascii() else word
