"""Joins the values of a form to their labels: ``Company:`` and the field beside it become ``Company: Norrland Turbines``.

The label of a text field is the text to its left, else the text above it; that of a check box is the text to its right, or
to its left where the boxes of a row stand behind their labels. Fields without such text have the name that the file gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_engine.documents.blocks import Block, Line, Rect, Role
from qa_engine.documents.pages.annotations.form_fields import FormField
from qa_engine.documents.pages.lines.joining import bounds, grouped, rows_of
from qa_engine.documents.pages.lines.text_layer import clean, count_han
from qa_engine.documents.pages.reading_order import reading_order
from qa_engine.documents.pages.tables.words import Word

_ON, _OFF = "☑", "☐"
_GUIDE = re.compile(r"[_＿‗﹍]+|[.．…·]{4,}|[□☐○◯]")
"""What is printed for a pen to write on: lines, dots, boxes."""
_COLON = re.compile(r"[:：]$")
_STOP = re.compile(r"[.。]$")
_LINE_NUMBER = re.compile(r"\d{1,3}[a-z]?\.?|[$€£¥￥]")
"""The number of a line, or a currency, right before a field at the end of a row."""
_LEADER = re.compile(r"[\s.…·]*…$")
_PUNCTUATED = re.compile(r"[:：?？!！,，;；=≥≤]$")
_NEAR = 1.5
"""A label stands within so many font sizes of its box, and a unit behind its field."""
_FAR = 18.0
"""A label stands within so many font sizes of its text field."""
_ABOVE = 1.2
"""A label above a field is nearer than so many font sizes."""
_TALL = 2.5
"""A field of more than so many font sizes in height has several lines; its label is beside the first, or in its middle."""
_ALIGNED = 4.0


@dataclass(eq=False)
class _Item:
    """A part of a row: text, or a field; text inside of a field (a hint of what to write there) is no label."""

    line: Line
    field: FormField | None = None
    used: bool = False
    inside: bool = False

    @property
    def is_box(self) -> bool:
        return self.field is not None and self.field.checked is not None

    @property
    def is_text(self) -> bool:
        return self.field is None and not self.used and not self.inside


def field_blocks(
    pieces: Sequence[Line], words: Sequence[Word], fields: Sequence[FormField], page: int
) -> tuple[list[Line], list[Block]]:
    """The filled fields of a page with their labels, a block each, and the pieces of lines that are no labels of these.

    Args:
        pieces: the text of the page without the values of fields.
        words: the words of the page; they tell where in a piece a field stands.
        fields: in the space of the pieces; those that are empty bound the labels of the others.
        page: its number, from 1.
    """
    if not any(field.filled for field in fields):
        return list(pieces), []
    parts = [_parts(piece, words, fields) for piece in pieces]
    size = sorted(piece.size for piece in pieces)[len(pieces) // 2] if pieces else 10.0
    texts = [item for items in parts for item in items]
    rows = _rows(texts, fields, size, page)
    form = _Form(rows, texts, size)
    blocks = list(form.blocks())
    rest = []
    for piece, items in zip(pieces, parts, strict=True):
        unused = [item.line for item in items if not item.used]
        rest.extend([piece] if len(unused) == len(items) else unused)
    return rest, blocks


def in_order(blocks: Sequence[Block], fields: Sequence[Block], width: float, height: float) -> list[Block]:
    """The blocks of a page of this size and those of its fields in reading order."""
    together = [*blocks, *fields]
    order = reading_order([bounds(block.lines) for block in together], width, height)
    for number, index in enumerate(order):
        for line in together[index].lines:
            line.block = number
    return [together[index] for index in order]


def _parts(piece: Line, words: Sequence[Word], fields: Sequence[FormField]) -> list[_Item]:
    """A piece of a line, cut at the fields that stand in it, without the lines and boxes that they cover."""
    middle = (piece.y0 + piece.y1) / 2
    inside = [field.rect for field in fields if field.rect.y0 < middle < field.rect.y1]
    inside = [rect for rect in inside if rect.x0 < piece.x1 and rect.x1 > piece.x0]
    if not inside:
        return [_Item(piece)]
    own = [word for word in words if piece.y0 <= (word.y0 + word.y1) / 2 <= piece.y1]
    own = sorted(word for word in own if piece.x0 - 1 <= (word.x0 + word.x1) / 2 <= piece.x1 + 1)
    own = [word for word in own if not (_GUIDE.fullmatch(word.text) and _covered(word, inside))]

    def place(word: Word) -> Rect | None:
        middle = (word.x0 + word.x1) / 2
        return next((rect for rect in inside if rect.x0 - 2 < word.x0 and middle < rect.x1), None)

    def continues(run: list[Word], word: Word) -> bool:
        between = any(run[-1].x0 < (rect.x0 + rect.x1) / 2 < word.x1 for rect in inside)
        return place(run[-1]) == place(word) and (place(word) is not None or not between)

    runs = grouped(own, continues) if own else []
    items = []
    for run in runs:
        text = clean(" ".join(word.text for word in run))
        x0, x1 = run[0].x0, run[-1].x1
        for rect in inside:  # a word like Name:______ reaches below the field
            if x0 < rect.x0 < x1:
                text, x1 = re.sub(rf"({_GUIDE.pattern})+$", "", text).strip(), rect.x0
        text = re.sub(r"^[□☐○◯]\s*", "", text)
        if text:
            line = Line(text, piece.page, x0, piece.y0, x1, piece.y1, piece.size, piece.block, piece.bold)
            within = place(run[0])
            printed = any(text in clean(field.value) for field in fields if field.rect == within)
            items.append(_Item(line, used=printed, inside=within is not None))
    return items


def _covered(word: Word, rects: Iterable[Rect]) -> bool:
    return any(min(word.x1, rect.x1) - max(word.x0, rect.x0) > 0.5 * (word.x1 - word.x0) for rect in rects)


def _rows(texts: Sequence[_Item], fields: Sequence[FormField], size: float, page: int) -> list[list[_Item]]:
    """Texts and fields by baseline, from top to bottom and from left to right."""
    items = {id(item.line): item for item in texts}
    for field in fields:
        x0, y0, x1, y1 = field.rect
        beside = [
            item.line
            for item in texts
            if item.line.x1 <= x0 + size and y0 < (item.line.y0 + item.line.y1) / 2 < y1
        ]
        middle = (y0 + y1) / 2
        if y1 - y0 > _TALL * size:
            nearest = max(beside, key=lambda line: line.x1, default=None)
            middle = (nearest.y0 + nearest.y1) / 2 if nearest is not None else y0 + size
        line = Line("", page, x0, middle - 0.6 * size, x1, middle + 0.6 * size, size, 0)
        items[id(line)] = _Item(line, field)
    return [[items[id(line)] for line in row] for row in rows_of(item.line for item in items.values())]


class _Form:
    """The rows of a form, whose texts become the labels of fields."""

    def __init__(self, rows: Sequence[list[_Item]], texts: Sequence[_Item], size: float) -> None:
        self._rows = rows
        self._texts = texts
        self._size = size
        self._last: _Item | None = None

    def blocks(self) -> Iterator[Block]:
        """A block for each filled field, group of boxes, or row of fields."""
        for group in self._box_groups():
            yield from self._group(group)
        for row in self._rows:
            fields = [item for item in row if item.field is not None and not item.is_box]
            if not any(item.field and item.field.filled for item in fields):
                continue
            headers = [self._above(item) for item in fields]
            names = [header for header in headers if header is not None]
            adjoining = any(left in fields and right in fields for left, right in pairwise(row))
            if adjoining and len(set(map(id, names))) > 1 and any(map(self._is_cell, fields)):
                yield self._table_row(row, fields, headers)
            else:
                yield from self._segments(row)

    # -- boxes

    def _box_groups(self) -> list[list[tuple[_Item, _Item | None]]]:
        """Boxes with their labels: those of a row side by side, and those of several rows below one another."""
        rows = []
        for row in self._rows:
            boxes = [index for index, item in enumerate(row) if item.is_box]
            behind = [self._neighbour(row, index, 1) for index in boxes]
            before = [self._neighbour(row, index, -1) for index in boxes]
            labels = before if None in behind and None not in before else behind
            labels = [label or self._under(row[index]) for index, label in zip(boxes, labels, strict=True)]
            if len(boxes) > 1 and not any(labels):
                columns = [self._above(row[index], 3 * self._size) for index in boxes]
                labels = [column and _Item(column.line, used=True) for column in columns]  # of every row
            pairs = [(row[index], label) for index, label in zip(boxes, labels, strict=True)]
            for label in labels:
                if label is not None:
                    label.used = True  # for now: it is the question of no other box
            if pairs:
                rows.append(pairs)

        def below(
            group: list[list[tuple[_Item, _Item | None]]], pairs: list[tuple[_Item, _Item | None]]
        ) -> bool:
            last, line = group[-1][0][0].line, pairs[0][0].line
            near = line.y0 - last.y1 < 2 * self._size and abs(line.x0 - last.x0) < _ALIGNED
            return near and self._question(pairs[0], beside=True) is None

        return [[pair for pairs in group for pair in pairs] for group in grouped(rows, below)]

    def _neighbour(self, row: Sequence[_Item], index: int, step: int) -> _Item | None:
        """The text beside a box."""
        other = index + step
        if not 0 <= other < len(row) or not row[other].is_text:
            return None
        left, right = sorted((row[index], row[other]), key=lambda item: item.line.x0)
        return row[other] if self._is_near(left, right) else None

    def _under(self, box: _Item) -> _Item | None:
        """The text right under a box, as browsers place it in narrow pages."""

        def is_under(item: _Item) -> bool:
            gap = item.line.y0 - _bottom(box)
            return abs(item.line.x0 - box.line.x0) < self._size and -0.3 * self._size < gap < self._size

        return next((item for item in self._texts if item.is_text and is_under(item)), None)

    def _is_near(self, left: _Item, right: _Item) -> bool:
        return right.line.x0 - left.line.x1 < _NEAR * self._size

    def _question(self, pair: tuple[_Item, _Item | None], beside: bool = False) -> _Item | None:
        """The text that a group of boxes answers: before its first box, or above it with a colon or question mark."""
        row = next(row for row in self._rows if pair[0] in row)
        index = min(row.index(item) for item in pair if item in row)
        if index and row[index - 1].is_text and (_PUNCTUATED.search(row[index - 1].line.text) or index == 1):
            return row[index - 1]
        above = None if beside else self._above(row[index], 4 * self._size)
        return above if above is not None and _PUNCTUATED.search(above.line.text) else None

    def _group(self, pairs: Sequence[tuple[_Item, _Item | None]]) -> Iterator[Block]:
        labels = [label for _, label in pairs if label is not None]
        if not any(box.field and box.field.checked for box, _ in pairs):
            for label in labels:
                label.used = False
            return
        question = self._question(pairs[0])
        if question is not None and len(pairs) == 1 and not labels:
            question.used = True
            mark = _ON if pairs[0][0].field and pairs[0][0].field.checked else _OFF
            yield self._block([_labelled(question.line.text, mark)], [question, pairs[0][0]])
            return
        names = [
            label.line.text if label is not None else box.field.name if box.field else ""
            for box, label in pairs
        ]
        marks = [_ON if box.field and box.field.checked else _OFF for box, _ in pairs]
        items = [box for box, _ in pairs] + labels
        if question is None and len(pairs) == 1:
            if labels:  # it may go on in the lines below
                labels[0].used = False
                labels[0].line.text = f"{marks[0]} {names[0]}"
                return
            yield self._block([f"{marks[0]} {names[0]}"], items)
            return
        comma = "，" if count_han("".join(names)) else ", "
        text = comma.join(f"{name} {mark}" for name, mark in zip(names, marks, strict=True))
        if question is not None:
            question.used = True
            items.append(question)
            text = _labelled(question.line.text, text)
        yield self._block([text], items)

    # -- other fields

    def _above(self, item: _Item, reach: float | None = None) -> _Item | None:
        """The text above a field, with nothing between them but fields of the same column."""
        x0, y0, x1, _ = item.field.rect if item.field is not None else bounds([item.line])
        column = [
            other
            for row in self._rows
            for other in row
            if other is not item
            and min(other.line.x1, x1) - max(other.line.x0, x0) > 0
            and _bottom(other) <= y0 + 0.4 * self._size
        ]
        top = y0
        for other in sorted(column, key=_bottom, reverse=True):
            if top - _bottom(other) > (reach or _ABOVE * self._size):
                return None
            if other.field is None:
                begins = other.line.x0 > x0 - 2 * self._size or other.line.x1 < x1 + 2 * self._size
                return other if begins and other.is_text and not self._has_field(other) else None
            if other.is_box and not item.is_box:
                return None
            top = other.field.rect.y0
        return None

    def _has_field(self, text: _Item) -> bool:
        """Whether a text is the label of a field to its right."""
        row = next(row for row in self._rows if text in row)
        index = row.index(text) + 1
        return (
            index < len(row)
            and row[index].field is not None
            and row[index].line.x0 - text.line.x1 < _FAR * self._size
        )

    def _is_cell(self, item: _Item) -> bool:
        """Whether a field adjoins another of the same width above or below, with no label between them."""
        assert item.field is not None
        x0, y0, x1, y1 = item.field.rect
        others = [
            other.field.rect for row in self._rows for other in row if other.field and other is not item
        ]
        return any(
            abs(rect.x0 - x0) + abs(rect.x1 - x1) < _ALIGNED
            and max(rect.y0 - y1, y0 - rect.y1) < 0.8 * self._size
            for rect in others
        )

    def _table_row(
        self, row: Sequence[_Item], fields: Sequence[_Item], headers: Sequence[_Item | None]
    ) -> Block:
        """A row of fields below the names of columns, which stay: they may name the fields of other rows."""
        parts, items = [], list[_Item]()
        if row[0].is_text:
            row[0].used = True
            parts.append(row[0].line.text)
            items.append(row[0])
        for item, header in zip(fields, headers, strict=True):
            assert item.field is not None
            if item.field.filled:
                parts.append(
                    _labelled(
                        header.line.text if header else item.field.name, item.field.value.replace("\n", " ")
                    )
                )
                items.append(item)
        return self._block([("；" if count_han("".join(parts)) else "; ").join(parts)], items)

    def _segments(self, row: Sequence[_Item]) -> Iterator[Block]:
        """The fields of a row, with the text before, between and behind them."""
        rest = [item for item in row if item.is_text or (item.field is not None and not item.is_box)]
        within = len(rest) > 1 and rest[-1].field is None and self._is_near(rest[-2], rest[-1])
        between = {id(left) for left, right in pairwise(rest) if right.field is not None and not within}

        def belongs(segment: list[_Item], item: _Item) -> bool:
            gap = item.line.x0 - segment[-1].line.x1
            if segment[-1].field is None:  # a label, the number of its line, and its field
                if item.field is None and len(segment) == 1 and _is_number(segment[0]):
                    return gap < 2 * _NEAR * self._size
                return gap < _FAR * self._size and (item.field is not None or _is_number(item))
            if item.field is not None:
                return gap < 0.8 * self._size
            return gap < _NEAR * self._size and id(item) not in between and not _COLON.search(item.line.text)

        for segment in grouped(rest, belongs):
            fields = [item for item in segment if item.field is not None]
            if not any(item.field and item.field.filled for item in fields):
                continue
            if segment[0].field is not None:
                above = self._above(segment[0])
                if above is not None:
                    segment.insert(0, above)
            else:
                segment[:1] = self._wrapped(segment[0], fields[0])
            for item in segment:
                item.used = True
            yield self._block(self._text(segment), segment)

    def _wrapped(self, label: _Item, field: _Item) -> list[_Item]:
        """A label with its lines above and below that stand beside the same field."""
        assert field.field is not None
        y0, y1 = field.field.rect.y0, field.field.rect.y1

        def is_part(item: _Item) -> bool:
            line = item.line
            return (
                line.block == label.line.block
                and abs(line.x0 - label.line.x0) < _ALIGNED
                and y0 < (line.y0 + line.y1) / 2 < y1
            )

        return [item for item in self._texts if item is label or (item.is_text and is_part(item))]

    def _text(self, segment: Sequence[_Item]) -> list[str]:
        """The lines of a segment: its label and its value; or a sentence with values in it."""
        first = next(index for index, item in enumerate(segment) if item.field is not None)
        field = segment[first].field
        assert field is not None
        labels = [_LEADER.sub("", item.line.text) for item in segment[:first]]
        if len(labels) > 1 and _LINE_NUMBER.fullmatch(labels[-1]):
            del labels[-1]
        label = clean(" ".join(labels)) or field.name
        values = [item.line.text if item.field is None else item.field.value for item in segment[first:]]
        lines = " ".join(value for value in values if value).split("\n")
        sentence = sum(item.field is None for item in segment[first:]) and len(segment) - first > 2
        lines[0] = f"{label} {lines[0]}" if sentence else _labelled(label, lines[0])
        return [text for line in lines if (text := clean(line))]

    def _block(self, texts: Sequence[str], items: Sequence[_Item]) -> Block:
        rects = [item.field.rect if item.field is not None else bounds([item.line]) for item in items]
        left, top = min(rect.x0 for rect in rects), min(rect.y0 for rect in rects)
        right, bottom = max(rect.x1 for rect in rects), max(rect.y1 for rect in rects)
        page = items[0].line.page
        return Block(
            Role.FIELD, [Line(text, page, left, top, right, bottom, self._size, 0) for text in texts]
        )


def _is_number(item: _Item) -> bool:
    return _LINE_NUMBER.fullmatch(item.line.text) is not None


def _bottom(item: _Item) -> float:
    return item.field.rect.y1 if item.field is not None else item.line.y1


def _labelled(label: str, value: str) -> str:
    """A label and what it names, with a colon between them unless there is a mark."""
    label = _STOP.sub("", label)
    if _PUNCTUATED.search(label):
        return label + value if label[-1] in "：？！，；" else f"{label} {value}"
    return f"{label}：{value}" if count_han(label) else f"{label}: {value}"
