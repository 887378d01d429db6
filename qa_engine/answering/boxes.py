"""Where the sentences that an answer cites stand on their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.answer import Box, Citation
from qa_engine.documents.blocks import Span
from qa_engine.documents.node_parser import lines_between
from qa_engine.retrieval.passages import SENTENCES


def citation_boxes(citation: Citation, passage: NodeWithScore, spans: Sequence[Span]) -> list[Box]:
    """The places of the cited sentences: lines, or parts of lines.

    Args:
        citation: of a sentence of the passage, of some that follow one another, or of the passage.
        passage: what is cited.
        spans: the places of the lines of its document.
    """
    boxes = {}
    for sentence in _cited(citation, passage):
        for line in lines_between(spans, sentence["start"], sentence["end"]):
            boxes[line.start] = Box(line.page, line.x0, line.y0, line.x1, line.y1)
    return list(boxes.values())


def _cited(citation: Citation, passage: NodeWithScore) -> list[dict[str, Any]]:
    """The sentences of a passage that a citation is of."""
    sentences: list[dict[str, Any]] = passage.node.metadata.get(SENTENCES, [])
    ids = [sentence["node_id"] for sentence in sentences]
    first, _, last = citation.id.partition("..")
    if citation.id == passage.node.node_id or first not in ids:
        # A passage that was too long for the prompt is cited without the sentences that were left out.
        return [sentence for sentence in sentences if sentence["text"] in citation.text]
    start = ids.index(first)
    # The id of a range names the last sentence by its number alone.
    end = next((i for i in range(start, len(ids)) if last and ids[i].endswith(f"-{int(last):07}")), start)
    return sentences[start : end + 1]
