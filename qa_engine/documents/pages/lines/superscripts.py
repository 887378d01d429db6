"""Superscripts: marks of notes are not read, powers are. Lines that MuPDF begins or ends with one are put together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from qa_engine.documents.blocks import Line, Mark

_SHORT = 4
_SMALL, _TOUCHING = 0.85, 0.2
"""Superscripts and subscripts are smaller than this share of the text that they touch, with a gap below this share."""
_LOWER, _HIGHER, _LEVEL = -0.35, 0.6, 0.12
"""They are higher than the text by more than the first and less than the second share of its size; level by the third."""
_RAISED, _SMALLER = 0.12, 0.85
"""A superscript stands at least so much higher, and is at most so large, in sizes of the text around it."""
_SUPERSCRIPT = 1
"""The flag of MuPDF, set by comparison with the first character of the line."""
_SUPERSCRIPTS = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LEADING_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d{1,3}")
_SIGNED = re.compile(r"[+\-−–]?\d{0,3}\.\d{1,3}|[+\-−–]\d{1,3}|\d{0,3}[+\-−–]")
_ONE_NOTE = r"(\d{1,3}|[①-⑳]|[*∗†‡§¶※]{1,4})"
_NOTE = re.compile(rf"[\[［〔【（(]?(注\s?)?{_ONE_NOTE}(\s?[,，、–\-−]\s?{_ONE_NOTE})*[\]］〕】）)]?")
_ORDINAL = re.compile(r"\d*(?:st|nd|rd|th)|\D*", re.IGNORECASE)
_DEGREE = re.compile(r"[oO0°]")
_SCALE = re.compile(r"\s?[CFＣ℃]")
_UNIT = re.compile(
    r"(?<![A-Za-z])(?:[kdcmnuµμ]?m|ft|yd|mi|pc|[kM]pc|sec)$|(?<=[\d/·×])\s?(?:in|s|g|kg|L|h|rad|mol)$|[\d万亿]\s?[千厘毫分公]?[米里]$"
)
_VARIABLE = re.compile(
    r"(?:^|[^A-Za-z\u00c0-\u024f])[A-Za-z\u00b5\u0370-\u03ff]$|[\U0001d400-\U0001d7ff]$|[=+−×/(·*-]\s?[A-Za-z]{1,2}$|(?:sin|cos|tan|log|ln|exp)$"
    r"|(?<![A-Za-z])[b-df-hj-np-tv-z]{2}$|[=+−×¯].*\)$|[|\]]$"
)
_SMALL_BASE = re.compile(r"(?<![\d.,A-Za-z])\d$")
_PRICE = re.compile(r"[$¥￥€£]\s?\d+$")
_OPERATOR = re.compile(r"\s*(?:[=×+−·*)≈<>-]|$)")
_OPERATION = re.compile(r"[=×+−·*÷^]")
_FRACTION = re.compile(r"\s*[/⁄]")
_MATH_FONT = re.compile("CMMI|MTMI|txmi|zplmi|Math", re.IGNORECASE)
"""Fonts of variables: what is raised behind these is a power."""
_ISOTOPE = re.compile(r"(?:C|H|N|O|P|S|F|U|K|Ca|Cs|Sr|Tc|Pb|Pu|Co|Fe)(?![a-z])")
_MARKED = re.compile(r"[\w。．，、；：！？.,;:!?)）\]】》〉」』”’\"'%％‰℃°]$")


class SourceLine:
    """A line of MuPDF with the size and the baseline of most of its text."""

    __slots__ = (
        "baseline",
        "has_small",
        "left",
        "marks",
        "raw",
        "read",
        "right",
        "size",
        "spans",
    )

    def __init__(self, line: dict[str, Any], raw: str) -> None:
        self.spans = line["spans"]
        self.raw = raw
        self.left, _, self.right, _ = line["bbox"]
        main = self.spans[0]
        self.has_small = False
        if len(self.spans) > 1:
            sizes = [span["size"] for span in self.spans]
            largest = max(sizes)
            if min(sizes) <= _SMALL * largest:
                self.has_small = True
                main = self.spans[sizes.index(largest)]
        self.size: float = main["size"]
        self.baseline: float = main["origin"][1]
        self.marks: list[Mark] = []
        self.read = ""

    def goes_on(self, last: SourceLine) -> bool:
        """Whether MuPDF began a line with a superscript or subscript, or behind one, in the middle of a line."""
        if not self.left - last.left > 0 or self.left - last.right > _TOUCHING * last.size:
            return False
        first, end = self.spans[0], last.spans[-1]
        size, higher = max(self.size, last.size), last.baseline - self.baseline
        if (
            _LOWER * size < higher < _HIGHER * size
            and first["size"] <= _SMALL * last.size
            and _is_mark(first["text"])
        ):
            return True
        return bool(
            abs(higher) < _LEVEL * size and end["size"] <= _SMALL * self.size and _is_mark(end["text"])
        )

    def numerator(self, last: SourceLine) -> str:
        """The superscript at the end of the line before, if this one is the denominator below it; else empty."""
        mark, first = last.marks[-1] if last.marks else None, self.spans[0]
        if (
            mark is None
            or mark.read
            or first["size"] > _SMALL * last.size
            or not self.raw.strip()[:1].isdigit()
        ):
            return ""
        below = 0 < first["origin"][1] - last.baseline < last.size
        beside = abs(mark.x - (first["bbox"][0] + first["bbox"][2]) / 2) < last.size / 2
        return mark.text.translate(_SUPERSCRIPTS) if below and beside else ""

    def text(self, before: SourceLine | None) -> str:
        """The text with its superscripts as they are read."""
        size, baseline = self.size, self.baseline
        if before is not None and before.size > size:
            size, baseline = before.size, before.baseline
        if not self.has_small and size == self.size:
            return self.raw
        text, self.marks = _read(self.spans, before.read if before is not None else "", size, baseline)
        return text


def _read(
    spans: Sequence[dict[str, Any]], before: str, size: float, baseline: float
) -> tuple[str, list[Mark]]:
    """The text of the spans of a line by MuPDF with its superscripts as they are read, and those that are read otherwise.

    Args:
        spans: of the line.
        before: the text before them in the same line.
        size: of most of the text, in points.
        baseline: of most of the text.
    """
    text, marks, index, lowered = before, list[Mark](), 0, False
    while index < len(spans):
        span = spans[index]
        part, end = str(span["text"]), index + 1
        higher = baseline - span["origin"][1]
        if not lowered and _RAISED * size < higher < size and span["size"] <= _SMALLER * size:
            while end < len(spans) and _is_beside(span, spans[end]):
                part += spans[end]["text"]
                end += 1
            following = "".join(other["text"] for other in spans[end:])
            if index and _MATH_FONT.search(spans[index - 1]["font"]) and _NUMBER.fullmatch(part.strip()):
                read = part.strip().translate(_SUPERSCRIPTS)
            else:
                read = raised(part, text, following)
            if not read:
                text = text.rstrip(" ") if following[:1] in {*".,;:)"} else text
                read = " " if text[-1:] in {*".!?"} and following[:1].isalpha() else ""
            if read != part:
                x0, y0, x1, y1 = span["bbox"]
                marks.append(
                    Mark(len(text) - len(before), (x0 + x1) / 2, (y0 + y1) / 2, part.strip(), read.strip())
                )
            part = read
        elif span["flags"] & _SUPERSCRIPT and higher > _RAISED * size:
            part = part.translate(_SUPERSCRIPTS) if _NUMBER.fullmatch(part.strip()) else part
        elif part.strip():
            lowered = span["size"] <= _SMALLER * size and higher < 0
            if not lowered:
                size, baseline = span["size"], span["origin"][1]
        text += part
        index = end
    return text[len(before) :], marks


def _is_beside(span: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a span is part of the superscript that another begins."""
    same_height = abs(span["origin"][1] - other["origin"][1]) < _RAISED * span["size"]
    return bool(same_height and other["size"] < (1 + _RAISED) * span["size"])


