"""Where the sentences that an answer cites stand on their pages."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import Box, Citation
from qa_engine.documents.blocks import Span
from qa_engine.documents.node_parser import lines_between
from qa_engine.retrieval.passages import SENTENCES


def citation_boxes(citation: Citation, passage: NodeWithScore, spans: Sequence[Span]) -> list[Box]:
    """The places of the cited sentences: lines, or parts of lines.

    Args:
        citation: of a sentence of the passage, or of the passage.
        passage: what is cited.
        spans: the places of the lines of its document.
    """
    boxes = {}
    sentences = passage.node.metadata.get(SENTENCES, [])
    quoted = [sentence for sentence in sentences if sentence["node_id"] == citation.id]
    for sentence in quoted or sentences:
        if quoted or sentence["text"] in citation.text:
            for line in lines_between(spans, sentence["start"], sentence["end"]):
                boxes[line.start] = Box(line.page, line.x0, line.y0, line.x1, line.y1)
    return list(boxes.values())
