"""Processes that start with the libraries already imported, which takes a command two seconds: forks of one that has only
imported them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryFile

_IMPORTED = [
    "chromadb",
    "ingest_process",
    "onnxruntime",
    "pymupdf",
    "qa_engine.answering.extractive.synthesizer",
    "qa_engine.cli.app",
    "qa_engine.engine",
    "qa_engine.ingestion.pipeline",
    "qa_engine.models.remote.openai_llm",
    "tokenizers",
]


def fork_server() -> ForkServerContext:
    """Where such processes come from. They have the environment of the first of them, unless they set it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context


def start_forked(
    target: Callable[[], object], cwd: Path, environment: dict[str, str], streams: Sequence[int]
) -> ForkServerProcess:
    """Starts a picklable function in such a process, as if a shell had started it.

    Args:
        target: What runs.
        cwd: The working directory.
        environment: All variables of the process.
        streams: The descriptors of its standard input, standard output and standard error; they may be closed after.
    """
    # A connection is what multiprocessing can hand to another process; it takes a descriptor of any kind.
    connections = [Connection(os.dup(stream)) for stream in streams]
    process: ForkServerProcess = fork_server().Process(
        target=_as_from_a_shell, args=(target, str(cwd), environment, connections)
    )
    process.start()
    for connection in connections:
        connection.close()
    return process


def exit_code(process: ForkServerProcess, timeout: float) -> int:
    """Waits for the end of a process.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds; it is killed.
    """
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{process} took longer than {timeout} s")
    return process.exitcode


def run_forked(
    target: Callable[[], object], cwd: Path, environment: dict[str, str], stdin: str, timeout: float
) -> tuple[int, str, str]:
    """Runs a picklable function in such a process, with text on standard input.

    Returns:
        The exit code, standard output and standard error.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds; it is killed.
    """
    with TemporaryFile() as stream, TemporaryFile() as output, TemporaryFile() as errors:
        stream.write(stdin.encode())
        stream.seek(0)
        streams = [file.fileno() for file in (stream, output, errors)]
        code = exit_code(start_forked(target, cwd, environment, streams), timeout)
        output.seek(0)
        errors.seek(0)
        return code, output.read().decode(), errors.read().decode()


def _as_from_a_shell(
    target: Callable[[], object], cwd: str, environment: dict[str, str], streams: Sequence[Connection]
) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    try:
        target()
    finally:
        sys.stdout.flush()
