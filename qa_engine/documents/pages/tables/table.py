"""The grid of a table and its words in, rows of cells out; and the text of a row with the names of its columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from qa_engine.documents.blocks import Rect, Table
from qa_engine.documents.pages.lines.joining import grouped
from qa_engine.documents.pages.lines.text_layer import clean
from qa_engine.documents.sentences.splitting import cut, join_sentences
from qa_engine.text.language import is_chinese

_NUMBER = re.compile(r"[-+−(（]?[\s¥$€£]*[\d.,]+\s*[%％‰xX倍元万亿]*[)）]?|[-—–/]+|n/?a", re.I)
_YEAR = re.compile(r"(19|20)\d\d([-/]\d{1,2}){0,2}")
"""A year or a date, which names a column of numbers."""
_MAX_HEADER_ROWS = 3
_MIN_ROOM = 10
"""A piece of a long row has room for so many characters at least."""
_MARKS = 4
"""Characters of the marks between a name, a cell and the cell before it."""
_BLANK = 0.35
"""Two words of a cell are less than this share of their height apart."""
_MOST = 0.75
"""A cell with this share of its width in one column belongs to that column."""
_UNNAMED = 0.3
"""A column without a name counts as much as a name that deviates by this share of a column."""
_MARGIN = 2.0
"""Points that a word may stand outside of the box of its table."""


_Extent = tuple[float, float]
"""Left and right edge."""


class Word(NamedTuple):
    """A word and where it is, in points."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str


def build_table(
    rect: Rect, rows: Sequence[float], columns: Sequence[float], words: Sequence[Word]
) -> Table | None:
    """A table out of the edges of its rows and columns, or None if it has fewer than two cells.

    Args:
        rect: the table on its page, in points.
        rows, columns: edges, ascending, in points.
        words: of the page.
    """
    if len(rows) < 2 or len(columns) < 3:
        return None
    bands: list[list[Word]] = [[] for _ in rows[1:]]
    for word in words:
        x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
        if rect.x0 - _MARGIN <= x <= rect.x1 + _MARGIN and rect.y0 - _MARGIN <= y <= rect.y1 + _MARGIN:
            bands[_interval(rows, y)].append(word)
    cells: list[list[list[Word]]] = [[[] for _ in columns[1:]] for _ in rows[1:]]
    for row, band in zip(cells, bands, strict=True):
        for line in _lines(band):
            for run in _runs(line):
                row[_column(run, columns)].extend(run)
    texts = [[_cell_text(cell) for cell in row] for row in cells]
    filled = [index for index, row in enumerate(texts) if any(row)]
    used = [column for column in range(len(columns) - 1) if any(texts[row][column] for row in filled)]
    if len(filled) * len(used) < 2:
        return None
    table = [[texts[row][column] for column in used] for row in filled]
    boxes = [(rect.x0, rows[row], rect.x1, rows[row + 1]) for row in filled]
    headers = count_header_rows(table)
    if headers > 1:
        places = [[_extent(cells[row][column]) for column in used] for row in filled]
        below = [
            _extent([word for row in filled[headers - 1 :] for word in cells[row][column]]) for column in used
        ]
        for number in range(headers - 1):
            _repeat_spanning(table[number], places[number], below)
    return Table(table, boxes, headers)


