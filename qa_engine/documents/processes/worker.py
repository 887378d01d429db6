"""A process that runs the tasks which its parent sends to it, one after the other, within a limit of memory.

The parent is a `WorkerPool`. It writes tasks to the standard input of the process and reads the answers from its standard
output: pickled tuples, each behind its length.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
from logging.handlers import QueueHandler
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from qa_engine.documents.pages.parsers.layout_model import import_without_layout, limit_threads
from qa_engine.models.runtime.onnx_runtime import disable_telemetry

_LENGTH_BYTES = 8


def write_message(stream: IO[bytes], message: bytes) -> None:
    """Writes one message that `read_message` reads.

    Raises:
        OSError: nobody reads at the other end.
    """
    stream.write(len(message).to_bytes(_LENGTH_BYTES, "big"))
    stream.write(message)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes:
    """Waits for the next message.

    Raises:
        EOFError: the other end was closed.
    """
    header = stream.read(_LENGTH_BYTES)
    length = int.from_bytes(header, "big")
    message = stream.read(length)
    if len(header) < _LENGTH_BYTES or len(message) < length:
        raise EOFError("The other end was closed.")
    return message


def run_tasks(megabytes: int) -> None:
    """Runs tasks until the parent closes the standard input of this process.

    Sends an empty message once it is ready. A task is ``(function, arguments)``; its answer is ``(result, error,
    log records)``, where the error is None for a task that succeeded.

    Args:
        megabytes: how much address space the tasks may add to what the process has when it is ready.
    """
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # input and output of libraries must not get between tasks and answers
        os.dup2(null, stream)
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    package = logging.getLogger("qa_engine")
    package.addHandler(QueueHandler(records))
    package.setLevel(logging.INFO)
    package.propagate = False

    disable_telemetry()
    import_without_layout()  # now, so that imports count neither as time nor as memory of the first file
    importlib.import_module("qa_engine.documents.pdf.reading")
    limit_threads(1)  # the workers share the processors among themselves
    _limit_memory(megabytes)
    try:
        write_message(answers, b"")
        while True:
            write_message(answers, _answer(read_message(tasks), records))
    except (EOFError, BrokenPipeError):
        return  # the parent has closed the pool, or has ended


def _answer(task: bytes, records: SimpleQueue[logging.LogRecord]) -> bytes:
    result, failure = None, None
    try:
        function, arguments = pickle.loads(task)
        result = function(*arguments)
    except BaseException as error:  # noqa: BLE001 - the parent gets it
        failure = error
    log_records = [records.get() for _ in range(records.qsize())]
    try:
        return pickle.dumps((result, failure, log_records))
    except Exception as error:  # noqa: BLE001 - what cannot be pickled, or not within the memory
        return pickle.dumps((None, error, log_records))


def _limit_memory(megabytes: int) -> None:
    """Bounds the address space of this process to what it has now and so many megabytes more."""
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
