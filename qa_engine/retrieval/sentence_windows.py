"""The sentences around the hits of a question, each looked up and measured once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.index.records import StoredSentence
from qa_engine.text.language import chinese_size


class StoredSentences(Protocol):
    """Where the sentences of passages are."""

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """Those of the sentences that exist, by id."""


Sentence = TextNode | StoredSentence
"""A hit, which is a node, or a neighbour of one."""


class Neighbourhood:
    """Hits and their neighbours, by document and ordinal. For one question."""

    def __init__(self, store: StoredSentences, reach: int, latin_ratio: float) -> None:
        """
        Args:
            store: where the neighbours are.
            reach: how many are fetched on each side of a hit.
            latin_ratio: how many characters of other scripts count as one Chinese one.
        """
        self._store = store
        self._reach = reach
        self._latin_ratio = latin_ratio
        self._found: dict[tuple[str, int], Sentence] = {}
        self._asked: set[tuple[str, int]] = set()
        self._sizes: dict[tuple[str, int], float] = {}

    def add(self, hits: Sequence[NodeWithScore]) -> None:
        """Takes in hits and the neighbours that their windows may reach, in one look into the store."""
        places = [split_node_id(hit.node_id) for hit in hits]
        for place, hit in zip(places, hits, strict=True):
            if isinstance(hit.node, TextNode):
                self._found[place] = hit.node
        wanted = {
            (document_id, neighbour): None
            for document_id, ordinal in places
            for neighbour in range(max(0, ordinal - self._reach), ordinal + self._reach + 1)
            if (document_id, neighbour) not in self._found and (document_id, neighbour) not in self._asked
        }
        self._asked.update(wanted)
        names = {node_id(*place): place for place in wanted}
        for name, sentence in self._store.stored_sentences(list(names)).items():
            self._found[names[name]] = sentence

    def get(self, document_id: str, ordinal: int) -> Sentence | None:
        """A sentence; None if it does not exist, or is further from all hits than they reach."""
        return self._found.get((document_id, ordinal))

    def between(self, document_id: str, first: int, last: int) -> list[Sentence]:
        """Those of the sentences from ``first`` to ``last`` that are known, in order."""
        found = (self._found.get((document_id, ordinal)) for ordinal in range(first, last + 1))
        return [sentence for sentence in found if sentence is not None]

    def size(self, document_id: str, ordinal: int) -> float:
        """Characters of a sentence, those of other scripts than Chinese at what they are worth; 0 without it."""
        place = (document_id, ordinal)
        size = self._sizes.get(place)
        if size is None:
            sentence = self._found.get(place)
            if sentence is None:
                return 0.0
            size = self._sizes[place] = chinese_size(sentence.text, self._latin_ratio)
        return size

    def length(self, document_id: str, first: int, last: int) -> float:
        """The sizes of the sentences from ``first`` to ``last`` together."""
        return sum(self.size(document_id, ordinal) for ordinal in range(first, last + 1))
