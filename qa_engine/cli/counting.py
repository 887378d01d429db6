"""Progress of work that is counted, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from qa_engine.cli.output import messages, say

_LINES = 10
"""Lines of a whole run where standard error is no terminal."""


class Count(Protocol):
    """Is told how much is done, how much there is, and how much of what is done failed."""

    def __call__(self, done: int, total: int, failed: int = 0) -> None: ...


@contextmanager
def counted_progress(description: str) -> Iterator[Count]:
    """A progress bar; where standard error is no terminal, a line now and then.

    Args:
        description: what is being done, such as ``asking``.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        Remaining(),
    )
    told = 0
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task(description, total=None)

        def count(done: int, total: int, failed: int = 0) -> None:
            nonlocal told
            failures = f" ({failed} failed)" if failed else ""
            bar.update(task, completed=done, total=total, description=f"{description}{failures}")
            if not messages.is_terminal and total and done * _LINES // total > told:
                told = done * _LINES // total
                say(f"{description}: {done} of {total}{failures}")

        yield count
