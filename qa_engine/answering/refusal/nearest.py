"""What documents hold in place of what a question names: the nearest years, quarters and codes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from qa_engine.answering.answer import Nearest
from qa_engine.answering.refusal.holding import all_text, document_years
from qa_engine.text.identifiers import Identifier, codes_of
from qa_engine.text.periods import Period, parts_of_year, period_of, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

MOST = 3
"""Nearest values that are told of one that is missing."""
_SIMILAR_CODE = 0.6
"""Likeness from which a code is near another."""


def nearest_periods(one: Identifier, passages: Iterable[Passage]) -> list[Nearest]:
    asked = period_of(one.value)
    found: dict[str, Nearest] = {}

    def tell(period: Period, passage: Passage) -> None:
        kind = "quarter" if period.part else "year"
        found.setdefault(period.label, Nearest(period.chinese, kind, period.label, passage.file_name))

    for passage in passages:
        for sentence in [passage.section, *(sentence.text for sentence in passage.sentences)]:
            years = years_of(sentence)
            if not asked.part:
                for year in years:
                    tell(Period(year), passage)
            elif len(years) == 1:
                for part in parts_of_year(sentence):
                    if part[0] == "Q":
                        tell(Period(years[0], part=part), passage)
        for year in document_years(passage) if not asked.part else ():
            tell(Period(year), passage)

    def distance(near: Nearest) -> tuple[int, str]:
        return abs(_quarters(period_of(near.value)) - _quarters(asked)), near.value

    return [near for near in sorted(found.values(), key=distance) if near.value != one.value][:MOST]


def _quarters(period: Period) -> int:
    return 4 * period.year + int(period.part[1:] or 0)


def nearest_codes(value: str, passages: Iterable[Passage]) -> list[Nearest]:
    found = {
        key: Nearest(code, "code", code, passage.file_name)
        for passage in passages
        for key, code in codes_of(fold(all_text(passage))).items()
    }
    likeness = {key: SequenceMatcher(None, key, value).ratio() for key in found}
    best = sorted((key for key in found if likeness[key] >= _SIMILAR_CODE), key=lambda key: -likeness[key])
    return [found[key] for key in best[:MOST]]
