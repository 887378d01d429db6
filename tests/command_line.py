"""The command as a user runs it, from the sources of this checkout: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from forked import run_forked

ROOT = Path(__file__).parents[1]
_SECONDS = 120


def run(
    *arguments: str, cwd: Path, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``qa-engine`` with arguments, in a directory, with text on standard input and variables in the environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    code, output, errors = run_forked(partial(_main, arguments), cwd, environment, stdin or "", _SECONDS)
    return subprocess.CompletedProcess(["qa-engine", *arguments], code, output, errors)


def run_anew(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The same in a process that has imported nothing yet, which takes longer."""
    return subprocess.run(
        [sys.executable, "-m", "qa_engine", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
    )


def _main(arguments: tuple[str, ...]) -> None:
    from qa_engine.cli.app import main

    main(arguments)


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Asserts that a command ended with an exit code, one message with these words, and nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
