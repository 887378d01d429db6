"""Runs functions in processes of its own, each call within a limit of time and memory.

The processes are plain subprocesses: unlike those of `multiprocessing`, they do not import the ``__main__`` module of the
host again, so that a script without ``if __name__ == "__main__"`` and a notebook work, and nothing in the host is changed.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from multiprocessing.spawn import get_executable
from queue import Empty, PriorityQueue
from threading import Event, Lock, Thread, Timer, current_thread
from typing import Any, NamedTuple

from qa_engine.documents.processes.worker import read_message, write_message

logger = logging.getLogger("qa_engine.documents")

_START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = sys.argv[2:]\n"
    "from qa_engine.documents.processes.worker import run_tasks; run_tasks(int(sys.argv[1]))"
)
"""What a worker process runs. An interrupt is for the host, which ends its workers. The modules come from where the host
has them; ``python -m`` would look into the working directory first."""

WORKER_NAME = "qa_engine worker"
"""The name of the threads of the workers."""


class TimeLimitError(Exception):
    """A call took longer than the limit; its process was killed."""


class WorkerDiedError(Exception):
    """A process ended while it ran a call.

    Attributes:
        exit_code: of the process; the negative number of the signal that killed it.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"A worker process ended (exit {exit_code}).")
        self.exit_code = exit_code


class _Task(NamedTuple):
    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


_Tasks = PriorityQueue[tuple[bool, int, _Task | None]]
"""Calls that wait, behind whether they can and a number of their own; None ends a thread."""


class WorkerPool:
    """Processes that start at once and end with `stop`, with the pool itself, or with the interpreter.

    A process that is killed or dies is replaced.
    """

    def __init__(self, workers: int, timeout_seconds: float, memory_megabytes: int) -> None:
        """
        Args:
            workers: number of processes.
            timeout_seconds: limit for each call. The start of a process does not count.
            memory_megabytes: how much address space the calls may add to what a process has after its start.
        """
        self._tasks: _Tasks = PriorityQueue()
        self._numbers = count()
        self._workers = [_Worker(self._tasks, timeout_seconds, memory_megabytes) for _ in range(workers)]
        self._kill = weakref.finalize(self, _kill_all, self._workers, self._tasks)
        for worker in self._workers:
            worker.start()

    def submit(self, function: Callable[..., Any], *arguments: Any, first: bool = False) -> Future[Any]:
        """Has a function called in the next process that is free.

        Args:
            function: of a module that the process can import; not of ``__main__``.
            *arguments: can be pickled, as the result can.
            first: before all calls that wait.

        Returns:
            The result; or what the function raised, a `TimeLimitError` or a `WorkerDiedError`.
        """
        future: Future[Any] = Future()
        self._tasks.put((not first, next(self._numbers), _Task(future, function, arguments)))
        if not self._kill.alive:
            future.cancel()  # the pool was stopped: nobody takes the task any more
        return future

    def stop(self) -> None:
        """Kills the processes and waits until they have ended. Calls that wait are cancelled, others fail."""
        self._kill()
        for worker in self._workers:
            if worker is not current_thread():
                worker.join()
        with suppress(Empty):
            while True:
                if (task := self._tasks.get_nowait()[2]) is not None:
                    task.future.cancel()


def _kill_all(workers: list[_Worker], tasks: _Tasks) -> None:
    for number, worker in enumerate(workers):
        worker.kill()
        tasks.put((True, sys.maxsize - number, None))  # for a thread that waits for a task


class _Worker(Thread):
    """The thread that sends one task after the other to a process of its own."""

    def __init__(self, tasks: _Tasks, timeout: float, megabytes: int) -> None:
        super().__init__(name=WORKER_NAME, daemon=True)
        self._tasks = tasks
        self._timeout = timeout
        self._megabytes = megabytes
        self._starting = Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def run(self) -> None:
        """Runs tasks until the pool is stopped."""
        try:
            while not self._stopped:
                self._prepare()
                task = self._tasks.get()[2]
                if task is None:
                    return
                if self._stopped:
                    task.future.cancel()
                    return
                if not task.future.set_running_or_notify_cancel():
                    continue
                try:
                    task.future.set_result(self._call(task.function, task.arguments))
                except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
                    task.future.set_exception(error)
        finally:
            self._release()

    def _prepare(self) -> None:
        """Starts the process before there is a task for it; a task tries again where that fails."""
        try:
            self._running_process()
        except (OSError, EOFError) as error:
            if not self._stopped:
                logger.warning("A worker process did not start (%s).", error)

    def _running_process(self) -> subprocess.Popen[bytes]:
        """The process, ready for a task; a new one if there is none, or none that is alive.

        Raises:
            OSError: it could not be started.
            EOFError: it ended before it was ready.
        """
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._release()
        with self._starting:
            if self._stopped:
                raise EOFError("The pool was stopped.")
            utf8 = f"utf8={sys.flags.utf8_mode}"  # so that names of files are read as they are in the host
            interpreter = [os.fsdecode(get_executable()), "-X", utf8]
            command = [*interpreter, "-c", _START, str(self._megabytes), *map(str, sys.path)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._process = process
        assert process.stdout is not None
        try:
            read_message(process.stdout)
        except EOFError as error:
            code = process.wait()
            raise EOFError(f"A process for reading files ended at its start (exit {code}).") from error
        return process

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        message = pickle.dumps((function, arguments))
        try:
            process = self._running_process()
        except EOFError as error:
            if self._stopped:
                raise WorkerDiedError(-signal.SIGKILL) from error
            raise
        assert process.stdin is not None
        assert process.stdout is not None
        expired = Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = Timer(self._timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            write_message(process.stdin, message)
            answer = read_message(process.stdout)
        except (OSError, EOFError) as error:
            exit_code = process.wait()
            if expired.is_set():
                logger.warning("A worker process was killed after %g seconds.", self._timeout)
                raise TimeLimitError from error
            if not self._stopped:
                logger.warning("A worker process ended while it read a file (exit %d).", exit_code)
            raise WorkerDiedError(exit_code) from error
        finally:
            timer.cancel()
            timer.join()
            if expired.is_set():
                process.wait()  # so that the next task finds that it is dead
        result, failure, records = pickle.loads(answer)
        for record in records:
            source = logging.getLogger(record.name)
            if source.isEnabledFor(record.levelno):
                source.handle(record)
        if failure is not None:
            raise failure
        return result

    def _release(self) -> None:
        """Ends the process, and closes its pipes."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):  # bytes that the dead process did not take
                pipe.close()
        self._process = None
