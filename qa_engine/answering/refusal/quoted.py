"""Whether the sentence that is to be quoted says what is asked, and not only something near it.

The passages of a near miss are about the right thing: the house rules speak of leave for a wedding, and the question asks
for leave for a death. So the words of the question are looked for in each sentence that is to be quoted, rather than in
whole passages, together with the kind of thing that is asked for and its period.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qa_engine.answering.extractive.quoted import Quoted
from qa_engine.answering.extractive.unsaid import lacks_kind
from qa_engine.retrieval.reranking.asked_words import HELD
from qa_engine.retrieval.reranking.sentence_support import SentenceSupport
from qa_engine.text.tokenizer import fold

_CONTENT = frozenset("nviajltzs")
"""First letters of the tags of words that say something."""
_NO_CONTENT = re.compile(
    "什么|多少|几|怎|哪|为何|请问|知道|告诉|一共|总共|分别|可以|需要|规定|要求|截至|年底|年度|还有|达到|变化|情况|如何|是否"
    "|百分之|列出|多[大高长久远重]|^(?:时候|公司)$"
)
_ASKING = re.compile(
    "多少|多长时间|多[大高长久远重]|百分之几|(?<!哪)几|什么时[候间]|什么|哪一?[年天月日个些里家种位]|哪|谁|如何|怎么样?|怎样"
    "|为何|为什么"
)
_NEUTRAL = 0.88
"""About the middle of supports, for what a question does not have."""
_LEAST = 1e-4
_LEAST_PROBABILITY = 0.165
"""A sentence among many that are alike, as rows are, is no less likely to say what is asked."""
_FITTED_AT = 0.15
"""The threshold of the model that the weights were fitted with."""
WEIGHTS: Mapping[str, float] = {
    "passages": 0.496,
    "lacks": -1.925,
    "other_period": -4.82,
    "probability": 1.2,
    "words": 14.472,
    "held": -1.088,
    "asking": 3.218,
}
BIAS = -14.63
"""Weights of `QuotedFeatures` in a logistic regression, whose probability counts from the best of the sentences.

Fitted to 680 questions on real documents, annual reports of invented firms, CMRC 2018, DRCD and DuReader (parts for
training), each asked a second time without the passages that hold its answer, which makes near misses, and to 340 that the
documents do not answer. The bias is such that at the threshold of 0.15 as many questions on encyclopaedias are refused
wrongly as without this: 9 of 300, before 8. Cross-validated by document, 29 of 40 near misses on real documents are refused
then, and 7 of 110 questions with an answer.
"""


@dataclass(frozen=True)
class QuotedFeatures:
    """Numbers that say whether a sentence to be quoted says what is asked.

    Attributes:
        passages: log-odds that the passages hold the answer, by the model that has not seen the sentence.
        lacks: 1 if it lacks the certain kind of thing that is asked for, see `lacks_kind`; else 0.
        other_period: 1 if it is of other periods than are asked for; else 0.
        probability: logarithm of the probability that it answers, if one of the candidates does.
        words: the mean support of the words that say something; a word that stands in it, in the titles above it or in the
            name of its document has one close to 1.
        held: the share of these words that stand in the sentence itself.
        asking: its support of the word that asks, such as 几天 or 谁.
    """

    passages: float
    lacks: float
    other_period: float
    probability: float
    words: float
    held: float
    asking: float

    @classmethod
    def of(
        cls,
        question: str,
        quoted: Quoted,
        passages: float,
        support: NDArray[np.float32],
        offsets: NDArray[np.int64],
    ) -> QuotedFeatures:
        """
        Args:
            question: as it was encoded.
            quoted: the sentence.
            passages: the probability that the passages hold the answer.
            support: of each token of the question by the sentence.
            offsets: where each token begins and ends.
        """
        candidate = quoted.candidate
        text = fold(candidate.text).lower()
        around = "\n".join([text, fold(candidate.titles).lower(), fold(candidate.document).lower()])

        def supported(start: int, end: int) -> float:
            rows = (offsets[:, 0] < end) & (offsets[:, 1] > start)
            return float(support[rows].mean()) if rows.any() else _NEUTRAL

        words = _words(question)
        supports = [
            max(supported(start, start + len(word)), HELD if fold(word).lower() in around else -1.0)
            for word, start in words
        ]
        held = [fold(word).lower() in text for word, _ in words]
        asking = _ASKING.search(question)
        title = candidate.titles.rpartition("›")[2]
        return cls(
            passages=_log_odds(passages),
            lacks=float(lacks_kind(question, [f"{title}\n{candidate.text}"])),
            other_period=float(quoted.of_other_period),
            probability=math.log(max(quoted.probability, _LEAST_PROBABILITY)),
            words=sum(supports) / len(supports) if supports else _NEUTRAL,
            held=sum(held) / len(held) if held else 0.5,
            asking=supported(asking.start(), asking.end() + 1) if asking else _NEUTRAL,
        )


def quoted_probability(
    question: str, quoted: Sequence[Quoted], passages: float, threshold: float, supports: SentenceSupport
) -> float | None:
    """The probability, 0 to 1, that a sentence to be quoted says what is asked; None if none has stored vectors.

    Args:
        question: as it was asked, in the language of the sentences.
        quoted: the sentences.
        passages: the probability that the passages hold the answer, by a model.
        threshold: the threshold of this model. Those of collections are on scales of their own, and so is the result.
        supports: compares the sentences with the question.
    """
    by_id = supports.by_token(question, [one.node_id for one in quoted if one.node_id])
    if not by_id:
        return None
    offsets = supports.offsets(question)
    scale = _log_odds(threshold) - _log_odds(_FITTED_AT)
    odds = max(
        _weighted(QuotedFeatures.of(question, one, passages, by_id[one.node_id], offsets))
        for one in quoted
        if one.node_id in by_id
    )
    return 1 / (1 + math.exp(-(odds + BIAS + (1 - WEIGHTS["passages"]) * scale)))


def _log_odds(probability: float) -> float:
    return math.log(max(probability, _LEAST) / max(1 - probability, _LEAST))


def _weighted(features: QuotedFeatures) -> float:
    total: float = sum(WEIGHTS[name] * value for name, value in asdict(features).items())
    return total


@lru_cache(maxsize=64)
def _words(question: str) -> tuple[tuple[str, int], ...]:
    """The words of a question that say something, each once, and where it begins. Cached: each sentence needs them."""
    import rjieba

    words: dict[str, int] = {}
    start = 0
    for word, tag in rjieba.tag(question):
        start = question.find(word, start)
        says = (len(word) > 1 and tag[0] in _CONTENT) or tag == "eng" or tag[0] == "n"
        if says and not _NO_CONTENT.search(word):
            words.setdefault(word, start)
        start += len(word)
    return tuple(words.items())
