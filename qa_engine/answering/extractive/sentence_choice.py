"""Chooses the sentences that answer a question, by features that can be compared within the question.

Support alone finds a sentence about the right thing. Two further signs tell more often which of several such sentences
answers: the sentence, its titles and the sentence before it hold the words of the question between them; and the sentence
holds a number, a date, a place or a reason if the question asks for one.
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
_QUESTION_KINDS: Sequence[tuple[str, re.Pattern[str], re.Pattern[str]]] = (
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
"""The kinds of question: a name, a pattern that the question matches, and one that the sentences that answer it match.
The first kind that fits counts: 哪一年 and 几月 ask for a time, though 几 asks for a number as well."""
_FULL_TRUST = 0.5
"""From this share of the question's terms on that the candidates hold together, shares of these terms count in full."""
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
"""The probability of an answer that each quoted Chinese character has to add at least. A lower price buys more answers
with longer quotes, see docs/benchmarks.md."""
_LATIN_RATIO = 1.7
"""So many characters of other scripts cost what one Chinese character costs: their sentences are longer, and say no more."""


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
        with_before: share, 0 to 1, of the question's terms that are in the sentence or in the one before it.
        with_titles: share of these terms that are in the sentence or in the titles above it.
        time: 1 if the question asks for a time, and the sentence holds one that is not in the question; else 0.
        number: the same for a number.
        place: 1 if the question asks for a place, and the sentence may hold one; else 0.
        reason: 1 if the question asks for a reason, and the sentence may hold one; else 0.
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


def chosen_sentences(question: str, candidates: Sequence[Candidate], max_quotes: int) -> list[range]:
    """The sentences to quote, the most probable quote first.

    The sentence whose probability exceeds its price by most is always quoted. Further ones are quoted, in this order, as
    long as they are worth their price: if it is plain which sentence answers, it stands alone. Quoted neighbours become one
    quote, so that an answer that runs over two sentences comes in one piece.

    Args:
        question: the question as it was asked.
        candidates: the sentences of the passages, passage by passage in reading order.
        max_quotes: greatest number of quotes. Together they have one sentence more than that at most: if many sentences
            are about as probable, each would be worth its price, but together they would be no short answer any more.

    Returns:
        Quotes as ranges of indices of ``candidates``; empty if no candidate is quotable.
    """
    quotable = [index for index, candidate in enumerate(candidates) if candidate.quotable]
    if not quotable:
        return []
    features = sentence_features(question, candidates)
    worth = {
        index: probability - PRICE * chinese_size(candidates[index].text, _LATIN_RATIO)
        for index, probability in zip(
            quotable, answer_probabilities([features[index] for index in quotable]), strict=True
        )
    }
    best_first = sorted(quotable, key=lambda index: -worth[index])
    chosen = best_first[:1]
    for index in best_first[1:]:
        if worth[index] <= 0 or len(chosen) > max_quotes:
            break
        is_repeated = any(candidates[index].text == candidates[other].text for other in chosen)
        if not is_repeated and len(_quotes([*chosen, index], candidates)) <= max_quotes:
            chosen.append(index)
    return _quotes(chosen, candidates)


def answer_probabilities(features: Sequence[SentenceFeatures]) -> list[float]:
    """The probabilities that each sentence is the one that answers, if one of them does; they sum up to 1."""
    scores = [
        sum(weight * value for weight, value in zip(WEIGHTS.values(), one.values(), strict=True))
        for one in features
    ]
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def sentence_features(question: str, candidates: Sequence[Candidate]) -> list[SentenceFeatures]:
    """The features of each candidate.

    The terms are those of BM25: traditional and simplified characters are the same, and question words are left out. The
    fewer candidates hold a term, the more it weighs. A term that no candidate holds does not count. If these are most of
    the question's terms, as between two languages, the others match by chance, and their shares are made smaller.

    Args:
        question: the question as it was asked.
        candidates: the sentences, passage by passage.
    """
    question_terms = set(tokenize(question))
    matches = [question_terms.intersection(tokenize(candidate.text)) for candidate in candidates]
    counts = Counter(term for terms in matches for term in terms)
    weights = {term: math.log((len(candidates) + 1) / (count + 0.5)) for term, count in counts.items()}
    total = sum(weights.values())
    trust = min(1.0, len(counts) / (_FULL_TRUST * len(question_terms))) if question_terms else 0.0

    def share(terms: set[str]) -> float:
        # In a fixed order: sums of floats differ by their order, and sets have none.
        weight = sum(weights[term] for term in sorted(terms) if term in weights)
        return trust * weight / total if total > 0 else 0.0

    @cache
    def of_titles(titles: str) -> set[str]:
        return question_terms.intersection(tokenize(titles)) if titles else set()

    answering = _answering(question, candidates)
    features = []
    for index, candidate in enumerate(candidates):
        follows = index > 0 and candidates[index - 1].rank == candidate.rank
        before = matches[index - 1] if follows else set()
        features.append(
            SentenceFeatures(
                candidate.support,
                candidate.rank,
                share(matches[index] | before),
                share(matches[index] | of_titles(candidate.titles)),
                **answering[index],
            )
        )
    return features


def _answering(question: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
    """For each candidate the feature of the kind of thing that the question asks for; empty if it holds no such thing."""
    folded = fold(question)
    for name, asks, answers in _QUESTION_KINDS:
        if asks.search(folded):
            # A time or a number that stands in the question itself answers nothing.
            known = set(answers.findall(folded)) if name in {"time", "number"} else set()
            found = [set(answers.findall(fold(candidate.text))) - known for candidate in candidates]
            return [{name: 1.0} if things else {} for things in found]
    return [{} for _ in candidates]


def _quotes(chosen: Sequence[int], candidates: Sequence[Candidate]) -> list[range]:
    """The chosen sentences as runs of neighbours, in the order in which their best sentences were chosen."""
    runs: list[range] = []
    for index in sorted(chosen):
        if runs and runs[-1].stop == index and _are_neighbours(candidates[index - 1], candidates[index]):
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return sorted(runs, key=lambda run: min(chosen.index(index) for index in run))


def _are_neighbours(first: Candidate, second: Candidate) -> bool:
    """Whether two sentences, the second behind the first, can be read as one text."""
    return (first.rank, first.titles, first.table) == (second.rank, second.titles, second.table)
