"""Chooses the sentences that answer a question, by features that can be compared within the question.

Support alone finds a sentence about the right thing. Two further signs tell more often which of several such sentences
answers: the sentence, its titles and the sentence before it hold the words of the question between them; and the sentence
holds a number, a date, a place or a reason if the question asks for one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from qa_engine.answering.extractive.sentence_features import (
    FEATURES,
    Candidate,
    SentenceFeatures,
    sentence_features,
)
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.text.language import chinese_size

__all__ = [
    "FEATURES",
    "PRICE",
    "WEIGHTS",
    "Candidate",
    "SentenceFeatures",
    "answer_probabilities",
    "best_row_worth",
    "chosen_sentences",
    "sentence_features",
]

_OTHER_DOCUMENT = 0.3
"""A sentence of another document is quoted as well only if it is worth so much of what the best is."""
WEIGHTS: Mapping[str, float] = {
    "support": 30.5,
    "rank": -0.7,
    "with_before": 1.1,
    "with_titles": 4.5,
    "time": 2.4,
    "number": 1.5,
    "place": 1.0,
    "reason": 1.3,
    "precise": 3.0,
    "label": 1.7,
    "period": 1.7,
    "scope": 2.6,
    "document": 1.5,
    "article": 2.5,
    "person": 2.0,
    "enumerates": 1.8,
    "gross": -2.0,
}
"""Weights of `SentenceFeatures` in a conditional logit (McFadden, 1974): the probability of a sentence is the softmax,
over the candidates, of the weighted sum of its features.

Fitted as `benchmarks/quotes.py --fit` does to 600 questions on the training split of CMRC 2018, each once with and once
without the titles of its sections, because many documents have none, together with 75 questions on Chinese reports, laws,
contracts, manuals and books, and with 124 on annual reports of invented firms (`benchmarks/reports.py`), then rounded. In
five folds the most probable sentence is right for .70 to .75 of the questions on real documents, if one is; ridges
and weights of the sets make less of a difference than folds. For ``person`` there were few questions, and ``gross`` is set
by hand. With 110 more questions on 15 documents, none of them in the fit, weights that were drawn towards these ones, and
tried on the documents left out, did no better.
"""
PRICE = 0.001
"""The probability of an answer that each quoted Chinese character has to add at least. A lower price buys more answers
with longer quotes, see docs/benchmarks.md."""
_ASKED_FOR = 0.4
"""A label that matches so well is asked for."""
_LATIN_RATIO = 1.7
"""So many characters of other scripts cost what one Chinese character costs: their sentences are longer, and say no more."""


def chosen_sentences(
    question: str,
    candidates: Sequence[Candidate],
    max_quotes: int,
    glossary: Glossary | None = None,
    dictionary: Dictionary | None = None,
) -> list[range]:
    """The sentences to quote, the most probable quote first.

    The sentence whose probability exceeds its price by most is always quoted. Further ones are quoted, in this order, as
    long as they are worth their price: if it is plain which sentence answers, it stands alone. Quoted neighbours become one
    quote, so that an answer that runs over two sentences comes in one piece.

    Args:
        question: the question as it was asked.
        candidates: the sentences of the passages, passage by passage in reading order; those of one part of the question
            before those of the next.
        max_quotes: greatest number of quotes. Together they have one sentence more than that at most: if many sentences
            are about as probable, each would be worth its price, but together they would be no short answer any more. Of a
            question of several parts, each part has one quote instead.
        glossary: what documents write for the terms of questions; None for nothing.
        dictionary: has the words of questions in the other language; None for nothing.

    Returns:
        Quotes as ranges of indices of ``candidates``; empty if no candidate is quotable.
    """
    by_part: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_part[candidate.part].append(candidate)
    most = max_quotes if len(by_part) == 1 else 1
    quotes: list[range] = []
    offset = 0
    for part, own in by_part.items():
        chosen = chosen_of_part(own, sentence_features(part or question, own, glossary, dictionary), most)
        quotes += [range(offset + quote.start, offset + quote.stop) for quote in chosen]
        offset += len(own)
    return quotes


def best_row_worth(
    question: str,
    candidates: Sequence[Candidate],
    glossary: Glossary | None = None,
    dictionary: Dictionary | None = None,
) -> float:
    """How far the best sentence stands out, if it is a row whose label is asked for: its probability, less its price.

    Near 0 if many rows answer about as badly, up to 1 if one matches what is asked, and no other does; 0 if the best is no
    such row, since a sentence may stand out for no more than being the only one about the subject. Of several parts, the
    least of theirs.
    """
    by_part: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_part[candidate.part].append(candidate)
    least = 1.0 if candidates else 0.0
    for part, own in by_part.items():
        features = sentence_features(part or question, own, glossary, dictionary)
        worths = _worths(own, features)
        asked = bool(worths) and features[worths[0][0]].label >= _ASKED_FOR
        least = min(least, worths[0][1] if asked else 0.0)
    return least


def chosen_of_part(
    candidates: Sequence[Candidate], features: Sequence[SentenceFeatures], max_quotes: int
) -> list[range]:
    """`chosen_sentences` for a question of one part, or for one part, by the features of the candidates."""
    worths = _worths(candidates, features)
    chosen = [index for index, _ in worths[:1]]
    for index, worth in worths[1:]:
        if worth <= 0 or len(chosen) > max_quotes:
            break
        if (
            candidates[index].document != candidates[chosen[0]].document
            and worth < _OTHER_DOCUMENT * worths[0][1]
        ):
            continue
        if candidates[index].table is not None and features[index].label < features[chosen[0]].label:
            continue  # a row beside the one that is asked for
        is_repeated = any(candidates[index].text == candidates[other].text for other in chosen)
        if not is_repeated and len(_quotes([*chosen, index], candidates)) <= max_quotes:
            chosen.append(index)
    return _quotes(chosen, candidates)


def _worths(candidates: Sequence[Candidate], features: Sequence[SentenceFeatures]) -> list[tuple[int, float]]:
    """The quotable candidates with what each is worth: its probability, less the price of its length; the best first."""
    quotable = [index for index, candidate in enumerate(candidates) if candidate.quotable]
    probabilities = answer_probabilities([features[index] for index in quotable])
    worths = [
        (index, probability - PRICE * chinese_size(candidates[index].text, _LATIN_RATIO))
        for index, probability in zip(quotable, probabilities, strict=True)
    ]
    return sorted(worths, key=lambda one: -one[1])


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
    if first.place is not None and second.place != first.place + 1:
        return False
    return (first.rank, first.titles, first.table) == (second.rank, second.titles, second.table)
