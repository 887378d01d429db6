"""The process in which the files of a job are brought in or taken out.

It keeps the work, the memory and the crashes of reading files away from the process that answers questions, and runs when
nothing else wants the processor. It gets tasks from its parent on standard input, one after the other, and tells on
standard output what becomes of them, a line of JSON each time. When its parent ends, however it ends, so does it, at once:
an ingest run can be cut off at any instant.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import IO, Any

from qa_engine.config import LOCAL, Config
from qa_engine.documents.processes.worker import read_message
from qa_engine.errors import IndexLockedError, QAEngineError
from qa_engine.ingestion.files.uploads import UploadedFile
from qa_engine.ingestion.report import FileResult, IngestProgress
from qa_engine.models.runtime.onnx_runtime import disable_telemetry
from qa_engine.server.jobs.records import FileTask, JobKind

logger = logging.getLogger("qa_engine.server")

_PAGES_SECONDS = 0.25
"""Least time between two messages about pages."""
_LOWEST = 19


@dataclass(frozen=True, kw_only=True)
class NumberedTask:
    """What a process is to do.

    Attributes:
        number: counts the tasks of a process.
    """

    number: int = 0


@dataclass(frozen=True)
class ChildTask(NumberedTask):
    """Files to bring into a collection, or to take out of it.

    Attributes:
        kind: whether files are brought in or taken out.
        collection: the name of the collection.
        config: the settings, with the storage.
        files: the files.
        threads: of the embedding model, and processes that read files.
        one_by_one: whether a file begins only when the one before is done, so that it is known which one ends the process.
    """

    kind: JobKind
    collection: str
    config: Config
    files: tuple[FileTask, ...]
    threads: int = 1
    one_by_one: bool = False


@dataclass(frozen=True)
class StopRequest:
    """Asks for the end of a task at the next page.

    Attributes:
        number: of the task; one that is done already is not meant.
    """

    number: int


class Messages:
    """Lines of JSON for the parent. Thread-safe."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = Lock()

    def send(self, event: str, **data: Any) -> None:
        """Sends one; nothing happens if the parent is gone."""
        with self._lock:
            try:
                self._stream.write(json.dumps({"event": event, **data}, ensure_ascii=False) + "\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                os._exit(0)


class Requests:
    """What the parent asks for, read in a thread of its own. When the parent is gone, the process ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.last_stopped = -1
        """The number of the last task that is to end."""
        self._stream = stream
        self._tasks: SimpleQueue[Any] = SimpleQueue()
        Thread(target=self._listen, name="requests", daemon=True).start()

    def next_task(self) -> Any:
        """Waits for the next task."""
        return self._tasks.get()

    def _listen(self) -> None:
        try:
            while True:
                request = pickle.loads(read_message(self._stream))
                if isinstance(request, StopRequest):
                    self.last_stopped = request.number
                else:
                    self._tasks.put(request)
        except EOFError:
            os._exit(0)


class ToldProgress(IngestProgress):
    """Tells the parent what a run does, and stops it when the parent says so."""

    def __init__(self, messages: Messages, requests: Requests, number: int) -> None:
        self.messages = messages
        self._requests = requests
        self._number = number
        self._next_pages = 0.0

    def stopped(self) -> bool:
        return self._requests.last_stopped >= self._number

    def pages_read(self, path: str, done: int, of: int) -> None:
        if time.monotonic() >= self._next_pages:
            self._next_pages = time.monotonic() + _PAGES_SECONDS
            self.messages.send("pages", path=path, read=done, of=of)

    def file_done(self, result: FileResult) -> None:
        self.messages.send(
            "file",
            path=result.path,
            status=result.status,
            reason=result.reason,
            message=result.message,
            pages=result.pages,
            nodes=result.nodes,
        )


def main() -> None:
    """Does the jobs that the parent sends on standard input, until it sends nothing more."""
    serve(lambda task, messages, requests: perform(task, ToldProgress(messages, requests, task.number)))


def serve(do: Callable[[Any, Messages, Requests], None]) -> None:
    """Does what the parent sends on standard input, until it sends nothing more.

    Args:
        do: is called with each task, what tells the parent about it, and what the parent asks for meanwhile.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt of the terminal is for the server
    incoming = os.fdopen(os.dup(0), "rb")
    messages = Messages(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # input and output of libraries must not get between the messages
        os.dup2(null, stream)
    os.close(null)
    give_way()
    disable_telemetry()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    requests = Requests(incoming)
    while True:
        task = requests.next_task()
        try:
            do(task, messages, requests)
        except IndexLockedError as error:
            messages.send("locked", message=str(error))
        except QAEngineError as error:
            messages.send("failed", error=type(error).__name__, message=str(error))
        except BaseException:
            logger.exception("a job failed")
            os._exit(1)
        else:
            messages.send("ended")


def perform(task: ChildTask, progress: ToldProgress) -> None:
    """Does a task, and tells what becomes of each file.

    Raises:
        IndexLockedError: another process writes to the collection.
        QAEngineError: nothing more can be done.
    """
    if task.kind == "delete":
        from qa_engine.ingestion.maintenance.delete import delete_files

        paths = [file.path for file in task.files]
        report = delete_files(
            paths, collection=task.collection, config=task.config, exact=True, progress=progress
        )
        nodes = {file.path: 0 if file.shared else file.nodes for file in report.files}
        for path in paths:
            progress.file_done(FileResult(path, "deleted", nodes=nodes.get(path, 0)))
        return
    if task.config.embedding.provider == LOCAL:
        from qa_engine.models.e5.shared import shared_encoder

        shared_encoder(threads=task.threads)
    from qa_engine.ingestion.ingest import ingest_uploads

    workers = task.config.ingestion.workers or task.threads
    groups = [[file] for file in task.files] if task.one_by_one else [list(task.files)]
    for group in groups:
        if progress.stopped():
            return
        if task.one_by_one:
            progress.messages.send("begin", path=group[0].path)
        uploads = [UploadedFile(file.name, file.sha256, file.metadata) for file in group]
        outcome = ingest_uploads(
            uploads, collection=task.collection, config=task.config, workers=workers, progress=progress
        )
        if outcome.warnings:
            progress.messages.send("warnings", warnings=outcome.warnings)


def give_way() -> None:
    """Lets all other processes of the machine go first."""
    if hasattr(os, "nice"):
        os.nice(_LOWEST)
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
