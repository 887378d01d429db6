"""Joins the values of a form to their labels: ``Company:`` and the field beside it become ``Company: Norrland Turbines``.

The label of a text field is the text to its left, else the text above it; that of a check box is the text to its right, or
to its left where the boxes of a row stand behind their labels. Fields without such text have the name that the file gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.annotations.check_boxes import box_blocks
from qa_engine.documents.pages.annotations.form_fields import FormField
from qa_engine.documents.pages.annotations.form_rows import (
    ALIGNED,
    FAR,
    NEAR,
    PUNCTUATED,
    FormRows,
    Item,
    labelled,
)
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.joining import bounds, grouped
from qa_engine.documents.pages.reading_order import reading_order
from qa_engine.documents.pages.tables.words import Word

_COLON = re.compile(r"[:：]$")
_LINE_NUMBER = re.compile(r"\d{1,3}[a-z]?\.?|[$€£¥￥]")
"""The number of a line, or a currency, before a label or right before its field."""
_CONNECTION = re.compile(r"[至到和年月日时分×xX\-–—~～/]|to|until|and|bis", re.I)
"""What stands between two fields of one value, such as the ends of a span of time."""
_LEADER = re.compile(r"[\s.…·]*…$")
_MAX_FIELDS = 1000
"""A page with more fields is no form for people: they are read with their names, and no labels are looked for."""


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
    if len(fields) > _MAX_FIELDS:
        return list(pieces), [_named(field, page) for field in fields if field.value]
    form = FormRows(pieces, words, fields, page)
    blocks = list(box_blocks(form))
    for row in form.rows:
        blocks.extend(_row_blocks(row, form))
    rest = []
    for piece, items in zip(pieces, form.parts, strict=True):
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


def _named(field: FormField, page: int) -> Block:
    return Block(Role.FIELD, [Line(labelled(field.name, clean(field.value)), page, *field.rect, 10.0, 0)])


def _row_blocks(row: Sequence[Item], form: FormRows) -> Iterator[Block]:
    """A block for each filled field of a row but boxes, or one for the row of a table."""
    fields = [item for item in row if item.field is not None and not item.is_box]
    if not any(item.field and item.field.filled for item in fields):
        return
    names = [form.above(item) for item in fields]
    adjoining = any(left in fields and right in fields for left, right in pairwise(row))
    if (
        adjoining
        and len({id(name) for name in names if name}) > 1
        and any(_is_cell(item, form) for item in fields)
    ):
        yield _table_row(row, fields, names, form)
    else:
        yield from _segments(row, form)


def _is_cell(item: Item, form: FormRows) -> bool:
    """Whether a field adjoins another of the same width above or below, with no label between them."""
    x0, y0, x1, y1 = item.rect
    others = [other.rect for row in form.rows for other in row if other.field and other is not item]
    return any(
        abs(rect.x0 - x0) + abs(rect.x1 - x1) < ALIGNED and max(rect.y0 - y1, y0 - rect.y1) < 0.8 * form.size
        for rect in others
    )


def _table_row(
    row: Sequence[Item], fields: Sequence[Item], names: Sequence[Item | None], form: FormRows
) -> Block:
    """A row of fields below the names of columns, which stay: they name the fields of other rows, too."""
    items = [item for item in fields if item.field and item.field.filled]
    parts = [
        labelled(name.line.text if name else item.field.name, item.field.value.replace("\n", " "))
        for item, name in zip(fields, names, strict=True)
        if item.field and item.field.filled
    ]
    if row[0].is_text:
        row[0].used = True
        items.insert(0, row[0])
        parts.insert(0, row[0].line.text)
    return form.block([("；" if count_han("".join(parts)) else "; ").join(parts)], items)


def _segments(row: Sequence[Item], form: FormRows) -> Iterator[Block]:
    """The fields of a row, with the text before, between and behind them."""
    items = [item for item in row if item.is_text or (item.field is not None and not item.is_box)]
    is_sentence = len(items) > 1 and items[-1].field is None and form.is_near(items[-2], items[-1])
    labels = {
        id(left)
        for left, right in pairwise(items)
        if right.field is not None and not is_sentence and not _CONNECTION.fullmatch(left.line.text)
    }

    def belongs(segment: list[Item], item: Item) -> bool:
        last = segment[-1]
        if last.field is not None:
            if item.field is not None:
                return form.is_near(last, item, 0.8)
            return form.is_near(last, item) and id(item) not in labels and not _COLON.search(item.line.text)
        if item.field is None and len(segment) == 1 and _is_number(last):
            return form.is_near(last, item, 2 * NEAR)
        return form.is_near(last, item, FAR) and (item.field is not None or _is_number(item))

    for segment in grouped(items, belongs):
        fields = [item for item in segment if item.field is not None]
        if not any(item.field and item.field.filled for item in fields):
            continue
        above = form.above(segment[0]) if segment[0].field is not None else None
        if above is not None:
            segment.insert(0, above)
        elif segment[0].field is None:
            segment[:1] = _wrapped(segment[0], fields[0], form)
        for item in segment:
            item.used = True
        yield form.block(_text(segment), segment)


def _is_number(item: Item) -> bool:
    return _LINE_NUMBER.fullmatch(item.line.text) is not None


def _wrapped(label: Item, field: Item, form: FormRows) -> list[Item]:
    """A label with its lines above and below that stand beside the same field."""

    def is_part(item: Item) -> bool:
        line = item.line
        beside = field.rect.y0 < (line.y0 + line.y1) / 2 < field.rect.y1
        return beside and line.block == label.line.block and abs(line.x0 - label.line.x0) < ALIGNED

    return [item for item in form.texts if item is label or (item.is_text and is_part(item))]


def _text(segment: Sequence[Item]) -> list[str]:
    """The lines of a segment: its label and its value; or a sentence with values in it."""
    first = next(index for index, item in enumerate(segment) if item.field is not None)
    labels = [_LEADER.sub("", item.line.text) for item in segment[:first]]
    if len(labels) > 1 and _LINE_NUMBER.fullmatch(labels[-1]):
        del labels[-1]
    rest = segment[first:]
    values = [item.field.value if item.field is not None else item.line.text for item in rest]
    lines = " ".join(value for value in values if value).split("\n")
    label = clean(" ".join(labels)) or (rest[0].field.name if rest[0].field is not None else "")
    is_sentence = len(rest) > 2 and any(item.field is None for item in rest) and not PUNCTUATED.search(label)
    lines[0] = f"{label} {lines[0]}" if is_sentence else labelled(label, lines[0])
    return [text for line in lines if (text := clean(line))]
