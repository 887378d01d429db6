"""Which sentences an extractive answer quotes: those that are worth their characters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from qa_engine.answering.answer_signs import AnswerSigns, Candidate, answer_signs
from qa_engine.documents.sentences import chinese_size

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
"""Of each of `AnswerSigns`, in a conditional logit (McFadden, 1974): the probability that a sentence answers is the softmax,
over the candidates, of the weighted sum of its signs.

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
    signs = answer_signs(question, candidates)
    worth = {
        place: probability - PRICE * chinese_size(candidates[place].text, _LATIN_RATIO)
        for place, probability in zip(
            quotable, answer_probabilities([signs[place] for place in quotable]), strict=True
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


def answer_probabilities(signs: Sequence[AnswerSigns]) -> list[float]:
    """The probability of each of some sentences that it answers, if one of them does; they sum up to 1."""
    scores = [
        sum(weight * value for weight, value in zip(WEIGHTS.values(), one.values(), strict=True))
        for one in signs
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
