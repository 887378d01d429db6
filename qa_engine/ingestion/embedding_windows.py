"""What goes through the embedding model at once for sentences, and what each sentence gets of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from qa_engine.documents.sentences.node_parser import SECTION
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.index.vectors.token_store import TokenStore
from qa_engine.ingestion.report import StageClock
from qa_engine.models.batching import bounded_groups
from qa_engine.models.e5.encoder import PASSAGE_PREFIX, E5Encoder, EncodedText, unit_rows
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.language import chinese_size, is_chinese

SLICE = 512
"""Sentences of a document that are embedded in one go: no pass goes over the border between two slices, so vectors are
the same wherever each slice is embedded."""
LATIN_RATIO = 3.0
"""Characters of other scripts that count as one Chinese one in the size of a shared pass."""
_CHINESE_NEIGHBOUR = 150
"""Characters of a Chinese neighbour at most: with more, the sentence itself could lie beyond the 512 tokens of the model."""


@dataclass(frozen=True)
class EmbeddedSentences:
    """What is stored of sentences beside their texts.

    Attributes:
        vectors: (sentences, dimensions).
        codes: the quantised token vectors of each; None if none are kept.
    """

    vectors: NDArray[np.float32]
    codes: list[bytes] | None = None


@dataclass(frozen=True)
class ModelPass:
    """A text that the model gets at once.

    Attributes:
        text: one sentence or several.
        sentences: first character and end, in the text, of each sentence that is embedded by this pass.
        is_shared: whether a sentence's vector is the mean of its own tokens. If not, it is that of the whole text.
    """

    text: str
    sentences: tuple[tuple[int, int], ...]
    is_shared: bool


def model_passes(
    nodes: Sequence[BaseNode], embed_model: BaseEmbedding, pass_chars: int, context_sentences: int
) -> list[ModelPass]:
    """The passes that embed sentences, in order.

    Args:
        nodes: the sentences of each document one after another; there may be several documents.
        embed_model: only the local one gives the vectors of tokens, which shared passes need.
        pass_chars: Chinese characters in a shared pass, `LATIN_RATIO` of other scripts counting as one; a longer sentence
            has one to itself. 0: none is shared.
        context_sentences: neighbours on each side of a sentence where none is shared.
    """
    texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
    places = list(_places(nodes))
    if pass_chars and isinstance(embed_model, LocalEmbedding):
        return list(_shared(texts, places, pass_chars))
    return [_with_neighbours(texts, places, row, context_sentences) for row in range(len(texts))]


def sliced(passes: Sequence[ModelPass]) -> Iterator[list[ModelPass]]:
    """Passes in parts of at most `SLICE` sentences: for one document, of as many in each but the last."""
    return bounded_groups(passes, lambda each: len(each.sentences), SLICE)


def embed_passes(
    passes: Sequence[ModelPass], embed_model: BaseEmbedding, codec: TokenCodec | None
) -> EmbeddedSentences:
    """The vectors of the sentences of passes; with a codec and the local model also their token vectors."""
    texts = [each.text for each in passes]
    by_tokens = codec is not None or any(each.is_shared for each in passes)
    if not isinstance(embed_model, LocalEmbedding) or not by_tokens:
        return EmbeddedSentences(np.array(embed_model.get_text_embedding_batch(texts), np.float32))
    encoder = embed_model.encoder
    vectors: list[NDArray[np.float32]] = []
    words: list[NDArray[np.float32]] = []
    for encoded, each in zip(encoder.encode(texts, PASSAGE_PREFIX), passes, strict=True):
        for rows in _own_rows(encoded, each.sentences):
            shared = each.is_shared and rows.stop > rows.start
            vectors.append(encoded.vectors[rows].mean(axis=0) if shared else encoded.vector)
            if codec is not None:
                words.append(encoded.vectors[rows][_is_word(encoder, encoded.ids[rows])])
    return EmbeddedSentences(unit_rows(np.array(vectors)), codec.encode_texts(words) if codec else None)


def _places(nodes: Sequence[BaseNode]) -> Iterator[tuple[str, str, int]]:
    """Document, section and slice of each sentence. Above a heading, other things are spoken of."""
    document, first = "", 0
    for row, node in enumerate(nodes):
        own = node.ref_doc_id or ""
        if own != document:
            document, first = own, row
        yield own, str(node.metadata.get(SECTION, "")), (row - first) // SLICE


def _shared(
    texts: Sequence[str], places: Sequence[tuple[str, str, int]], pass_chars: int
) -> Iterator[ModelPass]:
    start, size = 0, 0.0
    for row, text in enumerate(texts):
        own = chinese_size(text, LATIN_RATIO)
        if row > start and (places[row] != places[start] or size + own > pass_chars):
            yield _joined(texts[start:row])
            start, size = row, 0.0
        size += own
    if texts:
        yield _joined(texts[start:])


def _joined(texts: Sequence[str]) -> ModelPass:
    joined = [join_sentences(texts[: row + 1]) for row in range(len(texts))]
    spans = tuple((len(whole) - len(text), len(whole)) for text, whole in zip(texts, joined, strict=True))
    return ModelPass(joined[-1], spans, is_shared=True)


def _with_neighbours(
    texts: Sequence[str], places: Sequence[tuple[str, str, int]], row: int, reach: int
) -> ModelPass:
    around = range(max(0, row - reach), min(len(texts), row + reach + 1))
    near = [other for other in around if places[other][:2] == places[row][:2]]
    before = [_shortened(texts[other], from_end=True) for other in near if other < row]
    after = [_shortened(texts[other]) for other in near if other > row]
    end = len(join_sentences([*before, texts[row]]))
    text = join_sentences([*before, texts[row], *after])
    return ModelPass(text, ((end - len(texts[row]), end),), is_shared=False)


def _shortened(text: str, from_end: bool = False) -> str:
    if len(text) <= _CHINESE_NEIGHBOUR or not is_chinese(text):
        return text
    return text[-_CHINESE_NEIGHBOUR:] if from_end else text[:_CHINESE_NEIGHBOUR]


def _own_rows(encoded: EncodedText, sentences: Sequence[tuple[int, int]]) -> Iterator[slice]:
    """The tokens of each sentence. Their places in the text rise, but for tokens without a place at its beginning."""
    starts, ends = encoded.offsets.T
    for start, end in sentences:
        own = np.flatnonzero((ends > start) & (starts < end))
        yield slice(int(own[0]), int(own[-1]) + 1) if len(own) else slice(0, 0)


def _is_word(encoder: E5Encoder, ids: Sequence[int]) -> NDArray[np.bool_]:
    return np.array([not encoder.is_punctuation(token) for token in ids], bool)


class ContextEmbedding(TransformComponent):
    """Embeds each sentence together with those around it, of the same section; the stored text stays the sentence.

    The vector of a lone sentence misses what its pronouns stand for. With the local model, sentences up to a size share a
    pass, and each is the mean of its own tokens (late chunking, Günther et al., 2024), which takes no more than sentences
    alone. Other models give one vector for a text: there, each sentence goes with its neighbours, three times the tokens.

    Measured with the local model on 300 questions each, MRR@10 of the whole pipeline with sentences alone, with a
    neighbour on each side, and in shared passes of 70 Chinese characters: Chinese questions on English documents .824, .843,
    .852; English ones on Chinese documents .833, .873, .878; within Chinese the latter two .970, .977 (XQuAD) and .955,
    .952 (CMRC 2018 trial). Passes of five sentences are worse (.814 and .861 between languages): they become alike.

    With a token store, and the local model, the token vectors of the sentence itself are kept as well: they come out of
    the same pass.

    With a vector store, nodes are stored as soon as they are embedded, a part at a time, and their vectors leave the memory:
    those of a book of 5,000 pages, as Python numbers, would take more than a gigabyte.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embed_model: BaseEmbedding
    pass_chars: int = Field(default=70, ge=0)
    context_sentences: int = Field(default=1, ge=0)
    report: Callable[[int, int], None] | None = None
    token_store: TokenStore | None = None
    vector_store: BasePydanticVectorStore | None = None
    clock: StageClock = Field(default_factory=StageClock)
    embedded: Callable[[Sequence[BaseNode]], Iterable[EmbeddedSentences]] | None = None
    """Gives what was computed elsewhere for nodes, in parts; the model is not asked then."""

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        start = 0
        parts = self.embedded(nodes) if self.embedded is not None else self._embedded_here(nodes)
        for found in self.clock.each("embedding", parts):
            part = nodes[start : start + len(found.vectors)]
            start += len(part)
            if self.token_store is not None and found.codes is not None:
                with self.clock("storing token vectors"):
                    self.token_store.put([node.node_id for node in part], found.codes)
            for node, vector in zip(part, found.vectors.tolist(), strict=True):
                node.embedding = vector
            if self.vector_store is not None:
                with self.clock("storing vectors"):
                    self.vector_store.add(list(part))
                for node in part:
                    node.embedding = None
            if self.report is not None:
                self.report(start, len(nodes))
        return nodes

    def _embedded_here(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        codec = self.token_store.codec if self.token_store is not None else None
        for part in sliced(model_passes(nodes, self.embed_model, self.pass_chars, self.context_sentences)):
            yield embed_passes(part, self.embed_model, codec)
