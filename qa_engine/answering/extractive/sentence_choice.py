"""Chooses the sentences that answer a question, by features that can be compared within the question.

The best support alone finds a sentence about the right thing; that the sentence, its titles and the one before it have
between them the words of the question, and that it holds a number, a date, a place or a reason where one is asked for,
tells more often which of several such sentences answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache

from qa_engine.text.language import chinese_size
from qa_engine.text.tokenizer import fold, tokenize

_NUMERAL = "[〇零一二两三四五六七八九十百千万亿]"
_NUMBER = re.compile(
    rf"[0-9]+(?:[.,][0-9]+)*|{_NUMERAL}+(?=[个名人位座条次倍种部家届年月日天岁米公里元美吨亩层])"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundreds?|thousands?|millions?|billions?)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"[0-9]{3,4}\s*年|[0-9]{1,2}\s*[月日时点]|世纪|年代|年间|\b(?:1[0-9]{3}|20[0-9]{2})s?\b|\bcentur(?:y|ies)\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_PLACE = re.compile(r"位于|地处|[市县省州区国镇]|\blocated\b|\b(?:in|at|from) (?:the )?[A-Z]")
_REASON = re.compile(
    r"因|由于|为了|\bbecause\b|\bdue to\b|\bsince\b|\bin order to\b|\bas a result\b", re.IGNORECASE
)
_ASKED: Sequence[tuple[str, re.Pattern[str], re.Pattern[str]]] = (
    (
        "time",
        re.compile(
            r"何时|何年|什么时[候间]|哪一?[年天月日]|哪[几个]年|哪个(?:年|世纪)|几[年月]|时间|日期|年代|年份|\bwhen\b"
            r"|\b(?:what|which) (?:year|date|day|month|century)\b",
            re.IGNORECASE,
        ),
        _TIME,
    ),
    (
        "number",
        re.compile(r"多[少大高长远久重]|几|\bhow (?:many|much|long|large|big|high|far|old)\b", re.IGNORECASE),
        _NUMBER,
    ),
    (
        "place",
        re.compile(
            r"哪[里儿国州]|何[处地]|什么地[方区]|哪个(?:国家|城市|省|州|市|县|地区|地方)|位于|地点|\bwhere\b",
            re.IGNORECASE,
        ),
        _PLACE,
    ),
    ("reason", re.compile(r"为什么|为何|原因|\bwhy\b", re.IGNORECASE), _REASON),
)
"""What is asked for, what a question that asks for it has, and what a sentence that answers it has. The first that fits
counts: 哪一年 and 几月 ask for a time, though 几 asks for a number as well."""


_TELLING = 0.5
"""Share of the question's terms that the candidates must have between them for shares of these terms to count in full."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be quoted.

    Attributes:
        text: the sentence.
        rank: rank of its passage, from 0. The sentences of a passage follow one another, in reading order.
        support: how well it supports the question, -1 to 1.
        titles: the titles above it.
        quotable: whether it may be quoted; a heading may not, but its words count beside others.
        table: number of the table that it is a row of.
    """

    text: str
    rank: int
    support: float = 0.0
    titles: str = ""
    quotable: bool = True
    table: int | None = None


@dataclass(frozen=True)
class SentenceFeatures:
    """The features of a sentence that say how well it answers the question.

    Attributes:
        support: how well the sentence supports the question, -1 to 1.
        rank: rank of its passage, from 0.
        with_before: share, 0 to 1, of the question's terms that are in it or in the sentence before it.
        with_titles: share of these terms that are in it or in the titles above it.
        time: whether the question asks for a time, and the sentence holds one.
        number: the same for a number that is not in the question.
        place: the same for what may be a place.
        reason: the same for a reason.
    """

    support: float
    rank: float
    with_before: float
    with_titles: float
    time: float = 0.0
    number: float = 0.0
    place: float = 0.0
    reason: float = 0.0

    def values(self) -> tuple[float, ...]:
        """The numbers, in the order of `FEATURES`."""
        return astuple(self)


FEATURES = tuple(field.name for field in fields(SentenceFeatures))


def sentence_features(question: str, candidates: Sequence[Candidate]) -> list[SentenceFeatures]:
    """The features of each candidate.

    Terms are those of BM25, in which traditional and simplified characters are one and question words are none. A term
    weighs the more, the fewer of the candidates have it. Terms that none of them has do not count; where these are most, as
    between two languages, the others are chance, and their shares are made smaller.

    Args:
        question: as it was asked.
        candidates: passage by passage.
    """
    asked = set(tokenize(question))
    found = [asked.intersection(tokenize(candidate.text)) for candidate in candidates]
    having = Counter(term for terms in found for term in terms)
    weights = {term: math.log((len(candidates) + 1) / (count + 0.5)) for term, count in having.items()}
    whole = sum(weights.values())
    trust = min(1.0, len(having) / (_TELLING * len(asked))) if asked else 0.0

    def share(terms: set[str]) -> float:
        # In a fixed order: sums of floats differ by their order, and sets have none.
        known = sum(weights[term] for term in sorted(terms) if term in weights)
        return trust * known / whole if whole > 0 else 0.0

    @cache
    def of_titles(titles: str) -> set[str]:
        return asked.intersection(tokenize(titles)) if titles else set()

    wanted = _what_is_asked(question)
    features = []
    for place, candidate in enumerate(candidates):
        follows = place > 0 and candidates[place - 1].rank == candidate.rank
        before = found[place - 1] if follows else set()
        expected = {wanted.kind: 1.0} if wanted.is_in(candidate.text) else {}
        features.append(
            SentenceFeatures(
                candidate.support,
                candidate.rank,
                share(found[place] | before),
                share(found[place] | of_titles(candidate.titles)),
                **expected,
            )
        )
    return features


@dataclass(frozen=True)
class _Asked:
    """What a question asks for.

    Attributes:
        kind: the name of one of `SentenceFeatures`; empty for anything that is not told by its looks.
        sought: what texts that answer have.
        known: what the question has of it already, which is no answer.
    """

    kind: str
    sought: re.Pattern[str] | None = None
    known: frozenset[str] = frozenset()

    def is_in(self, text: str) -> bool:
        return self.sought is not None and any(
            one not in self.known for one in self.sought.findall(fold(text))
        )


def _what_is_asked(question: str) -> _Asked:
    folded = fold(question)
    for kind, asks, sought in _ASKED:
        if asks.search(folded):
            known = sought.findall(folded) if kind in {"time", "number"} else ()
            return _Asked(kind, sought, frozenset(known))
    return _Asked("")


WEIGHTS: Mapping[str, float] = {
    "support": 35.3,
    "rank": -1.25,
    "with_before": 0.6,
    "with_titles": 4.7,
    "time": 2.2,
    "number": 1.5,
    "place": 1.1,
    "reason": 1.1,
}
"""Weights of `SentenceFeatures` in a conditional logit (McFadden, 1974): the probability of a sentence is the softmax,
over the candidates, of the weighted sum of its features.