def count_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the top name the columns: those without other numbers than years, and at most three.

    A second one counts only if it fills cells, the first aside, that the row above leaves empty, as the names of columns
    under a common name do.
    """
    if len(rows) < 2:
        return 0
    headers = 0
    for row in rows[:_MAX_HEADER_ROWS]:
        filled = [cell for cell in row if cell]
        numbers = [cell for cell in filled if _NUMBER.fullmatch(cell)]
        years = row[0] not in numbers and all(_YEAR.fullmatch(cell) for cell in numbers)
        if not years and (len(numbers) > 1 or len(filled) <= 2):
            break
        if headers and not any(
            cell and not above for cell, above in zip(row[1:], rows[headers - 1][1:], strict=True)
        ):
            break
        if headers and row[0] and rows[0][0]:
            break
        headers += 1
    return min(headers, len(rows) - 1)


def column_names(table: Table) -> list[str]:
    """A name for each column, from the header rows."""
    names = ["" for _ in (table.rows[0] if table.rows else ())]
    for row in table.rows[: table.header_rows]:
        for column, cell in enumerate(row):
            if cell != names[column]:
                names[column] = f"{names[column]} {cell}".strip()
    return names


def row_texts(table: Table, names: Sequence[str] | None = None, max_chars: int = 400) -> list[list[str]]:
    """For each row below the header, its cells with the names of their columns; in pieces where that is long.

    Every piece begins with the first cell, which mostly names the row. Where the first cell is empty, as under a cell that
    spans rows, it is that of the row above. A cell that is too long for a piece is cut.

    Args:
        table: the table.
        names: of its columns, if they are not in the table, because it continues one of the page before.
        max_chars: most characters of a piece.
    """
    names = list(names) if names is not None else column_names(table)
    label = ""
    texts = []
    for row in table.rows[table.header_rows :]:
        label = row[0] or label
        others = [(name, cell) for name, cell in list(zip(names, row, strict=False))[1:] if cell]
        if not others:
            # A row of one cell is a note or a heading inside the table.
            texts.append(_cut(label, max_chars))
            continue
        first = _with_name(names[0], label)
        room = max_chars - len(first)
        parts = [
            _with_name(name, text) for name, cell in others for text in _cut(cell, room - len(name) - _MARKS)
        ]
        texts.append(_pieces(first, parts, max_chars))
    return texts


def markdown(table: Table) -> str:
    """The table in Markdown, with one header row out of all of them."""
    names = column_names(table) if table.header_rows else ["" for _ in table.rows[0]]
    lines = [markdown_row(names), "|" + " --- |" * len(names)]
    lines.extend(markdown_row(row) for row in table.rows[table.header_rows :])
    return "\n".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    """One row in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _interval(edges: Sequence[float], at: float) -> int:
    return min(max(bisect_right(edges, at) - 1, 0), len(edges) - 2)


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Words by line from top to bottom, in a line from left to right."""
    downwards = sorted(words, key=lambda word: ((word.y0 + word.y1) / 2, word.x0))
    lines = grouped(downwards, lambda line, word: (word.y0 + word.y1) / 2 < line[0].y1)
    return [sorted(line, key=lambda word: word.x0) for line in lines]


def _runs(line: Sequence[Word]) -> list[list[Word]]:
    """Joins words with no more than a blank between them, so that a cell over several columns stays whole; not numbers."""

    def continues(run: list[Word], word: Word) -> bool:
        near = word.x0 - run[-1].x1 < _BLANK * (word.y1 - word.y0)
        return near and not (_NUMBER.fullmatch(word.text) or _NUMBER.fullmatch(run[-1].text))

    return grouped(line, continues)


def _column(run: Sequence[Word], columns: Sequence[float]) -> int:
    """The column that holds most of a run of words, or the first of the columns that it spans."""
    x0, x1 = run[0].x0, run[-1].x1
    middle = _interval(columns, (x0 + x1) / 2)
    inside = min(x1, columns[middle + 1]) - max(x0, columns[middle])
    if inside >= _MOST * (x1 - x0):
        return middle
    return min(_interval(columns, x0 + _MARGIN), middle)


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


def _cell_text(words: Sequence[Word]) -> str:
    texts = [word.text for line in _lines(words) for word in line]
    return clean(join_sentences(texts).replace("\n", " "))


def _with_name(name: str, cell: str) -> str:
    """A cell behind the name of its column."""
    if not name or name == cell:
        return cell
    return f"{name}：{cell}" if is_chinese(name + cell) else f"{name}: {cell}"


def _cut(text: str, max_chars: int) -> list[str]:
    pieces = (text[begin:end].strip() for begin, end in cut(text, 0, len(text), max(max_chars, _MIN_ROOM)))
    return [piece for piece in pieces if piece]


def _pieces(first: str, parts: Sequence[str], max_chars: int) -> list[str]:
    pieces: list[str] = []
    current = first
    for part in parts:
        longer = _with_part(current, part)
        if current != first and len(longer) > max_chars:
            pieces.append(current)
            longer = _with_part(first, part)
        current = longer
    pieces.append(current)
    return [piece for piece in pieces if piece]


def _with_part(row: str, part: str) -> str:
    mark = "；" if is_chinese(row + part) else "; "
    return f"{row}{mark}{part}" if row else part
