"""Parses files in processes of their own, so that no file can take the run down or hold it up."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from threading import Lock
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from qa_engine.config import DocumentsConfig
from qa_engine.documents.blocks import Page
from qa_engine.documents.pages.layout import import_without_layout, limit_threads
from qa_engine.documents.pages.page_reader import PageOptions
from qa_engine.documents.pdf import ParsedPdf, ReadingOptions, assemble, read_pages
from qa_engine.errors import DocumentError

_AHEAD = 2
"""Files parsed ahead of the consumer, per worker: bounds the memory that waiting texts take."""
PAGES_AT_ONCE = 4
"""Pages that a worker reads in one go. A long file is shared among the workers, and a scan has the limit of time for
these pages and not for all."""
_ASKING_SECONDS = 0.2
"""How often a caller who may have given up is asked."""
_hiding_main = Lock()


class _StoppedError(Exception):
    """Nobody waits for what is read any more."""


class _WorkerProcess(SpawnProcess):
    """A fresh interpreter that does not run the caller's main module again, guarded by ``__name__`` or not."""

    def start(self) -> None:
        main = sys.modules["__main__"]
        with _hiding_main:
            hidden = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
            try:
                main.__spec__ = None
                if "__file__" in hidden:
                    del main.__file__
                super().start()
            finally:
                for name, value in hidden.items():
                    setattr(main, name, value)


class _WorkerContext(SpawnContext):
    Process = _WorkerProcess


def _start_worker(megabytes: int) -> None:
    """Loads PyMuPDF, then bounds the address space that the worker may add to what it has."""
    import_without_layout()  # counts neither as time nor as memory of the first file
    limit_threads(1)  # the workers share the processors among themselves

    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    in_use = 0
    statm = Path("/proc/self/statm")
    if statm.exists():
        in_use = int(statm.read_text().split()[0]) * resource.getpagesize()
    limit = in_use + megabytes * 1_000_000
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def reading_options(config: DocumentsConfig) -> ReadingOptions:
    """How files are read, by the configuration."""
    return ReadingOptions(
        PageOptions(config.parser, config.ocr, config.ocr_dpi),
        config.max_file_megabytes,
        tuple(password.get_secret_value() for password in config.passwords),
        config.max_sentence_chars,
    )


def in_worker(path: Path, config: DocumentsConfig, task: Callable[..., Any], *arguments: Any) -> Any:
    """Runs one task on a file in a process of its own, within the limits of time and memory.

    Args:
        path: the file, for messages.
        config: the limits.
        task: a function of a module; gets the arguments.

    Raises:
        DocumentError: the task failed; ``reason`` says why.
    """
    pool = _pool(config, 1)
    try:
        found = outcome(
            path, pool.schedule(task, args=list(arguments), timeout=config.timeout_seconds), config
        )
    finally:
        pool.stop()
        pool.join()
    if isinstance(found, DocumentError):
        raise found
    return found


