"""What documents hold in place of what a question names: the nearest years, quarters and codes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from qa_engine.answering.answer import Nearest
from qa_engine.answering.refusal.holding import all_text, document_period, document_years, name_of_document
from qa_engine.text.chinese_names import place_names
from qa_engine.text.identifiers import Identifier, codes_of
from qa_engine.text.periods import Period, parts_of_year, period_of, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

MOST = 3
"""Nearest values that are told of one that is missing."""
_FILE_TYPE = re.compile(r"\.pdf\b", re.I)
_SIMILAR_CODE = 0.6
"""Likeness from which a code is near another."""


def nearest_periods(
    one: Identifier, passages: Sequence[Passage], reports: Sequence[tuple[Period, str]] = ()
) -> list[Nearest]:
    """The nearest periods that documents are of, or else that their passages speak of.

    Args:
        one: the period that is missing: quarters are told for a quarter, halves for a half, or else years.
        passages: the candidates.
        reports: the periods of their documents and of the other reports of the same kind, with their file names.
    """
    asked = period_of(one.value)
    own = [*reports, *((period, passage.file_name) for passage in passages for period in _own(passage))]
    told = [(period, passage.file_name) for passage in passages for period in _told(passage)]
    for periods in (own, told):
        found: dict[str, Nearest] = {}
        for period, file_name in periods:
            if period.year and period.part[:1] == asked.part[:1]:
                kind = "quarter" if period.part else "year"
                found.setdefault(period.label, Nearest(period.chinese, kind, period.label, file_name))
        if found:
            break
    if asked.part and not found:
        return nearest_periods(replace(one, value=str(asked.year)), passages, reports)

    def distance(near: Nearest) -> tuple[int, str]:
        return abs(_quarters(period_of(near.value)) - _quarters(asked)), near.value

    return sorted(found.values(), key=distance)[:MOST]


def _own(passage: Passage) -> Iterator[Period]:
    """The periods that the document of a passage is of."""
    yield from map(Period, document_years(passage))
    yield document_period(passage)


def _told(passage: Passage) -> Iterator[Period]:
    """The periods that a passage speaks of."""
    for sentence in [passage.section, *(sentence.text for sentence in passage.sentences)]:
        years = years_of(sentence)
        yield from map(Period, years)
        if len(years) == 1:
            yield from (Period(years[0], part=part) for part in parts_of_year(sentence))


def _quarters(period: Period) -> int:
    return 4 * period.year + (2 if period.part[:1] == "H" else 1) * int(period.part[1:] or 0)


def nearest_codes(value: str, passages: Iterable[Passage]) -> list[Nearest]:
    found = {
        key: Nearest(code, "code", code, passage.file_name)
        for passage in passages
        for key, code in codes_of(_FILE_TYPE.sub(" ", fold(all_text(passage)))).items()
    }
    likeness = {key: SequenceMatcher(None, key, value).ratio() for key in found}
    best = sorted(
        (key for key in found if likeness[key] >= _SIMILAR_CODE), key=lambda key: (-likeness[key], key)
    )
    return [found[key] for key in best[:MOST]]


def nearest_numbers(value: str, passages: Sequence[Passage]) -> list[Nearest]:
    """What passages name with the word and another number, such as Aero 5 and Aero 7 for ``aero6``.

    A word that they write without a capital, or once only outside of the names of documents, makes no name with a number.
    """
    word, number = re.fullmatch("([a-z]+)([0-9]+)", value).groups()  # type: ignore[union-attr]
    form = re.compile(
        rf"(?<![A-Za-z0-9])((?=[A-Z])(?i:{word})[-–_/ ]?)([0-9]{{1,4}})(?![A-Za-z0-9%@]|[.,][0-9])"
    )
    found: dict[str, Nearest] = {}
    times = 0
    for passage in passages:
        name = name_of_document(passage).replace("_", " ")
        times += 2 * bool(form.search(name))
        for match in form.finditer(f"{name}\n{passage.section}\n{passage.text}"):
            times += 1
            found.setdefault(match[2], Nearest(match[0], "code", word + match[2], passage.file_name))
    if times < 2 or number in found:
        return []
    return [found[one] for one in sorted(found, key=lambda one: abs(int(one) - int(number)))][:MOST]


def nearest_places(name: str, passages: Sequence[Passage]) -> list[Nearest]:
    """The places of the same rank that passages name, those most often named first."""
    files: dict[str, str] = {}
    times = Counter[str]()
    for passage in passages:
        document = fold(name_of_document(passage))
        for match in re.finditer(f"[\u4e00-\u9fff]{{{len(name) - 1}}}{name[-1]}", fold(passage.text)):
            if match[0] in document or [place for place, _ in place_names(match[0])] == [match[0]]:
                times[match[0]] += 1
                files.setdefault(match[0], passage.file_name)
    return [Nearest(place, "place", place, files[place]) for place, _ in times.most_common(MOST)]
