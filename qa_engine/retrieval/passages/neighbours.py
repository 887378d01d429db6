"""The sentences around hits, read and measured once for a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.passages.table_hits import is_summary
from qa_engine.text.language import chinese_size


class StoredSentences(Protocol):
    """A store of sentences."""

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The sentences with these ids, by id, without those that do not exist."""


Sentence = TextNode | StoredSentence
"""A hit, which is a node, or a neighbour of one."""


class SentenceNeighbours:
    """Hits and their neighbours, by document and ordinal, for one question. Each is read and measured once.

    ``reach`` neighbours are read on each side of a hit. So many characters of other scripts as ``latin_ratio`` says count
    as one Chinese character.
    """

    def __init__(self, store: StoredSentences, reach: int, latin_ratio: float) -> None:
        self._store = store
        self._reach = reach
        self._latin_ratio = latin_ratio
        self._sentences: dict[tuple[str, int], Sentence] = {}
        self._requested: set[tuple[str, int]] = set()
        self._sizes: dict[tuple[str, int], float] = {}

    def load(self, hits: Sequence[NodeWithScore]) -> None:
        """Reads hits and the neighbours that their windows may reach, with one query to the store."""
        keys = [split_node_id(hit.node_id) for hit in hits]
        for key, hit in zip(keys, hits, strict=True):
            if isinstance(hit.node, TextNode):
                self._sentences[key] = hit.node
        self._read(
            (document_id, neighbour)
            for document_id, ordinal in keys
            for neighbour in range(max(0, ordinal - self._reach), ordinal + self._reach + 1)
        )

    def load_range(self, document_id: str, first: int, last: int) -> None:
        """Reads the sentences from ``first`` to ``last``, with one query to the store if any of them was not read yet."""
        self._read((document_id, ordinal) for ordinal in range(max(0, first), last + 1))

    def _read(self, around: Iterable[tuple[str, int]]) -> None:
        keys_by_id = {
            node_id(*key): key for key in around if key not in self._sentences and key not in self._requested
        }
        if not keys_by_id:
            return
        self._requested.update(keys_by_id.values())
        for identifier, sentence in self._store.stored_sentences(list(keys_by_id)).items():
            self._sentences[keys_by_id[identifier]] = sentence

    def get(self, document_id: str, ordinal: int) -> Sentence | None:
        """A sentence; None if it does not exist, or is out of reach of all hits."""
        return self._sentences.get((document_id, ordinal))

    def between(self, document_id: str, first: int, last: int) -> list[Sentence]:
        """The sentences from ``first`` to ``last``, in order, without those that `get` does not know."""
        sentences = (self.get(document_id, ordinal) for ordinal in range(first, last + 1))
        return [sentence for sentence in sentences if sentence is not None]

    def size(self, document_id: str, ordinal: int) -> float:
        """The length of a sentence in Chinese characters, see `chinese_size`.

        It is 0 for one that `get` does not know, and for what a table is about, which is not in the text of a passage.
        """
        key = (document_id, ordinal)
        if key not in self._sizes and (sentence := self._sentences.get(key)) is not None:
            shown = 0.0 if is_summary(sentence) else chinese_size(sentence.text, self._latin_ratio)
            self._sizes[key] = shown
        return self._sizes.get(key, 0.0)

    def length(self, document_id: str, first: int, last: int) -> float:
        """The total size of the sentences from ``first`` to ``last``."""
        return sum(self.size(document_id, ordinal) for ordinal in range(first, last + 1))
