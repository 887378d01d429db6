"""An embedding model for tests whose subject is not the model; child processes import it too."""

from __future__ import annotations

import hashlib

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding


class HashEmbedding(BaseEmbedding):
    """Vectors from the character pairs of a text: instant, deterministic, and alike for texts that are alike."""

    dimension: int = 512

    def _vector(self, text: str) -> list[float]:
        vector = np.zeros(self.dimension)
        folded = "".join(text.lower().split())
        for pair in zip(folded, folded[1:] + " ", strict=True):
            digest = hashlib.blake2b("".join(pair).encode("utf-8", "replace"), digest_size=4).digest()
            vector[int.from_bytes(digest, "big") % self.dimension] += 1
        if not vector.any():
            vector[0] = 1
        return list((vector / np.linalg.norm(vector)).tolist())

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)
