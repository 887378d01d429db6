"""The sentences that an answer would quote, with what is known of each; asked before the answer is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.answering.extractive.passage_sentences import QuotableSentence
from qa_engine.answering.extractive.sentence_choice import answer_probabilities, chosen_of_part
from qa_engine.answering.extractive.sentence_features import Candidate, sentence_features
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.text.periods import parts_of_year, years_of

_THIS_PERIOD = re.compile("报告期|本期|本年|期末|年末")


@dataclass(frozen=True)
class Quoted:
    """A sentence that is to be quoted.

    Attributes:
        node_id: its id in the collection; empty for a sentence that is in none.
        candidate: the sentence.
        probability: that it answers, if one of the candidates does.
        of_other_period: whether it is of other periods than are asked for, as far as its words tell.
    """

    node_id: str
    candidate: Candidate
    probability: float
    of_other_period: bool = False


def quoted_sentences(
    question: str,
    sentences: Sequence[QuotableSentence],
    candidates: Sequence[Candidate],
    max_quotes: int,
    glossary: Glossary | None = None,
    dictionary: Dictionary | None = None,
) -> Iterator[Quoted]:
    """The sentences that are chosen for a question of one part, from those of the passages, see `chosen_of_part`."""
    features = sentence_features(question, candidates, glossary, dictionary)
    quotable = [index for index, candidate in enumerate(candidates) if candidate.quotable]
    probabilities = answer_probabilities([features[index] for index in quotable])
    by_index = dict(zip(quotable, probabilities, strict=True))
    for run in chosen_of_part(candidates, features, max_quotes):
        for index in run:
            candidate = candidates[index]
            other = features[index].period < 0 and tells_period(candidate)
            yield Quoted(sentences[index].own.node_id, candidate, by_index[index], other)


def tells_period(candidate: Candidate) -> bool:
    """Whether a sentence or a row of another period is of that period alone.

    报告期末为39%，上年末为40% is of both, and a year in the cell of a row may be that of somebody's birth.
    """
    if candidate.row is None:
        return _THIS_PERIOD.search(candidate.text) is None
    names = [candidate.row.corner, candidate.row.label, *(cell.name for cell in candidate.row.cells)]
    return any(years_of(name) or parts_of_year(name) for name in names)
