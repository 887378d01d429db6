"""A library over a storage, in this process: for ``qa-engine mcp`` on the machine that has the documents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote

from llama_index.core.vector_stores.types import MetadataFilters

from qa_engine.answering.answer import passage_to_dict
from qa_engine.config import Config
from qa_engine.documents.pdf.rendering import PageBox, render_boxes
from qa_engine.documents.processes.parsing_pool import reading_options, run_in_worker
from qa_engine.engine import QueryEngine
from qa_engine.errors import CollectionNotFoundError, QAEngineError, StorageError
from qa_engine.flow import in_threads_of
from qa_engine.index.catalog import Catalog
from qa_engine.index.documents.citations import cited_range, find_citation
from qa_engine.index.open_catalogs import OpenCatalogs
from qa_engine.index.opening import collection_identity
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import content_path, file_state, is_document
from qa_engine.ingestion.ingest import ingest
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.mcp.library import MAX_CITED_SENTENCES, CitedPassage, ToolError
from qa_engine.mcp.roots import Roots
from qa_engine.models.runtime.cores import available_cores
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.text.control_characters import show_controls_on_line
from qa_engine.text.one_line import one_line

logger = logging.getLogger("qa_engine.mcp")

T = TypeVar("T")
_TOP_K = 10
_MOST_WAITING = 64
_MOST_ENGINES = 4
_DRAWING_AT_ONCE = 2
"""Pictures: each is drawn in a process of its own."""


class LocalLibrary:
    """The collections of a storage. For one event loop; `close` ends it."""

    def __init__(
        self,
        config: Config,
        collections: Sequence[str] = (),
        roots: Roots | None = None,
        may_change: bool = False,
    ) -> None:
        """
        Args:
            config: the settings, with the storage.
            collections: those that clients see and ask; none for all of the storage, of which that of the configuration is
                asked.
            roots: folders below which files may be added; None for nowhere.
            may_change: whether files may be added and taken out.
        """
        self._config = config
        self._only = tuple(dict.fromkeys(collections))
        self._asked = self._only or (config.collection,)
        self._catalogs = OpenCatalogs(config.storage, config.index)
        self._roots, self._may_change = roots, may_change
        running = 2 * available_cores()
        self._threads = ThreadPoolExecutor(2 * running + 4, thread_name_prefix="mcp")
        self._turns = asyncio.Semaphore(running)
        self._drawing = asyncio.Semaphore(_DRAWING_AT_ONCE)
        self._changing = asyncio.Lock()
        self._waiting = 0
        self._engines: dict[tuple[str, ...], tuple[object, QueryEngine]] = {}
        self._opening = Lock()

    @property
    def may_add(self) -> bool:
        """See `Library`."""
        return self._may_change and self._roots is not None

    @property
    def may_delete(self) -> bool:
        """See `Library`."""
        return self._may_change

    def visible(self) -> list[str]:
        """See `Library`."""
        names = self._catalogs.names()
        return [name for name in names if name in self._only] if self._only else names

    @contextmanager
    def opened(self, collection: str) -> Iterator[Catalog]:
        """See `Library`."""
        self._require_visible([collection])
        with self._catalogs.opened(collection) as catalog:
            yield catalog

    def url(self, identifier: str) -> str | None:
        """See `Library`: a server over the same storage shows it, if the configuration names its address."""
        base = self._config.server.public_url
        return f"{str(base).rstrip('/')}/c/{quote(identifier, safe='')}" if base and identifier else None

    async def read(self, function: Callable[..., T], *arguments: Any) -> T:
        """See `Library`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *arguments))

    async def passages(self, question: str) -> list[dict[str, Any]]:
        """See `Library`."""
        async with self._turn(), self._engine(self._asked) as engine:
            nodes = await engine.aretrieve(question, top_k=_TOP_K)
        return await self.read(
            self._with_files, [passage_to_dict(rank, node) for rank, node in enumerate(nodes, 1)]
        )

    async def answer(
        self, question: str, collections: Sequence[str] | None, filters: Sequence[str]
    ) -> dict[str, Any]:
        """See `Library`."""
        conditions: MetadataFilters | None = parse_filters(filters)
        names = tuple(dict.fromkeys(collections or self._asked))
        await self.read(self._require_visible, names)
        async with self._turn(), self._engine(names) as engine:
            return (await engine.aquery(question, filters=conditions)).to_dict()

    async def citation(self, identifier: str) -> CitedPassage:
        """See `Library`."""
        return await self.read(self._find, identifier)

    async def page_images(self, record: FileRecord, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        """See `Library`."""
        async with self._drawing:
            return await self.read(self._draw, record, boxes, dpi)

    async def add(self, path: str) -> str:
        """See `Library`."""
        assert self._roots is not None
        async with self._changing:
            return await self.read(self._add, path)

    async def delete(self, collection: str, record: FileRecord) -> str:
        """See `Library`."""
        async with self._changing:
            return await self.read(self._delete, collection, record)

    async def warm(self) -> None:
        """Opens the engine before the first question, if there is something to ask."""
        with suppress(QAEngineError):
            async with self._engine(self._asked):
                pass

    async def close(self) -> None:
        """Closes the engines, when the threads are done."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for _, engine in self._engines.values():
            engine.close()
        self._catalogs.close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """The turn of a question, and its time.

        Raises:
            ToolError: too many wait, or the time is over.
        """
        if self._waiting >= _MOST_WAITING:
            raise ToolError("Too many questions are waiting: try again in some seconds.")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        seconds = self._config.server.question_seconds
        try:
            with in_threads_of(self._threads):
                async with asyncio.timeout(seconds):
                    yield
        except TimeoutError:
            raise ToolError(
                f"It took longer than server.question_seconds = {seconds:g}, and was given up."
            ) from None
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _engine(self, names: tuple[str, ...]) -> AsyncIterator[QueryEngine]:
        yield await self.read(self._opened_engine, names)

    def _opened_engine(self, names: tuple[str, ...]) -> QueryEngine:
        """The engine over some collections, opened anew if one of them was made anew."""
        with self._opening:
            index = self._config.index
            identity = [collection_identity(self._config.storage, name, index) for name in names]
            known = self._engines.get(names)
            if known is not None and known[0] == identity:
                return known[1]
            engine = QueryEngine.open(collection=names, config=self._config)
            # A former one may still be in use: it is closed when nobody holds it any more.
            self._engines.pop(names, None)
            while len(self._engines) >= _MOST_ENGINES:
                self._engines.pop(next(iter(self._engines)))
            self._engines[names] = (identity, engine)
            return engine

    def _require_visible(self, names: Sequence[str]) -> None:
        visible = self.visible()
        for name in names:
            if name in visible:
                continue
            if not visible:
                raise CollectionNotFoundError(
                    "There are no documents yet: ingest some first (qa-engine ingest), then ask again."
                )
            known = "、".join(show_controls_on_line(one) for one in visible[:50])
            shown = show_controls_on_line(one_line(name, 100))
            raise CollectionNotFoundError(f"There is no collection {shown!r}. The collections are: {known}.")

    def _with_files(self, passages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Passages with the ids of their files, as far as they are of files."""
        found = []
        for passage in passages:
            at = cited_range(passage["node_id"])
            files: list[FileRecord] = []
            if at is not None and passage["collection"]:
                with self.opened(passage["collection"]) as catalog:
                    files = catalog.files_of([at.document_id]).get(at.document_id, [])
            named = next(
                (one for one in files if one.file_name == passage["file"]), files[0] if files else None
            )
            found.append({**passage, "file_id": named.file_id if named else None})
        return found

    def _find(self, identifier: str) -> CitedPassage:
        at = cited_range(identifier)
        visible = self.visible()
        if at is not None and at.last - at.first < MAX_CITED_SENTENCES:
            for name in dict.fromkeys([*(one for one in self._asked if one in visible), *visible]):
                try:
                    with self.opened(name) as catalog:
                        cited = find_citation(catalog, identifier)
                except (StorageError, CollectionNotFoundError) as error:  # another one may hold it
                    logger.warning("The collection %s was passed over: %s", name, error)
                    continue
                if cited is not None:
                    return CitedPassage(
                        *(identifier, name, cited.file, cited.file.file_name, cited.page, cited.page_end),
                        *(cited.page_label, cited.section, cited.text, cited.boxes),
                    )
        raise ToolError(
            f"There is no passage {show_controls_on_line(one_line(identifier, 100))!r}. Take the id behind 'c:' of a "
            "source, without the brackets. Ask again if it is from earlier: the document may have changed since."
        )

    def _draw(self, record: FileRecord, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        name = show_controls_on_line(record.file_name)
        if is_document(record.path):
            raise ToolError(f"{name!r} is a text without pages.")
        state = file_state(record, self._config.storage, self._config.index.search_url is not None)
        if state == "elsewhere":
            raise ToolError(f"{name!r} is not on this machine, so its pages cannot be drawn here.")
        if state != "unchanged":
            raise ToolError(f"{name!r} was changed or removed after it was ingested: ingest it again.")
        path, settings = content_path(record, self._config.storage), self._config.documents
        images: dict[int, bytes] = run_in_worker(
            path,
            settings,
            render_boxes,
            path,
            list(boxes),
            dpi,
            reading_options(settings, self._config.storage),
        )
        return images

    def _add(self, path: str) -> str:
        assert self._roots is not None
        file = self._roots.file(path)
        collection = self._asked[0]
        report = ingest([file], collection=collection, config=self._config)
        if report.failures:
            told = "; ".join(asdict(one)["message"] for one in report.failures)
            raise ToolError(f"{show_controls_on_line(file.name)!r} was not added: {told}")
        done = "已是最新" if report.unchanged else "已更新" if report.updated else "已添加"
        text = f"{done}：{show_controls_on_line(file.name)}（集合 {show_controls_on_line(collection)}）"
        if report.pages:
            text += f"，共 {report.pages} 页、{report.nodes} 句"
        return "\n".join([f"{text}。", *(f"请注意：{one}" for one in report.warnings)])

    def _delete(self, collection: str, record: FileRecord) -> str:
        report = delete_files([record.path], collection=collection, config=self._config, exact=True)
        if not report.files:
            raise ToolError("The document is no longer there. list_documents shows those that are.")
        name = show_controls_on_line(record.file_name)
        return (
            f"已从集合 {show_controls_on_line(collection)} 中删除：{name}（{record.pages} 页）。文件本身仍在原处；"
            "此前引用它的链接不再有效。"
        )