Fitted with `benchmarks/quotes.py --fit` to 600 questions on the training split of CMRC 2018, each once with and once
without the titles of its sections, because many documents have none.
"""
PRICE = 0.001
"""The least probability of an answer that a quoted Chinese character has to bring; a lower price buys more answers with
longer quotes, see docs/benchmarks.md."""
_LATIN_RATIO = 1.7
"""Characters of other scripts that cost what a Chinese one costs: their sentences are longer, and say no more."""


def chosen_sentences(question: str, candidates: Sequence[Candidate], max_quotes: int) -> list[range]:
    """The sentences to quote, the most probable quote first.

    The sentence whose probability exceeds its price by most is always quoted; others, in this order, while they are
    worth their price: where it is plain which sentence answers, it stands alone. Neighbours that are quoted are one
    quote, so that an answer that goes over two sentences comes in one piece.

    Args:
        question: as it was asked.
        candidates: sentences of the passages, passage by passage in reading order.
        max_quotes: quotes at most, of one sentence more than that all together. Where many sentences are about as
            probable, each would be worth its price, but together they would be no short answer any more.

    Returns:
        Quotes as ranges of indices of ``candidates``; empty if there are none.
    """
    quotable = [place for place, candidate in enumerate(candidates) if candidate.quotable]
    if not quotable:
        return []
    features = sentence_features(question, candidates)
    worth = {
        place: probability - PRICE * chinese_size(candidates[place].text, _LATIN_RATIO)
        for place, probability in zip(
            quotable, answer_probabilities([features[place] for place in quotable]), strict=True
        )
    }
    best_first = sorted(quotable, key=lambda place: -worth[place])
    chosen = best_first[:1]
    for place in best_first[1:]:
        if worth[place] <= 0 or len(chosen) > max_quotes:
            break
        told = any(candidates[place].text == candidates[other].text for other in chosen)
        if not told and len(_quotes([*chosen, place], candidates)) <= max_quotes:
            chosen.append(place)
    return _quotes(chosen, candidates)


def answer_probabilities(features: Sequence[SentenceFeatures]) -> list[float]:
    """The probability of each of some sentences that it answers, if one of them does; they sum up to 1."""
    scores = [
        sum(weight * value for weight, value in zip(WEIGHTS.values(), one.values(), strict=True))
        for one in features
    ]
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    whole = sum(powers)
    return [power / whole for power in powers]


def _quotes(chosen: Sequence[int], candidates: Sequence[Candidate]) -> list[range]:
    """The chosen sentences as runs of neighbours, in the order in which their best sentences were chosen."""
    runs: list[range] = []
    for place in sorted(chosen):
        if runs and runs[-1].stop == place and _are_neighbours(candidates[place - 1], candidates[place]):
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return sorted(runs, key=lambda run: min(chosen.index(place) for place in run))


def _are_neighbours(first: Candidate, second: Candidate) -> bool:
    """Whether two sentences, the second behind the first, can be read as one text."""
    return (first.rank, first.titles, first.table) == (second.rank, second.titles, second.table)
