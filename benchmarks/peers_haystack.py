"""The hybrid pipeline of Haystack's tutorials: BM25 and vectors of an in-memory store, joined by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from llama_index.core.base.embeddings.base import BaseEmbedding
from page_texts import Page
from peers import RETRIEVER_TOP_K, Built
from pipelines import Found

from qa_engine.evaluation.metrics.ranking import TOP_K

SPLIT_LENGTH = 512
SPLIT_OVERLAP = 32


@component
class SharedDocumentEmbedder:
    """Our embedding model as a document embedder of Haystack."""

    def __init__(self, embedding: BaseEmbedding) -> None:
        self._embedding = embedding

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Documents with their vectors."""
        vectors = self._embedding.get_text_embedding_batch([document.content or "" for document in documents])
        return {"documents": [replace(d, embedding=v) for d, v in zip(documents, vectors, strict=True)]}


@component
class SharedTextEmbedder:
    """Our embedding model as a text embedder of Haystack, which embeds the question."""

    def __init__(self, embedding: BaseEmbedding) -> None:
        self._embedding = embedding

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        """Vector of a question."""
        return {"embedding": self._embedding.get_query_embedding(text)}


def hybrid(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """Chunks of words between blanks; both retrievers in one pipeline, joined by reciprocal ranks."""
    store = InMemoryDocumentStore(shared=False)
    indexing = Pipeline()
    indexing.add_component(
        "splitter", DocumentSplitter(split_by="word", split_length=SPLIT_LENGTH, split_overlap=SPLIT_OVERLAP)
    )
    indexing.add_component("embedder", SharedDocumentEmbedder(embedding))
    indexing.add_component("writer", DocumentWriter(document_store=store))
    indexing.connect("splitter", "embedder")
    indexing.connect("embedder", "writer")
    documents = [Document(content=page.text, meta={"file": page.file, "page": page.number}) for page in pages]
    indexing.run({"splitter": {"documents": documents}})

    search = Pipeline()
    search.add_component("embedder", SharedTextEmbedder(embedding))
    search.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=max(RETRIEVER_TOP_K, top_k)))
    search.add_component("bm25", InMemoryBM25Retriever(store, top_k=max(RETRIEVER_TOP_K, top_k)))
    search.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=top_k))
    search.connect("embedder", "dense")
    search.connect("bm25", "joiner")
    search.connect("dense", "joiner")

    def find(question: str) -> list[Found]:
        found = search.run({"embedder": {"text": question}, "bm25": {"query": question}})
        return [
            Found(one.content, one.meta["file"], one.meta["page"], one.meta["page"])
            for one in found["joiner"]["documents"]
        ]

    return Built(find, store.count_documents())
