"""Three pipelines of stock LlamaIndex.

They get the embedding model as an argument and an LLM that must not be called; nothing is put into LlamaIndex's global
``Settings``, so that no pipeline sees another one's choices.
"""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import NodeParser, SentenceSplitter, SentenceWindowNodeParser
from llama_index.core.postprocessor import MetadataReplacementPostProcessor
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import BaseNode, NodeWithScore
from llama_index.retrievers.bm25 import BM25Retriever
from page_texts import Page
from peers import RETRIEVER_TOP_K, Built
from pipelines import Found

from qa_engine.evaluation.metrics.ranking import TOP_K

CHUNK_SIZE = 512
CHUNK_OVERLAP = 50
WINDOW_SIZE = 3


def starter(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """The starter tutorial: chunks, one vector index, top k."""
    index = VectorStoreIndex.from_documents(
        _documents(pages), embed_model=embedding, transformations=[SentenceSplitter(chunk_size=CHUNK_SIZE)]
    )
    retriever = index.as_retriever(similarity_top_k=top_k)
    return Built(lambda question: _found(retriever.retrieve(question)), len(index.docstore.docs))


def hybrid(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """Chunks; vectors and stock BM25, fused by rank."""
    splitter = SentenceSplitter(chunk_size=CHUNK_SIZE, chunk_overlap=CHUNK_OVERLAP)
    retriever, nodes = _fused(splitter, pages, embedding, top_k)
    return Built(lambda question: _found(retriever.retrieve(question)), len(nodes))


def window(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """Sentences with their windows in the metadata; the same fusion; the window replaces the sentence."""
    parser = SentenceWindowNodeParser.from_defaults(window_size=WINDOW_SIZE)
    retriever, nodes = _fused(parser, pages, embedding, top_k)
    replace = MetadataReplacementPostProcessor(target_metadata_key="window")
    return Built(lambda question: _found(replace.postprocess_nodes(retriever.retrieve(question))), len(nodes))


def _found(nodes: Sequence[NodeWithScore]) -> list[Found]:
    """No chunk is longer than its page."""
    return [
        Found(
            one.node.get_content(),
            one.node.metadata["file_name"],
            page := int(one.node.metadata["page_label"]),
            page,
        )
        for one in nodes
    ]


def _documents(pages: Sequence[Page]) -> list[Document]:
    """The metadata is there, as from the stock readers, but it is not embedded."""
    return [
        Document(
            text=page.text,
            metadata={"file_name": page.file, "page_label": str(page.number)},
            excluded_embed_metadata_keys=["file_name", "page_label"],
            excluded_llm_metadata_keys=["file_name", "page_label"],
        )
        for page in pages
    ]


def _fused(
    parser: NodeParser, pages: Sequence[Page], embedding: BaseEmbedding, top_k: int
) -> tuple[BaseRetriever, list[BaseNode]]:
    nodes = parser.get_nodes_from_documents(_documents(pages))
    index = VectorStoreIndex(nodes, embed_model=embedding, transformations=[parser])
    retrievers: list[BaseRetriever] = [
        index.as_retriever(similarity_top_k=max(RETRIEVER_TOP_K, top_k)),
        BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=max(RETRIEVER_TOP_K, top_k)),
    ]
    # The LLM is only there because the retriever asks OpenAI for a key without one.
    fusion = QueryFusionRetriever(
        retrievers,
        llm=MockLLM(),
        mode=FUSION_MODES.RECIPROCAL_RANK,
        num_queries=1,
        similarity_top_k=top_k,
        use_async=False,
    )
    return fusion, nodes
