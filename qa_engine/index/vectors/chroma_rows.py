"""What is stored of a node of LlamaIndex, in Chroma and in the catalog, and how a node is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode

from qa_engine.documents.sentences.node_parser import METADATA_KEYS
from qa_engine.index.records import StoredSentence
from qa_engine.index.vectors.row_fence import ROW_NUMBER

DOCUMENT_ID = "document_id"
"""Metadata key in Chroma of the document that a sentence is from."""
_SPAN = "at"
"""Metadata key in Chroma of the first character and the end: one, because each takes a hundred bytes on disk."""


def stored_sentence(node: BaseNode) -> StoredSentence:
    """What is stored of a node, in Chroma and in the catalog."""
    start, end = (node.start_char_idx or 0, node.end_char_idx or 0) if isinstance(node, TextNode) else (0, 0)
    metadata = {key: value for key, value in sorted(node.metadata.items()) if value is not None}
    return StoredSentence(
        node.node_id, node.get_content(metadata_mode=MetadataMode.NONE), metadata, start, end
    )


def node_of(sentence: StoredSentence) -> TextNode:
    """The node that was stored."""
    hidden = _hidden(tuple(sentence.metadata))
    return TextNode(
        id_=sentence.node_id,
        text=sentence.text,
        metadata=sentence.metadata,
        excluded_embed_metadata_keys=list(hidden),
        excluded_llm_metadata_keys=list(hidden),
        start_char_idx=sentence.start_char_idx,
        end_char_idx=sentence.end_char_idx,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=sentence.node_id.rpartition("-")[0])},
    )


def row_metadata(node: BaseNode, number: int | None = None) -> dict[str, Any]:
    """What Chroma stores of a node besides id, text and vector; also the number of its document, see `RowFence`."""
    sentence = stored_sentence(node)
    span = f"{sentence.start_char_idx}-{sentence.end_char_idx}"
    fence = {} if number is None else {ROW_NUMBER: number}
    return sentence.metadata | {DOCUMENT_ID: node.ref_doc_id or "", _SPAN: span} | fence


def sentence_of_row(identifier: str, text: str | None, stored: Mapping[str, Any] | None) -> StoredSentence:
    """What Chroma stores of a sentence, its metadata in the order of their keys.

    Chroma returns the keys in an order that changes from call to call, and the hash of a node depends on it.
    """
    metadata = dict(sorted((stored or {}).items()))
    metadata.pop(DOCUMENT_ID, None)
    metadata.pop(ROW_NUMBER, None)
    former = metadata.pop("start", None), metadata.pop("end", None)  # two keys, in collections of before
    span = metadata.pop(_SPAN, None)
    start, end = map(int, span.split("-")) if span is not None else former
    return StoredSentence(identifier, text or "", metadata, start, end)


@lru_cache(maxsize=256)
def _hidden(keys: tuple[str, ...]) -> list[str]:
    """The metadata keys that models are not shown, of a node that has these."""
    return sorted({*METADATA_KEYS, *keys})
