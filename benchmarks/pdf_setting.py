"""Sets lines on PDF pages at known places: paragraphs, columns, margins, footnotes, figures, tables.

The fonts are those that PyMuPDF carries: Times for English, Droid Sans Fallback, embedded, for Chinese. English lines
are justified with word spacing, as a word processor does it.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from typing import Any

import pymupdf

SIZE = 10.5
LEADING = 16.0
WIDTH, HEIGHT = 595.0, 842.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 531.0, 76.0, 770.0
_GUTTER = 22.0
_SMALL = 8.0
_SMALL_LEADING = 11.0
_NO_LINE_START = "。，"
_MIN_WORD_PART = 3
_TABLE_ROWS, _TABLE_COLUMNS, _ROW_HEIGHT = 4, 3, 15.0
_FIGURE_HEIGHT = 80.0
_HAN, _LATIN = "han", "tiro"


@dataclass(frozen=True)
class SetLine:
    """A line of a paragraph; ``end`` is the first character of the paragraph that is not on it."""

    text: str
    end: int
    indent: float = 0
    hyphen: bool = False
    justify: float = 0
    """Width to stretch it to; 0 leaves it as it is."""


@dataclass(frozen=True)
class Paragraph:
    """Sentences of one language."""

    language: str
    sentences: list[str]

    @functools.cached_property
    def text(self) -> str:
        return ("" if self.language == "zh" else " ").join(self.sentences)

    def sentence_over(self, position: int) -> str | None:
        """The sentence that has characters on both sides of a position; None at the beginning of one."""
        start = 0
        for sentence in self.sentences:
            if start < position < start + len(sentence):
                return sentence
            start += len(sentence) + (self.language != "zh")
        return None

    def line(self, position: int, width: float, size: float = SIZE, *, hyphenate: bool = False) -> SetLine:
        """The line that begins at a position, with the indent of a first line.

        Args:
            position: in ``text``.
            width: of the column, in points.
            size: of the font.
            hyphenate: break its last word, if one at the end is long enough.
        """
        indent = 0.0 if position else 2 * size
        return (self._han if self.language == "zh" else self._latin)(
            position, width - indent, size, indent, hyphenate
        )

    def _han(self, position: int, width: float, size: float, indent: float, hyphenate: bool) -> SetLine:
        end = min(position + int(width / size), len(self.text))
        while end < len(self.text) and self.text[end] in _NO_LINE_START:
            end += 1
        return SetLine(self.text[position:end], end, indent)

    def _latin(self, position: int, width: float, size: float, indent: float, hyphenate: bool) -> SetLine:
        words = self.text[position:].split(" ", 60)[:60]
        blank = _latin_width(" ") * size
        ends = list(itertools.accumulate(_latin_width(word) * size + blank for word in words))
        fit = max(sum(end - blank <= width for end in ends), 1)
        if hyphenate:
            for count in range(min(fit, len(words) - 1), max(fit - 3, 0), -1):
                used = ends[count - 1] if count else 0.0
                part = _word_part(words[count], (width - used) / size)
                if part:
                    text = " ".join([*words[:count], part])
                    return SetLine(f"{text}-", position + len(text), indent, True, width)
        text = " ".join(words[:fit])
        end = min(position + len(text) + 1, len(self.text))
        return SetLine(text, end, indent, justify=0 if end == len(self.text) else width)


def _word_part(word: str, room: float) -> str:
    longest = min(len(word) - _MIN_WORD_PART, len(word) * 2 // 3)
    for length in range(longest, _MIN_WORD_PART - 1, -1):
        if word[:length].isalpha() and _latin_width(word[:length] + "-") <= room:
            return word[:length]
    return ""


@dataclass
class Slots:
    """The places for lines on a page, column after column."""

    columns: int = 1
    leading: float = LEADING
    top: float = TOP
    bottom: float = BOTTOM
    _tops: list[float] = field(init=False)
    _bottoms: list[float] = field(init=False)
    _taken: int = 0

    def __post_init__(self) -> None:
        self._tops = [self.top] * self.columns
        self._bottoms = [self.bottom] * self.columns

    @property
    def width(self) -> float:
        """Of a column."""
        return (RIGHT - LEFT - _GUTTER * (self.columns - 1)) / self.columns

    @property
    def last_x(self) -> float:
        """Left edge of the last column."""
        return self._x(self.columns - 1)

    @property
    def x(self) -> float:
        """Left edge of the column of the next place."""
        return self._x(self._next()[0])

    @property
    def left(self) -> int:
        """Places that are left."""
        return sum(self._counts()) - self._taken

    @property
    def filled(self) -> float:
        """Share of the places that is taken."""
        return self._taken / sum(self._counts())

    def above(self, height: float) -> None:
        """Keep the top of the first column free."""
        self._tops[0] += height

    def below(self, height: float) -> None:
        """Keep the bottom of the last column free."""
        self._bottoms[-1] -= height

    def take(self) -> float:
        """The baseline of the next place, which is taken then."""
        column, row = self._next()
        self._taken += 1
        return self._tops[column] + row * self.leading + SIZE

    def _x(self, column: int) -> float:
        return LEFT + column * (self.width + _GUTTER)

    def _counts(self) -> list[int]:
        pairs = zip(self._tops, self._bottoms, strict=True)
        return [int((bottom - top - SIZE) / self.leading) + 1 for top, bottom in pairs]

    def _next(self) -> tuple[int, int]:
        row = self._taken
        for column, count in enumerate(self._counts()):
            if row < count:
                return column, row
            row -= count
        raise IndexError("the page is full")


class PageWriter:
    """Writes on a new page of a document; ``language`` decides the font of what is not given one."""

    table_height = _SMALL_LEADING + _TABLE_ROWS * _ROW_HEIGHT + 14

    def __init__(self, document: pymupdf.Document, language: str) -> None:
        self._document = document
        self._language = language
        self._page = document.new_page(width=WIDTH, height=HEIGHT)
        self._page.insert_font(fontname=_HAN, fontbuffer=_han_font().buffer)
        self._page.insert_font(fontname=_LATIN)

    def text(self, x: float, y: float, text: str, size: float = SIZE, justify: float = 0) -> None:
        """A line of text from a baseline; ``justify`` stretches the blanks of an English one to a width."""
        if not text.isascii():
            self._page.insert_text((x, y), text, fontname=_HAN, fontsize=size)
            return
        spacing = 0.0
        if justify and " " in text:
            spacing = (justify - _latin_width(text) * size) / text.count(" ")
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self._append(
            f"BT /{_LATIN} {size:g} Tf {spacing:.3f} Tw 1 0 0 1 {x:.2f} {HEIGHT - y:.2f} Tm ({escaped}) Tj ET"
        )

    def margin(self, text: str, align: str, y: float) -> None:
        """A line of the header or the footer."""
        width = (_latin_width(text) if text.isascii() else _han_font().text_length(text, 1)) * _SMALL
        room = RIGHT - LEFT - width
        self.text(LEFT + {"left": 0, "center": room / 2, "right": room}[align], y, text, _SMALL)

    def footnote(self, note: str, x: float, width: float, bottom: float) -> float:
        """A footnote with its rule, at the bottom of a column. Returns its height with the gap above."""
        paragraph = Paragraph(self._language, [f"1 {note}"])
        lines, position = [], 0
        while position < len(paragraph.text):
            line = paragraph.line(position, width, _SMALL)
            lines.append(line)
            position = line.end
        top = bottom - _SMALL_LEADING * len(lines)
        self._page.draw_line((x, top - 4), (x + 90, top - 4), width=0.5)
        for number, line in enumerate(lines):
            self.text(x + line.indent, top + _SMALL + number * _SMALL_LEADING, line.text, _SMALL)
        return _SMALL_LEADING * len(lines) + 14

    def figure(self, number: int, title: str, x: float, width: float, top: float) -> float:
        """A bar chart with its caption below. Returns its height with the gap below."""
        for bar in range(6):
            left = x + width * (0.1 + 0.14 * bar)
            high = _FIGURE_HEIGHT * (0.3 + 0.1 * ((bar * number) % 7))
            box = (left, top + _FIGURE_HEIGHT - high, left + width * 0.08, top + _FIGURE_HEIGHT)
            self._page.draw_rect(box, fill=(0.3, 0.4, 0.7), width=0.5)
        label = f"图{number} " if self._language == "zh" else f"Figure {number}. "
        self.text(x, top + _FIGURE_HEIGHT + 14, self._fit(label + title, width), _SMALL)
        return _FIGURE_HEIGHT + 34

    def table(self, number: int, title: str, x: float, width: float, top: float) -> float:
        """A table of figures with rules, its title above. Returns its height with the gaps."""
        label = f"表{number} " if self._language == "zh" else f"Table {number}. "
        self.text(x, top + 12, self._fit(label + title, width), _SMALL)
        first = top + 16
        for row in range(_TABLE_ROWS + 1):
            y = first + row * _ROW_HEIGHT
            self._page.draw_line((x, y), (x + width, y), width=0.5)
        for column in range(_TABLE_COLUMNS + 1):
            left = x + column * width / _TABLE_COLUMNS
            self._page.draw_line((left, first), (left, first + _TABLE_ROWS * _ROW_HEIGHT), width=0.5)
        for row in range(_TABLE_ROWS):
            for column in range(_TABLE_COLUMNS):
                value = f"{number * 7 + row * 13 + column * 5}.{row + column}"
                self.text(
                    x + 6 + column * width / _TABLE_COLUMNS, first + 11 + row * _ROW_HEIGHT, value, _SMALL
                )
        return self.table_height

    def _fit(self, text: str, width: float) -> str:
        measure: Any = _latin_width if text.isascii() else lambda part: _han_font().text_length(part, 1)
        while measure(text) * _SMALL > width:
            text = text[:-1]
        return text.strip()

    def _append(self, operators: str) -> None:
        stream = self._document.get_new_xref()
        self._document.update_object(stream, "<<>>")
        self._document.update_stream(stream, operators.encode("ascii"))
        _, contents = self._document.xref_get_key(self._page.xref, "Contents")
        before = contents.strip("[]") if contents != "null" else ""
        self._document.xref_set_key(self._page.xref, "Contents", f"[{before} {stream} 0 R]")


@functools.cache
def _han_font() -> pymupdf.Font:
    return pymupdf.Font("china-s")


@functools.lru_cache(100_000)
def _latin_width(text: str) -> float:
    """In units of the font size."""
    width: float = pymupdf.get_text_length(text, fontname=_LATIN, fontsize=1)
    return width
