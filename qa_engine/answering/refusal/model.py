"""A logistic regression: the probability that passages hold the answer, and the one below which an answer is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from llama_index.core.schema import NodeWithScore
from pydantic import TypeAdapter

from qa_engine.answering.refusal.content_words import ContentWord
from qa_engine.answering.refusal.features import FEATURES, AnswerabilityFeatures

LLM_THRESHOLD_KEY = "hopeless"
"""Key of ``llm_threshold`` in JSON, in stored calibrations as well."""
_LEAD_WITHIN = 0.02
"""What ``lead`` lacks where all candidates are of the documents that a question names, instead of a whole collection.

Without it 44 of 172 such questions were refused though the answer was there, of 26 without an answer 17; with it 16 and 13.
"""


@dataclass(frozen=True)
class AnswerabilityModel:
    """A logistic regression on `AnswerabilityFeatures`, and the probabilities below which an answer is refused.

    The same scores mean less between languages and more between Chinese texts, so each pair of languages has a bias
    of its own.

    Attributes:
        weights: log-odds per unit of each of `FEATURES`.
        biases: log-odds at zero for each of `PAIRS`.
        threshold: probability (0 to 1) below which an extractive answer is refused.
        llm_threshold: probability below which a question is refused before a language model is asked. It is lower, because
            the model can refuse by itself.
        scales: by pair of languages, what the weights are multiplied with; 1 for pairs that it lacks. Between languages
            fewer features are known, and these tell more.
    """

    weights: Mapping[str, float]
    biases: Mapping[str, float]
    threshold: float
    llm_threshold: float
    scales: Mapping[str, float] = field(default_factory=dict)

    def probability(
        self,
        question: str,
        candidates: Sequence[NodeWithScore],
        used: int,
        alike: bool = False,
        between: Sequence[ContentWord] = (),
    ) -> float:
        """The probability, 0 to 1, that passages hold the answer; 0 without passages.

        The arguments are those of `AnswerabilityFeatures.of`; ``alike`` says that the candidates are of documents that the
        question names, see `_LEAD_WITHIN`.
        """
        if not candidates:
            return 0.0
        with_coverage = self.weights.get("coverage", 0.0) != 0
        features = AnswerabilityFeatures.of(question, candidates, used, with_coverage, between)
        return self.of_features(replace(features, lead=features.lead + _LEAD_WITHIN) if alike else features)

    def of_features(self, features: AnswerabilityFeatures) -> float:
        """The probability that passages with these features hold the answer."""
        weighted = (
            self.weights.get(feature, 0.0) * value
            for feature, value in zip(FEATURES, features.values(), strict=True)
        )
        odds = self.biases[features.pair] + self.scales.get(features.pair, 1.0) * sum(weighted)
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, odds))))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads."""
        content = asdict(self)
        content[LLM_THRESHOLD_KEY] = content.pop("llm_threshold")
        scales = content.pop("scales")
        if scales:
            content["scales"] = scales
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> AnswerabilityModel:
        """The model of a JSON object.

        Raises:
            KeyError: a key is missing.
            ValidationError: a value is no number.
        """
        fields = {**content, "llm_threshold": content[LLM_THRESHOLD_KEY]}
        return TypeAdapter(cls).validate_python(fields)
