"""Standard output holds answers, tables and JSON; standard error holds progress, messages, errors and log records."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Container, Iterable
from typing import Any

from rich.console import Console

from qa_engine.text.one_line import one_line

_AS_IT_IS: dict[str, Any] = {"highlight": False, "soft_wrap": True, "markup": False, "emoji": False}
"""Texts of documents are printed as they are, whatever is in brackets or between colons."""
messages = Console(stderr=True, **_AS_IT_IS)
"""The console on standard error."""


def results() -> Console:
    """A console on standard output."""
    return Console(**_AS_IT_IS)


def print_json(content: dict[str, Any]) -> None:
    """Prints one JSON object on standard output, in UTF-8 whatever the locale is."""
    text = json.dumps(content, ensure_ascii=False, default=str) + "\n"
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[str]], numbers: Container[str], **options: Any
) -> None:
    """Prints a table on standard output.

    Args:
        columns: their names.
        rows: the cells.
        numbers: the columns that are aligned to the right.
        options: of `rich.table.Table`, such as ``title``.
    """
    from rich.table import Table

    table = Table(**options)
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left")
    for row in rows:
        table.add_row(*row)
    results().print(table)


def print_message(text: str) -> None:
    """Prints a line on standard error."""
    messages.print(text)


def print_error(text: str) -> None:
    """Prints a sentence about a failure on standard error."""
    messages.print("error:", style="bold red", end=" ")
    messages.print(text)


def plural(count: int, noun: str) -> str:
    """A number with its noun, such as ``1 file`` or ``3 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def page_range(first: int | None, last: int | None) -> str:
    """A page or a range of pages, such as ``3`` or ``3–5``."""
    return str(first) if first == last else f"{first}–{last}"


class MessageHandler(logging.Handler):
    """Prints each log record on standard error, in one line that does not disturb a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the level and the message of a record, without its traceback."""
        try:
            print_message(f"{record.levelname.lower()}: {one_line(record.getMessage())}")
        except Exception:  # noqa: BLE001 - a log record must not end the command
            self.handleError(record)


def show_log_records(level: int) -> None:
    """Shows the log records of qa_engine, and of other libraries only their errors.

    Args:
        level: the lowest level that is shown, such as ``logging.WARNING``.
    """
    logging.getLogger().setLevel(logging.ERROR)
    package = logging.getLogger("qa_engine")
    package.setLevel(level)
    package.propagate = False
    package.handlers = [MessageHandler()]
