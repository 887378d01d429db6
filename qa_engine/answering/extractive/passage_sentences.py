"""The sentences of passages that compete to be quoted: their own, and rows around them whose labels are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.across_languages.asked_words import AskedWords
from qa_engine.answering.extractive.clauses import articles_of
from qa_engine.answering.extractive.rows import AskedLabel, Row, label_match
from qa_engine.documents.sentences.splitting import join_sentences, split_sentences
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.passages.apparatus import AskedApparatus, of_sentence
from qa_engine.text.tokenizer import tokenize
from qa_engine.types import Passage, PassageSentence, passage_of

_MAX_PASSAGES = 4
"""Only the sentences of so many passages compete: further down, the evidence is rarely better."""
_MIN_CHARS, _MIN_PAIR_CHARS = 8, 4
"""Characters of the shortest sentence, and of the shortest row or pair, such as 评级：买入."""
_NOT_QUOTED = {"heading", "contents", "table_summary"}
"""Roles of sentences that only name what other sentences say."""


_SAYS_SOMETHING = re.compile(r"[：:].{8,}[。；;.]$|[，,].{4,}[。.]$")
"""A heading that is a sentence: 风险提示：猪价异常波动，成本下降不及预期等。"""
_ROW_LABEL = 0.75
"""A row around a passage competes if its label matches so well: the passage of a long table ends before all of its rows."""


@dataclass(frozen=True)
class QuotableSentence:
    """A sentence of a passage.

    Attributes:
        own: the sentence, with its text and its place.
        with_before: the text of the sentence before it and its own.
        passage: the passage.
        rank: rank of the passage, from 0.
        quotable: whether it may be quoted.
        around: the sentences of the passage and those around it.
        place: its index in these.
        articles: the articles and clauses that it stands in.
        is_around: whether it is not of the passage itself, so that nothing has compared it with the question.
        part: the part of the question that it may answer; empty for a question of one part.
    """

    own: PassageSentence
    with_before: str
    passage: Passage
    rank: int
    quotable: bool
    around: Sequence[PassageSentence]
    place: int
    articles: frozenset[str]
    is_around: bool = False
    part: str = ""


def sentences_of(
    question: str,
    nodes: Sequence[NodeWithScore],
    glossary: Glossary | None = None,
    dictionary: Dictionary | None = None,
) -> list[QuotableSentence]:
    """The sentences of the best passages, in reading order. At least one may be quoted, if there are any.

    Args:
        question: as it was asked.
        nodes: passages, best first; those of one part of the question before or among those of the others.
        glossary: what documents write for the terms of questions; None for nothing.
        dictionary: has the words of questions in the other language; None for nothing.
    """
    sentences: list[QuotableSentence] = []
    for part, passages in _by_part(question, list(map(passage_of, nodes))).items():
        asked = _asked_label(part or question, passages, glossary, dictionary)
        for rank, passage in enumerate(passages):
            sentences += _of_passage(passage, rank, asked, part, AskedApparatus.of(part or question))
    if any(one.quotable for one in sentences):
        return _with_demanded(question, sentences)
    # Short sentences are better than none, and headings are better than nothing.
    is_text = [_may_be_quoted(one.own, AskedApparatus.of(one.part or question)) for one in sentences]
    return [
        replace(sentence, quotable=not sentence.own.doubt and (quotable or not any(is_text)))
        for sentence, quotable in zip(sentences, is_text, strict=True)
    ]


def _with_demanded(question: str, sentences: list[QuotableSentence]) -> list[QuotableSentence]:
    """The sentences; those that the question plainly demands, such as reference 12, are the only ones to be quoted."""
    demanded = [
        one.quotable
        and AskedApparatus.of(one.part or question).demands(
            one.own.text, of_sentence(one.own), one.own.section
        )
        for one in sentences
    ]
    if not any(demanded):
        return sentences
    return [replace(one, quotable=wanted) for one, wanted in zip(sentences, demanded, strict=True)]


def _by_part(question: str, passages: Sequence[Passage]) -> dict[str, list[Passage]]:
    """The best passages for each part of a question; those for the question as a whole are for each of them."""
    parts = list(dict.fromkeys(passage.part for passage in passages))
    if len(parts) > 1 and question in parts:
        parts.remove(question)
    return {
        part: [passage for passage in passages if passage.part in {part, question}][:_MAX_PASSAGES]
        for part in parts
    }


def _of_passage(
    passage: Passage, rank: int, asked: AskedLabel, part: str, apparatus: AskedApparatus
) -> Iterator[QuotableSentence]:
    """The sentences of a passage, and around it rows whose labels are asked for, or authors or references that are."""
    own = passage.sentences or _split(passage)
    if not own:
        return
    around = passage.surroundings or own
    first = next((place for place, one in enumerate(around) if one.node_id == own[0].node_id), 0)
    articles = articles_of(around)
    before = ""
    for place, sentence in enumerate(around):
        is_around = not first <= place < first + len(own)
        demanded = is_around and apparatus.demands(sentence.text, of_sentence(sentence), sentence.section)
        if is_around and not demanded and not _is_asked_row(sentence, asked):
            continue
        text = sentence.text
        with_before = join_sentences([before, text]) if before and not is_around else text
        shortest = _MIN_CHARS if sentence.table is None else _MIN_PAIR_CHARS
        quotable = _may_be_quoted(sentence, apparatus) and len(text) >= shortest
        yield QuotableSentence(
            sentence if is_around else own[place - first],
            with_before,
            passage,
            rank,
            quotable,
            around,
            place,
            articles[place],
            is_around,
            part,
        )
        before = text


def _is_asked_row(sentence: PassageSentence, asked: AskedLabel) -> bool:
    return (
        sentence.role == "table"
        and asked.may_match(sentence.text)
        and label_match(Row.of(sentence.text), asked) >= _ROW_LABEL
    )


def _asked_label(
    question: str, passages: Sequence[Passage], glossary: Glossary | None, dictionary: Dictionary | None
) -> AskedLabel:
    names = {term for passage in passages for term in tokenize(names_document(passage))}
    known = glossary.terms(question) if glossary is not None else ()
    return AskedLabel.of(
        question, names, known, AskedWords.of(question, dictionary, [passage.text for passage in passages])
    )


def names_document(passage: Passage) -> str:
    """What names the document of a passage: what is known of its identity, and the name of the file."""
    identity = passage.identity
    names = identity.get("names")
    known = [identity.get(key) for key in ("title", "organisation", "product", "period")]
    known += names if isinstance(names, list | tuple) else []
    return " ".join(map(str, filter(None, [*known, passage.file_name.rpartition(".")[0]])))


def _may_be_quoted(sentence: PassageSentence, asked: AskedApparatus) -> bool:
    """Whether a sentence says something itself, or is what is asked for beside the text, and is read for sure."""
    kind = of_sentence(sentence)
    if kind is not None:
        demanded = asked.demands(sentence.text, kind, sentence.section)
        return (demanded or (asked.any and sentence.role not in _NOT_QUOTED)) and not sentence.doubt
    says = sentence.role not in _NOT_QUOTED or (
        sentence.role == "heading" and _SAYS_SOMETHING.search(sentence.text) is not None
    )
    return says and not sentence.doubt


def stored_supports(question: str, sentences: Sequence[QuotableSentence]) -> list[float] | None:
    """The supports that the reranker computed; None unless it compared all sentences with this very question or its part."""
    if any(sentence.passage.compared_with not in {question, sentence.part} for sentence in sentences):
        return None
    supports = [sentence.own.support for sentence in sentences if sentence.own.support is not None]
    return supports if len(supports) == len(sentences) else None


def _split(passage: Passage) -> list[PassageSentence]:
    """The sentences of a node that our retrieval did not build."""
    return [
        PassageSentence("", passage.text[item.start : item.end], passage.page, passage.page_end)
        for item in split_sentences(passage.text)
    ]
