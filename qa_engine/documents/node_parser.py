"""A LlamaIndex node parser: documents in, one node per sentence out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, NodeRelationship, TextNode
from llama_index.core.utils import get_tqdm_iterable
from pydantic import Field

from qa_engine.documents.flow import Span
from qa_engine.documents.reader import PdfDocument
from qa_engine.documents.sentences import split_sentences

ORDINAL_DIGITS = 7
METADATA_KEYS = ["file_name", "page", "page_end", "paragraph"]


def node_id(document_id: str, ordinal: int) -> str:
    """The id of the sentence ``ordinal`` (from 0) of a document: the same at every ingest."""
    return f"{document_id}-{ordinal:0{ORDINAL_DIGITS}d}"


def split_node_id(identifier: str) -> tuple[str, int]:
    """The document and the ordinal of a node id."""
    document_id, _, ordinal = identifier.rpartition("-")
    return document_id, int(ordinal)


class SentenceNodeParser(NodeParser):
    """Cuts documents into sentence nodes with deterministic ids, page numbers and paragraph numbers.

    The window around a sentence is not stored: it is rebuilt from the neighbours, whose ids are known. Measured on
    12.9k nodes, windows kept in metadata cost 3.3 times the disk and 2.5 times the query time.
    """

    max_sentence_chars: int = Field(default=400, ge=50)

    @classmethod
    def class_name(cls) -> str:
        return "SentenceNodeParser"

    def _parse_nodes(
        self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        parsed: list[BaseNode] = []
        for document in get_tqdm_iterable(nodes, show_progress, "Parsing nodes"):
            parsed.extend(self._sentences(document))
        return parsed

    def _sentences(self, document: BaseNode) -> list[TextNode]:
        text = document.get_content()
        spans = document.spans if isinstance(document, PdfDocument) else []
        starts = [span.start for span in spans]
        nodes = []
        for ordinal, sentence in enumerate(split_sentences(text, self.max_sentence_chars)):
            metadata: dict[str, Any] = {"file_name": document.metadata.get("file_name", "")}
            if spans:
                first, last = _lines(starts, sentence.start, sentence.end)
                metadata |= {"page": spans[first].page, "page_end": spans[last].page}
            metadata["paragraph"] = sentence.paragraph
            nodes.append(
                TextNode(
                    id_=node_id(document.node_id, ordinal),
                    text=text[sentence.start : sentence.end],
                    metadata=metadata,
                    excluded_embed_metadata_keys=METADATA_KEYS,
                    excluded_llm_metadata_keys=METADATA_KEYS,
                    start_char_idx=sentence.start,
                    end_char_idx=sentence.end,
                    relationships={NodeRelationship.SOURCE: document.as_related_node_info()},
                )
            )
        return nodes

    def _postprocess_parsed_nodes(
        self, nodes: list[BaseNode], parent_doc_map: dict[str, Any]
    ) -> list[BaseNode]:
        """The base class would copy the document's metadata into every node; ours are complete and lean."""
        return nodes


def _lines(starts: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Indices of the first and the last line that a range of characters touches."""
    return max(bisect_right(starts, start) - 1, 0), max(bisect_right(starts, max(start, end - 1)) - 1, 0)


def lines_between(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """The lines that characters ``start`` to ``end`` stand on."""
    if not spans:
        return []
    first, last = _lines([span.start for span in spans], start, end)
    return list(spans[first : last + 1])
