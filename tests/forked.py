"""Processes that start with the libraries already imported, which takes a command two seconds: forks of one that has only
imported them."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

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


def run_forked(
    target: Callable[[], object], cwd: Path, environment: dict[str, str], stdin: str, timeout: float
) -> tuple[int, str, str]:
    """Runs a picklable function in such a process, as if a shell had started it.

    Returns:
        The exit code, standard output and standard error.

    Raises:
        TimeoutError: it took longer than ``timeout`` seconds; it is killed.
    """
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "0").write_text(stdin, encoding="utf-8")
        process: ForkServerProcess = fork_server().Process(
            target=_as_from_a_shell, args=(target, str(cwd), environment, scratch)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{target} took longer than {timeout} s")
        output, errors = ((folder / name).read_text(encoding="utf-8") for name in "12")
        return process.exitcode, output, errors


def _as_from_a_shell(
    target: Callable[[], object], cwd: str, environment: dict[str, str], folder: str
) -> None:
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(Path(folder, str(number)), flags)
        os.dup2(opened, number)
        os.close(opened)
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
