"""What retrieval asks of a lexical index, wherever it is."""

from __future__ import annotations

from collections.abc import Container, Sequence, Set
from typing import Any, Protocol

from qa_engine.index.bm25.index import Bm25Hit, TermGroup, TermStatistics


class LexicalIndex(Protocol):
    """BM25 over the sentences of one published state. `Bm25Index` and `SearchEngineLexicalIndex` are of this kind."""

    def __len__(self) -> int:
        """The number of sentences."""

    @property
    def document_ids(self) -> Set[str]:
        """The documents of the state."""

    def rows_of(self, document_ids: Container[str]) -> Any:
        """What `search` takes to search the sentences of some documents alone."""

    def look_up(self, terms: Sequence[str], groups: Sequence[TermGroup] = ()) -> TermStatistics:
        """Finds the terms of a question, for `search`; see `Bm25Index.look_up`."""

    def search(self, terms: Sequence[str] | TermStatistics, top_k: int, rows: Any = None) -> list[Bm25Hit]:
        """The best sentences, best first; see `Bm25Index.search`."""

    def documents_holding(
        self, terms: Sequence[str], within: int | None = None, at_least: int = 1
    ) -> set[str]:
        """The documents that hold all of some terms; see `Bm25Index.documents_holding`."""

    def close(self) -> None:
        """Releases what it uses."""
