"""Tells figures that count up with the pages (page numbers, 3-1, xiv) from figures that a file reports.

Lines that are alike but for their digits may be a header with its page number, or one measurement a page: only how the
figures go on from page to page tells them apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.joining import join_pieces
from qa_engine.text.numbers import parse_number

PAGE_NUMBER = re.compile(
    r"[\s\-–—―‐·•.|/~]*(第|page|p\.?)?\s*(?P<label>\d{1,4}|[ivxlc]{1,7}|[Ⅰ-ⅻ]|(?<=第)[一二三四五六七八九十百〇零]{1,5}(?=页|頁))\s*(页|頁)?"
    r"\s*((/|of|共|，共|,共)\s*(第|共)?\s*(\d{1,4}|[Ⅰ-ⅻ]|[一二三四五六七八九十百〇零]{1,5})\s*(页|頁)?)?[\s\-–—―‐·•.|/~]*",
    re.IGNORECASE,
)
"""A line that is nothing but the number of its page."""
_BARE = re.compile(r"[\s.]*[0-9ivxlc]+[\s.]*", re.IGNORECASE)
_FIGURE = re.compile(
    r"\d+|(?<![A-Za-z])[ivxlc]{1,7}(?![A-Za-z])|[Ⅰ-ⅻ]|(?<=第)[一二三四五六七八九十百〇零]{1,5}(?=页|頁)"
)
_REPORTED = re.compile(
    r"\d{4}\s*[-./年]\s*\d{1,2}(\s*[-./月]\s*\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d++\.\d++(?=\s*\S)|(?<=\S)\s*\d+\.\d+"
)
"""Dates and decimals: never the number of a page, though days count up in a diary."""
_BLANKS = re.compile(r"\s+")
_PAGE_BEFORE = re.compile(
    r"(^|[\s\-–—―‐·•.|/~#(（\[]|第|共|of|page|页码?[:：]|page[:：]|[A-Z]-)\s*$", re.IGNORECASE
)
_PAGE_AFTER = re.compile(
    r"\s*($|[\-–—―‐·•.|/~)）\]]|页|頁|共|，共|of\b)|\s+[“\"《]?((?-i:[A-Z][A-Za-z]{2})|[〇\u3400-\u9fff]{2})",
    re.IGNORECASE,
)
_MAX_HEADER = 200
_MIN_PAGES = 3
"""Pages whose numbers count alike are no accident from so many on."""
_TITLE_CHARS = 5
"""A row beside whose number stand fewer characters than in a title is no header."""
_YEARS = 1900
"""A bare number from this on may be a year."""
_TITLE = re.compile(r"[\u3400-\u9fff](?<![号序样例组井栋层室批次型项品单位])\s*$")
"""The end of a title with the number of its page behind it, and not of what is numbered itself (样品 12)."""
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_ROMAN_NUMERAL = re.compile("(?=.)c{0,3}(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")
_STEPS = (1, 2)
"""From page to page a number grows by one, or by two where a page shows two of a book."""
_STRICT, _GOING_ON = 0.6, 0.85
"""Shares of the steps from page to page that count up, and that do so or begin again."""
_PARTS = 3
"""A figure that stays the same on so many pages in the mean belongs to a part of the file (第2章, 2020年)."""


@dataclass(frozen=True)
class Figures:
    """The figures of a line.

    Attributes:
        words: the line without blanks, with ``#`` for each figure.
        values: the figures from left to right.
        page_like: for each, whether it stands where the number of a page may: 第3页, 3/12, A-3, ``3 Preface``; but not
            3号, 3.4 m or 2024-05-08.
    """

    words: str
    values: tuple[int, ...]
    page_like: tuple[bool, ...]

    @classmethod
    def of(cls, text: str) -> Figures:
        """Those of a text; a longer one than any header has none."""
        if len(text) > _MAX_HEADER:
            return cls(text, (), ())
        words, values, page_like, end = "", list[int](), list[bool](), 0
        reported = [match.span() for match in _REPORTED.finditer(text)]
        for match in _FIGURE.finditer(text):
            value = number_of(match[0])
            if value is None:
                continue
            words += text[end : match.start()] + "#"
            end = match.end()
            values.append(value)
            before, after = _PAGE_BEFORE.search(text, 0, match.start()), _PAGE_AFTER.match(text, end)
            if end == len(text) and before is None:
                before = _TITLE.search(text, 0, match.start())
            inside = any(first <= match.start() < last for first, last in reported)
            page_like.append(before is not None and after is not None and not inside)
        return cls(_BLANKS.sub("", words + text[end:]), tuple(values), tuple(page_like))


def number_of(text: str) -> int | None:
    """The value of a number in digits, Roman numerals or Chinese characters; None if it is none."""
    if text.isdecimal():
        return int(text)
    if "Ⅰ" <= text <= "ⅻ":
        return (ord(text) - ord("Ⅰ")) % 16 + 1
    letters = text.lower()
    if not _ROMAN_NUMERAL.fullmatch(letters):
        return int(value) if (value := parse_number(text)) is not None and value.isdecimal() else None
    values = [_ROMAN[letter] for letter in letters]
    return sum(-one if one < other else one for one, other in pairwise([*values, 0]))


def is_bare(text: str) -> bool:
    """Whether a page number has no sign of being one: neither 第 nor a dash nor a total."""
    return _BARE.fullmatch(text) is not None


def counts_up(numbers: Sequence[tuple[int, int]]) -> bool:
    """Whether a figure grows as the pages do, perhaps beginning again with each chapter.

    Args:
        numbers: page and figure, ascending by page.
    """
    steps = [(after[0] - before[0], before[1], after[1]) for before, after in pairwise(numbers)]
    steps = [step for step in steps if step[0] > 0]
    for size in _STEPS:
        strict = sum(after - before == size * pages for pages, before, after in steps)
        again = sum(after < before and after <= size * pages for pages, before, after in steps)
        if strict >= _STRICT * len(steps) and strict + again >= _GOING_ON * len(steps) and strict:
            return True
    return False


def belongs_to_pages(found: Sequence[tuple[int, Figures]]) -> bool:
    """Whether the figures of lines with the same words say which page or part of the file it is, and nothing else.

    Args:
        found: page and figures of each line, ascending by page.
    """
    columns = list(zip(*(figures.values for _, figures in found), strict=True))
    begun_again = set[int]()
    others = []
    for index, column in enumerate(columns):
        numbers = [(page, value) for (page, _), value in zip(found, column, strict=True)]
        if len(set(column)) > 1 and counts_up(numbers):
            if not all(figures.page_like[index] for _, figures in found):
                return False
            begun_again |= {at for at in range(1, len(column)) if column[at] < column[at - 1]}
        else:
            others.append(column)
    return all(_names_a_part(column, begun_again) for column in others)


def _names_a_part(column: Sequence[int], begun_again: set[int]) -> bool:
    """Whether a figure is the same throughout, or in each part of the file."""
    changes = {at for at in range(1, len(column)) if column[at] != column[at - 1]}
    if changes <= begun_again:
        return True
    contiguous = len(changes) + 1 == len(set(column))
    return contiguous and len(column) >= _PARTS * len(set(column))


def page_numbers(rows: Mapping[int, Sequence[list[Line]]], in_tables: Container[int]) -> set[int]:
    """``id()`` of the lines that are the number of their page, and nothing else.

    A bare number is one if it counts as others do, in a file of one or two pages also if there are none to compare.

    Args:
        rows: by number of the page, the rows of its margins.
        in_tables: ``id()`` of the lines that are cells.
    """
    found: list[tuple[int, int | None, list[Line], bool]] = []
    beside: list[tuple[int, int, Line]] = []
    offsets: dict[tuple[int, int], set[int]] = defaultdict(set)
    for page, row in ((page, row) for page, page_rows in rows.items() for row in page_rows):
        text = join_pieces(row).text
        figures = Figures.of(text)
        if match := PAGE_NUMBER.fullmatch(text):
            found.append((page, number_of(match["label"]), row, is_bare(text)))
        elif len(figures.words) < _TITLE_CHARS:
            continue  # a formula
        elif len(row) > 1:
            outer = next((piece for piece in (row[-1], row[0]) if piece.text.isdecimal()), None)
            if outer is not None:
                beside.append((page, int(outer.text), outer))
        for value, page_like in zip(figures.values, figures.page_like, strict=True):
            for step in _STEPS if page_like else ():
                offsets[step, value - step * page].add(page)
    enough = min(_MIN_PAGES, max(len(rows) - 1, 2))
    numbers: set[int] = set()
    for page, label, row, bare in found:
        if bare and label is not None:
            counts = max(len(offsets[step, label - step * page]) for step in _STEPS) >= enough
            alone = len(rows) < _MIN_PAGES and id(row[0]) not in in_tables
            if label != page and (label >= _YEARS or not (counts or alone)):
                continue
        numbers.update(id(line) for line in row)
    for page, label, piece in beside:
        if len(offsets[1, label - page]) >= _MIN_PAGES and id(piece) not in in_tables:
            numbers.add(id(piece))
    return numbers


def numbers_at_ends(rows: Mapping[int, list[Line]]) -> set[int]:
    """``id()`` of the lines that are the number of their page below its text, wherever that ends.

    Pages that were made out of HTML have it there. It counts with those of other pages, or is none.

    Args:
        rows: by number of the page, its lowest row.
    """
    offsets: dict[int, list[Line]] = defaultdict(list)
    for page, row in rows.items():
        match = PAGE_NUMBER.fullmatch(join_pieces(row).text)
        label = number_of(match["label"]) if match is not None else None
        if label is not None:
            offsets[label - page].extend(row)
    return {id(line) for lines in offsets.values() if len(lines) >= _MIN_PAGES for line in lines}
