"""Images of pages and their text: read in processes of their own, within limits of time and memory, and kept on the disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from qa_engine.config import Config
from qa_engine.documents.pdf.page_images import PageDrawing, draw_page, paint_page, renderer_version
from qa_engine.documents.pdf.page_text import PAGE_TEXT_REVISION, DrawnLine, read_drawn_lines
from qa_engine.documents.pdf.reading import text_of_page
from qa_engine.documents.pdf.rendering import PageBox, render_boxes
from qa_engine.documents.processes.parsing_pool import reading_options
from qa_engine.documents.processes.worker_pool import TimeLimitError, WorkerDiedError, WorkerPool
from qa_engine.errors import DocumentError
from qa_engine.server.documents.image_cache import ImageCache
from qa_engine.server.documents.originals import Original
from qa_engine.server.problems import ProblemError

logger = logging.getLogger("qa_engine.server")

_WORKERS = 2
"""Two, so that a page that takes its time does not hold up all others."""
_MAX_WAITING = 64
"""Pages that may wait to be drawn; more are refused at once."""
_THREADS = 4
"""That read from and write to the disk."""

_Result = TypeVar("_Result")


class PageImages:
    """Draws pages of files, each once. Its coroutines are for one event loop.

    The processes start with the first page that is drawn, in about a second, or with `start`; they end with `close`.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        """
        Args:
            folder: keeps the images.
            config: the limits, and the passwords of locked files.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._config = config
        self._options = reading_options(config.documents, config.storage)
        self._version = renderer_version()
        self._cache = ImageCache(folder, config.server.page_cache_megabytes * 1_000_000)
        self._lock = Lock()
        self._pool: WorkerPool | None = None
        self._closed = False
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._threads = CapacityLimiter(_THREADS)

    @property
    def version(self) -> str:
        """Names what draws: images of a document are the same as long as this is the same."""
        return self._version

    async def drawing(self, original: Original, number: int) -> PageDrawing:
        """A page as SVG, or the size of a page that is no good SVG.

        Args:
            original: the file.
            number: of the page, from 1.

        Raises:
            ProblemError: ``gone`` if the file has changed meanwhile, ``page_not_drawn``, or ``queue_full``.
        """
        name = self._name(original, f"{number}.json")
        return await self._once(name, partial(self._drawing, original, number))

    async def painting(self, original: Original, number: int, dpi: int) -> bytes:
        """A page as PNG.

        Args:
            original: the file.
            number: of the page, from 1.
            dpi: resolution.

        Raises:
            ProblemError: see `drawing`.
        """
        name = self._name(original, f"{number}-{dpi}.png")
        return await self._once(name, partial(self._painting, original, number, dpi))

    async def lines(self, original: Original, number: int) -> list[DrawnLine]:
        """The lines of a page as it shows them, in the coordinates of its boxes.

        Args:
            original: the file.
            number: of the page, from 1.

        Raises:
            ProblemError: see `drawing`.
        """
        name = self._name(original, f"{number}-text{PAGE_TEXT_REVISION}.json")
        return await self._once(name, partial(self._lines, original, number, name))

    async def text(self, original: Original, number: int) -> tuple[str | None, list[str]]:
        """Why a page has no readable text layer, or None; and its lines. See `text_of_page`.

        Args:
            original: the file.
            number: of the page, from 1.

        Raises:
            ProblemError: see `drawing`.
        """
        read: tuple[str | None, list[str]] = await self._drawn(original, number, text_of_page, number)
        return read

    async def marked(self, original: Original, boxes: Sequence[PageBox], dpi: int) -> dict[int, bytes]:
        """The pages that boxes are on as PNG, by number, with the boxes marked. They are not kept.

        Args:
            original: the file.
            boxes: the places; there is at least one.
            dpi: resolution.

        Raises:
            ProblemError: see `drawing`.
        """
        first = min(box.page for box in boxes)
        images: dict[int, bytes] = await self._drawn(original, first, render_boxes, list(boxes), dpi)
        return images

    def start(self) -> WorkerPool:
        """Starts the processes, if they are not running."""
        with self._lock:
            if self._closed:
                raise _closed()
            if self._pool is None:
                seconds = self._config.server.page_seconds
                self._pool = WorkerPool(_WORKERS, seconds, self._config.documents.memory_megabytes)
            return self._pool

    def remove_unused(self, held: Callable[[Collection[str]], set[str]]) -> None:
        """Deletes the images of documents that no collection holds any more. Call it from a thread.

        Args:
            held: those of some documents that collections hold; if it raises a `QAEngineError`, all images stay.
        """
        self._cache.forget_unused(held)

    def close(self) -> None:
        """Ends the processes. Pages that are being drawn fail."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._closed = True
        if pool is not None:
            pool.stop()

    async def _drawing(self, original: Original, number: int) -> PageDrawing:
        name, svg_name = (self._name(original, f"{number}.{suffix}") for suffix in ("json", "svg.gz"))
        if (kept := await self._in_thread(self._kept_drawing, name, svg_name)) is not None:
            return kept
        drawing: PageDrawing = await self._drawn(original, number, draw_page, number)
        facts = json.dumps(
            {"width": drawing.width, "height": drawing.height, "is_svg": drawing.svg is not None}
        )
        if drawing.svg is not None:
            await self._in_thread(self._cache.keep, svg_name, drawing.svg)
        await self._in_thread(self._cache.keep, name, facts.encode())
        return drawing

    async def _painting(self, original: Original, number: int, dpi: int) -> bytes:
        name = self._name(original, f"{number}-{dpi}.png")
        if (kept := await self._in_thread(self._cache.get, name)) is not None:
            return kept
        image: bytes = await self._drawn(original, number, paint_page, number, dpi)
        await self._in_thread(self._cache.keep, name, image)
        return image

    async def _lines(self, original: Original, number: int, name: str) -> list[DrawnLine]:
        if (kept := await self._in_thread(self._cache.get, name)) is not None:
            return [DrawnLine(*line) for line in json.loads(kept)]
        lines: list[DrawnLine] = await self._drawn(original, number, read_drawn_lines, number)
        await self._in_thread(self._cache.keep, name, json.dumps(lines).encode())
        return lines

    def _name(self, original: Original, end: str) -> str:
        return f"{original.record.document_id}-{self._version}-{end}"

    def _kept_drawing(self, name: str, svg_name: str) -> PageDrawing | None:
        facts = self._cache.get(name)
        if facts is None:
            return None
        content = json.loads(facts)
        svg = self._cache.get(svg_name) if content["is_svg"] else None
        if content["is_svg"] and svg is None:
            return None
        return PageDrawing(content["width"], content["height"], svg)

    async def _drawn(self, original: Original, number: int, task: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a task on a file, in one of the processes."""
        if len(self._tasks) > _MAX_WAITING:
            raise ProblemError("queue_full", f"{_MAX_WAITING} pages are waiting to be drawn.")
        pool = self.start()
        file = original.record.file_name
        try:
            result = await asyncio.wrap_future(pool.submit(task, original.path, *arguments, self._options))
        except asyncio.CancelledError:
            if self._closed:
                raise _closed() from None
            raise
        except DocumentError as error:
            reason = error.reason
        except TimeLimitError:
            reason = f"it takes longer than server.page_seconds = {self._config.server.page_seconds:g}"
        except WorkerDiedError as error:
            if self._closed:
                raise _closed() from None
            reason = f"the process that drew it ended, exit {error.exit_code}"
        except (OSError, EOFError) as error:
            reason = f"no process to draw it could be started ({error})"
        except MemoryError:
            megabytes = self._config.documents.memory_megabytes
            reason = f"it needs more than documents.memory_megabytes = {megabytes}"
        else:
            await self._in_thread(original.require_same)
            return result
        await self._in_thread(original.require_same)  # or else another version is to blame
        logger.warning("Page %d of %s was not drawn: %s.", number, file, reason)
        raise ProblemError("page_not_drawn", f"Page {number} of {file!r} cannot be drawn: {reason}.")

    async def _once(self, name: str, make: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """The result of a coroutine; whoever asks for the same name meanwhile waits for the same one."""
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.create_task(make())
            task.add_done_callback(partial(self._forget_task, name))
        result: _Result = await asyncio.shield(
            task
        )  # a client that leaves does not take the image from the others
        return result

    def _forget_task(self, name: str, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(name, None)
        if not task.cancelled():
            task.exception()  # whoever waited for it has it; if nobody did, it is not to be logged as forgotten

    async def _in_thread(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        return await to_thread.run_sync(function, *arguments, limiter=self._threads)


def _closed() -> ProblemError:
    return ProblemError("draining", "The server has been asked to stop.")