def _is_mark(text: str) -> bool:
    """Whether a superscript or subscript is a number or the mark of a note, and no part of a formula."""
    mark = text.strip()
    return any(pattern.fullmatch(mark) for pattern in (_NUMBER, _SIGNED, _NOTE))


def raised(text: str, before: str, following: str) -> str:
    """A superscript as it is read: nothing for the mark of a note, an exponent in superscript characters, else as it is.

    What stands before decides: 10⁵, m² and x² are powers, and a number or a word has a note (1850³万吨).

    Args:
        text: of the superscript.
        before: the text before it, from the beginning of the line; empty at its beginning.
        following: the text behind it.
    """
    mark = text.strip()
    if not before.strip() or (before[-1].isspace() and following[:1].isalpha()):
        isotope = len(mark) > 1 and _ISOTOPE.match(following) is not None
        if not before.strip() and mark.isdecimal() and following[:1].isalnum() and not isotope:
            return f"{mark} "  # the number of the footnote itself
        return text.translate(_SUPERSCRIPTS) if mark.isdecimal() else text
    if _DEGREE.fullmatch(mark) and before[-1].isdigit() and _SCALE.match(following):
        return "°"
    if _SIGNED.fullmatch(mark):
        return mark.translate(_SUPERSCRIPTS)
    if _NUMBER.fullmatch(mark) and _is_power(mark, before, following):
        return mark.translate(_SUPERSCRIPTS)
    if not _NOTE.fullmatch(mark):
        digits = (
            _LEADING_DIGITS.match(text) if before[-1].isdigit() and not _ORDINAL.fullmatch(mark) else None
        )
        return text if digits is None else digits[0].translate(_SUPERSCRIPTS) + text[digits.end() :]
    if before[-1].isspace() and following[:1].isspace():
        return text.translate(_SUPERSCRIPTS)  # † is spoken of
    of_variable = not mark[-1].isalnum() and _VARIABLE.search(before[-30:])
    if of_variable or _OPERATION.match(following) or not _MARKED.search(before.rstrip()):
        return text.translate(_SUPERSCRIPTS)
    return ""


