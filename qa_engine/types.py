"""A passage, as the stages of retrieval hand it on to answering, and the LlamaIndex node that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from llama_index.core.schema import (
    BaseNode,
    MetadataMode,
    NodeRelationship,
    NodeWithScore,
    RelatedNodeInfo,
    TextNode,
)
from pydantic import PrivateAttr

from qa_engine.documents.sentences.node_ids import document_id_of

SCORES, RANKS = "scores", "ranks"
"""Metadata keys of sentences and passages: the score, and the rank (from 1), by stage: ``dense`` (cosine), ``bm25``,
``fused``, then ``rerank``."""
SENTENCES, TABLES, COMPARED_WITH, PART = "sentences", "tables", "compared_with", "part"
STATEMENT, IDENTITY = "statement", "identity"
_ABSENT_IF_EMPTY = (COMPARED_WITH, TABLES, STATEMENT, IDENTITY, PART)
PASSAGE_KEYS = (
    *("file_name", "page", "page_end", "page_label", "section", "sentence"),
    *(SENTENCES, SCORES, RANKS, "collection", "metadata", *_ABSENT_IF_EMPTY),
)
"""The metadata keys of a passage's node. Each is the name of an attribute of `Passage`."""
_PLAIN_KEYS = tuple(key for key in PASSAGE_KEYS if key not in {SENTENCES, *_ABSENT_IF_EMPTY})
_plain_values = attrgetter(*_PLAIN_KEYS)


class PassageSentence(NamedTuple):
    """A sentence of a passage, in the order of the documented entries of ``metadata["sentences"]``.

    Attributes:
        node_id: its id in the collection; empty for a sentence that is in none.
        text: its text.
        page: the page that it begins on, from 1; None if its document has no pages.
        page_end: the page that it ends on.
        start: its first character in the document, from 0.
        end: the character of the document behind its last one.
        section: the titles above it, from the outermost on; empty without any.
        role: its role on the page, such as ``heading``; empty if it is not known.
        page_label: the number printed on its first page, if that is not ``page``.
        table: the number, in its document, of the table that it is a row of.
        support: how well it supports the question in `Passage.compared_with`, -1 to 1; None if it could not be compared.
        doubt: why its text may not be what the page shows, so that it is not quoted; empty, and no entry, for most.
    """

    node_id: str
    text: str
    page: int | None = None
    page_end: int | None = None
    start: int | None = None
    end: int | None = None
    section: str = ""
    role: str = ""
    page_label: str = ""
    table: int | None = None
    support: float | None = None
    doubt: str = ""

    def supporting(self, support: float | None) -> PassageSentence:
        """The same sentence, compared with a question."""
        return PassageSentence(*self[:-2], support, self.doubt)


_SENTENCE_KEYS = PassageSentence._fields
_SENTENCE_TEXTS = ("node_id", "text", "section", "role", "page_label", "doubt")
_SENTENCE_NUMBERS = ("page", "page_end", "start", "end", "table")
_compared, _not_compared = itemgetter(slice(0, -1)), itemgetter(slice(0, -2))
"""The values of a sentence with and without its support; its doubt follows, if there is one."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Successive sentences of a document, found for a question. Stages replace a passage, and never change it.

    Attributes:
        node_id: its id, made of the first sentence's id, ``..`` and the ordinal of the last sentence.
        text: the sentences in reading order.
        document_id: id of its document; empty if that is not known.
        file_name: name of the file.
        page: first page, from 1; None if its document has no pages.
        page_end: last page.
        page_label: the number printed on the first page, if that is not ``page``.
        section: the titles above the sentence that was found, from the outermost on; empty without any.
        sentence: the sentence that was found, around which the passage was built.
        sentences: all sentences, in reading order; empty for a node that is not from a collection.
        scores: by stage, see `SCORES`; ``weakest`` and ``asked`` are the supports of the question's least
            supported words, and of its least supported noun.
        ranks: its rank, from 1, by stage.
        score: the score that decided its rank; higher is better.
        compared_with: the question that the supports of the sentences belong to; None if they were not compared.
        tables: the tables that it holds rows of, in Markdown. Only passages that are shown have them.
        statement: the financial statement that it shows rows of, such as ``balance_sheet``; empty for other passages.
        collection: name of the collection it is from; empty if that is not known.
        metadata: what the user noted about the file.
        surroundings: its sentences with those before and behind it, to quote an article, a list or a table whole; not in
            the metadata of its node, and empty unless an answer without a language model is made from it.
        identity: what its document is, as far as that is known, under the keys ``title``, ``organisation``, ``names``,
            ``kind``, ``period``, ``date`` and ``product``.
        part: the part of the question that it was found for; empty if the question has one part.
    """

    node_id: str
    text: str
    document_id: str = ""
    file_name: str = ""
    page: int | None = None
    page_end: int | None = None
    page_label: str = ""
    section: str = ""
    sentence: str = ""
    sentences: tuple[PassageSentence, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    score: float | None = None
    compared_with: str | None = None
    tables: tuple[str, ...] = ()
    statement: str = ""
    collection: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    surroundings: tuple[PassageSentence, ...] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


class PassageNode(TextNode):
    """The LlamaIndex node of a `Passage`; its metadata has the same values under `PASSAGE_KEYS`. Read it with `passage_of`.

    It is serialised as a plain text node.
    """

    _passage: Passage | None = PrivateAttr(default=None)

    @property
    def passage(self) -> Passage | None:
        """The passage; None if somebody has changed the text or the metadata of the node since."""
        passage = self._passage
        if passage is None or self.text != passage.text or not _matches(self.metadata, passage):
            return None
        return passage


def passage_node(passage: Passage) -> NodeWithScore:
    """A new LlamaIndex node for a passage. Models see its text only, no metadata."""
    sentences = passage.sentences
    node = PassageNode(
        id_=passage.node_id,
        text=passage.text,
        metadata={
            name: _entry(passage, name)
            for name in PASSAGE_KEYS
            if name not in _ABSENT_IF_EMPTY or getattr(passage, name)
        },
        excluded_embed_metadata_keys=list(PASSAGE_KEYS),
        excluded_llm_metadata_keys=list(PASSAGE_KEYS),
        start_char_idx=sentences[0].start if sentences else None,
        end_char_idx=sentences[-1].end if sentences else None,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=passage.document_id)},
    )
    node._passage = passage
    return NodeWithScore(node=node, score=passage.score)


