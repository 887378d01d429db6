"""Sentences of a collection in a random order that is the same every time, each with where it stands."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.index.reader import IndexReader
from qa_engine.index.records import StoredSentence

_AT_ONCE = 100


@dataclass(frozen=True)
class SourcePassage:
    """A sentence, or several in a row, that a question can be made from.

    Attributes:
        node: id of the first sentence.
        text: of all of them.
        file: name of the PDF.
        page: of the first sentence, from 1; None if it is not known.
        role: what the first sentence is on its page; empty for body text.
    """

    node: str
    text: str
    file: str
    page: int | None
    role: str


def sampled_passages(reader: IndexReader, seed: int, min_chars: int = 0) -> Iterator[SourcePassage]:
    """Passages of the published state of a collection, in a random order without repetition.

    Args:
        reader: of the collection.
        seed: of the order.
        min_chars: sentences are joined with those behind them until they have so many characters; with 0, each stands alone.
    """
    snapshot = reader.snapshot()
    visible = snapshot.bm25.document_ids
    counts = {
        document: count
        for document, count in sorted(reader.catalog.live_documents().items())
        if document in visible and count
    }
    documents, ends = list(counts), list(accumulate(counts.values()))
    total = ends[-1] if ends else 0
    order = random.Random(seed).sample(range(total), total)
    for begin in range(0, total, _AT_ONCE):
        places = [_place(number, documents, ends, counts) for number in order[begin : begin + _AT_ONCE]]
        reach = 1 + min_chars // 10
        wanted = {
            node_id(document, ordinal + step): None
            for document, ordinal in places
            for step in range(reach)
            if ordinal + step < counts[document]
        }
        found = snapshot.store.stored_sentences(list(wanted))
        files = reader.catalog.files_of(list({document for document, _ in places}))
        for document, ordinal in places:
            sentences = _joined(found, document, ordinal, min_chars, reach)
            if sentences and document in files:
                yield _passage(sentences, files[document][0].file_name)


def _place(
    number: int, documents: Sequence[str], ends: Sequence[int], counts: dict[str, int]
) -> tuple[str, int]:
    """The document and the ordinal of the sentence ``number`` of all."""
    which = bisect_right(ends, number)
    document = documents[which]
    return document, number - (ends[which] - counts[document])


def _joined(
    found: dict[str, StoredSentence], document: str, ordinal: int, min_chars: int, reach: int
) -> list[StoredSentence]:
    sentences: list[StoredSentence] = []
    for step in range(reach):
        sentence = found.get(node_id(document, ordinal + step))
        if sentence is None or (sentences and sum(len(one.text) for one in sentences) >= min_chars):
            break
        sentences.append(sentence)
    return sentences


def _passage(sentences: Sequence[StoredSentence], file: str) -> SourcePassage:
    first = sentences[0]
    text = join_sentences(
        [one.text for one in sentences], [int(one.metadata.get("paragraph", 0)) for one in sentences]
    )
    return SourcePassage(
        first.node_id, text, file, first.metadata.get("page"), str(first.metadata.get("role", ""))
    )
