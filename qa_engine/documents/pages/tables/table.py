"""A table out of the words of a page, edges of rows and columns, and rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.blocks import Rect, Table
from qa_engine.documents.pages.tables.cells import Cells, build_cells
from qa_engine.documents.pages.tables.header_rows import count_header_rows, is_key_value
from qa_engine.documents.pages.tables.rules import Rule, Rules
from qa_engine.documents.pages.tables.spanning_labels import DOUBT, spread_labels
from qa_engine.documents.pages.tables.words import Word, cell_text

_UNNAMED = 0.3
"""A column without a name counts as much as a name that deviates by this share of a column."""

_UNDER = 3.0
"""A rule under a name is no more points above the foot of its letters, or below by a line."""
_PART = 0.9
"""A rule over this share of the table and more is under the whole row."""

_ABOVE = re.compile(
    r"(?=.*单位[:：])(编制(单位|人)[:：][^\d:：]{2,40})?(\d{4}年(\d{1,2}月(\d{1,2}日)?)?)?"
    r"([（(]?(金额)?单位[:：](人民币)?[十百千万亿]*([美港欧日]?元|股|人)([/、]股)?)?([,，]?币种[:：]\D{2,4})?[)）]?"
)
"""Who made a statement, of which day, and its unit: they stand over all columns and name none."""

_Extent = tuple[float, float]
"""Left and right edge."""


def build_table(
    rect: Rect,
    rows: Sequence[float],
    columns: Sequence[float],
    words: Sequence[Word],
    rules: Rules | None = None,
) -> Table | None:
    """A table out of the edges of its rows and columns, or None if it has fewer than two cells.

    Args:
        rect: the table on its page, in points.
        rows, columns: edges by the layout model, ascending, in points.
        words: of the page.
        rules: of the page, if they are known.
    """
    rules = rules or Rules()
    if len(rows) < 2 or len(columns) < 3:
        if not rules.is_grid(rect):
            return None
        rows, columns = (rect.y0, rect.y1), (rect.x0, rect.x1)
    cells = build_cells(rect, rows, columns, words, rules)
    texts = cells.texts()
    filled = [number for number, row in enumerate(texts) if any(row)]
    used = [
        column
        for column in range(len(cells.columns) - 1)
        if any(texts[row][column] for row in filled) or cells.is_column(column)
    ]
    while len(filled) > 1 and (
        _is_title(cells, filled[0], used)
        or cells.is_outside(filled[0])
        or _ABOVE.fullmatch("".join(texts[filled[0]]))
    ):
        filled = filled[1:]
    while len(filled) > 1 and cells.is_outside(filled[-1]):
        filled = filled[:-1]
    if len(filled) * len(used) < 2:
        return None
    inside = cells.keep(filled, used)
    texts = inside.texts()
    separated = [all(row) for row in inside.ruled]
    headers = count_header_rows(texts, inside.reach(), separated)
    key_value = not headers and is_key_value(texts)
    names = _header_texts(inside, texts, headers)
    body, unclear = spread_labels(inside, headers)
    if not headers and not key_value and len(body) > 1:
        key_value = is_key_value(body)
    boxes = [(rect.x0, cells.rows[row], rect.x1, cells.rows[row + 1]) for row in filled]
    return Table(
        [*names, *body[headers:]],
        boxes,
        headers,
        key_value=key_value,
        complete=True,
        columns=tuple(cells.columns[column] for column in used) if cells.dividers else (),
        wide=_wide_cells(inside, headers),
        doubt=DOUBT if unclear else "",
    )


def _wide_cells(cells: Cells, headers: int) -> dict[tuple[int, int], int]:
    """The cells below the header that reach over several columns, and the last column of each."""
    wide: dict[tuple[int, int], int] = {}
    for row, joined in enumerate(cells.joined):
        for column, cell in enumerate(cells.words[row]):
            last = column
            while joined[last]:
                last += 1
            if row >= headers and cell and last > column:
                wide[row, column] = last
    return wide


def _is_title(cells: Cells, row: int, used: Sequence[int]) -> bool:
    """Whether a row is one cell over all columns."""
    return (
        len(used) > 1
        and sum(1 for cell in cells.words[row] if cell) == 1
        and all(cells.joined[row][used[0] : used[-1]])
    )


def _header_texts(cells: Cells, texts: Sequence[Sequence[str]], headers: int) -> list[list[str]]:
    """The header rows, with each name in all rows and columns that it spans."""
    rows = [list(row) for row in texts[:headers]]
    below = [
        _extent([word for row in cells.words[max(headers - 1, 0) :] for word in row[column]])
        for column in range(len(texts[0]))
    ]
    for column in range(len(texts[0])):
        for start, end in cells.regions(column, 0, headers):
            if cells.is_one(column, start, end) and not _is_underlined(cells, column, start, end):
                text = cell_text([word for row in cells.words[start : end + 1] for word in row[column]])
                for row in rows[start : end + 1]:
                    row[column] = text or row[column]
    for number, row in enumerate(rows):
        if any(cells.joined[number]):
            for column, joined in enumerate(cells.joined[number][:-1]):
                if joined:
                    row[column + 1] = row[column]
        elif number < headers - 1 and not _repeat_underlined(cells, number, row, below):
            _repeat_spanning(row, [_extent(cell) for cell in cells.words[number]], below)
    return rows


def _underlines(cells: Cells, row: int, column: int) -> list[Rule]:
    """The rules between the words of a cell and the row below that are under these words, and not under all."""
    words = cells.words[row][column]
    bottom = max(word.y1 for word in words)
    x0, x1 = min(word.x0 for word in words), max(word.x1 for word in words)
    width = cells.columns[-1] - cells.columns[0]
    return [
        rule
        for rule in cells.lines
        if -_UNDER < rule.at - bottom < _UNDER + (bottom - min(word.y0 for word in words))
        and min(rule.end, x1) - max(rule.start, x0) > (x1 - x0) / 2
        and rule.end - rule.start < _PART * width
    ]


def _is_underlined(cells: Cells, column: int, start: int, end: int) -> bool:
    """Whether a rule is under the words of a cell of the header, or under what reaches over it from the left."""
    for row in range(start, end):
        for other in range(column + 1):
            if cells.words[row][other] and any(
                rule.end > cells.columns[column] + _UNDER for rule in _underlines(cells, row, other)
            ):
                return True
    return False


def _repeat_underlined(cells: Cells, number: int, row: list[str], below: Sequence[_Extent | None]) -> bool:
    """Writes the names of an upper header row over the columns that their underlines span; False if there are none."""
    spans = {
        column: rules[0]
        for column in range(1, len(row))
        if cells.words[number][column] and (rules := _underlines(cells, number, column))
    }
    for column, rule in spans.items():
        for other, place in enumerate(below):
            if other and place is not None and rule.start < (place[0] + place[1]) / 2 < rule.end:
                row[other] = row[column] if other not in spans else row[other]
    return bool(spans)


def _extent(words: Sequence[Word]) -> _Extent | None:
    return (min(word.x0 for word in words), max(word.x1 for word in words)) if words else None


def _repeat_spanning(
    row: list[str], places: Sequence[_Extent | None], below: Sequence[_Extent | None]
) -> None:
    """Writes each name of an upper header row into all columns that it spans.

    No edge tells which these are. A name stands in the middle of its columns, or where the first of them begins. The
    columns, all but the first, are divided among the names so that they fit best and few columns have no name.

    Args:
        row: cells of the row.
        places: of the words of each cell.
        below: of the words below it in each column.
    """
    names = [(number, *place) for number, place in enumerate(places) if number and place is not None]
    extents = [low or high or (0.0, 0.0) for low, high in zip(below, places, strict=True)]
    width = max(right for _, right in extents) - min(left for left, _ in extents)
    unnamed = _UNNAMED * width / len(row)
    # For each column before which the names so far may end: how badly they fit, and the columns of each.
    best: dict[int, tuple[float, list[tuple[int, int]]]] = {1: (0.0, [])}
    for index, (column, x0, x1) in enumerate(names):
        last = names[index + 1][0] if index + 1 < len(names) else len(row)
        fits: dict[int, tuple[float, list[tuple[int, int]]]] = {}
        for before, (misfit, spans) in best.items():
            for start in range(before, column + 1):
                for end in range(column + 1, last + 1):
                    left, right = extents[start][0], extents[end - 1][1]
                    deviation = min(abs(x0 + x1 - left - right) / 2, abs(x0 - left))
                    total = misfit + deviation + unnamed * (start - before)
                    if end not in fits or total < fits[end][0]:
                        fits[end] = (total, [*spans, (start, end)])
        best = fits
    _, spans = min((misfit + unnamed * (len(row) - end), spans) for end, (misfit, spans) in best.items())
    for (column, _, _), (start, end) in zip(names, spans, strict=True):
        row[start:end] = [row[column]] * (end - start)
