"""How the pages of a file are read: the file is read again, in processes of its own, and what comes of it is kept."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from qa_engine.config import Config
from qa_engine.documents.blocks import Rect
from qa_engine.documents.parsed_pdf import PageReport
from qa_engine.documents.processes.parsing_pool import ParsingPool
from qa_engine.errors import DocumentError
from qa_engine.ingestion.files.identity import ReadingIdentity
from qa_engine.server.documents.image_cache import ImageCache
from qa_engine.server.documents.originals import Original
from qa_engine.server.problems import ProblemError

logger = logging.getLogger("qa_engine.server")

_CACHE_BYTES = 50_000_000
_WORKERS = 2
_MAX_WAITING = 8
"""Files that may wait to be read; more are refused at once. One is read at a time."""
_WAIT_SECONDS = 2.0
"""So long a request waits for the file; behind that, the client asks again."""
_LEFT_SECONDS = 30.0
"""A file is given up when nobody has asked for so long."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Progress:
    """How far a file is read.

    Attributes:
        read: pages that are read.
        pages: of how many; 0 before that is known.
    """

    read: int = 0
    pages: int = 0


@dataclass
class _Run:
    """A file that is being read.

    Attributes:
        progress: how far it is.
        asked: when somebody has asked for it last, in seconds of `time.monotonic`.
        given_up: whether nobody asked for too long.
        task: reads it.
    """

    progress: Progress = field(default_factory=Progress)
    asked: float = field(default_factory=time.monotonic)
    given_up: bool = False
    task: asyncio.Task[list[dict[str, Any]]] | None = None


class PageReadings:
    """Reads files again, each once. Its coroutines are for one event loop."""

    def __init__(self, folder: Path, config: Config) -> None:
        """
        Args:
            folder: keeps what was read.
            config: how files are read, and the limits.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._config = config.documents
        self._identity = ReadingIdentity.of(config.documents)
        parts = repr((self._identity.pipeline, self._identity.ocr))
        self._version = hashlib.sha256(parts.encode()).hexdigest()[:12]
        self._cache = ImageCache(folder, _CACHE_BYTES)
        self._runs: dict[str, _Run] = {}
        self._closed = False
        self._threads = CapacityLimiter(_MAX_WAITING + 2)
        self._turn = CapacityLimiter(1)

    def is_current(self, original: Original) -> bool:
        """Whether a file is read now as it was when it came into its collection."""
        record = original.record
        return record.document_id == self._identity.document_id(record.sha256, record.file_name)

    async def reading(self, original: Original, number: int) -> dict[str, Any] | Progress:
        """How a page is read, as the values of a `PageReport`; or how far its file is, if that takes longer.

        Args:
            original: the file.
            number: of the page, from 1.

        Raises:
            ProblemError: ``file_not_read``, ``queue_full``, ``gone`` if the file has changed meanwhile, or ``draining``.
        """
        name = f"{original.record.document_id}-{self._version}.json.gz"
        run = self._runs.get(name)
        if run is not None and run.given_up:  # such as by a page behind others, which its browser lets sleep
            del self._runs[name]
            run = None
        if run is None:
            kept = await to_thread.run_sync(self._kept, name, limiter=self._threads)
            if kept is not None:
                return _page(original, kept, number)
            run = self._runs.get(name) or self._begin(name, original)
        run.asked = time.monotonic()
        assert run.task is not None
        await asyncio.wait({run.task}, timeout=_WAIT_SECONDS)
        if not run.task.done():
            return run.progress
        self._runs.pop(name, None)
        return _page(original, run.task.result(), number)

    def remove_unused(self, held: Callable[[Collection[str]], set[str]]) -> None:
        """Deletes what was read of documents that no collection holds any more. Call it from a thread."""
        self._cache.forget_unused(held)

    def close(self) -> None:
        """Files that are being read are given up."""
        self._closed = True

    def _begin(self, name: str, original: Original) -> _Run:
        for other, ended in list(self._runs.items()):  # whose clients have left before the end
            if ended.task is not None and ended.task.done() and _is_left(ended):
                del self._runs[other]
        if len(self._runs) > _MAX_WAITING:
            raise ProblemError("queue_full", f"{_MAX_WAITING} files are waiting to be read.")
        run = self._runs[name] = _Run()
        run.task = asyncio.create_task(self._read(name, original, run))
        run.task.add_done_callback(
            lambda task: task.cancelled() or task.exception()
        )  # told to who asks, or to nobody
        return run

    async def _read(self, name: str, original: Original, run: _Run) -> list[dict[str, Any]]:
        async with self._turn:
            reports = await to_thread.run_sync(self._reports, original, run, limiter=self._threads)
        await to_thread.run_sync(original.require_same, limiter=self._threads)
        pages = [_values(report) for report in reports]
        content = gzip.compress(json.dumps(pages, ensure_ascii=False).encode("utf-8", "replace"))
        await to_thread.run_sync(self._cache.keep, name, content, limiter=self._threads)
        return pages

    def _reports(self, original: Original, run: _Run) -> list[PageReport]:
        def note(_: Path, read: int, pages: int) -> None:
            run.progress = Progress(read, pages)

        name = original.record.file_name
        with ParsingPool(self._config, _WORKERS, note) as pool:
            results = list(pool.parse([original.path], lambda: self._closed or _is_left(run)))
        if not results:
            run.given_up = not self._closed
            raise ProblemError("draining", "The server has been asked to stop, or nobody waited any more.")
        ((_, parsed),) = results
        if isinstance(parsed, DocumentError):
            reason = str(parsed).replace(str(original.path), name).replace(original.path.name, name)
            logger.warning("%s was not read again: %s", name, reason)
            raise ProblemError("file_not_read", reason)
        return parsed.pages

    def _kept(self, name: str) -> list[dict[str, Any]] | None:
        content = self._cache.get(name)
        if content is None:
            return None
        try:
            pages: list[dict[str, Any]] = json.loads(gzip.decompress(content))
        except (
            OSError,
            ValueError,
            EOFError,
        ):  # another process has written over it, or the disk has lost a part
            return None
        return pages


def _is_left(run: _Run) -> bool:
    return time.monotonic() - run.asked > _LEFT_SECONDS


def _page(original: Original, pages: list[dict[str, Any]], number: int) -> dict[str, Any]:
    if number > len(pages):
        raise ProblemError("not_found", f"{original.record.file_name!r} has no page {number}.")
    return pages[number - 1]


def _values(report: PageReport) -> dict[str, Any]:
    """A report as JSON, with the places of what is left out: each text of a role once, with all its boxes."""
    boxes: dict[tuple[str, str], list[Rect]] = defaultdict(list)
    for key in report.left_out:
        boxes[key] = []
    for place in report.places:
        boxes[place.role, place.text].extend(place.boxes)
    return {
        "page": report.number,
        "label": report.label,
        "parser": report.parser,
        "ocr": report.ocr,
        "unread": report.unread,
        "suspect": report.suspect,
        "doubts": report.doubts,
        "left_out": [
            {"role": role, "text": text, "boxes": [{"page": report.number, **box._asdict()} for box in found]}
            for (role, text), found in boxes.items()
        ],
    }
