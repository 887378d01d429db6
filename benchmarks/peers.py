"""The pipelines that are compared: qa_engine through its public contract, and stock LlamaIndex.

Every peer gets the same embedding model as an argument and an LLM that must not be called; nothing is put
into LlamaIndex's global ``Settings``, so that no pipeline sees another one's choices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymupdf
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import NodeParser, SentenceSplitter, SentenceWindowNodeParser
from llama_index.core.postprocessor import MetadataReplacementPostProcessor
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import BaseNode, NodeWithScore
from llama_index.retrievers.bm25 import BM25Retriever
from metrics import TOP_K

from qa_engine.config import Config

OURS = "qa_engine"
CHUNK_SIZE = 512
CHUNK_OVERLAP = 50
WINDOW_SIZE = 3
# Candidates of each leg before fusion.
LEG_TOP_K = 20


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that is ready to be asked: question in, passage texts out, best first."""

    name: str
    retrieve: Callable[[str], list[str]]
    nodes: int
    build_seconds: float


def embedding_model(config: Config) -> BaseEmbedding:
    """The embedding model that the configuration names, as every pipeline of a run uses it."""
    from qa_engine.models.embedding import build_embedding

    return build_embedding(config.embedding)


def build_ours(files: Sequence[Path], storage: Path, config: Config, collection: str) -> Pipeline:
    """Ingest and open through the public contract; everything from PDF to open engine counts as build."""
    from qa_engine import QueryEngine, ingest

    started = time.perf_counter()
    report = ingest(list(files), storage=storage, collection=collection, config=config)
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} files failed, first: {report.failures[0].message}")
    engine = QueryEngine.open(storage=storage, collection=collection, config=config)
    seconds = time.perf_counter() - started
    return Pipeline(
        OURS, lambda question: _texts(engine.retrieve(question, top_k=TOP_K)), report.nodes, seconds
    )


def build_peer(name: str, files: Sequence[Path], embedding: BaseEmbedding) -> Pipeline:
    """Build one of `PEERS` from the PDFs.

    Raises:
        ValueError: there is no such peer.
    """
    if name not in PEERS:
        raise ValueError(f"{name} is not a peer; known here: {', '.join(PEERS)}")
    started = time.perf_counter()
    retrieve, nodes = PEERS[name](_pages(files), embedding)
    return Pipeline(name, retrieve, nodes, time.perf_counter() - started)


def _pages(files: Sequence[Path]) -> list[Document]:
    """One document a page, as the stock PDF readers make them; the metadata is not embedded."""
    # Gold answers have no ligatures: leaving them in would count against the peers.
    flags = pymupdf.TEXTFLAGS_TEXT & ~pymupdf.TEXT_PRESERVE_LIGATURES
    documents = []
    for file in files:
        with pymupdf.open(file) as pdf:
            for number, page in enumerate(pdf, start=1):
                document = Document(
                    text=page.get_text(flags=flags),
                    metadata={"file_name": file.name, "page_label": str(number)},
                    excluded_embed_metadata_keys=["file_name", "page_label"],
                    excluded_llm_metadata_keys=["file_name", "page_label"],
                )
                documents.append(document)
    return documents


def _starter(pages: list[Document], embedding: BaseEmbedding) -> tuple[Callable[[str], list[str]], int]:
    """The starter tutorial: chunks, one vector index, top k."""
    index = VectorStoreIndex.from_documents(
        pages, embed_model=embedding, transformations=[SentenceSplitter(chunk_size=CHUNK_SIZE)]
    )
    retriever = index.as_retriever(similarity_top_k=TOP_K)
    return lambda question: _texts(retriever.retrieve(question)), len(index.docstore.docs)


def _hybrid(pages: list[Document], embedding: BaseEmbedding) -> tuple[Callable[[str], list[str]], int]:
    """Chunks; vectors and stock BM25, fused by rank."""
    splitter = SentenceSplitter(chunk_size=CHUNK_SIZE, chunk_overlap=CHUNK_OVERLAP)
    retriever, nodes = _fused(splitter, pages, embedding)
    return lambda question: _texts(retriever.retrieve(question)), len(nodes)


def _window(pages: list[Document], embedding: BaseEmbedding) -> tuple[Callable[[str], list[str]], int]:
    """Sentences with their windows in the metadata; the same fusion; the window replaces the sentence."""
    parser = SentenceWindowNodeParser.from_defaults(window_size=WINDOW_SIZE)
    retriever, nodes = _fused(parser, pages, embedding)
    replace = MetadataReplacementPostProcessor(target_metadata_key="window")
    return lambda question: _texts(replace.postprocess_nodes(retriever.retrieve(question))), len(nodes)


def _fused(
    parser: NodeParser, pages: list[Document], embedding: BaseEmbedding
) -> tuple[BaseRetriever, list[BaseNode]]:
    nodes = parser.get_nodes_from_documents(pages)
    index = VectorStoreIndex(nodes, embed_model=embedding, transformations=[parser])
    legs: list[BaseRetriever] = [
        index.as_retriever(similarity_top_k=LEG_TOP_K),
        BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=LEG_TOP_K),
    ]
    # The LLM is only there because the retriever asks OpenAI for a key without one.
    fusion = QueryFusionRetriever(
        legs,
        llm=MockLLM(),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        num_queries=1,
        similarity_top_k=TOP_K,
        use_async=False,
    )
    return fusion, nodes


def _texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [scored.node.get_content() for scored in nodes]


PEERS: dict[str, Callable[[list[Document], BaseEmbedding], tuple[Callable[[str], list[str]], int]]] = {
    "llamaindex-hybrid": _hybrid,
    "llamaindex-window": _window,
    "llamaindex-starter": _starter,
}
