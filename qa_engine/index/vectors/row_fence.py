"""Keeps rows of Chroma from a writer that has lost its right without knowing it yet.

Chroma compares nothing before it writes, and its rows have the ids of sentences, which stay the same when a document is
stored again. So each row has the number of its document with it. Numbers grow and are never given twice: those that another
writer has given since are higher than all that a writer knows, and it deletes none of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

ROW_NUMBER = "qa_number"
"""Metadata key in Chroma of the number of the document that a sentence is from."""


@dataclass(frozen=True)
class RowFence:
    """What a writer knows of the numbers of documents.

    Attributes:
        numbers: those of some documents, by their ids.
        last: the highest that it knows.
        require: raises `IndexLockedError` if the writer may have lost its right.
    """

    numbers: Callable[[Iterable[str]], Mapping[str, int]]
    last: Callable[[], int]
    require: Callable[[], None]

    @property
    def own_rows(self) -> dict[str, object]:
        """The condition that rows of this writer and of earlier ones satisfy."""
        return {ROW_NUMBER: {"$lte": self.last()}}
