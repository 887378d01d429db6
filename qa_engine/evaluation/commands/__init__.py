"""The commands that only evaluation needs: entry points of the group ``qa_engine.commands``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qa_engine.cli.output import results


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], left_aligned: int = 1, title: str = ""
) -> None:
    """Prints a table on standard output.

    Args:
        header: names of the columns.
        rows: the cells.
        left_aligned: number of columns, from the first, that are aligned to the left.
        title: stands above it.
    """
    from rich.table import Table

    table = Table(title=title or None)
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number < left_aligned else "right")
    for row in rows:
        table.add_row(*row)
    results().print(table)
