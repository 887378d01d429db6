"""The library of one request: what its key may see and do, by the same ways as all other routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.errors import QAEngineError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord
from qa_engine.mcp.library import CitedPassage, ToolError
from qa_engine.server.access import Access
from qa_engine.server.asking.course import Dialogue
from qa_engine.server.asking.notes import note_answer
from qa_engine.server.asking.requests import MessageRequest, SearchRequest
from qa_engine.server.citations.links import citation_url
from qa_engine.server.problems import ProblemError, problem_of, request_id_of
from qa_engine.server.routes.file_changes import delete_file
from qa_engine.server.state import ServerState
from qa_engine.text.control_characters import show_controls_on_line

T = TypeVar("T")


class ServedLibrary:
    """See `qa_engine.mcp.library.Library`. Paths of clients mean nothing here: files are uploaded, not added."""

    may_add = False

    def __init__(self, request: Request, state: ServerState, access: Access) -> None:
        """
        Args:
            request: of the client.
            state: what the routes share.
            access: of the key of the request.
        """
        self._request, self._state, self._access = request, state, access

    @property
    def may_delete(self) -> bool:
        """See `Library`: the server offers it, and the key allows it."""
        settings = self._state.config.server
        return settings.mcp == "write" and not settings.read_only and "write" in self._access.scopes

    def visible(self) -> list[str]:
        """See `Library`."""
        return [name for name in self._state.catalogs.names() if self._access.sees(name)]

    @contextmanager
    def opened(self, collection: str) -> Iterator[Catalog]:
        """See `Library`."""
        with self._told():
            self._access.require([collection])
            with self._state.catalogs.opened(collection) as catalog:
                yield catalog

    def url(self, identifier: str) -> str | None:
        """See `Library`."""
        return citation_url(self._request, identifier) if identifier else None

    async def read(self, function: Callable[..., T], *arguments: Any) -> T:
        """See `Library`."""
        with self._told():
            return await self._state.read_files(function, *arguments)

    async def passages(self, question: str) -> list[dict[str, Any]]:
        """See `Library`."""
        with self._told():
            await self._state.require_ready()
            body = SearchRequest(question=question)
            found = await self._state.questions.search(self._request, body, self._access)
        passages: list[dict[str, Any]] = found["passages"]
        return passages

    async def answer(
        self, question: str, collections: Sequence[str] | None, filters: Sequence[str]
    ) -> dict[str, Any]:
        """See `Library`. It ends if the client leaves."""
        with self._told():
            await self._state.require_ready()
            body = MessageRequest(
                question=question,
                collections=list(collections) if collections else None,
                filters=list(filters) or None,
            )
            running = await self._state.questions.ask(self._request, body, self._access, False, Dialogue())
            with running.followed():
                try:
                    return await running.result()
                finally:
                    note_answer(self._request, running)

    async def citation(self, identifier: str) -> CitedPassage:
        """See `Library`."""
        with self._told():
            found = await self._state.read_files(self._state.citations.find, identifier, self._access.sees)
        facts = found.facts
        return CitedPassage(
            *(identifier, facts.collection, found.file, facts.file, facts.page, facts.page_end),
            *(facts.page_label, facts.section, facts.text, facts.boxes),
        )

    async def page_images(self, record: FileRecord, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        """See `Library`."""
        with self._told():
            original = await self._state.read_files(self._state.originals.find, record)
            return await self._state.images.marked(original, boxes, dpi)

    async def add(self, path: str) -> str:
        """See `Library`: it is never offered."""
        raise ToolError("This server reads no paths: upload the file to it.")

    async def delete(self, collection: str, record: FileRecord) -> str:
        """See `Library`."""
        with self._told():
            if not self.may_delete:  # the tool is not offered then
                raise ProblemError("forbidden", "The key does not allow it.")
            self._access.require([collection])
            self._state.require_accepting()
            job = await delete_file(self._state, collection, record)
        name, place = show_controls_on_line(record.file_name), show_controls_on_line(collection)
        if not job.is_over:
            return f"已安排从集合 {place} 中删除：{name}。前面的任务完成后执行（任务 {job.id}）。"
        return f"已从集合 {place} 中删除：{name}（{record.pages} 页）。"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tells problems of the server as a tool does, without folders of its machine."""
        try:
            yield
        except ValidationError as error:
            raise ToolError("The arguments cannot be used: shorten them, and call the tool again.") from error
        except (ProblemError, QAEngineError) as error:
            problem = problem_of(error, request_id_of(self._request.scope))
            raise ToolError(f"{problem.detail} {problem.fix}".strip()) from error
