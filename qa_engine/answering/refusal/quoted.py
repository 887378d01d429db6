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

import numpy as np
from numpy.typing import NDArray

from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.quoted import Quoted
from qa_engine.answering.extractive.unsaid import lacks_kind
from qa_engine.answering.refusal.content_words import ComparedText, ContentWord
from qa_engine.retrieval.reranking.asked_words import HELD
from qa_engine.retrieval.reranking.sentence_support import SentenceSupport
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold

_ASKING = re.compile(
    "多少|多长时间|多[大高长久远重]|百分之几|(?<!哪)几|什么时[候间]|什么|哪一?[年天月日个些里家种位]|哪|谁|如何|怎么样?|怎样"
    "|为何|为什么"
)
_ASKING_ENGLISH = re.compile(
    r"\b(?:how(?: (?:many|much|long|often|old|far|high|large|big|fast|heavy|tall|deep|wide))?|who(?:m|se)?|when|where|why"
    r"|(?:what|which)(?: (?:year|date|day|month|century|time|percentage|type|kind|name|number))?)\b",
    re.IGNORECASE,
)
_NEUTRAL = 0.88
"""About the middle of supports, for what a question does not have."""
_LEAST = 1e-4
_LEAST_PROBABILITY = 0.165
"""A sentence among many that are alike, as rows are, is no less likely to say what is asked."""
_FITTED_AT = 0.15
"""The threshold of the model that the weights were fitted with."""


@dataclass(frozen=True)
class QuotedModel:
    """A logistic regression on `QuotedFeatures`, whose probability counts from the best of the sentences.

    Attributes:
        weights: log-odds per unit of each feature.
        bias: log-odds at zero.
    """

    weights: Mapping[str, float]
    bias: float

    def odds(self, features: QuotedFeatures) -> float:
        """The log-odds that the sentence says what is asked."""
        weighted: float = sum(self.weights[name] * value for name, value in asdict(features).items())
        return self.bias + weighted


MODELS: Mapping[str, QuotedModel] = {
    "zh-zh": QuotedModel(
        {
            "passages": 0.496,
            "lacks": -1.925,
            "other_period": -4.82,
            "probability": 1.2,
            "words": 14.472,
            "held": -1.088,
            "asking": 3.218,
        },
        -14.63,
    ),
    "en-en": QuotedModel(
        {
            "passages": 0.524,
            "lacks": -0.687,
            "other_period": -4.82,
            "probability": 1.121,
            "words": 14.87,
            "held": -1.401,
            "asking": -0.77,
        },
        -11.6,
    ),
}
"""By the languages of question and passage.

Chinese: fitted to 680 questions on real documents, annual reports of invented firms, CMRC 2018, DRCD and DuReader (parts for
training), each asked a second time without the passages that hold its answer, which makes near misses, and to 340 that the
documents do not answer. The bias is such that at the threshold of 0.15 as many questions on encyclopaedias are refused
wrongly as without this: 9 of 300, before 8. Cross-validated by document, 29 of 40 near misses on real documents are refused
then, and 7 of 110 questions with an answer.

English: fitted to 400 cases with an answer, on papers about viruses (COVID-QA), encyclopaedias (the ExpMRC version of SQuAD)
and two papers about networks, and to 450 without the document, or the passages, that hold it, or without any, with the
Chinese weights as the prior. Cross-validated by document, 2 % of those with an answer are refused (before: none), and 17 %
of 143 near misses (before: 4 %). Between two languages no such model told more than a dictionary tells of whole passages.
"""


@dataclass(frozen=True)
class QuotedFeatures:
    """Numbers that say whether a sentence to be quoted says what is asked.

    Attributes:
        passages: log-odds that the passages hold the answer, by the model that has not seen the sentence.
        lacks: 1 if it lacks the certain kind of thing that is asked for; else 0.
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
        words: Sequence[ContentWord],
        quoted: Quoted,
        passages: float,
        support: NDArray[np.float32],
        offsets: NDArray[np.int64],
    ) -> QuotedFeatures:
        """
        Args:
            question: as it was encoded.
            words: its words that say something.
            quoted: the sentence.
            passages: the probability that the passages hold the answer.
            support: of each token of the question by the sentence.
            offsets: where each token begins and ends.
        """
        candidate = quoted.candidate
        text = ComparedText(candidate.text)
        around = ComparedText(candidate.text, candidate.titles, candidate.document)

        def supported(start: int, end: int) -> float:
            rows = (offsets[:, 0] < end) & (offsets[:, 1] > start)
            return float(support[rows].mean()) if rows.any() else _NEUTRAL

        supports = [
            max(supported(word.start, word.end), HELD if word.held_by(around) == 1 else -1.0)
            for word in words
        ]
        held = [word.held_by(text) for word in words]
        asking = (_ASKING if is_chinese(question) else _ASKING_ENGLISH).search(question)
        return cls(
            passages=_log_odds(passages),
            lacks=float(_lacks(question, quoted)),
            other_period=float(quoted.of_other_period),
            probability=math.log(max(quoted.probability, _LEAST_PROBABILITY)),
            words=sum(supports) / len(supports) if supports else _NEUTRAL,
            held=sum(held) / len(held) if held else 0.5,
            asking=supported(asking.start(), asking.end() + is_chinese(question)) if asking else _NEUTRAL,
        )


def quoted_probability(
    question: str,
    words: Sequence[ContentWord],
    quoted: Sequence[Quoted],
    passages: float,
    threshold: float,
    supports: SentenceSupport,
    model: QuotedModel,
) -> float | None:
    """The probability, 0 to 1, that a sentence to be quoted says what is asked; None if none has stored vectors.

    Args:
        question: as it was asked.
        words: its words that say something.
        quoted: the sentences.
        passages: the probability that the passages hold the answer, by a model.
        threshold: the threshold of this model. Those of collections are on scales of their own, and so is the result.
        supports: compares the sentences with the question.
        model: weighs what is known of each of them.
    """
    by_id = supports.by_token(question, [one.node_id for one in quoted if one.node_id])
    if not by_id:
        return None
    offsets = supports.offsets(question)
    scale = _log_odds(threshold) - _log_odds(_FITTED_AT)
    odds = max(
        model.odds(QuotedFeatures.of(question, words, one, passages, by_id[one.node_id], offsets))
        for one in quoted
        if one.node_id in by_id
    )
    return 1 / (1 + math.exp(-(odds + (1 - model.weights["passages"]) * scale)))


def _log_odds(probability: float) -> float:
    return math.log(max(probability, _LEAST) / max(1 - probability, _LEAST))


def _lacks(question: str, quoted: Quoted) -> bool:
    """Whether a sentence lacks the kind of thing that is asked for: what the question itself holds is none."""
    text = quoted.candidate.text
    if is_chinese(question) and is_chinese(text):
        title = quoted.candidate.titles.rpartition("›")[2]
        return lacks_kind(question, [f"{title}\n{text}"])
    kind = QuestionKind.of(question)
    pattern = kind.precise or kind.answers
    return pattern is not None and set(pattern.findall(fold(text))) <= set(pattern.findall(fold(question)))
