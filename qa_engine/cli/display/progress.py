"""Shows the progress of counted work: a bar on standard error; some lines where standard error is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from qa_engine.cli.output import messages, print_message

_MAX_LINES = 10
"""Most lines of a whole run where standard error is no terminal."""


def progress_bar() -> Progress:
    """A bar without tasks, to be entered; it shows nothing where standard error is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)


class Counter(Protocol):
    """Receives how much is done, how much there is, and how much of what is done failed."""

    def __call__(self, done: int, total: int, failed: int = 0) -> None: ...


@contextmanager
def counted_progress(description: str) -> Iterator[Counter]:
    """Shows progress while the block runs.

    Args:
        description: what is being done, such as ``asking``.
    """
    lines = 0
    with progress_bar() as bar:
        task = bar.add_task(description, total=None)

        def count(done: int, total: int, failed: int = 0) -> None:
            nonlocal lines
            failures = f" ({failed} failed)" if failed else ""
            bar.update(task, completed=done, total=total, description=f"{description}{failures}")
            if not messages.is_terminal and total and done * _MAX_LINES // total > lines:
                lines = done * _MAX_LINES // total
                print_message(f"{description}: {done} of {total}{failures}")

        yield count
