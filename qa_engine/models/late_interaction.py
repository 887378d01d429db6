"""Scores passages by late interaction: the token vectors of a question against those of a passage.

The method is ColBERT's MaxSim (Khattab and Zaharia, 2020), here over the token vectors of the local embedding model,
without training: for each token of the question the highest cosine with any token of the passage, and the mean of
these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa_engine.models.e5 import PASSAGE_PREFIX, QUERY_PREFIX, E5Encoder


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
        questions = list(dict.fromkeys(question for question, _ in pairs))
        texts = [QUERY_PREFIX + question for question in questions]
        texts += [PASSAGE_PREFIX + passage for _, passage in pairs]
        vectors = [self._content(tokens) for tokens in self.encoder.token_vectors(texts)]
        by_question = dict(zip(questions, vectors, strict=False))
        passages = vectors[len(questions) :]
        return np.array(
            [
                max_sim(by_question[question], tokens)
                for (question, _), tokens in zip(pairs, passages, strict=True)
            ],
            np.float32,
        )

    def _content(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        """Token vectors of length 1, without the special tokens and the prefix."""
        content = tokens[self.encoder.prefix_tokens : -1]
        lengths = np.linalg.norm(content, axis=1, keepdims=True)
        normalised: NDArray[np.float32] = content / np.maximum(lengths, 1e-9)
        return normalised


def max_sim(question: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    """Mean over the question's tokens of the highest cosine with a token of the passage.

    Args:
        question: (tokens, dimension), rows of length 1.
        passage: (tokens, dimension), rows of length 1.
    """
    if not len(question) or not len(passage):
        return 0.0
    return float((question @ passage.T).max(axis=1).mean())
