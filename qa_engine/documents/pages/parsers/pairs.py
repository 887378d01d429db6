"""Labels beside their values, without rules or fields: pieces of lines in, tables of keys and values and the rest out.

Cover blocks of reports and contracts, boxes of market data, data sheets and forms for a pen are made of these. Read line by
line they are words without a verb, and column by column the labels come first and the values after all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from qa_engine.documents.blocks import Block, Line, Role, Table
from qa_engine.documents.pages.block_roles import LABEL, LIST_ITEM, UNIT
from qa_engine.documents.pages.lines.cleaning import count_han
from qa_engine.documents.pages.lines.joining import bounds, grouped, join_pieces, rows_of
from qa_engine.documents.pages.tables.header_rows import is_usual_label
from qa_engine.documents.pages.tables.values import Kind, kind
from qa_engine.documents.sentences.splitting import join_sentences

CELL_GAP = 1.5
"""Between the cells of a row there is a gap of more than this many font sizes."""
_WIDEST, _USUAL = 44, 26
"""Letters of a label at most, and of most labels; a Han character is two."""
_APART = 4.0
"""A pair is no more font sizes below the one before it."""
_WRAPPED = 0.7
"""The second line of a label or of a value is no more font sizes below the first."""
_ALIGNED = 0.5
"""Labels begin, and values begin or end, within so many font sizes of each other."""
_NAME_ABOVE = 1.0
"""The name of a column of values is no more font sizes above the first of them."""
_KEYS, _TYPED = 1 / 3, 0.5
"""Among three pairs and more, this share of the labels are usual ones, or this share of the values no words."""
_NO_LABEL = re.compile(r",\s?\d[\d\s–-]*$|[。；，、！？,;!?…]$|.[：:].|^\W*$")
_COLON = re.compile(r"\s*[：:]$")
_CURRENCY = re.compile(r"[$€£¥￥]")
_WITH_VALUE = re.compile(r"[^\W\d][^\s:：。；，]{1,11}[:：]\s?[^\s:：][^:：。；]{0,39}$")
_NUMBERED = re.compile(r"\d{1,4}")
_OPEN = re.compile(r"[（(][^）)]*$")


@dataclass
class _Pair:
    """A label and its value, each of one line or several."""

    label: list[Line]
    value: list[Line]

    @property
    def lines(self) -> list[Line]:
        return [*self.label, *self.value]

    @property
    def texts(self) -> tuple[str, str]:
        return _COLON.sub("", _text(self.label)), _text(self.value)


@dataclass
class _Run:
    """Pairs below each other, with the neighbours that their rows have on the left and on the right."""

    pairs: list[_Pair] = field(default_factory=list)
    neighbours: list[tuple[Line | None, Line | None]] = field(default_factory=list)

    def takes(self, label: Line, value: Sequence[Line]) -> bool:
        """Whether a label and what is beside it are the next pair."""
        last, size = self.pairs[-1], label.size
        left, right = last.value[0].x0 - value[0].x0, last.value[-1].x1 - value[-1].x1
        return (
            abs(last.label[0].x0 - label.x0) < _ALIGNED * size
            and min(abs(left), abs(right)) < _ALIGNED * size
            and label.y0 - last.label[0].y1 < 2 * _APART * size  # labels of two lines may be between
        )


def take_pairs(pieces: Sequence[Line]) -> tuple[list[Block], list[Line]]:
    """The labels of some pieces with their values, a table for each list of them, and the pieces that are in none.

    Two pairs need usual labels (甲方, Date), or colons. Three and more may have others, if their values are figures, dates
    or codes, or only the labels are bold. What has another cell beside it is a table of more columns, and is left alone.
    """
    fields = _fields(pieces)
    if fields:
        own = {id(block.lines[0]) for block in fields}
        pairs, rest = take_pairs([piece for piece in pieces if id(piece) not in own])
        return [*fields, *pairs], rest
    runs = _runs(pieces)
    if not runs:
        return [], list(pieces)
    used = {id(line) for run in runs for pair in run.pairs for line in pair.lines}
    others = [piece for piece in pieces if id(piece) not in used]
    alone = [run for run in runs if _stands_alone(run, pieces) and not _is_column(run, others)]
    parts = [listed for run in alone for listed in _complete(run.pairs, others)]
    blocks: list[Block] = []
    taken: set[int] = set()
    for part in parts:
        own = {id(line) for pair in part for line in pair.lines}
        if own & taken or not _are_pairs([pair.texts for pair in part], part):
            continue
        names = _names_above(part, others)
        taken |= own | {id(line) for line in names}
        blocks.append(_block(part, names))
    return blocks, [piece for piece in pieces if id(piece) not in taken]


def _fields(pieces: Sequence[Line]) -> list[Block]:
    """Rows of several labels, each with its value in its piece (法定代表人：…, and beside it 会计主管：…), as fields."""
    labelled = [piece for piece in pieces if _WITH_VALUE.match(piece.text) and not UNIT.fullmatch(piece.text)]
    if len(labelled) < 2:
        return []
    return [
        Block(Role.FIELD, [piece])
        for row in rows_of(labelled)
        if len(row) > 1
        and all(right.x0 - left.x1 > CELL_GAP * left.size for left, right in pairwise(row))
        and not any(_is_in_column(piece, pieces) for piece in row[1:])
        for piece in row
    ]


def _is_in_column(piece: Line, pieces: Sequence[Line]) -> bool:
    """Whether another line is right above or below a piece, so that it belongs to that and not to its row."""
    return any(
        other is not piece
        and abs(other.x0 - piece.x0) < _ALIGNED * piece.size
        and max(other.y0 - piece.y1, piece.y0 - other.y1) < piece.size
        for other in pieces
    )


def _runs(pieces: Sequence[Line]) -> list[_Run]:
    """All runs of two pairs and more."""
    runs: list[_Run] = []
    for row in rows_of(pieces):
        cells = grouped(row, lambda cell, _: _CURRENCY.fullmatch(cell[-1].text) is not None)
        for index, ((label, *more), value) in enumerate(pairwise(cells)):
            if value[0].x0 - label.x1 < CELL_GAP * label.size or more or not _may_be_pair(label, value):
                continue
            run = next((run for run in runs if run.takes(label, value)), None)
            if run is None:
                run = _Run()
                runs.append(run)
            run.pairs.append(_Pair([label], value))
            left = cells[index - 1][0] if index else None
            run.neighbours.append((left, cells[index + 2][0] if index + 2 < len(cells) else None))
    return [run for run in runs if len(run.pairs) > 1]


def _may_be_pair(label: Line, value: Sequence[Line]) -> bool:
    return (
        _width(label.text) <= _WIDEST
        and not _NO_LABEL.search(label.text)
        and not LIST_ITEM.match(f"{label.text} x")
        and kind(label.text) is Kind.WORDS
        and not (LABEL.match(value[-1].text) or _COLON.search(value[-1].text))
    )


def _stands_alone(run: _Run, pieces: Sequence[Line]) -> bool:
    """Whether the pairs of a run are no part of a table: what is beside most of them is another column of the page."""
    for side in (0, 1):
        beside = [both[side] for both in run.neighbours]
        near = [
            line
            for line, pair in zip(beside, run.pairs, strict=True)
            if line is not None and abs(line.y0 + line.y1 - pair.label[0].y0 - pair.label[0].y1) < line.size
        ]
        if 2 * len(near) >= len(run.pairs):
            column = sum(1 for piece in pieces if abs(piece.x0 - near[0].x0) < 2)
            if column <= 2 * len(run.pairs):
                return False
    return True


def _is_column(run: _Run, others: Iterable[Line]) -> bool:
    """Whether the values of a run are lines of a column of text: most of its lines are above or below."""
    first, last = run.pairs[0].label[0], run.pairs[-1].label[0]
    x0, size = run.pairs[0].value[0].x0, first.size
    outside = [
        line for line in others
        if abs(line.x0 - x0) < 2 and (line.y1 < first.y0 - 2 * size or line.y0 > last.y1 + 2 * size)
    ]  # fmt: skip
    return len(outside) > len(run.pairs)


def _complete(pairs: Sequence[_Pair], others: Iterable[Line]) -> Iterator[list[_Pair]]:
    """Pairs with the other lines of their labels and values; in parts, where something else is between two."""
    size = median(pair.label[0].size for pair in pairs)
    left, right = min(pair.label[0].x0 for pair in pairs), max(pair.value[-1].x1 for pair in pairs)
    middle = min(pair.value[0].x0 for pair in pairs)
    top, bottom = pairs[0].label[0].y0, pairs[-1].label[0].y1
    inside = [
        line
        for line in others
        if line.x0 < right and line.x1 > left and line.y1 > top - size and line.y0 < bottom + _APART * size
    ]
    labels = [line for line in inside if line.x1 <= middle and abs(line.x0 - left) < size]
    values = [line for line in inside if line.x0 >= middle - _ALIGNED * size]
    result = list(pairs)
    for value in values:
        around = [line for line in labels if _is_around(line, value)]
        if len(around) > 1:  # the value stands in the middle of a label of two lines
            result.append(_Pair(around, [value]))
            labels = [line for line in labels if all(line is not other for other in around)]
            continue
        above = [pair for pair in pairs if -size < value.y0 - pair.value[-1].y1 < _WRAPPED * size]
        if above and abs(above[-1].value[0].x0 - value.x0) < _ALIGNED * size:
            above[-1].value.append(value)
    result.sort(key=lambda pair: bounds(pair.lines).y0)
    for label in labels:
        above = [pair for pair in result if -size < label.y0 - pair.label[-1].y1 < _WRAPPED * size]
        if above and _OPEN.search(_text(above[-1].label)):
            above[-1].label.append(label)
    kept = {id(line) for pair in result for line in pair.lines}
    breaks = [line.y0 for line in inside if id(line) not in kept]

    def goes_on(part: list[_Pair], pair: _Pair) -> bool:
        start, end = part[-1].label[0].y0, pair.label[0].y0
        return not any(start < at < end for at in breaks) and end - part[-1].lines[-1].y1 < _APART * size

    yield from grouped(result, goes_on)


def _is_around(label: Line, value: Line) -> bool:
    """Whether a line is half of a label in whose middle a value stands: it reaches beside that."""
    beside = max(label.y0, value.y0) - min(label.y1, value.y1) < 1
    return beside and abs(label.y0 + label.y1 - value.y0 - value.y1) < 2.4 * label.size


def _are_pairs(texts: Sequence[tuple[str, str]], pairs: Sequence[_Pair]) -> bool:
    """Whether labels and values look like these."""
    labels, values = [label for label, _ in texts], [value for _, value in texts]
    if len(pairs) < 2 or median(_width(label) for label in labels) > _USUAL:
        return False
    if all(_NUMBERED.fullmatch(value) for value in values) and _ascend(values):
        return False  # titles and the numbers of their pages
    colons = sum(1 for pair in pairs if _COLON.search(_text(pair.label)))
    usual = sum(1 for label in labels if is_usual_label(label))
    keys = max(usual, colons) / len(pairs)
    if len(pairs) == 2:
        return keys == 1
    kinds = [kind(value) for value in values]
    typed = sum(1 for what in kinds if what is not Kind.WORDS) / len(kinds)
    bold = all(pair.label[0].bold for pair in pairs) and not any(pair.value[0].bold for pair in pairs)
    return keys >= _KEYS or typed >= _TYPED or bold


def _names_above(pairs: Sequence[_Pair], others: Iterable[Line]) -> list[Line]:
    """The line above the values that names them, a year or words above numbers, and what is beside it above the labels."""
    kinds = [kind(_text(pair.value)) for pair in pairs]
    if 2 * kinds.count(Kind.NUMBER) < len(kinds):
        return []
    labels, values = (
        bounds([line for lines in side for line in lines])
        for side in ([pair.label for pair in pairs], [pair.value for pair in pairs])
    )
    above = [line for line in others if 0 <= labels.y0 - line.y1 + 1 < _NAME_ABOVE * line.size]
    names = [line for line in above if values.x0 - line.size < line.x1 and labels.x1 < line.x0 < values.x1]
    if not names or kind(names[0].text) not in {Kind.YEAR, Kind.DATE, Kind.WORDS}:
        return []
    return [line for line in above if labels.x0 - 2 < line.x0 and line.x1 < names[0].x0][:1] + names[:1]


def _ascend(numbers: Sequence[str]) -> bool:
    return all(int(one) <= int(two) for one, two in pairwise(numbers))


def _block(pairs: Sequence[_Pair], names: list[Line]) -> Block:
    texts = [["", *(line.text for line in names)][-2:]] if names else []
    rows = texts + [list(pair.texts) for pair in pairs]
    parts = ([names] if names else []) + [pair.lines for pair in pairs]
    kinds = [kind(value) for _, value in rows]
    named = kinds[0] in {Kind.WORDS, Kind.YEAR} and kinds.count(Kind.NUMBER) == len(kinds) - 1 > 1
    lines = [join_pieces(sorted(part, key=lambda line: line.x0)) for part in parts]
    header = 1 if names or named else 0
    boxes = [bounds(part) for part in parts]
    return Block(Role.TABLE, lines, Table(rows, boxes, header, key_value=not header, complete=True))


def _text(lines: Sequence[Line]) -> str:
    return join_sentences([line.text for row in rows_of(lines) for line in row])


def _width(text: str) -> int:
    return len(text) + count_han(text)
