"""Gives a passage that holds rows of a table the whole table, for an answer that needs more than the rows found."""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field, PrivateAttr

from qa_engine.documents.sentences.node_ids import document_id_of
from qa_engine.retrieval.passages import SENTENCES, TABLES


class TableAttacher(BaseNodePostprocessor):
    """Notes the tables of a passage in its metadata, in Markdown; each table once, at the best passage.

    A table longer than ``max_chars`` is left out: its rows name their columns and can be read without it.
    """

    max_chars: int = Field(default=3000, ge=0)
    _tables: Callable[[str], list[str]] = PrivateAttr()

    def __init__(self, tables: Callable[[str], list[str]], **settings: int) -> None:
        """
        Args:
            tables: gives the tables of a document, by its id.
            max_chars: of a table that is attached.
        """
        super().__init__(**settings)
        self._tables = tables

    @classmethod
    def class_name(cls) -> str:
        return "TableAttacher"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        known: dict[str, list[str]] = {}
        given: set[tuple[str, int]] = set()
        for passage in nodes:
            document_id = document_id_of(passage.node.node_id)
            numbers = {sentence.get("table") for sentence in passage.node.metadata.get(SENTENCES, ())}
            found = []
            for number in sorted(number for number in numbers if number is not None):
                if document_id not in known:
                    known[document_id] = self._tables(document_id)
                tables = known[document_id]
                if (document_id, number) in given or number >= len(tables):
                    continue
                given.add((document_id, number))
                if len(tables[number]) <= self.max_chars:
                    found.append(tables[number])
            if found:
                passage.node.metadata[TABLES] = found
        return nodes