def passage_of(node: NodeWithScore) -> Passage:
    """The passage of a node of our retrieval, or as much of a passage as any other LlamaIndex node holds.

    It is read anew if the node has changed: a postprocessor of the user may set its text, its metadata or its score.

    Args:
        node: any LlamaIndex node; attributes that it lacks, or holds in another form, are left empty.
    """
    passage = node.node.passage if isinstance(node.node, PassageNode) else None
    if passage is None:
        return _read(node.node, node.score)
    return passage if passage.score == node.score else replace(passage, score=node.score)


def with_changes(node: NodeWithScore, passage: Passage, **changes: Any) -> NodeWithScore:
    """A copy of a node whose passage has other values. The node itself and its passage stay as they are.

    Args:
        node: any LlamaIndex node; metadata of its own stays.
        passage: the passage of the node, by `passage_of`.
        changes: attributes of `Passage`, except those that the node itself has: ``node_id``, ``text``, ``document_id``.
    """
    changed = replace(passage, **changes)
    entries = {name: _entry(changed, name) for name in changes if name in PASSAGE_KEYS}
    # A copy, because validation would take longer than all the rest.
    copy = node.node.model_copy(update={"metadata": {**node.node.metadata, **entries}})
    if isinstance(copy, PassageNode):
        copy._passage = changed
    return NodeWithScore(node=copy, score=changed.score)


def _entry(passage: Passage, name: str) -> Any:
    """A value for the metadata, as new lists and dicts, which a user may change."""
    value = getattr(passage, name)
    if name == SENTENCES:
        # Without `compared_with` no sentence has a support.
        keys = _SENTENCE_KEYS[:-1] if passage.compared_with is not None else _SENTENCE_KEYS[:-2]
        return [
            dict(zip(keys, sentence, strict=False)) | ({"doubt": sentence.doubt} if sentence.doubt else {})
            for sentence in value
        ]
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _matches(metadata: Mapping[str, Any], passage: Passage) -> bool:
    """Whether metadata has the values of a passage. All stages ask, so it makes no metadata to compare with."""
    entries = metadata.get(SENTENCES)
    if not isinstance(entries, list) or tuple(map(metadata.get, _PLAIN_KEYS)) != _plain_values(passage):
        return False
    if metadata.get(COMPARED_WITH) != passage.compared_with or metadata.get(IDENTITY, {}) != passage.identity:
        return False
    if metadata.get(STATEMENT, "") != passage.statement or metadata.get(PART, "") != passage.part:
        return False
    if metadata.get(TABLES, []) != list(passage.tables):
        return False
    values = _compared if passage.compared_with is not None else _not_compared
    return [tuple(entry.values()) if isinstance(entry, dict) else None for entry in entries] == [
        (*values(sentence), sentence.doubt) if sentence.doubt else values(sentence)
        for sentence in passage.sentences
    ]


def _read(node: BaseNode, score: float | None) -> Passage:
    metadata = node.metadata
    page = _whole(metadata.get("page"))
    label = metadata.get("page_label") or ("" if page is not None else metadata.get("page"))
    sentences, tables = metadata.get(SENTENCES), metadata.get(TABLES)
    compared_with = metadata.get(COMPARED_WITH)
    return Passage(
        node_id=node.node_id,
        text=node.get_content(metadata_mode=MetadataMode.NONE),
        document_id=node.ref_doc_id or _document_id(node.node_id),
        file_name=_text(metadata.get("file_name")),
        page=page,
        page_end=_whole(metadata.get("page_end")),
        page_label=_text(label),
        section=_text(metadata.get("section")),
        sentence=_text(metadata.get("sentence")),
        sentences=tuple(
            _sentence(entry)
            for entry in (sentences if isinstance(sentences, list) else ())
            if isinstance(entry, Mapping)
        ),
        scores=_mapping(metadata.get(SCORES)),
        ranks=_mapping(metadata.get(RANKS)),
        score=score,
        compared_with=compared_with if isinstance(compared_with, str) else None,
        tables=tuple(map(str, tables)) if isinstance(tables, list | tuple) else (),
        statement=_text(metadata.get(STATEMENT)),
        collection=_text(metadata.get("collection")),
        metadata=_mapping(metadata.get("metadata")),
        identity=_mapping(metadata.get(IDENTITY)),
        part=_text(metadata.get(PART)),
    )


def _sentence(entry: Mapping[str, Any]) -> PassageSentence:
    values: dict[str, Any] = {key: _text(entry.get(key)) for key in _SENTENCE_TEXTS}
    values |= {key: _whole(entry.get(key)) for key in _SENTENCE_NUMBERS}
    support = entry.get("support")
    return PassageSentence(**values, support=float(support) if isinstance(support, int | float) else None)


def _document_id(node_id: str) -> str:
    try:
        return document_id_of(node_id)
    except ValueError:  # an id of another library
        return ""


def _whole(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
