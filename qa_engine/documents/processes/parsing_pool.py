"""Parses files in processes of their own, so that no file can stop the run or hold it up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from itertools import islice
from pathlib import Path
from typing import Any

from qa_engine.config import DocumentsConfig
from qa_engine.documents.blocks import Page
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import assemble, read_first_pages, read_pages
from qa_engine.documents.processes.worker_pool import TimeLimitError, WorkerDiedError, WorkerPool
from qa_engine.documents.renditions.renditions import RENDITIONS_FOLDER
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line

_FILES_AHEAD = 2
"""Files parsed ahead of the consumer, per worker: bounds the memory that waiting texts take."""
PAGES_AT_ONCE = 4
"""Pages that a worker reads in one call. A long file is shared among the workers, and the limit of time is for these
pages and not for all of a scan."""
_POLL_SECONDS = 0.2
"""How often ``stopped`` is called while a file is waited for."""


class _StoppedError(Exception):
    """The caller no longer waits for the results."""


def reading_options(config: DocumentsConfig, storage: Path | None = None) -> ReadingOptions:
    """How files are read, by the configuration.

    Args:
        config: how to read, and limits.
        storage: keeps the renditions of files that are no PDF; without it, each process makes its own.
    """
    return ReadingOptions(
        config.parser,
        config.ocr,
        config.ocr_dpi,
        config.max_file_megabytes,
        tuple(password.get_secret_value() for password in config.passwords),
        config.max_sentence_chars,
        str(storage / RENDITIONS_FOLDER) if storage is not None else "",
        config.max_unpacked_megabytes,
        config.libreoffice or "",
        config.timeout_seconds,
        config.memory_megabytes,
        tuple(config.converters),
    )


def run_in_worker(path: Path, config: DocumentsConfig, task: Callable[..., Any], *arguments: Any) -> Any:
    """Runs one task on a file in a process of its own, within the limits of time and memory.

    Args:
        path: the file, for messages.
        config: the limits.
        task: a function of a module.
        *arguments: of the task.

    Raises:
        DocumentError: the task failed; ``reason`` says why.
    """
    pool = _pool(config, 1)
    try:
        result = result_or_error(path, pool.submit(task, *arguments), config)
    finally:
        pool.stop()
    if isinstance(result, DocumentError):
        raise result
    return result


class ParsingPool:
    """Parses files beside the caller's own work.

    The processes start with the first file; they end with the last file of `parse`, or with `stop`.

    Example:
        >>> with ParsingPool(DocumentsConfig(), workers=2) as pool:  # doctest: +SKIP
        ...     for path, parsed in pool.parse(paths):
        ...         print(path, parsed)
    """

    def __init__(
        self,
        config: DocumentsConfig,
        workers: int = 1,
        pages_read: Callable[[Path, int, int], None] = lambda path, done, of: None,
        storage: Path | None = None,
    ) -> None:
        """
        Args:
            config: how to read, and limits of time, size and memory.
            workers: number of processes; they share the pages of long files.
            pages_read: is called with the file that `parse` waits for, how many of its pages are read, and of how many.
            storage: keeps the renditions of files that are no PDF.
        """
        self._config = config
        self._options = reading_options(config, storage)
        self._workers = workers
        self._pages_read = pages_read
        self._pool: WorkerPool | None = None
        self._started_jobs: dict[Path, _FileJob] = {}

    def __enter__(self) -> ParsingPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self, paths: Sequence[Path]) -> None:
        """Begins to read the first of the files that `parse` is going to get."""
        for path in paths[: self._workers * _FILES_AHEAD]:
            self._started_jobs[path] = self._job(path)

    def parse(
        self, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
        """Each file with its text or the reason why there is none, in the order of ``paths``.

        Args:
            paths: the files.
            stopped: is called now and then while a file is waited for; once it returns True, nothing more comes. For a
                caller whose other threads cannot close the iterator.
        """
        jobs: deque[_FileJob] = deque()
        remaining = iter(paths)
        try:
            while True:
                for path in islice(remaining, self._workers * _FILES_AHEAD - len(jobs)):
                    begun = self._started_jobs.pop(path, None)
                    jobs.append(begun or self._job(path))
                if not jobs:
                    return
                job = jobs.popleft()
                yield job.path, job.result(stopped)
        except _StoppedError:
            return
        finally:
            self.stop()

    def parse_one(self, path: Path) -> ParsedPdf | DocumentError:
        """The text of one file, or the reason why there is none. The processes go on, for the next file."""
        return self._job(path).result()

    def stop(self) -> None:
        """Ends the processes and waits until they have ended. Files that are being read are given up."""
        pool, self._pool = self._pool, None
        self._started_jobs.clear()
        if pool is not None:
            pool.stop()

    def _job(self, path: Path) -> _FileJob:
        if self._pool is None:
            self._pool = _pool(self._config, self._workers)
        return _FileJob(self._pool, path, self._config, self._options, self._pages_read)


def parse_files(
    paths: Sequence[Path], config: DocumentsConfig, workers: int = 1
) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
    """`ParsingPool.parse` with processes for these files alone."""
    return ParsingPool(config, workers).parse(paths)


def _pool(config: DocumentsConfig, workers: int) -> WorkerPool:
    return WorkerPool(workers, config.timeout_seconds, config.memory_megabytes)


class _FileJob:
    """The tasks for one file: its first pages, then the other pages side by side, then the text of all of them."""

    def __init__(
        self,
        pool: WorkerPool,
        path: Path,
        config: DocumentsConfig,
        options: ReadingOptions,
        pages_read: Callable[[Path, int, int], None],
    ) -> None:
        self.path = path
        self._pages_read = pages_read
        self._pool = pool
        self._config = config
        self._options = options
        self._rest = Future[list[Future[Any]]]()
        self._first = pool.submit(read_first_pages, path, self._options, PAGES_AT_ONCE)
        self._first.add_done_callback(self._schedule_rest)

    def _schedule_rest(self, first: Future[Any]) -> None:
        """Has the other pages read as soon as the result of the first ones says how many there are."""
        failed = first.cancelled() or first.exception() is not None
        result = None if failed else first.result()
        starts = range(PAGES_AT_ONCE, result[0], PAGES_AT_ONCE) if isinstance(result, tuple) else ()
        self._rest.set_result(
            [
                self._pool.submit(read_pages, self.path, self._options, start, start + PAGES_AT_ONCE)
                for start in starts
            ]
        )

    def result(self, stopped: Callable[[], bool] = lambda: False) -> ParsedPdf | DocumentError:
        """The content of the file, or why it was not read.

        Raises:
            _StoppedError: ``stopped`` returned True before.
        """
        first = self._wait(self._first, stopped)
        if not isinstance(first, tuple):
            assert isinstance(first, ParsedPdf | DocumentError)
            if isinstance(first, ParsedPdf):
                self._pages_read(self.path, len(first.pages), len(first.pages))
            return first
        count, pages = first[0], list[Page](first[1])
        self._pages_read(self.path, len(pages), count)
        rest = self._rest.result()
        for future in rest:
            part = self._wait(future, stopped)
            if isinstance(part, DocumentError):
                for other in rest:
                    other.cancel()
                return part
            pages.extend(part[1])
            self._pages_read(self.path, len(pages), count)
        # Not behind the pages of the files to come: this one can be embedded while they are read.
        whole = self._wait(self._pool.submit(assemble, self.path, pages, self._options, first=True), stopped)
        assert isinstance(whole, ParsedPdf | DocumentError)
        return whole

    def _wait(self, future: Future[Any], stopped: Callable[[], bool]) -> Any:
        while not future.done():
            if stopped():
                raise _StoppedError
            wait([future], _POLL_SECONDS)
        return result_or_error(self.path, future, self._config)


def result_or_error(path: Path, future: Future[Any], config: DocumentsConfig) -> Any:
    """The result of a task on a file, or what went wrong as a `DocumentError`."""
    try:
        return future.result()
    except DocumentError as error:
        return error
    except TimeLimitError:
        clause = f"was not read within documents.timeout_seconds = {config.timeout_seconds:g}"
        return DocumentError("timeout", f"{path.name} {clause}.")
    except WorkerDiedError as error:
        clause = f"ended the process that read it (exit {error.exit_code}): the file is damaged"
        return DocumentError("crashed", f"{path.name} {clause}.")
    except MemoryError:
        clause = f"needs more than documents.memory_megabytes = {config.memory_megabytes} to be read"
        return DocumentError("too_large", f"{path.name} {clause}.")
    except Exception as error:  # noqa: BLE001 - whatever a library raises for one file, the others are read
        reason = first_line(error)[:200].rstrip(".")
        return DocumentError("damaged", f"{path.name} cannot be read ({type(error).__name__}: {reason}).")
