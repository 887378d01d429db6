"""Shows what a long run is doing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from qa_engine.cli.output import messages, say

if TYPE_CHECKING:
    from qa_engine.ingestion.report import FileResult, IngestProgress
from typing import Protocol


@contextmanager
def shown_progress(lines: IO[str] | None = None) -> Iterator[IngestProgress]:
    """A progress bar on standard error; plain lines for the stages where that is no terminal.

    Args:
        lines: gets a line of JSON for each file.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from qa_engine.ingestion.report import IngestProgress

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        Remaining(),
    ]
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:

        class Shown(IngestProgress):
            task: Any = None

            def stage(self, text: str) -> None:
                say(text)

            def start(self, files: int) -> None:
                say(f"{files} file{'' if files == 1 else 's'} to go through")
                self.task = bar.add_task("files", total=files)

            def sentences_done(self, done: int, total: int) -> None:
                if self.task is not None:
                    bar.update(self.task, description=f"files ({done} of {total} sentences of this one)")

            def document_done(self, document_id: str) -> None:
                if self.task is not None:
                    bar.update(self.task, advance=1, description="documents")

            def file_done(self, result: FileResult) -> None:
                if lines is not None:
                    lines.write(json.dumps(result.to_dict(), ensure_ascii=False) + "\n")
                    lines.flush()
                if result.status == "failed":
                    say(f"{result.path}: {result.reason}")
                if self.task is not None and result.status not in {"unchanged", "vanished", "deleted"}:
                    bar.update(self.task, advance=1, description="files")

        yield Shown()


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
