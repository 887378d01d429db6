"""Parses files in processes of their own, so that no file can take the run down or hold it up."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from threading import Lock

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from qa_engine.config import DocumentsConfig
from qa_engine.documents.pdf import ParsedPdf, read_pdf
from qa_engine.errors import DocumentError

_AHEAD = 2
"""Files parsed ahead of the consumer, per worker: bounds the memory that waiting texts take."""
_hiding_main = Lock()


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
    """Loads PyMuPDF with all it brings, then bounds the address space that the worker may add to what it has."""
    import pymupdf  # noqa: F401 - counts neither as time nor as memory of the first file

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


def parse_files(
    paths: Sequence[Path], config: DocumentsConfig, workers: int = 1
) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
    """Parses files beside the caller's own work, and yields each with its text or the reason why there is none.

    Args:
        paths: the files; results come in this order.
        config: limits of time, size and memory.
        workers: number of processes.
    """
    if not paths:
        return
    waiting: deque[tuple[Path, ProcessFuture]] = deque()
    todo = iter(paths)
    pool = ProcessPool(
        max_workers=min(workers, len(paths)),
        context=_WorkerContext(),
        initializer=_start_worker,
        initargs=[config.memory_megabytes],
    )
    try:
        while True:
            while len(waiting) < workers * _AHEAD and (path := next(todo, None)) is not None:
                future = pool.schedule(
                    read_pdf, args=[path, config.max_file_megabytes], timeout=config.timeout_seconds
                )
                waiting.append((path, future))
            if not waiting:
                break
            path, future = waiting.popleft()
            yield path, _result(path, future, config)
        pool.close()
    finally:
        pool.stop()
        pool.join()


def _result(path: Path, future: ProcessFuture, config: DocumentsConfig) -> ParsedPdf | DocumentError:
    try:
        parsed = future.result()
        assert isinstance(parsed, ParsedPdf)
        return parsed
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
