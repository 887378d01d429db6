"""The hybrid search of LangChain's tutorials: an `EnsembleRetriever` over BM25 and a vector store."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from llama_index.core.base.embeddings.base import BaseEmbedding
from page_texts import Page
from peers import RETRIEVER_TOP_K, Built
from pipelines import Found

from qa_engine.evaluation.metrics.ranking import TOP_K

CHUNK_SIZE = 1000
CHUNK_OVERLAP = 200


class SharedEmbeddings(Embeddings):
    """Our embedding model as LangChain calls one."""

    def __init__(self, embedding: BaseEmbedding) -> None:
        self._embedding = embedding

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of passages."""
        return self._embedding.get_text_embedding_batch(texts)

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return self._embedding.get_query_embedding(text)


def hybrid(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """Chunks of characters; BM25 and vectors with equal weights, fused by rank."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK_SIZE, chunk_overlap=CHUNK_OVERLAP)
    chunks = splitter.split_documents(
        [
            Document(page_content=page.text, metadata={"source": page.file, "page": page.number})
            for page in pages
        ]
    )
    deep = max(RETRIEVER_TOP_K, top_k)
    store = InMemoryVectorStore.from_documents(chunks, SharedEmbeddings(embedding))
    bm25 = BM25Retriever.from_documents(chunks, k=deep)
    ensemble = EnsembleRetriever(
        retrievers=[bm25, store.as_retriever(search_kwargs={"k": deep})], weights=[0.5, 0.5]
    )
    # The ensemble has no top k of its own: it returns what either retriever found.
    return Built(
        lambda question: [
            Found(one.page_content, one.metadata["source"], one.metadata["page"], one.metadata["page"])
            for one in ensemble.invoke(question)[:top_k]
        ],
        len(chunks),
    )
