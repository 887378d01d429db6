"""The texts and the fields of a form, row by row, and what stands beside and above what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import Block, Line, Rect, Role
from qa_engine.documents.pages.annotations.form_fields import FormField
from qa_engine.documents.pages.lines.cleaning import clean, count_han
from qa_engine.documents.pages.lines.joining import bounds, grouped, rows_of
from qa_engine.documents.pages.tables.words import Word

NEAR, FAR = 1.5, 18.0
"""A label stands within so many font sizes of its box, and of its text field; a unit as near behind its field as a box."""
ALIGNED = 4.0
"""Items that begin within so many points of each other stand in one column."""
_ABOVE = 1.2
"""A label above a field is nearer than so many font sizes."""
_TALL = 2.5
"""A field of more than so many font sizes in height has several lines; its label is beside the first, or in its middle."""
_GUIDE = re.compile(r"[_＿‗﹍]+|[.．…·]{4,}|[□☐○◯]")
"""What is printed for a pen to write on: lines, dots, boxes."""
_GUIDE_END = re.compile(rf"({_GUIDE.pattern})+$")
STOP = re.compile(r"[.。]$")
PUNCTUATED = re.compile(r"[:：?？!！,，;；=≥≤]$")


@dataclass(eq=False)
class Item:
    """A part of a row.

    Attributes:
        line: a text and its place; for a field, the line that its value stands on.
        field: None for a text.
        used: whether a text is the label of a field.
        inside: whether a text stands inside of a field, such as a hint of what to write there; it is no label.
        row: the items of its row, from left to right.
    """

    line: Line
    field: FormField | None = None
    used: bool = False
    inside: bool = False
    row: Sequence[Item] = ()

    @property
    def rect(self) -> Rect:
        return self.field.rect if self.field is not None else bounds([self.line])

    @property
    def is_box(self) -> bool:
        return self.field is not None and self.field.checked is not None

    @property
    def is_text(self) -> bool:
        return self.field is None and not self.used and not self.inside

    def beside(self, step: int) -> Item | None:
        """The item so many places to the right of it."""
        index = self.row.index(self) + step
        return self.row[index] if 0 <= index < len(self.row) else None


class FormRows:
    """The rows of a form: ``rows`` has its texts and fields, ``parts`` the texts of each piece; ``size`` is in points."""

    def __init__(
        self, pieces: Sequence[Line], words: Sequence[Word], fields: Sequence[FormField], page: int
    ) -> None:
        """
        Args:
            pieces: the text of the page without the values of fields.
            words: the words of the page; they tell where in a piece a field stands.
            fields: in the space of the pieces.
            page: its number, from 1.
        """
        self.size = sorted(piece.size for piece in pieces)[len(pieces) // 2] if pieces else 10.0
        self.parts = [_parts(piece, words, fields) for piece in pieces]
        self.texts = [item for items in self.parts for item in items]
        items = {id(item.line): item for item in self.texts}
        for form_field in fields:
            line = self._line(form_field, page)
            items[id(line)] = Item(line, form_field)
        self.rows = [
            [items[id(line)] for line in row] for row in rows_of(item.line for item in items.values())
        ]
        for row in self.rows:
            for item in row:
                item.row = row

    def _line(self, form_field: FormField, page: int) -> Line:
        """The line that the value of a field stands on, or the first of several."""
        x0, y0, x1, y1 = form_field.rect
        middle = (y0 + y1) / 2
        if y1 - y0 > _TALL * self.size:
            left = [item.line for item in self.texts if item.line.x1 <= x0 + self.size]
            left = [line for line in left if y0 < (line.y0 + line.y1) / 2 < y1]
            label = max(left, key=lambda line: line.x1, default=None)
            middle = (label.y0 + label.y1) / 2 if label is not None else y0 + self.size
        return Line("", page, x0, middle - 0.6 * self.size, x1, middle + 0.6 * self.size, self.size, 0)

    def is_near(self, left: Item, right: Item, sizes: float = NEAR) -> bool:
        """Whether so many font sizes at most are between two items of a row."""
        return right.line.x0 - left.line.x1 < sizes * self.size

    def above(self, item: Item, sizes: float = _ABOVE) -> Item | None:
        """The text above an item, with nothing between them but fields of the same column, each so many font sizes apart."""
        x0, top, x1, _ = item.rect
        column = [
            other
            for row in self.rows
            for other in row
            if min(other.line.x1, x1) - max(other.line.x0, x0) > 0 and other.rect.y1 <= top + 0.4 * self.size
        ]
        for other in sorted(column, key=lambda other: other.rect.y1, reverse=True):
            if top - other.rect.y1 > sizes * self.size or (other.is_box and not item.is_box):
                return None
            if other.field is None:
                reaches = other.line.x0 > x0 - 2 * self.size or other.line.x1 < x1 + 2 * self.size
                return other if reaches and other.is_text and not self._has_field(other) else None
            top = other.rect.y0
        return None

    def _has_field(self, text: Item) -> bool:
        """Whether a text is the label of a field to its right."""
        right = text.beside(1)
        return right is not None and right.field is not None and self.is_near(text, right, FAR)

    def block(self, texts: Sequence[str], items: Sequence[Item]) -> Block:
        """A block of these lines at the place of these items."""
        rects = [item.rect for item in items]
        x0, y0 = min(rect.x0 for rect in rects), min(rect.y0 for rect in rects)
        x1, y1 = max(rect.x1 for rect in rects), max(rect.y1 for rect in rects)
        return Block(
            Role.FIELD, [Line(text, items[0].line.page, x0, y0, x1, y1, self.size, 0) for text in texts]
        )


def labelled(label: str, value: str) -> str:
    """A label and what it names, with a colon between them unless there is a mark."""
    label = STOP.sub("", label)
    if PUNCTUATED.search(label):
        return label + value if label[-1] in "：？！，；" else f"{label} {value}"
    return f"{label}：{value}" if count_han(label) else f"{label}: {value}"


def _parts(piece: Line, words: Sequence[Word], fields: Sequence[FormField]) -> list[Item]:
    """A piece of a line, cut at the fields that stand in it, without the lines and boxes that they cover."""
    middle = (piece.y0 + piece.y1) / 2
    rects = [
        form_field.rect
        for form_field in fields
        if form_field.rect.y0 < middle < form_field.rect.y1
        and form_field.rect.x0 < piece.x1
        and form_field.rect.x1 > piece.x0
    ]
    if not rects:
        return [Item(piece)]

    def place(word: Word) -> Rect | None:
        return next(
            (rect for rect in rects if rect.x0 - 2 < word.x0 and (word.x0 + word.x1) / 2 < rect.x1), None
        )

    def continues(run: list[Word], word: Word) -> bool:
        between = any(run[-1].x0 < (rect.x0 + rect.x1) / 2 < word.x1 for rect in rects)
        return place(run[-1]) == place(word) and (place(word) is not None or not between)

    own = [word for word in words if piece.y0 <= (word.y0 + word.y1) / 2 <= piece.y1]
    own = sorted(word for word in own if piece.x0 - 1 <= (word.x0 + word.x1) / 2 <= piece.x1 + 1)
    own = [word for word in own if not (_GUIDE.fullmatch(word.text) and _is_covered(word, rects))]
    items = []
    for run in grouped(own, continues):
        text, x1 = clean(" ".join(word.text for word in run)), run[-1].x1
        for rect in rects:  # a word like Name:______ reaches below the field
            if run[0].x0 < rect.x0 < x1:
                text, x1 = _GUIDE_END.sub("", text).strip(), rect.x0
        text = re.sub(r"^[□☐○◯]\s*", "", text)
        if text:
            line = Line(
                text, piece.page, run[0].x0, piece.y0, x1, piece.y1, piece.size, piece.block, piece.bold
            )
            within = place(run[0])
            printed = any(text in clean(other.value) for other in fields if other.rect == within)
            items.append(Item(line, used=printed, inside=within is not None))
    return items


def _is_covered(word: Word, rects: Sequence[Rect]) -> bool:
    return any(min(word.x1, rect.x1) - max(word.x0, rect.x0) > 0.5 * (word.x1 - word.x0) for rect in rects)
