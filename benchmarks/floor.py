"""The work that a question cannot do without, called as directly as the libraries allow.

One query embedding, one Chroma query, one scoring by bm25s and one forward pass of the reranker over the
candidate passages, with nothing of LlamaIndex or of our own retrieval around them. Of all benchmarks this one
reaches into the package: it borrows the loaded session, the open Chroma collection and the BM25 index.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import LOCAL, Config

PARTS = ("embedding", "chroma", "bm25", "reranker")


@dataclass(frozen=True)
class Prepared:
    """A question with what the bare calls need, worked out before the clock starts."""

    question: str
    terms: list[str]
    passages: list[str]


class Floor:
    """The bare calls against one collection.

    Args:
        storage: folder of the index.
        collection: its name.
        config: with the local embedding model and the local reranker; others have no bare call here.

    Raises:
        ValueError: the configuration names other models.
    """

    def __init__(self, storage: Path, collection: str, config: Config) -> None:
        from qa_engine.index.bm25 import Bm25Index
        from qa_engine.index.catalog import Catalog
        from qa_engine.index.collection import collection_paths
        from qa_engine.index.vector_store import open_chroma
        from qa_engine.models.e5 import E5Encoder

        if config.embedding.provider != LOCAL or config.rerank.model != LOCAL:
            raise ValueError("the floor is measured with the local embedding model and the local reranker")
        paths = collection_paths(storage, collection)
        catalog = Catalog(paths.catalog)
        published = catalog.published
        catalog.close()
        self._encoder = E5Encoder.shared()
        self._collection = open_chroma(paths.chroma, published)
        self._bm25: Any = Bm25Index.load(paths.bm25(published))._retriever
        self._dense_top_k = config.retrieval.dense_top_k
        self._bm25_top_k = config.retrieval.bm25_top_k

    def prepare(self, question: str, passages: Sequence[str]) -> Prepared:
        """Tokenise for BM25: that is our analyser's work, and not part of the floor."""
        from qa_engine.index.analyser import analyse

        known = [term for term in analyse(question) if term in self._bm25.vocab_dict]
        return Prepared(question, known, list(passages))

    def nodes(self) -> int:
        """Sentences in the collection."""
        return int(self._collection.count())

    def run(self, prepared: Prepared) -> dict[str, float]:
        """Seconds of each of the `PARTS`."""
        vector: list[NDArray[np.float32]] = []
        calls: dict[str, Callable[[], object]] = {
            "embedding": lambda: vector.extend(self._forward("embedding", [f"query: {prepared.question}"])),
            "chroma": lambda: self._query(vector[0][0]),
            "bm25": lambda: self._score(prepared.terms),
            "reranker": lambda: self._rerank(prepared),
        }
        seconds = {}
        for part, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[part] = time.perf_counter() - started
        return seconds

    def _query(self, vector: NDArray[np.float32]) -> object:
        return self._collection.query(
            query_embeddings=vector[None, :],
            n_results=self._dense_top_k,
            include=["documents", "metadatas", "distances"],
        )

    def _score(self, terms: Sequence[str]) -> object:
        if not terms:
            return None
        scores = self._bm25.get_scores(list(terms))
        return np.argpartition(-scores, min(self._bm25_top_k, len(scores)) - 1)

    def _rerank(self, prepared: Prepared) -> list[NDArray[np.float32]]:
        texts = [f"query: {prepared.question}", *(f"passage: {text}" for text in prepared.passages)]
        return list(self._forward("token_vectors", texts))

    def _forward(self, output: str, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        """Tokenizer and session, in the encoder's batches and threads: others are slower, not barer."""
        for _, vectors in self._encoder._run(output, texts):
            yield vectors
