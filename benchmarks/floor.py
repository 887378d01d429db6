"""The work that a question cannot do without, called as directly as the libraries allow.

One forward pass of the model over the question, one Chroma query, one scoring by bm25s, one look for the neighbours of
the hits in Chroma, and the late interaction of the candidate passages: from their stored token vectors, or with a
forward pass over them where none are kept. Nothing of LlamaIndex or of our own retrieval is around them. Of all
benchmarks this one reaches into the package: it borrows the loaded session, the open Chroma collection, the terms for
bm25s and the file of token vectors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.schema import NodeWithScore
from numpy.typing import NDArray

from qa_engine.config import LOCAL, Config

if TYPE_CHECKING:
    from qa_engine.index.catalog import Catalog

_REACH = 2
"""Sentences on each side that are fetched beyond those of a passage: to see that the next would not fit."""
PARTS = ("embedding", "chroma", "bm25", "neighbours", "reranker")


@dataclass(frozen=True)
class Prepared:
    """A question with what the bare calls need, worked out before the clock starts."""

    question: str
    terms: list[str]
    passages: list[str]
    sentences: list[list[str]]
    """Ids of the sentences of each passage."""
    neighbours: list[str]
    """Ids of all sentences that the windows around the hits may reach."""


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
        from qa_engine.index.catalog import Catalog
        from qa_engine.index.collection import collection_paths
        from qa_engine.index.vectors.locations import open_vectors
        from qa_engine.ingestion.writing.stored_nodes import existing_token_store
        from qa_engine.models.e5.shared import shared_encoder

        if config.embedding.provider != LOCAL or config.rerank.model != LOCAL:
            raise ValueError("the floor is measured with the local embedding model and the local reranker")
        paths = collection_paths(storage, collection)
        catalog = Catalog(paths.catalog)
        self._tokens = existing_token_store(catalog, paths)
        self._collection = open_vectors(paths, catalog, config.index)
        self._bm25 = _bm25(catalog, config.bm25.context_sentences)
        catalog.close()
        self._encoder = shared_encoder()
        self._dense_top_k = config.retrieval.dense_top_k
        self._bm25_top_k = config.retrieval.bm25_top_k

    def prepare(self, question: str, passages: Sequence[NodeWithScore]) -> Prepared:
        """Tokenise for BM25, and name the sentences: that is our own work, and not part of the floor."""
        from qa_engine.documents.sentences.node_ids import node_id, split_node_id
        from qa_engine.text.tokenizer import tokenize
        from qa_engine.types import SENTENCES

        known = [term for term in tokenize(question) if term in self._bm25.vocab_dict]
        ids = [[one["node_id"] for one in passage.node.metadata[SENTENCES]] for passage in passages]
        near = {}
        for document, ordinal in (split_node_id(one) for passage in ids for one in passage):
            for other in range(max(0, ordinal - _REACH), ordinal + _REACH + 1):
                near[node_id(document, other)] = None
        texts = [passage.node.get_content() for passage in passages]
        return Prepared(question, known, texts, ids, list(near))

    def nodes(self) -> int:
        """Sentences in the collection."""
        return int(self._collection.count())

    def run(self, prepared: Prepared) -> dict[str, float]:
        """Seconds of each of the `PARTS`."""
        vector: list[NDArray[np.float32]] = []
        self._asked = np.empty(0)
        calls: dict[str, Callable[[], object]] = {
            "embedding": lambda: vector.extend(self._encode([f"query: {prepared.question}"])),
            "chroma": lambda: self._query(vector[0][0]),
            "bm25": lambda: self._score(prepared.terms),
            "neighbours": lambda: self._collection.get(
                prepared.neighbours, include=["documents", "metadatas"]
            ),
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

    def _rerank(self, prepared: Prepared) -> list[float]:
        if self._tokens is None:
            texts = [f"passage: {text}" for text in prepared.passages]
            found = self._encoder._run("token_vectors", texts)
            return [float(vectors.sum()) for _, vectors in found]
        codec = self._tokens.codec
        codes = self._tokens.get([one for passage in prepared.sentences for one in passage])
        similar = codec.cosines(b"".join(codes.values()), codec.rotate(self._asked)).T
        scores, start = [], 0
        for one in codes.values():
            end = start + len(one) // codec.bytes_per_token
            scores.append(float(similar[:, start:end].max(axis=1).mean()))
            start = end
        return scores

    def _encode(self, texts: list[str]) -> Iterator[NDArray[np.float32]]:
        """The vector of the question; its token vectors come from the same pass and are kept for the reranker."""
        encodings = self._encoder._tokenizer.tokenize(texts)
        for _, (vectors, tokens) in self._encoder._run_outputs(["embedding", "token_vectors"], encodings):
            self._asked = tokens[0]
            yield vectors


def _bm25(catalog: Catalog, context_sentences: int) -> Any:
    """bm25s over the terms of the collection."""
    import bm25s

    rows = []
    for document in catalog.terms(list(catalog.live_documents())):
        for at in range(len(document.sentences)):
            window = document.sentences[max(0, at - context_sentences) : at + context_sentences + 1]
            rows.append([term for sentence in window for term in sentence])
    retriever = bm25s.BM25(method="lucene")
    retriever.index(rows, create_empty_token=False, show_progress=False)
    return retriever
