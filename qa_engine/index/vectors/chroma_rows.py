"""Nodes of LlamaIndex as what is stored of them, and back."""

from __future__ import annotations

from functools import lru_cache

from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode

from qa_engine.documents.sentences.node_parser import METADATA_KEYS
from qa_engine.index.records import StoredSentence


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


@lru_cache(maxsize=256)
def _hidden(keys: tuple[str, ...]) -> list[str]:
    """The metadata keys that models are not shown, of a node that has these."""
    return sorted({*METADATA_KEYS, *keys})
