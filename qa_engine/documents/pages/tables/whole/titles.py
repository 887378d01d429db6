"""Tables that begin inside others: a table in, its parts each with the title above it out.

Where statements follow one another without rules, the layout model sees one table: the title of the next one and its unit
are rows, and its columns would have the names of the one before. A unit in the first row would be part of all names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.header_rows import count_header_rows
from qa_engine.documents.pages.tables.values import Kind, kind
from qa_engine.documents.pages.tables.whole.statements import is_title

_MAX_TITLE = 80
_MIN_ROWS = 3
"""A title inside a table has so many rows below it at least, the first of which name the columns."""
_UNIT = re.compile(
    r"(编制)?(单位|日期)\s?[:：].*|币种\s?[:：].*|[(（](未经审计|unaudited)[)）]"
    r"|[(（]?(us|hk)?[$¥]?\s?(and shares )?(amounts |expressed )?in (millions|thousands|billions)\b.*",
    re.I,
)


class TitledTable(NamedTuple):
    """A table, or a part of one, with the texts above it that stood in its rows.

    Attributes:
        title: these texts; empty for a table that begins with its own first row.
        title_boxes: the rectangles of their rows.
        table: without these rows.
    """

    title: list[str]
    title_boxes: list[tuple[float, float, float, float]]
    table: Table


def titled_parts(table: Table) -> list[TitledTable]:
    """A table, divided where the title of a statement stands between its rows, and without the unit at its top."""
    kinds = [_title_of_row(row) for row in table.rows]
    parts: list[TitledTable] = []
    begin = place = 0
    title: tuple[int, int] = (0, 0)
    while place < len(kinds):
        end = place
        while end < len(kinds) and kinds[end]:
            end += 1
        named = any(is_title(kinds[number]) for number in range(place, end))
        below = table.rows[end : end + 2 * _MIN_ROWS]
        if end > place and len(below) >= _MIN_ROWS and (not place or (named and count_header_rows(below))):
            if place > begin:
                parts.append(_part(table, kinds, title, begin, place))
            title, begin = (place, end), end
        place = max(end, place + 1)
    if not begin:
        return [TitledTable([], [], table)]
    return [*parts, _part(table, kinds, title, begin, len(kinds))]


def _part(table: Table, kinds: Sequence[str], title: tuple[int, int], begin: int, end: int) -> TitledTable:
    rows = table.rows[begin:end]
    header_rows = count_header_rows(rows) if begin else min(table.header_rows, len(rows))
    wide = {(row - begin, column): last for (row, column), last in table.wide.items() if begin <= row < end}
    part = replace(table, rows=rows, boxes=table.boxes[begin:end], header_rows=header_rows, wide=wide)
    return TitledTable(list(kinds[slice(*title)]), list(table.boxes[slice(*title)]), part)


def _title_of_row(row: Sequence[str]) -> str:
    """What a row says that is the title of a statement or a unit; empty for any other row."""
    texts = list(dict.fromkeys(cell.strip() for cell in row if cell.strip()))
    if not texts or sum(map(len, texts)) > _MAX_TITLE or any(kind(text) is Kind.NUMBER for text in texts):
        return ""
    if all(_UNIT.fullmatch(text) for text in texts) or (is_title(texts[0]) and len(texts) == 1):
        return " ".join(texts)
    rest = [text for text in texts if not _UNIT.fullmatch(text)]
    return " ".join(texts) if len(rest) == 1 and is_title(rest[0]) else ""
