"""What the documents behind the passages have besides text: whole tables, and the places of their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field, PrivateAttr

from qa_engine.documents.blocks import Span
from qa_engine.index.catalog import Catalog
from qa_engine.types import Passage, passage_of, with_changes


class PassageSources:
    """The catalogs of the collections that passages are from, as they were when these were found."""

    def __init__(self, catalogs: Mapping[str, Catalog]) -> None:
        """
        Args:
            catalogs: by the name of the collection, at least one.
        """
        self._catalogs = dict(catalogs)

    def with_tables(self, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        """The passages with the tables, in Markdown, of which they hold rows."""
        return TableAttacher(self._tables).postprocess_nodes(list(nodes))

    def spans(self, node: NodeWithScore) -> list[Span]:
        """The places of the lines of the document that a passage is from."""
        passage = passage_of(node)
        return self._catalog(passage).spans(passage.document_id)

    def _tables(self, passage: Passage) -> list[str]:
        return self._catalog(passage).tables(passage.document_id)

    def _catalog(self, passage: Passage) -> Catalog:
        return self._catalogs.get(passage.collection) or next(iter(self._catalogs.values()))


class TableAttacher(BaseNodePostprocessor):
    """Gives a passage that holds rows of a table the whole table, in Markdown, for an answer that needs more than the rows.

    Each table is given once, to the best passage. One longer than ``max_chars`` is left out: its rows name their columns
    and can be read without it.
    """

    max_chars: int = Field(default=3000, ge=0)
    _tables: Callable[[Passage], list[str]] = PrivateAttr()

    def __init__(self, tables: Callable[[Passage], list[str]], **settings: int) -> None:
        """
        Args:
            tables: gives the tables of the document that a passage is from.
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
        by_document: dict[str, list[str]] = {}
        attached: set[tuple[str, int]] = set()
        result = []
        for node in nodes:
            passage = passage_of(node)
            document_id = passage.document_id
            numbers = {sentence.table for sentence in passage.sentences if sentence.table is not None}
            if numbers and document_id not in by_document:
                by_document[document_id] = self._tables(passage)
            tables = []
            for number in sorted(numbers):
                if (document_id, number) in attached or number >= len(by_document[document_id]):
                    continue
                attached.add((document_id, number))
                if len(by_document[document_id][number]) <= self.max_chars:
                    tables.append(by_document[document_id][number])
            result.append(with_changes(node, tables=tuple(tables)) if tables else node)
        return result
