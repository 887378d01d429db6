"""What is compared: something that a question goes into, and passages come out of.

Here are the pipelines of qa_engine, all through its public contract: the whole, and each of its stages by
configuration alone, on the same index. The peers are in `peers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeWithScore

from qa_engine.config import Config
from qa_engine.evaluation.metrics.ranking import TOP_K

OURS = "qa_engine"
COLLECTION = "benchmark"
NO_RERANKER = "none"

# One retriever alone: all weight on it, and the other as small as the configuration allows. By score, because fusion by
# rank knows no weights.
_LEGS: Mapping[str, dict[str, Any]] = {
    "dense": {"fusion": "dist_based_score", "dense_weight": 1.0, "bm25_top_k": 1},
    "bm25": {"fusion": "dist_based_score", "dense_weight": 0.0, "dense_top_k": 1},
}
FUSED = "fused"
STAGES = (*_LEGS, FUSED)


@dataclass(frozen=True)
class Found:
    """A passage with the pages that it is from."""

    text: str
    file: str
    page: int
    page_end: int


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that is ready to be asked: question in, passage texts out, best first; with their pages by ``find``."""

    name: str
    retrieve: Callable[[str], list[str]]
    nodes: int
    build_seconds: float
    find: Callable[[str], list[Found]] | None = None


def embedding_model(config: Config) -> BaseEmbedding:
    """The embedding model that the configuration names, as every pipeline of a run uses it."""
    from qa_engine.models.embedding import build_embedding

    return build_embedding(config.embedding)


def build_ours(files: Sequence[Path], storage: Path, config: Config) -> Pipeline:
    """Ingest and open through the public contract; everything from PDF to open engine counts as build."""
    from qa_engine import QueryEngine, ingest

    started = time.perf_counter()
    report = ingest(list(files), storage=storage, collection=COLLECTION, config=config)
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} files failed, first: {report.failures[0].message}")
    engine = QueryEngine.open(storage=storage, collection=COLLECTION, config=config)
    seconds = time.perf_counter() - started
    return Pipeline(
        OURS, lambda question: texts(engine.retrieve(question, top_k=TOP_K)), report.nodes, seconds
    )


def build_stages(storage: Path, config: Config, nodes: int) -> list[Pipeline]:
    """`STAGES` as engines of their own on the index that `build_ours` made; the last stage is ours itself."""
    from qa_engine import QueryEngine

    stages = []
    for name in STAGES:
        settings = stage_settings(config, name)
        started = time.perf_counter()
        engine = QueryEngine.open(storage=storage, collection=COLLECTION, config=settings)
        seconds = time.perf_counter() - started
        stages.append(Pipeline(name, _stage(engine.retrieve, name), nodes, seconds))
    return stages


def stage_settings(config: Config, name: str) -> Config:
    """The configuration that stops at one of `STAGES`."""
    return without_reranker(config, **_LEGS.get(name, {}))


def of_stage(found: list[NodeWithScore], name: str) -> list[NodeWithScore]:
    """What the retriever of a stage found: a weight of 0 puts what the other found last, but does not leave it out."""
    if name not in _LEGS:
        return found
    return [passage for passage in found if name in passage.node.metadata["scores"]]


def without_reranker(config: Config, **retrieval: Any) -> Config:
    """The configuration with the fused order kept, and with other settings of retrieval."""
    return config.model_copy(
        update={
            "retrieval": config.retrieval.model_copy(update=retrieval),
            "rerank": config.rerank.model_copy(update={"model": NO_RERANKER}),
        }
    )


def _stage(retrieve: Callable[..., list[NodeWithScore]], name: str) -> Callable[[str], list[str]]:
    def passages(question: str) -> list[str]:
        return texts(of_stage(retrieve(question, top_k=TOP_K), name))

    return passages


def texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    """The texts of nodes of LlamaIndex."""
    return [scored.node.get_content() for scored in nodes]
