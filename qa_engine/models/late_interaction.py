"""Scores passages by late interaction: the token vectors of a question against those of a passage.

The method is ColBERT's MaxSim (Khattab and Zaharia, 2020), here over the token vectors of the local embedding model,
without training: for each token of the question the highest cosine with any token of the passage, and the mean of
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_engine.models.e5 import PASSAGE_PREFIX, QUERY_PREFIX, E5Encoder, TokenVectors

_WEAKEST_SHARE = 0.25


@dataclass(frozen=True)
class Interaction:
    """How a passage supports a question.

    Attributes:
        score: mean over the question's tokens of the highest cosine with a token of the passage.
        weakest: the mean over the quarter of the tokens that find the least support. A passage about the right thing
            that does not say what was asked has a good score and a low value here.
    """

    score: float
    weakest: float


class LateInteractionModel:
    """Has the ``predict`` of a sentence-transformers CrossEncoder, so it can stand in for one."""

    def __init__(self, encoder: E5Encoder | None = None) -> None:
        """
        Args:
            encoder: a loaded encoder; the shared one of the process, loaded on first use, if None.
        """
        self._encoder = encoder

    @property
    def encoder(self) -> E5Encoder:
        """The encoder, loaded."""
        if self._encoder is None:
            self._encoder = E5Encoder.shared()
        return self._encoder

    def predict(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """The score of each (question, passage), between -1 and 1, in the order given."""
        return np.array([interaction.score for interaction in self.interactions(pairs)], np.float32)

    def interactions(self, pairs: Sequence[tuple[str, str]]) -> list[Interaction]:
        """How each passage supports its question, in the order given."""
        questions = list(dict.fromkeys(question for question, _ in pairs))
        asked = {
            question: self._question(tokens)
            for question, tokens in zip(
                questions, self.encoder.token_vectors(questions, QUERY_PREFIX), strict=True
            )
        }
        passages = self.encoder.token_vectors([passage for _, passage in pairs], PASSAGE_PREFIX)
        return [
            interaction(asked[question], _unit(tokens.vectors))
            for (question, _), tokens in zip(pairs, passages, strict=True)
        ]

    def _question(self, tokens: TokenVectors) -> NDArray[np.float32]:
        """The vectors of a question without its punctuation, which every passage supports."""
        words = [row for row, number in enumerate(tokens.ids) if not self.encoder.is_punctuation(number)]
        return _unit(tokens.vectors[words] if words else tokens.vectors)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-9)
    return unit


def interaction(question: NDArray[np.float32], passage: NDArray[np.float32]) -> Interaction:
    """The late interaction of two texts.

    Args:
        question: (tokens, dimension), rows of length 1.
        passage: (tokens, dimension), rows of length 1.
    """
    if not len(question) or not len(passage):
        return Interaction(0.0, 0.0)
    support = np.sort((question @ passage.T).max(axis=1))
    weakest = support[: max(1, round(_WEAKEST_SHARE * len(support)))]
    return Interaction(float(support.mean()), float(weakest.mean()))
