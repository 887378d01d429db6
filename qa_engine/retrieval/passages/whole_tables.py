"""Attaches whole tables to passages that hold rows of them, each row once among all passages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field, PrivateAttr

from qa_engine.documents.blocks import Role
from qa_engine.types import Passage, passage_of, with_changes

_RULE = re.compile(r"\|( --- \|)+")
_BORDER = re.compile(r"(?<!\\)\|")
_GAP = "…"


class TableAttacher(BaseNodePostprocessor):
    """Attaches to passages with rows of a table the whole table in Markdown, for answers that need more than these rows.

    Each table is attached once, to the best passage. Of a table longer than ``max_chars`` that is the part around the rows
    of all passages, below the header of the table; if they are too far apart, each passage gets the part around its own
    rows, without those that another one has.
    """

    max_chars: int = Field(default=3000, ge=0)
    _tables: Callable[[Passage], list[str]] = PrivateAttr()

    def __init__(self, tables: Callable[[Passage], list[str]], **settings: int) -> None:
        """Takes a function that returns the tables of a passage's document."""
        super().__init__(**settings)
        self._tables = tables

    @classmethod
    def class_name(cls) -> str:
        return "TableAttacher"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        passages = [passage_of(node) for node in nodes]
        rows = [_rows(passage) for passage in passages]
        stored: dict[str, list[str]] = {}
        wanted: dict[tuple[str, int], list[str]] = {}
        for passage, own in zip(passages, rows, strict=True):
            if own and passage.document_id not in stored:
                stored[passage.document_id] = self._tables(passage)
            for number, texts in own.items():
                wanted.setdefault((passage.document_id, number), []).extend(texts)
        shown: dict[tuple[str, int], list[str]] = {}
        result = []
        for node, passage, own in zip(nodes, passages, rows, strict=True):
            tables = []
            for number, texts in sorted(own.items()):
                key = passage.document_id, number
                if number >= len(stored[passage.document_id]):
                    continue
                part = self._part(stored[passage.document_id][number], texts, wanted[key], shown.get(key))
                if part:
                    shown.setdefault(key, []).append(part)
                    tables.append(part)
            result.append(with_changes(node, passage, tables=tuple(tables)) if tables else node)
        return result

    def _part(
        self, table: str, own: Sequence[str], wanted: Sequence[str], shown: Sequence[str] | None
    ) -> str:
        """What a passage shows of a table: with rows of its own, and those of all passages, when some parts are shown."""
        if shown is None:
            part = part_around(table, wanted, self.max_chars)
            return (
                part
                if all(holds_row(part, row) for row in wanted)
                else part_around(table, own, self.max_chars)
            )
        missing = [
            row for row in own if holds_row(table, row) and not any(holds_row(part, row) for part in shown)
        ]
        if not missing:
            return ""
        lines = table.split("\n")
        first = _first_row(lines)
        known = {line for part in shown for line in part.split("\n")}
        left = [line for line in lines[first:] if line not in known]
        return part_around("\n".join([*lines[:first], *left]), missing, self.max_chars)


def _rows(passage: Passage) -> dict[int, list[str]]:
    """The rows of each table that a passage holds."""
    rows: dict[int, list[str]] = {}
    for sentence in passage.sentences:
        if sentence.table is not None and sentence.role != Role.TABLE_SUMMARY:
            rows.setdefault(sentence.table, []).append(sentence.text)
    return rows


def holds_row(table: str, row: str) -> bool:
    """Whether one of the lines below the header of a table in Markdown says what a row says.

    Args:
        table: the table, or a part of it.
        row: its row, with the names of the columns.
    """
    lines = table.split("\n")
    return any(_says(row, line) for line in lines[_first_row(lines) :])


def _first_row(lines: Sequence[str]) -> int:
    """The number of the line behind the header of a table in Markdown."""
    return next((number + 1 for number, line in enumerate(lines) if _RULE.fullmatch(line)), 0)


def part_around(table: str, rows: Sequence[str], max_chars: int) -> str:
    """A table in Markdown, or the part of it around some rows, below its title and header.

    Args:
        table: the table, with its title above it if it has one.
        rows: what its rows say, with the names of their columns.
        max_chars: most characters of the result.

    Returns:
        The table, or its header and as many rows as there is room for, with ``…`` for those before and after them. Empty if
        there is no room for one of the rows.
    """
    if len(table) <= max_chars:
        return table
    lines = table.split("\n")
    first = _first_row(lines)
    body = lines[first:]
    own = [number for number, line in enumerate(body) if any(_says(row, line) for row in rows)]
    room = max_chars - len("\n".join(lines[:first])) - len(_GAP) * 2
    start = end = own[0] if own else 0
    wanted = own[-1] + 1 if own else 0
    blocked = False
    while not blocked:
        blocked = True
        # The rows between the hits come first, then those above and below them in turn.
        for number in (end, start - 1) if end >= wanted else (end,):
            if 0 <= number < len(body) and len(body[number]) < room:
                start, end = min(start, number), max(end, number + 1)
                room -= len(body[number]) + 1
                blocked = False
    if start == end:
        return ""
    gaps = [_GAP] if start else [], [_GAP] if end < len(body) else []
    return "\n".join([*lines[:first], *gaps[0], *body[start:end], *gaps[1]])


def _says(row: str, line: str) -> bool:
    """Whether a row says what stands in all cells of a line of Markdown."""
    cells = [cell.strip().replace("\\|", "|") for cell in _BORDER.split(line)]
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell in row for cell in filled)
