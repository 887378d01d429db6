"""Embedding windows: which text the model embeds for sentences, and which vectors of it each sentence gets.

The local model embeds several sentences in one window and pools each of them from its own tokens (late chunking, Günther
et al., 2024). Other models embed each sentence together with its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from qa_engine.documents.sentences.node_parser import SECTION
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.index.search_engine.contents.tokens import SearchEngineTokens
from qa_engine.index.vectors.token_store import TokenStore
from qa_engine.ingestion.report import StageClock
from qa_engine.models.e5.encoder import PASSAGE_PREFIX, EncodedText, unit_rows
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.runtime.batching import bounded_groups
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.language import chinese_size, is_chinese

SLICE = 512
"""Sentences of a document that are embedded in one call. No window crosses the border between two slices, so the vectors
are the same on whichever machine a slice is embedded."""
LATIN_RATIO = 3.0
"""How many characters of other scripts count as one Chinese character in the size of a shared window."""
_MAX_CHINESE_NEIGHBOUR = 150
"""Characters of a Chinese neighbour that are embedded at most: with more, the sentence itself could lie beyond the 512
tokens of the model."""


@dataclass(frozen=True)
class EmbeddedSentences:
    """What the model computed for consecutive sentences.

    Attributes:
        vectors: array of shape (sentences, dimensions), float32.
        codes: the quantised token vectors of each sentence; None if none are stored.
    """

    vectors: NDArray[np.float32]
    codes: list[bytes] | None = None


@dataclass(frozen=True)
class EmbeddingWindow:
    """A text that goes through the model at once.

    Attributes:
        text: one sentence or several.
        sentences: start and end, as characters of the text, of each sentence that gets its vector from this window.
        is_shared: whether the vector of a sentence is the mean of its own tokens. Otherwise it is the vector of the text.
    """

    text: str
    sentences: tuple[tuple[int, int], ...]
    is_shared: bool


def embedding_windows(
    nodes: Sequence[BaseNode], embed_model: BaseEmbedding, pass_chars: int, context_sentences: int
) -> list[EmbeddingWindow]:
    """The windows that embed sentences, in order.

    Args:
        nodes: the sentences of one or several documents, those of each document one after another.
        embed_model: only the local model returns token vectors, which shared windows need.
        pass_chars: size of a shared window in Chinese characters; `LATIN_RATIO` characters of other scripts count as one.
            A longer sentence has a window to itself. 0 means that no window is shared.
        context_sentences: neighbours on each side of a sentence in windows that are not shared.
    """
    texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
    positions = list(_positions(nodes))
    if pass_chars and isinstance(embed_model, LocalEmbedding):
        return list(_shared_windows(texts, positions, pass_chars))
    return [_window_with_neighbours(texts, positions, row, context_sentences) for row in range(len(texts))]


def sliced(windows: Sequence[EmbeddingWindow]) -> Iterator[list[EmbeddingWindow]]:
    """Windows in slices of at most `SLICE` sentences: all slices of one document but its last have exactly so many."""
    return bounded_groups(windows, lambda window: len(window.sentences), SLICE)


def first_occurrences(slices: Iterable[Sequence[EmbeddingWindow]]) -> list[list[EmbeddingWindow]]:
    """Of each slice the windows that no slice before has, once each: annexes repeat clauses, and tables rows."""
    seen: set[EmbeddingWindow] = set()
    found = []
    for windows in slices:
        found.append([window for window in dict.fromkeys(windows) if window not in seen])
        seen.update(windows)
    return found


def with_repeats(
    slices: Sequence[Sequence[EmbeddingWindow]], results: Iterable[EmbeddedSentences]
) -> Iterator[EmbeddedSentences]:
    """What the model computed for slices, from the results of their `first_occurrences`, which it asks for one by one."""
    last = {window: number for number, windows in enumerate(slices) for window in windows}
    known: dict[EmbeddingWindow, EmbeddedSentences] = {}
    for number, (windows, different, result) in enumerate(
        zip(slices, first_occurrences(slices), results, strict=True)
    ):
        start = 0
        for window in different:
            rows = slice(start, start + len(window.sentences))
            start = rows.stop
            codes = None if result.codes is None else result.codes[rows]
            known[window] = EmbeddedSentences(result.vectors[rows].copy(), codes)
        parts = [known[window] for window in windows]
        all_codes = [part.codes for part in parts if part.codes is not None]
        yield EmbeddedSentences(
            np.concatenate([part.vectors for part in parts]),
            list(chain.from_iterable(all_codes)) if len(all_codes) == len(parts) else None,
        )
        for window in dict.fromkeys(windows):
            if last[window] == number:
                del known[window]


def embed_windows(
    windows: Sequence[EmbeddingWindow], embed_model: BaseEmbedding, codec: TokenCodec | None
) -> EmbeddedSentences:
    """The vectors of the sentences of some windows, or none; with a codec and the local model also their token vectors."""
    if not windows:
        return EmbeddedSentences(np.empty((0, 0), np.float32), [])
    texts = [window.text for window in windows]
    by_tokens = codec is not None or any(window.is_shared for window in windows)
    if not isinstance(embed_model, LocalEmbedding) or not by_tokens:
        return EmbeddedSentences(np.array(embed_model.get_text_embedding_batch(texts), np.float32))
    encoder = embed_model.encoder
    vectors: list[NDArray[np.float32]] = []
    word_vectors: list[NDArray[np.float32]] = []
    for encoded, window in zip(encoder.encode(texts, PASSAGE_PREFIX), windows, strict=True):
        for rows in _own_rows(encoded, window.sentences):
            shared = window.is_shared and rows.stop > rows.start
            vectors.append(encoded.vectors[rows].mean(axis=0) if shared else encoded.vector)
            if codec is not None:
                words = np.array([not encoder.is_punctuation(token) for token in encoded.ids[rows]], bool)
                word_vectors.append(encoded.vectors[rows][words])
    return EmbeddedSentences(
        unit_rows(np.array(vectors)), codec.encode_texts(word_vectors) if codec else None
    )


def _positions(nodes: Sequence[BaseNode]) -> Iterator[tuple[str, str, int]]:
    """Document, section and slice of each sentence. Sentences of different sections have different subjects."""
    document, first = "", 0
    for row, node in enumerate(nodes):
        own = node.ref_doc_id or ""
        if own != document:
            document, first = own, row
        yield own, str(node.metadata.get(SECTION, "")), (row - first) // SLICE


def _shared_windows(
    texts: Sequence[str], positions: Sequence[tuple[str, str, int]], pass_chars: int
) -> Iterator[EmbeddingWindow]:
    start, size = 0, 0.0
    for row, text in enumerate(texts):
        own = chinese_size(text, LATIN_RATIO)
        if row > start and (positions[row] != positions[start] or size + own > pass_chars):
            yield _shared_window(texts[start:row])
            start, size = row, 0.0
        size += own
    if texts:
        yield _shared_window(texts[start:])


def _shared_window(texts: Sequence[str]) -> EmbeddingWindow:
    joined = [join_sentences(texts[: row + 1]) for row in range(len(texts))]
    spans = tuple((len(whole) - len(text), len(whole)) for text, whole in zip(texts, joined, strict=True))
    return EmbeddingWindow(joined[-1], spans, is_shared=True)


def _window_with_neighbours(
    texts: Sequence[str], positions: Sequence[tuple[str, str, int]], row: int, reach: int
) -> EmbeddingWindow:
    around = range(max(0, row - reach), min(len(texts), row + reach + 1))
    near = [other for other in around if positions[other][:2] == positions[row][:2]]
    before = [_shorten(texts[other], from_end=True) for other in near if other < row]
    after = [_shorten(texts[other]) for other in near if other > row]
    end = len(join_sentences([*before, texts[row]]))
    text = join_sentences([*before, texts[row], *after])
    return EmbeddingWindow(text, ((end - len(texts[row]), end),), is_shared=False)


def _shorten(text: str, from_end: bool = False) -> str:
    if len(text) <= _MAX_CHINESE_NEIGHBOUR or not is_chinese(text):
        return text
    return text[-_MAX_CHINESE_NEIGHBOUR:] if from_end else text[:_MAX_CHINESE_NEIGHBOUR]


def _own_rows(encoded: EncodedText, sentences: Sequence[tuple[int, int]]) -> Iterator[slice]:
    """The rows of each sentence's tokens. Offsets ascend, except for tokens without an offset at the beginning."""
    starts, ends = encoded.offsets.T
    for start, end in sentences:
        own = np.flatnonzero((ends > start) & (starts < end))
        yield slice(int(own[0]), int(own[-1]) + 1) if len(own) else slice(0, 0)


