"""Finds the tables of a sheet: the cells in, regions with their titles, header rows and notes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qa_engine.documents.pages.tables.header_rows import count_header_rows, is_key_value
from qa_engine.documents.renditions.formats.sheets.sheet import Place, Sheet, shown_cells

_NOTE = re.compile(r"(注|备注|说明|附注|资料来源|数据来源|来源|Notes?|Source)\s*[\d（(]*[：:.]|\*", re.I)
_LABELLED = re.compile(r"[^：:]{1,12}[：:]\s*\S")
"""Such as 编制单位：… and 单位：元 beside each other above a table."""
_NUMBER = re.compile(r"[-+(（]?[¥$€￥]?\s?\d[\d,，.]*\s?[%％)）]?")
_TITLE_GAP = 2
"""Rows from a title to its table, at most."""


@dataclass
class Region:
    """A table of a sheet, or words beside tables.

    Attributes:
        top, left, bottom, right: its first and last rows and columns, without titles and notes.
        header_rows: how many rows at the top name the columns.
        titles, notes: cells with words above and below it.
        key_value: whether each row is a key and its value.
        columns: those that are shown.
        rows: those that are shown.
    """

    top: int
    left: int
    bottom: int
    right: int
    header_rows: int = 0
    titles: list[Place] = field(default_factory=list)
    notes: list[Place] = field(default_factory=list)
    key_value: bool = False
    columns: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


def regions_of(sheet: Sheet) -> list[Region]:
    """The tables of a sheet in reading order, from the top, and from the left."""
    inside = shown_cells(sheet.spans)
    taken = set(sheet.cells) | {place for place, first in inside.items() if first in sheet.cells}
    taken = {one for one in taken if one[0] not in sheet.hidden_rows and one[1] not in sheet.hidden_columns}
    blocks = sorted(_split(taken, sheet, inside), key=lambda block: (min(block)[0], min(c for _, c in block)))
    regions: list[Region] = []
    waiting: list[Place] = []
    for block in blocks:
        region = _region(block, sheet, inside)
        if not region.rows:  # words alone: the title of the table below, or a paragraph
            waiting += region.titles
            continue
        above = [place for place in waiting if _is_above(place, region, sheet)]
        regions += [_words(place) for place in waiting if place not in above]
        region.titles = above + region.titles
        waiting = []
        if regions and _goes_on(regions[-1], region, sheet):
            before = regions[-1]
            before.rows += region.rows
            before.bottom, before.notes = region.bottom, region.notes
        else:
            regions.append(region)
    return regions + [_words(place) for place in waiting]


def _goes_on(before: Region, region: Region, sheet: Sheet) -> bool:
    """Whether a table without names of columns goes on with the one above it, after an empty row."""
    between = [row for row in range(before.bottom + 1, region.top) if row not in sheet.hidden_rows]
    return (
        before.header_rows > 0
        and not region.header_rows
        and not (region.titles or before.notes)
        and before.columns == region.columns
        and len(between) <= _TITLE_GAP
    )


def _is_above(place: Place, region: Region, sheet: Sheet) -> bool:
    """Whether words stand near enough above a table to be its title."""
    bottom, right = sheet.spans.get(place, place)
    near = 0 < region.top - bottom <= _TITLE_GAP + 1 + len(region.titles)
    return near and place[1] <= region.right and region.left <= right


def _words(place: Place) -> Region:
    return Region(place[0], place[1], place[0], place[1], titles=[place])


def _split(places: set[Place], sheet: Sheet, inside: dict[Place, Place]) -> list[set[Place]]:
    """Parts of a sheet with an empty row, or an empty column between two tables, between them."""
    waiting, done = [places], []
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        pieces = _apart(part, 0, sheet.hidden_rows)
        if len(pieces) == 1:
            # A title over both of two tables does not join them.
            title = _rows_of_one_cell(part, inside)
            pieces = _side_by_side(_apart(part - title, 1, sheet.hidden_columns))
            if len(pieces) > 1 and title:
                pieces.append(title)
        if len(pieces) == 1:
            done.append(part)
        else:
            waiting += pieces
    return done


def _rows_of_one_cell(part: set[Place], inside: dict[Place, Place]) -> set[Place]:
    """The rows at the top of a part that show one cell alone."""
    found: set[Place] = set()
    for row in sorted({row for row, _ in part}):
        here = {place for place in part if place[0] == row}
        if len({inside.get(place, place) for place in here}) > 1:
            break
        found |= here
    return found


def _apart(part: set[Place], axis: int, hidden: set[int]) -> list[set[Place]]:
    """Parts between which a row (axis 0) or a column (axis 1) that is shown is empty."""
    group, last = -1, None
    groups: dict[int, int] = {}
    for number in sorted({place[axis] for place in part}):
        if last is None or any(between not in hidden for between in range(last + 1, number)):
            group += 1
        groups[number] = group
        last = number
    result: list[set[Place]] = [set() for _ in range(group + 1)]
    for place in part:
        result[groups[place[axis]]].add(place)
    return result


def _side_by_side(pieces: list[set[Place]]) -> list[set[Place]]:
    """Parts beside each other; one of a single column belongs to the part beside it."""
    result: list[set[Place]] = []
    for piece in pieces:
        narrow = len({column for _, column in piece}) < 2
        if result and (narrow or len({column for _, column in result[-1]}) < 2):
            result[-1] |= piece
        else:
            result.append(piece)
    return result


def _region(block: set[Place], sheet: Sheet, inside: dict[Place, Place]) -> Region:
    rows = sorted({row for row, _ in block})
    columns = sorted({column for _, column in block})
    owners = {row: _cells_of(row, columns, sheet, inside) for row in rows}
    titles: list[Place] = []
    notes: list[Place] = []
    while rows and len(owners[rows[0]]) == 1 and (len(columns) > 1 or len(rows) > 1 or not titles):
        (only,) = owners[rows[0]]
        if _NUMBER.fullmatch(sheet.cells[only]) and len(columns) > 1:
            break
        titles.append(only)
        rows = [row for row in rows if row > sheet.spans.get(only, only)[0]]
    while len(rows) > 2 and 1 < len(owners[rows[0]]) < len(columns):
        labelled = sorted(owners[rows[0]])
        if not all(_LABELLED.match(sheet.cells[place]) for place in labelled):
            break
        titles += labelled
        rows.pop(0)
    while len(rows) > 1 and len(owners[rows[-1]]) == 1:
        (only,) = owners[rows[-1]]
        if not _NOTE.match(sheet.cells[only]):
            break
        notes.insert(0, only)
        rows.pop()
    if not rows:
        return Region(titles[0][0], columns[0], titles[-1][0], columns[-1], titles=titles)
    region = Region(rows[0], columns[0], rows[-1], columns[-1], 0, titles, notes, False, columns, rows)
    texts = [[sheet.cells.get((row, column), "") for column in columns] for row in rows]
    first = (rows[0], columns[0])
    reach = sheet.spans.get(first, first)[0] - rows[0] + 1
    region.header_rows = count_header_rows(texts, reach) or _names_by_look(texts, rows, columns, sheet)
    region.key_value = not region.header_rows and len(columns) > 1 and is_key_value(texts)
    return region


def _cells_of(row: int, columns: Iterable[int], sheet: Sheet, inside: dict[Place, Place]) -> set[Place]:
    """The cells that are seen in a row, each once."""
    seen = {inside.get((row, column), (row, column)) for column in columns}
    return {place for place in seen if place in sheet.cells}


def _names_by_look(
    texts: Sequence[Sequence[str]], rows: Sequence[int], columns: Sequence[int], sheet: Sheet
) -> int:
    """One header row, if it is words that differ, and either bold alone or above numbers."""
    if len(rows) < 2 or not all(texts[0]) or len(set(texts[0])) < len(texts[0]) or len(columns) < 2:
        return 0
    if any(_NUMBER.fullmatch(text) for text in texts[0]):
        return 0
    bold = all((rows[0], column) in sheet.bold for column in columns)
    others = any((rows[1], column) in sheet.bold for column in columns)
    numbers = any(_NUMBER.fullmatch(text) for text in texts[1])
    return 1 if (bold and not others) or numbers or not sheet.name else 0
