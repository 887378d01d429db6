"""Runs Python in another process, with the paths of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

from forked import run_forked


def python(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Starts ``python -c code arguments…``; its output is read from pipes."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def run_python(code: str, *arguments: str, timeout: float = 120) -> str:
    """Runs ``python -c code arguments…`` to its end and returns what it printed; a failure shows its errors."""
    with python(code, *arguments) as process:
        output, errors = process.communicate(timeout=timeout)
    assert process.returncode == 0, errors
    return output


def run_python_forked(code: str, *arguments: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    """The same in a process that has the libraries imported already, for code that is not about imports.

    It says how the process ended, and fails for nothing.
    """
    command = partial(_run, code, arguments)
    done = run_forked(command, Path.cwd(), dict(os.environ), stdin="", timeout=timeout)
    return subprocess.CompletedProcess([code, *arguments], *done)


def _run(code: str, arguments: tuple[str, ...]) -> None:
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})