def _is_power(mark: str, before: str, following: str) -> bool:
    """Whether a raised number belongs to what it stands behind, and is not the number of a note."""
    base = before[-30:].rstrip() if before[-1] == " " else before[-30:]
    if not base[-1:].isalnum() or base[-1] != before[-1]:
        return bool(_VARIABLE.search(base))
    if _FRACTION.match(following) or (_PRICE.search(base) and len(mark) == 2):
        return True
    if re.search(r"(?<![\d.,])10$", base):
        return mark != "1" or not following[:1].isalnum()
    if _UNIT.search(base):
        return mark in "234"
    return bool(_VARIABLE.search(base) or (_SMALL_BASE.search(base) and _OPERATOR.match(following)))


def with_loose_marks(lines: list[Line]) -> list[Line]:
    """The pieces of a page, with the superscripts that are drawn apart joined to the text that they touch."""
    loose = [line for line in lines if len(line.text) <= _SHORT and _is_mark(line.text)]
    if not loose:
        return lines
    usual = median(line.size for line in lines)
    attached: set[int] = set()
    for mark in loose:
        if mark.size > _SMALL * usual:
            continue
        for index, line in enumerate(lines):
            higher = line.y1 - mark.y1
            touches = abs(mark.x0 - line.x1) < _TOUCHING * line.size and mark.size <= _SMALL * line.size
            if touches and _RAISED * line.size < higher < line.size:
                read = raised(mark.text, line.text, "")
                place = Mark(
                    len(line.text), (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2, mark.text, read
                )
                whole = replace(line, text=line.text + read, marks=(*line.marks, place))
                lines[index] = replace(whole, x1=mark.x1, y0=min(line.y0, mark.y0))
                attached.add(id(mark))
                break
    return [line for line in lines if id(line) not in attached]


def word_as_read(text: str, x0: float, y0: float, x1: float, y1: float, marks: Sequence[Mark]) -> str:
    """A word with the superscripts that stand in its rectangle as they are read: 48 and not 481 in the cell of a table."""
    for mark in marks:
        if x0 <= mark.x <= x1 and y0 <= mark.y <= y1 and mark.text in text:
            places = [match.start() for match in re.finditer(re.escape(mark.text), text)]
            expected = (mark.x - x0) / max(x1 - x0, 1.0) * len(text) - len(mark.text) / 2
            at = min(places, key=lambda place: abs(place - expected))
            text = text[:at] + mark.read + text[at + len(mark.text) :]
    return text
