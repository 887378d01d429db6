"""Standard output holds answers, tables and JSON; standard error holds progress, messages, errors and log records."""

from __future__ import annotations

import logging
import sys
from collections.abc import Container, Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from qa_engine.text.control_characters import dump_json, show_controls, show_controls_on_line
from qa_engine.text.one_line import one_line


class OutputConsole(Console):
    """A console that makes the control characters of all texts visible, those in tables included."""

    def render_str(self, text: str, **options: Any) -> Text:
        """For rich: every string that is printed passes through here."""
        return super().render_str(show_controls(text), **options)

    def print_line(self, text: str, **options: Any) -> None:
        """Prints a text on one line: line feeds in it, which names of files may hold, are made visible too."""
        self.print(show_controls_on_line(text), **options)


_AS_IT_IS: dict[str, Any] = {"highlight": False, "soft_wrap": True, "markup": False, "emoji": False}
"""Texts of documents are printed as they are, whatever is in brackets or between colons."""
messages = OutputConsole(stderr=True, **_AS_IT_IS)
"""The console on standard error."""


def results() -> OutputConsole:
    """A console on standard output."""
    return OutputConsole(**_AS_IT_IS)


def print_json(content: dict[str, Any]) -> None:
    """Prints one JSON object on standard output, in UTF-8 whatever the locale is."""
    text = dump_json(content) + "\n"
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[str]], numbers: Container[str], **options: Any
) -> None:
    """Prints a table on standard output.

    Args:
        columns: their names.
        rows: the cells. Their line feeds are kept; `show_controls_on_line` makes those of names visible.
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
    messages.print_line(text)


def print_error(text: str) -> None:
    """Prints a sentence about a failure on standard error."""
    messages.print("error:", style="bold red", end=" ")
    messages.print_line(text)


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
