"""What the commands print: data and answers on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

messages = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress, summaries of JSON runs, errors."""


def results() -> Console:
    """The console for answers and tables on standard output."""
    return Console(highlight=False, soft_wrap=True)


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on standard output, UTF-8 whatever the locale."""
    sys.stdout.buffer.write(
        json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
    )
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A line for people."""
    messages.print(text, markup=False)


def say_error(text: str) -> None:
    """One sentence about what went wrong."""
    messages.print("error:", style="bold red", end=" ")
    messages.print(text, markup=False)
