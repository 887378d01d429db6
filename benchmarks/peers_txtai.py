"""The hybrid index of txtai's tutorials, with vectors from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from page_texts import Page
from peers import Built
from pipelines import Found
from txtai import Embeddings
from txtai.pipeline import Segmentation

from qa_engine.evaluation.metrics.ranking import TOP_K, squash

# txtai calls one function for passages and questions. What it offers to tell them apart is an instruction that it puts
# in front; this one can be in no PDF text.
QUERY_MARK = "\x00query\x00"


def hybrid(pages: Sequence[Page], embedding: BaseEmbedding, top_k: int = TOP_K) -> Built:
    """Sections, which end where a page ends; BM25 and vectors with equal weights."""
    sections = [text for text in Segmentation(sections=True)("\f".join(page.text for page in pages)) if text]
    index = Embeddings(
        method="external",
        transform=shared_transform(embedding),
        instructions={"query": QUERY_MARK, "data": ""},
        hybrid=True,
    )
    index.index(sections)
    where = list(_with_pages(sections, pages))
    return Built(
        lambda question: [where[number] for number, _ in index.search(question, top_k)], len(sections)
    )


def _with_pages(sections: Sequence[str], pages: Sequence[Page]) -> Iterator[Found]:
    """Sections come in the order of the pages, with other white space."""
    texts = [squash(page.text) for page in pages]
    at = 0
    for section in sections:
        text = squash(section)
        at = next((place for place in range(at, len(pages)) if text in texts[place]), at)
        yield Found(section, pages[at].file, pages[at].number, pages[at].number)


def shared_transform(embedding: BaseEmbedding) -> Callable[[list[str]], NDArray[np.float32]]:
    """Our embedding model as an external transform of txtai."""

    def transform(texts: list[str]) -> NDArray[np.float32]:
        if all(text.startswith(QUERY_MARK) for text in texts):
            vectors = [embedding.get_query_embedding(text.removeprefix(QUERY_MARK)) for text in texts]
        else:
            vectors = embedding.get_text_embedding_batch(texts)
        return np.asarray(vectors, dtype=np.float32)

    return transform
