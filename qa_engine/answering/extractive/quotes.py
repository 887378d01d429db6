"""From chosen sentences to quotes: an article whole, a list with its items, a sentence to its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_engine.answering.extractive.clauses import article_range, articles_of
from qa_engine.answering.extractive.lists import (
    begins_item,
    list_range,
    row_named_alone,
    rows_range,
    with_continuation,
)
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.text.language import chinese_size
from qa_engine.types import Passage, PassageSentence

_ASKED_ARTICLE, _HIT_ARTICLE, _LIST = 1000, 450, 700
"""Chinese characters of the longest article that is quoted whole if it was asked for by its number, and if not; and of the
longest list."""
_LATIN_RATIO = 1.7
_REFERS = re.compile(
    r"^\W*(?:it|they|he|she|this|these|those)\b|\b(?:this|these|those) (?!paper|work|article|report|document|study)[a-z]+",
    re.I,
)
"""English sentences that say of what is in the sentence before: this model, they."""
_ANTECEDENT = 120
"""Chinese characters of the longest sentence that is quoted because the next one speaks of what it names."""
_LINES = frozenset({"heading", "contents", "reference", "authors"})
"""Roles of sentences that stand on lines of their own."""


@dataclass(frozen=True)
class Quote:
    """Sentences that follow one another, to be quoted in one piece.

    Attributes:
        passage: the passage that they were chosen from.
        around: the sentences of the passage and those around it.
        places: indices in ``around``.
    """

    passage: Passage
    around: Sequence[PassageSentence]
    places: range

    @property
    def sentences(self) -> Sequence[PassageSentence]:
        """The quoted sentences, in reading order."""
        return self.around[self.places.start : self.places.stop]

    @property
    def text(self) -> str:
        """The quoted sentences as they are read: items of a list, rows and headings on lines of their own."""
        lines = [0]
        for before, sentence in pairwise(self.sentences):
            begins = any(one.table is not None or one.role in _LINES for one in (before, sentence))
            lines.append(lines[-1] + (begins or begins_item(before, sentence)))
        return join_sentences([sentence.text for sentence in self.sentences], lines)


def whole_quotes(quote: Quote, kind: QuestionKind, question: str = "") -> list[Quote]:
    """A quote as a whole: the article or clause that it is of, the list if a list is asked for, the rest of its sentence.

    Of an article or a list that is too long, the lead-in is quoted before the chosen sentences.

    Args:
        quote: the chosen sentences.
        kind: of the question.
        question: as it was asked; a row that it names alone is quoted alone.
    """
    # A sentence that may be misread is never quoted, nor as a part of a whole.
    wholes = _wholes(quote, kind, question)
    return [quote] if any(sentence.doubt for whole in wholes for sentence in whole.sentences) else wholes


def _wholes(quote: Quote, kind: QuestionKind, question: str) -> list[Quote]:
    around, places = quote.around, quote.places
    first = around[places.start]
    if first.table is not None:
        rows = rows_range(around, places.start)
        named = row_named_alone(question, around, rows)
        if named is not None and named in places and all(place in rows for place in places):
            return [Quote(quote.passage, around, range(named, named + 1))]
        fits = kind.gathers and _size(around, rows) <= _LIST
        return [Quote(quote.passage, around, rows if fits else places)]
    asked = bool(kind.article) and kind.article in articles_of(around)[places.start]
    article = article_range(around, places.start, kind.article)
    listed = list_range(around, places.start) if kind.gathers else None
    units = [
        (_both(unit, places), limit)
        for unit, limit in ((article, _ASKED_ARTICLE if asked else _HIT_ARTICLE), (listed, _LIST))
        if unit is not None
    ]
    if fitting := [unit for unit, limit in units if _size(around, unit) <= limit]:
        whole = max(fitting, key=len)
        return [Quote(quote.passage, around, with_continuation(around, whole))]
    kept = with_continuation(around, places)
    if not units:
        return [Quote(quote.passage, around, _with_antecedent(around, kept))]
    unit, limit = units[0]
    if _size(around, kept) > limit:
        kept = places
    lead_in = range(unit.start, min(unit.start + 1, kept.start))
    return [Quote(quote.passage, around, part) for part in (lead_in, kept) if part]


def _with_antecedent(around: Sequence[PassageSentence], places: range) -> range:
    """The sentences with the one before, if the first cannot be understood without it."""
    first = around[places.start]
    if places.start == 0 or not _REFERS.search(first.text):
        return places
    before = around[places.start - 1]
    follows = before.role == first.role and before.section == first.section and before.table is None
    short = chinese_size(before.text, _LATIN_RATIO) <= _ANTECEDENT
    return range(places.start - 1, places.stop) if follows and short and not before.doubt else places


def without_repetition(quotes: Sequence[Quote]) -> list[Quote]:
    """Quotes without those whose sentences are all in one before or behind them."""
    kept: list[Quote] = []
    for quote in quotes:
        own = _names(quote)
        if any(own <= _names(other) for other in kept):
            continue
        kept = [other for other in kept if not _names(other) <= own]
        kept.append(quote)
    return kept


def _names(quote: Quote) -> set[tuple[str, str]]:
    return {(sentence.node_id or quote.passage.node_id, sentence.text) for sentence in quote.sentences}


def _both(one: range, other: range) -> range:
    return range(min(one.start, other.start), max(one.stop, other.stop))


def _size(sentences: Sequence[PassageSentence], places: range) -> float:
    return sum(chinese_size(sentences[place].text, _LATIN_RATIO) for place in places)
