"""Check boxes and radio buttons of a form: ``Parking needed: Yes ☑, No ☐`` for those that answer one question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qa_engine.documents.blocks import Block
from qa_engine.documents.pages.annotations.form_rows import (
    ALIGNED,
    PUNCTUATED,
    STOP,
    FormRows,
    Item,
    labelled,
)
from qa_engine.documents.pages.block_roles import TERMINAL
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.joining import grouped

_ON, _OFF = "☑", "☐"
_MAX_OPTION = 60
"""An option with more characters (Han characters count twice) is a paragraph of its own."""
_SENTENCES = re.compile(r"[。！？；]\S|[.!?] \S")


class _Box(NamedTuple):
    """A box and its label."""

    item: Item
    label: Item | None

    @property
    def checked(self) -> bool:
        return bool(self.item.field and self.item.field.checked)

    @property
    def name(self) -> str:
        return (
            self.label.line.text
            if self.label is not None
            else self.item.field.name
            if self.item.field
            else ""
        )

    @property
    def first(self) -> Item:
        """The first of both in their row."""
        before = self.item.beside(-1)
        return before if before is not None and before is self.label else self.item


def box_blocks(form: FormRows) -> Iterator[Block]:
    """A block for each group of boxes of which one is ticked, or one for each box where their labels are sentences."""
    rows = [boxes for row in form.rows if (boxes := _boxes(row, form))]

    def below(group: list[list[_Box]], boxes: list[_Box]) -> bool:
        last, line = group[-1][0].item.line, boxes[0].item.line
        near = line.y0 - last.y1 < 2 * form.size and abs(line.x0 - last.x0) < ALIGNED
        return near and _question(boxes[0], form, beside=True) is None

    for group in grouped(rows, below):
        yield from _group([box for boxes in group for box in boxes], form)


def _boxes(row: Sequence[Item], form: FormRows) -> list[_Box]:
    """The boxes of a row with their labels, which are marked as used: none of them is the question of another box."""
    items = [item for item in row if item.is_box]
    behind, before = ([_neighbour(item, step, form) for item in items] for step in (1, -1))
    labels = before if None in behind and None not in before else behind
    labels = [label or _under(item, form) for item, label in zip(items, labels, strict=True)]
    if len(items) > 1 and not any(labels):
        columns = [form.above(item, 3) for item in items]
        labels = [column and Item(column.line) for column in columns]  # it names the boxes of other rows, too
    for label in labels:
        if label is not None:
            label.used = True
    return [_Box(item, label) for item, label in zip(items, labels, strict=True)]


def _neighbour(box: Item, step: int, form: FormRows) -> Item | None:
    """The text beside a box."""
    other = box.beside(step)
    if other is None or not other.is_text:
        return None
    return other if form.is_near(*((box, other) if step > 0 else (other, box))) else None


def _under(box: Item, form: FormRows) -> Item | None:
    """The text right under a box, where browsers place it on narrow pages."""

    def is_under(item: Item) -> bool:
        gap = item.line.y0 - box.rect.y1
        return abs(item.line.x0 - box.line.x0) < form.size and -0.3 * form.size < gap < form.size

    return next((item for item in form.texts if item.is_text and is_under(item)), None)


def _question(box: _Box, form: FormRows, beside: bool = False) -> Item | None:
    """The text that a group of boxes answers: before its first box, or above it with a colon or question mark."""
    before = box.first.beside(-1)
    alone = before is not None and before.is_text and before.beside(-1) is None
    if before is not None and (alone or (before.is_text and PUNCTUATED.search(before.line.text))):
        return before
    above = None if beside else form.above(box.first, 4)
    return above if above is not None and PUNCTUATED.search(above.line.text) else None


def _group(boxes: Sequence[_Box], form: FormRows) -> Iterator[Block]:
    labels = [box.label for box in boxes if box.label is not None]
    if not any(box.checked for box in boxes):
        for label in labels:
            label.used = False
        return
    question = _question(boxes[0], form)
    wrapped = [[box.label, *_continued(box.label, form)] if box.label is not None else [] for box in boxes]
    names = [
        [item.line.text for item in items] or [box.name] for box, items in zip(boxes, wrapped, strict=True)
    ]
    marks = [_ON if box.checked else _OFF for box in boxes]
    if (len(boxes) == 1 and question is None) or any(_is_long(" ".join(lines)) for lines in names):
        for box, mark, lines, items in zip(boxes, marks, names, wrapped, strict=True):
            yield form.block([f"{mark} {lines[0]}", *lines[1:]], [box.item, *items])
        return
    items = [item for box, texts in zip(boxes, wrapped, strict=True) for item in (box.item, *texts)]
    options = [
        f"{STOP.sub('', clean(' '.join(lines)))} {mark}" for lines, mark in zip(names, marks, strict=True)
    ]
    if question is None:
        yield form.block([_comma(options).join(options)], items)
        return
    question.used = True
    text = marks[0] if len(boxes) == 1 and not labels else _comma(options).join(options)
    yield form.block([labelled(question.line.text, text)], [question, *items])


def _comma(options: Sequence[str]) -> str:
    return "，" if count_han("".join(options)) else ", "


def _is_long(text: str) -> bool:
    """Whether the label of a box is a sentence or more: then it stands alone, with its mark before it."""
    return len(text) + count_han(text) > _MAX_OPTION or _SENTENCES.search(text) is not None


def _continued(label: Item, form: FormRows) -> list[Item]:
    """The lines below the label of a box that it goes on in; they are marked as used."""
    lines = [label]
    while not TERMINAL.search(lines[-1].line.text):
        last = lines[-1].line
        following = (
            item
            for item in form.texts
            if item.is_text
            and item.beside(-1) is None
            and abs(item.line.x0 - label.line.x0) < ALIGNED
            and 0.5 * form.size < item.line.y0 - last.y0 < 1.7 * form.size
        )
        item = next(following, None)
        if item is None or last.x1 < item.line.x1 - 2 * form.size:
            break
        item.used = True
        lines.append(item)
    return lines[1:]
