"""Gives passages the sentences around them, so that an answer can quote an article, a list or a table as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.retrieval.passages.builder import passage_sentence
from qa_engine.retrieval.passages.neighbours import StoredSentences
from qa_engine.retrieval.passages.table_hits import is_summary
from qa_engine.types import passage_of, with_changes

_REACH = 24
"""Sentences on each side. An article of a law with its items, or a list with its lead-in, is mostly shorter."""
_MAX_PASSAGES = 4
"""Only the passages that quotes are taken from need them."""


def with_surroundings(nodes: Sequence[NodeWithScore], store: StoredSentences) -> list[NodeWithScore]:
    """The passages; the best ones with up to 24 sentences before and behind them in `Passage.surroundings`.

    All are read with one query to the store: 3 to 5 ms for three passages.

    Args:
        nodes: passages, best first. Those whose sentences are not from a collection stay as they are.
        store: holds the sentences.
    """
    ranges: dict[int, tuple[str, int, int]] = {}
    for number, node in enumerate(nodes[:_MAX_PASSAGES]):
        sentences = passage_of(node).sentences
        if sentences and sentences[0].node_id and sentences[-1].node_id:
            document_id, first = split_node_id(sentences[0].node_id)
            ranges[number] = (document_id, first, split_node_id(sentences[-1].node_id)[1])
    wanted = {
        node_id(document_id, ordinal): None
        for document_id, first, last in ranges.values()
        for ordinal in (*range(max(0, first - _REACH), first), *range(last + 1, last + _REACH + 1))
    }
    stored = store.stored_sentences(list(wanted)) if wanted else {}
    found = list(nodes)
    for number, (document_id, first, last) in ranges.items():
        passage = passage_of(nodes[number])
        names = [
            node_id(document_id, ordinal) for ordinal in range(max(0, first - _REACH), last + _REACH + 1)
        ]
        own = {sentence.node_id: sentence for sentence in passage.sentences}
        around = tuple(
            own[name] if name in own else passage_sentence(stored[name])
            for name in names
            if name in own or (name in stored and not is_summary(stored[name]))
        )
        found[number] = with_changes(nodes[number], passage, surroundings=around)
    return found
