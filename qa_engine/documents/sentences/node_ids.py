"""The ids of sentence nodes and passages: the id of the document, and the number of the sentence in it."""

from __future__ import annotations

ORDINAL_DIGITS = 7


def node_id(document_id: str, ordinal: int) -> str:
    """The id of the sentence with this number (from 0) of a document: the same at every ingest."""
    return f"{document_id}-{ordinal:0{ORDINAL_DIGITS}d}"


def split_node_id(identifier: str) -> tuple[str, int]:
    """The document and the number of the sentence in a node id."""
    document_id, _, ordinal = identifier.rpartition("-")
    return document_id, int(ordinal)


def document_id_of(identifier: str) -> str:
    """The document of a sentence or of a passage, whose id is that of its first sentence, ``..`` and its last ordinal."""
    return split_node_id(identifier.partition("..")[0])[0]
