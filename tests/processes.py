"""Runs Python in another process, with the paths of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any


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
