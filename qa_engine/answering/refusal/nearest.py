"""What documents hold in place of what a question names: the nearest years, quarters and codes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from qa_engine.answering.answer import Nearest
from qa_engine.answering.refusal.holding import all_text, document_years
from qa_engine.text.identifiers import Identifier, codes_of, quarters_of, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

MOST = 3
"""Nearest values that are told of one that is missing."""
_SIMILAR_CODE = 0.6
"""Likeness from which a code is near another."""


def nearest_periods(one: Identifier, passages: Iterable[Passage]) -> list[Nearest]:
    year, _, quarter = one.value.partition("Q")
    found: dict[str, Nearest] = {}
    for passage in passages:
        for sentence in [passage.section, *(sentence.text for sentence in passage.sentences)]:
            years, quarters = years_of(sentence), quarters_of(sentence) if quarter else set()
            for value in years:
                if quarters and len(years) == 1:
                    for part in quarters:
                        text = f"{value}年第{'一二三四'[part - 1]}季度"
                        found.setdefault(text, Nearest(text, "quarter", f"{value}Q{part}", passage.file_name))
                elif not quarter:
                    found.setdefault(
                        f"{value}年", Nearest(f"{value}年", "year", str(value), passage.file_name)
                    )
        for value in document_years(passage) if not quarter else ():
            found.setdefault(f"{value}年", Nearest(f"{value}年", "year", str(value), passage.file_name))
    asked = 4 * int(year) + int(quarter or 0)

    def distance(near: Nearest) -> tuple[int, str]:
        whole, _, part = near.value.partition("Q")
        return abs(4 * int(whole) + int(part or 0) - asked), near.value

    return [near for near in sorted(found.values(), key=distance) if near.value != one.value][:MOST]


def nearest_codes(value: str, passages: Iterable[Passage]) -> list[Nearest]:
    found = {
        key: Nearest(code, "code", code, passage.file_name)
        for passage in passages
        for key, code in codes_of(fold(all_text(passage))).items()
    }
    likeness = {key: SequenceMatcher(None, key, value).ratio() for key in found}
    best = sorted((key for key in found if likeness[key] >= _SIMILAR_CODE), key=lambda key: -likeness[key])
    return [found[key] for key in best[:MOST]]
