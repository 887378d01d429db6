"""The commands that only evaluation needs: entry points of the group ``qa_engine.commands``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qa_engine.cli.output import print_json, results


def print_sentence(sentence: str) -> None:
    """Prints a sentence on standard output."""
    results().print_line(sentence)


def print_outcome(as_json: bool, content: dict[str, Any], sentence: str) -> None:
    """Prints what a command came to on standard output: one JSON object, or a sentence."""
    if as_json:
        print_json(content)
    else:
        print_sentence(sentence)


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], left_aligned: int = 1, title: str | None = None
) -> None:
    """Prints a table on standard output, the first ``left_aligned`` columns to the left, with a title above it."""
    from rich.table import Table

    table = Table(title=title)
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number < left_aligned else "right")
    for row in rows:
        table.add_row(*row)
    results().print(table)
