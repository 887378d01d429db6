"""What the tools reach: some collections of documents, be they in a storage of this process or behind the HTTP server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord

T = TypeVar("T")

MAX_CITED_SENTENCES = 1000
"""Ids of longer ranges are those of no passage, and would be a way to read whole files at once."""


class ToolError(Exception):
    """Why a tool did not do what it was asked for, and what mends it, in sentences for the model that called it."""


@dataclass(frozen=True)
class CitedPassage:
    """What the id of a citation or of a passage stands for.

    Attributes:
        id: its id.
        collection: that holds it.
        record: of its file.
        file: name of the file.
        page: first page, from 1; 0 for a text without pages.
        page_end: last page.
        page_label: the number printed on the first page, if it is another one.
        section: the titles above it; empty if there are none.
        text: of it.
        boxes: the places of its lines.
    """

    id: str
    collection: str
    record: FileRecord
    file: str
    page: int
    page_end: int
    page_label: str
    section: str
    text: str
    boxes: Sequence[PageBox]


class Library(Protocol):
    """The collections that a client may see, and what it may do with them. All but `opened` and `visible` is for one loop.

    Whatever goes wrong is a `ToolError` or a `QAEngineError`.
    """

    @property
    def may_add(self) -> bool:
        """Whether files can be added."""

    @property
    def may_delete(self) -> bool:
        """Whether files can be taken out."""

    def visible(self) -> list[str]:
        """The names of the collections. It blocks."""

    def opened(self, collection: str) -> AbstractContextManager[Catalog]:
        """The catalog of one of these collections, until the block ends. It blocks."""

    def url(self, identifier: str) -> str | None:
        """The address of a citation for people; None if no server is known that shows it."""

    async def read(self, function: Callable[..., T], *arguments: Any) -> T:
        """The result of a function that reads catalogs, called in a thread."""

    async def passages(self, question: str) -> list[dict[str, Any]]:
        """The passages for a question, the best first, as ``ask --search-only --json`` has them."""

    async def answer(
        self, question: str, collections: Sequence[str] | None, filters: Sequence[str]
    ) -> dict[str, Any]:
        """The answer to a question, as ``ask --json`` has it.

        Args:
            question: in Chinese or English.
            collections: that are asked; None for the usual ones.
            filters: conditions as ``--filter`` takes them.
        """

    async def citation(self, identifier: str) -> CitedPassage:
        """What an id stands for, in any of the collections."""

    async def page_images(self, record: FileRecord, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        """The pages that boxes are on as PNG, with the boxes marked. An empty box marks nothing."""

    async def add(self, path: str) -> str:
        """Brings a file in, and says in a sentence what was done."""

    async def delete(self, collection: str, record: FileRecord) -> str:
        """Takes a file out, and says in a sentence what was done."""