class ParsingPool:
    """Parses files beside the caller's own work. Its processes start with the first file and end with the last one of
    `parse`, or with `stop`.

    Example:
        >>> with ParsingPool(DocumentsConfig(), workers=2) as pool:  # doctest: +SKIP
        ...     for path, parsed in pool.parse(paths):
        ...         print(path, parsed)
    """

    def __init__(self, config: DocumentsConfig, workers: int = 1) -> None:
        """
        Args:
            config: how to read, and limits of time, size and memory.
            workers: number of processes; they share the pages of long files.
        """
        self._config = config
        self._workers = workers
        self._pool: ProcessPool | None = None
        self._begun: dict[Path, _FileJob] = {}

    def __enter__(self) -> ParsingPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self, paths: Sequence[Path]) -> None:
        """Has the first of these files read already, which `parse` is going to be asked for."""
        for path in paths[: self._workers * _AHEAD]:
            self._begun[path] = self._job(path)

    def parse(
        self, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
        """Each file with its text or the reason why there is none, in the order given.

        Args:
            paths: the files.
            stopped: is asked now and then while a file is waited for; once it says so, nothing more comes. For a caller
                whose other threads cannot close the iterator.
        """
        waiting: deque[_FileJob] = deque()
        todo = iter(paths)
        try:
            while True:
                while len(waiting) < self._workers * _AHEAD and (path := next(todo, None)) is not None:
                    waiting.append(self._begun.pop(path) if path in self._begun else self._job(path))
                if not waiting:
                    return
                job = waiting.popleft()
                yield job.path, job.result(stopped)
        except _StoppedError:
            return
        finally:
            self.stop()

    def parse_one(self, path: Path) -> ParsedPdf | DocumentError:
        """The same for one file; the process is kept, for a caller that gets its files one by one."""
        return self._job(path).result()

    def stop(self) -> None:
        """Ends the processes, and waits until they have ended; what they were reading is given up."""
        pool, self._pool = self._pool, None
        self._begun.clear()
        if pool is not None:
            pool.stop()
            pool.join()

    def _job(self, path: Path) -> _FileJob:
        if self._pool is None:
            self._pool = _pool(self._config, self._workers)
        return _FileJob(self._pool, path, self._config)


def parse_files(
    paths: Sequence[Path], config: DocumentsConfig, workers: int = 1
) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
    """The same with processes for these files alone; see `ParsingPool`."""
    return ParsingPool(config, workers).parse(paths)


def _pool(config: DocumentsConfig, workers: int) -> ProcessPool:
    return ProcessPool(
        max_workers=workers,
        context=_WorkerContext(),
        initializer=_start_worker,
        initargs=[config.memory_megabytes],
    )


class _FileJob:
    """One file on its way through the workers: its first pages, then the others side by side, then all put together."""

    def __init__(self, pool: ProcessPool, path: Path, config: DocumentsConfig) -> None:
        self.path = path
        self._pool = pool
        self._config = config
        self._options = reading_options(config)
        self._scheduling = Lock()
        self._rest: list[ProcessFuture] | None = None
        self._first = self._schedule(_read_first, path, self._options)
        self._first.add_done_callback(lambda _: self._schedule_rest())

    def _schedule(self, task: Callable[..., Any], *arguments: Any) -> ProcessFuture:
        return self._pool.schedule(task, args=list(arguments), timeout=self._config.timeout_seconds)

    def _schedule_rest(self) -> list[ProcessFuture]:
        """Has the other pages read as soon as the first ones say how many there are."""
        with self._scheduling:
            if self._rest is None:
                self._rest = []
                failed = self._first.cancelled() or self._first.exception() is not None
                found = None if failed else self._first.result()
                if isinstance(found, tuple):
                    starts = range(PAGES_AT_ONCE, found[0], PAGES_AT_ONCE)
                    self._rest = [
                        self._schedule(read_pages, self.path, self._options, start, start + PAGES_AT_ONCE)
                        for start in starts
                    ]
            return self._rest

    def result(self, stopped: Callable[[], bool] = lambda: False) -> ParsedPdf | DocumentError:
        """What was read of the file, or why it was not.

        Raises:
            _StoppedError: ``stopped`` said so before.
        """
        found = self._outcome(self._first, stopped)
        if not isinstance(found, tuple):
            assert isinstance(found, ParsedPdf | DocumentError)
            return found
        pages: list[Page] = list(found[1])
        rest = self._schedule_rest()
        for future in rest:
            part = self._outcome(future, stopped)
            if isinstance(part, DocumentError):
                for other in rest:
                    other.cancel()
                return part
            pages.extend(part[1])
        whole = self._outcome(self._schedule(assemble, self.path, pages, self._options), stopped)
        assert isinstance(whole, ParsedPdf | DocumentError)
        return whole

    def _outcome(self, future: ProcessFuture, stopped: Callable[[], bool]) -> Any:
        while not future.done():
            if stopped():
                raise _StoppedError
            wait([future], _ASKING_SECONDS)
        return outcome(self.path, future, self._config)


def _read_first(path: Path, options: ReadingOptions) -> ParsedPdf | tuple[int, list[Page]]:
    """A short file, or the number of pages of a long one with the first of them."""
    count, pages = read_pages(path, options, 0, PAGES_AT_ONCE)
    return assemble(path, pages, options) if count <= PAGES_AT_ONCE else (count, pages)


def outcome(path: Path, future: ProcessFuture, config: DocumentsConfig) -> Any:
    """What a task on a file came to: its result, or what went wrong as a `DocumentError`."""
    try:
        return future.result()
    except DocumentError as error:
        return error
    except FutureTimeoutError:
        return DocumentError(
            "timeout",
            f"{path.name} was not read within documents.timeout_seconds = {config.timeout_seconds:g}.",
        )
    except ProcessExpired as error:
        return DocumentError(
            "crashed",
            f"{path.name} ended the process that read it (exit {error.exitcode}): the file is damaged.",
        )
    except MemoryError:
        return DocumentError(
            "too_large",
            f"{path.name} needs more than documents.memory_megabytes = {config.memory_megabytes} to be read.",
        )
    except Exception as error:  # noqa: BLE001 - whatever one file provokes in a library, the others are read
        lines = str(error).strip().splitlines() or [""]
        return DocumentError(
            "damaged", f"{path.name} cannot be read ({type(error).__name__}: {lines[0][:200].rstrip('.')})."
        )
