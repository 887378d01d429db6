"""Passages of a collection in a random order that is the same every time, each with its place."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import Role
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.documents.sentences.splitting import join_sentences
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.index.reader import IndexReader
from qa_engine.index.records import StoredSentence

_BATCH = 100


@dataclass(frozen=True)
class SourcePassage:
    """One or several sentences in a row that a question can be made from.

    Attributes:
        node: id of the first sentence.
        text: text of all sentences.
        file: name of the PDF.
        page: page of the first sentence, from 1; None if it is not known.
        role: role of the first sentence on its page, such as ``table``; empty for body text.
    """

    node: str
    text: str
    file: str
    page: int | None
    role: str


def sampled_passages(reader: IndexReader, seed: int, min_chars: int = 0) -> Iterator[SourcePassage]:
    """Passages of the published state of a collection, in a random order without repetition.

    A sentence is joined with the following ones until they have ``min_chars`` characters; with 0, it stands alone.
    """
    snapshot = reader.snapshot()
    visible = snapshot.bm25.document_ids
    counts = {
        document: count
        for document, count in sorted(reader.catalog.live_documents().items())
        if document in visible
    }
    places = [(document, ordinal) for document, count in counts.items() for ordinal in range(count)]
    places = random.Random(seed).sample(places, len(places))
    for begin in range(0, len(places), _BATCH):
        positions = places[begin : begin + _BATCH]
        max_sentences = 1 + min_chars // 10
        ids = {
            node_id(document, ordinal + step): None
            for document, ordinal in positions
            for step in range(max_sentences)
            if ordinal + step < counts[document]
        }
        stored = snapshot.store.stored_sentences(list(ids))
        files = reader.catalog.files_of(list({document for document, _ in positions}))
        for document, ordinal in positions:
            sentences = _following(stored, document, ordinal, min_chars, max_sentences)
            if sentences and document in files:
                yield _passage(sentences, files[document][0].file_name)


def as_question(passage: SourcePassage, question: str, answer: str, kind: str) -> LabelledQuestion:
    """A labelled question with its source."""
    return LabelledQuestion.model_validate(
        {
            "question": question,
            "answers": [answer],
            "file": passage.file,
            "page": passage.page,
            "evidence": passage.text,
            "kind": kind,
            "node": passage.node,
        }
    )


def _following(
    stored: dict[str, StoredSentence], document: str, ordinal: int, min_chars: int, max_sentences: int
) -> list[StoredSentence]:
    """The sentence and those after it, until they have ``min_chars`` characters together."""
    sentences: list[StoredSentence] = []
    for step in range(max_sentences):
        sentence = stored.get(node_id(document, ordinal + step))
        if sentence is not None and sentence.metadata.get("role") == Role.TABLE_SUMMARY:
            continue  # it is no text of the file
        if sentence is None or (sentences and sum(len(part.text) for part in sentences) >= min_chars):
            break
        sentences.append(sentence)
    return sentences


def _passage(sentences: Sequence[StoredSentence], file: str) -> SourcePassage:
    first = sentences[0]
    text = join_sentences(
        [part.text for part in sentences], [int(part.metadata.get("paragraph", 0)) for part in sentences]
    )
    return SourcePassage(
        first.node_id, text, file, first.metadata.get("page"), str(first.metadata.get("role", ""))
    )
