"""The command as a user runs it: a real process, from the sources of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(
    *arguments: str, cwd: Path, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``qa-engine`` with arguments, in a directory, with text on standard input and variables in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "qa_engine", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
