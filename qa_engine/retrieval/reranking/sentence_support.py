"""How single sentences support the words of a question, by the token vectors that were stored at ingest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_engine.index.vectors.token_store import StoredTokens
from qa_engine.models.late_interaction import LateInteractionModel


@dataclass(frozen=True)
class SentenceSupport:
    """Compares sentences of the collections that were searched with a question, token by token.

    Attributes:
        model: encodes the question.
        tokens: the stored vectors.
    """

    model: LateInteractionModel
    tokens: StoredTokens

    def by_token(self, question: str, node_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Of each sentence that has vectors, by its id, the support of each token of the question, -1 to 1."""
        codes = self.tokens.get(node_ids)
        known = [identifier for identifier in dict.fromkeys(node_ids) if codes.get(identifier)]
        if not known:
            return {}
        stored = [[codes[identifier]] for identifier in known]
        (interactions,) = self.model.stored_interactions([question], stored, self.tokens.codec)
        return {name: one.support for name, one in zip(known, interactions, strict=True)}

    def offsets(self, question: str) -> NDArray[np.int64]:
        """Where each of these tokens begins and ends in the question, (tokens, 2)."""
        return self.model.question_offsets(question)