class ContextEmbedding(TransformComponent):
    """Embeds each sentence together with the sentences around it, of the same section; the stored text is the sentence.

    The vector of a lone sentence misses what its pronouns stand for. With the local model, sentences up to a size share a
    window, and each gets the mean of its own tokens (late chunking, Günther et al., 2024), which costs no more tokens than
    lone sentences. Other models return one vector for a text: they get each sentence with its neighbours, three times the
    tokens.

    Measured with the local model on 300 questions each, MRR@10 of the whole pipeline with lone sentences, with a
    neighbour on each side, and in shared windows of 70 Chinese characters: Chinese questions on English documents .824,
    .843, .852; English ones on Chinese documents .833, .873, .878; within Chinese the latter two .970, .977 (XQuAD) and
    .955, .952 (CMRC 2018 trial). Windows of five sentences are worse (.814 and .861 between languages): their sentences
    become alike.

    With a token store and the local model, the token vectors of the sentence itself are stored too: the same call of the
    model returns them. With a vector store, nodes are stored as soon as they are embedded, a slice at a time, and their
    vectors leave the memory: those of a book of 5,000 pages, as Python numbers, would take more than a gigabyte.

    Attributes:
        embed_model, pass_chars, context_sentences: see `embedding_windows`.
        on_progress: is called with the number of sentences done and the number of all of them.
        token_store: stores the token vectors; None if they are not stored.
        vector_store: stores the nodes with their vectors; None leaves the vectors in the nodes.
        clock: measures the stages.
        embeddings: returns the results for nodes that were computed elsewhere, in slices; None calls the model here.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embed_model: BaseEmbedding
    pass_chars: int = Field(default=70, ge=0)
    context_sentences: int = Field(default=1, ge=0)
    on_progress: Callable[[int, int], None] | None = None
    token_store: TokenStore | SearchEngineTokens | None = None
    vector_store: BasePydanticVectorStore | None = None
    clock: StageClock = Field(default_factory=StageClock)
    embeddings: Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]] | None = None

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        start = 0
        slices = self.embeddings(nodes) if self.embeddings is not None else self._embedded_here(nodes)
        for result in self.clock.each("embedding", slices):
            part = nodes[start : start + len(result.vectors)]
            start += len(part)
            if self.token_store is not None and result.codes is not None:
                with self.clock("storing token vectors"):
                    self.token_store.put([node.node_id for node in part], result.codes)
            for node, vector in zip(part, result.vectors.tolist(), strict=True):
                node.embedding = vector
            if self.vector_store is not None:
                with self.clock("storing vectors"):
                    self.vector_store.add(list(part))
                for node in part:
                    node.embedding = None
            if self.on_progress is not None:
                self.on_progress(start, len(nodes))
        return nodes

    def _embedded_here(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        codec = self.token_store.codec if self.token_store is not None else None
        windows = embedding_windows(nodes, self.embed_model, self.pass_chars, self.context_sentences)
        slices = list(sliced(windows))
        results = (embed_windows(part, self.embed_model, codec) for part in first_occurrences(slices))
        yield from with_repeats(slices, results)
