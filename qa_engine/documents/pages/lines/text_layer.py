"""A PDF page in, its lines of text with their places out: the text layer, cleaned."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qa_engine.documents.blocks import Line
from qa_engine.text.language import HAN_RANGES

_HAN = f"\u2e80-\u2fdf{HAN_RANGES}"
_WIDE = f"{_HAN}\u3000-\u303f\uff00-\uffef"
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b\u2060\ufeff]")
_BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_LEADER = re.compile(r"(?:[ ]?[.·․…⋯]){5,}[ ]?")
"""The dots that lead to a page number in a table of contents."""
_TEMPLATE_FIELD = re.compile(r"\[Table_\w*\]\s?")
"""Names of fields, which reports made from Word templates contain as invisible text."""
_RADICALS = {
    code: folded
    for start, end in ((0x2F00, 0x2FD6), (0xF900, 0xFAFF), (0xFB00, 0xFB07))
    for code in range(start, end)
    if (folded := unicodedata.normalize("NFKC", chr(code))) != chr(code)
}
"""Radicals and compatibility forms that stand for ordinary Han characters in some fonts, and ligatures."""
_SUPERSCRIPT = 1
_BOLD = 16
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_HAN_BLANK = re.compile(f"(?<=[{_WIDE}]) (?=[{_WIDE}])")
_DIGIT_BLANK = re.compile(
    f"(?<=[{_HAN}]) (?=[\\d%％‰])|(?<=[{_HAN}\\d][\\d%％‰]) (?=[{_HAN}])|(?<=[\\d%％‰]) (?=[，。、；：）])"
)
_NUMBERING = re.compile(
    r"(第[一二三四五六七八九十百零〇\d.]+[章节節条條款编編篇部分]+|[一二三四五六七八九十]+|附录\w?"
    r"|\d{1,2}(?:\.\d{1,2})*\.?(?= [^年月日个家人名位次元万亿%％])) "
)
_SYMBOL_BULLET = re.compile("^[\uf06c\uf06e\uf075\uf076\uf09f\uf0a7\uf0a8\uf0b7\uf0d8\uf0fc\uf0e8]+ ?")
"""Bullets of symbol fonts."""
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffd]")
_WIDE_POINT = re.compile(r"(?<=\d)．(?=\d)")
_VERTICAL_FORM = re.compile("[\ufe10-\ufe19\ufe30-\ufe48]")
_VERTICAL_FORMS = str.maketrans(
    "︐︑︒︓︔︕︖︗︘︙︰︱︲︳︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈",
    "，、。：；！？〖〗…‥—–_（）｛｝〔〕【】《》〈〉「」『』［］",
)
"""Marks of vertical text, and the ordinary ones."""
_CUT_MARKS = "。！？；!?;….”’\"'）)」』】]"
CUT = re.compile(r"[。！？；!?;…]+[”’\"'）)」』】\]]* ?|\.[”’\"')\]]* ")
"""Marks inside a line at which a sentence may end."""


Direction = tuple[int, int]


class TurnedLine(NamedTuple):
    """A line that does not run from left to right: its direction, and whether its characters stand upright."""

    direction: Direction
    upright: bool
    line: Line


@dataclass
class PageLines:
    """The text layer of a page.

    Attributes:
        lines: those that run from left to right, in pieces where there are wide gaps, in the order of the file.
        raw: the text with every character of the file, to examine whether it is garbled.
        direction: of most of the text, as a unit vector: (1, 0) is from left to right, or upright.
        turned: the lines that run in another direction.
    """

    lines: list[Line] = field(default_factory=list)
    raw: str = ""
    direction: Direction = (1, 0)
    turned: list[TurnedLine] = field(default_factory=list)


def read_page_lines(page: Any, number: int) -> PageLines:
    """The lines of a ``pymupdf.Page`` with this number (from 1) that run from left to right."""
    import pymupdf

    textpage = page.get_textpage(flags=pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP)
    blocks = [block for block in textpage.extractDICT()["blocks"] if block["type"] == 0]
    words: dict[tuple[int, int], list[tuple[float, str]]] | None = None
    result = PageLines()
    raw: list[str] = []
    directions = Counter[Direction]()
    for index, block in enumerate(blocks):
        for line_number, source in enumerate(block["lines"]):
            raw.append("".join(span["text"] for span in source["spans"]))
            direction, upright = _direction(source), bool(source["wmode"])
            directions[(1, 0) if upright else direction] += len(raw[-1].strip())
            line = _line(source, number, index)
            if line is None:
                continue
            if direction != (1, 0):
                result.turned.append(TurnedLine(direction, upright, line))
                continue
            ends = [match.end() for match in CUT.finditer(line.text) if match.end() < len(line.text)]
            if ends:
                if words is None:
                    words = _words(textpage)
                line.cuts = _cuts(line.text, ends, words.get((block["number"], line_number), ()))
            result.lines.append(line)
    result.raw = "\n".join(raw)
    if directions:
        result.direction = directions.most_common(1)[0][0]
    return result


def _direction(line: dict[str, Any]) -> Direction:
    return round(line["dir"][0]), round(line["dir"][1])


def _line(line: dict[str, Any], page: int, block: int) -> Line | None:
    spans = line["spans"]
    text = clean("".join(_span_text(spans, index) for index in range(len(spans))))
    if not text:
        return None
    sizes = Counter[float]()
    bold = 0
    for span in spans:
        length = len(span["text"].strip())
        sizes[round(span["size"], 1)] += length
        bold += length if span["flags"] & _BOLD or "bold" in span["font"].lower() else 0
    x0, y0, x1, y1 = line["bbox"]
    size = sizes.most_common(1)[0][0]
    return Line(text, page, x0, y0, x1, y1, size, block, bold=2 * bold > sum(sizes.values()))


def _span_text(spans: Sequence[dict[str, Any]], index: int) -> str:
    """The text of a span. A superscript number stays one, so that 3.2% with a note 1 does not become 3.2%1."""
    text = str(spans[index]["text"])
    if index and spans[index]["flags"] & _SUPERSCRIPT and text.strip().isascii() and text.strip().isdigit():
        return text.translate(_SUPERSCRIPTS)
    return text


def count_han(text: str) -> int:
    """How many Han characters a text holds."""
    return len(_HAN_CHARACTER.findall(text))


def clean(raw: str) -> str:
    """The text of a line without control characters and private-use characters, bullets apart.

    Several blanks become one. There is none between Han characters, and none between them and digits; Latin words keep
    their blanks, and so does the number of a heading.
    """
    text = _BLANKS.sub(" ", _CONTROL.sub("", raw).translate(_RADICALS))
    text = _LEADER.sub(" … ", _TEMPLATE_FIELD.sub("", text)).strip()
    if _PRIVATE.search(text):
        text = _PRIVATE.sub("", _SYMBOL_BULLET.sub("• ", text)).strip()
    if not text or text.isascii():
        return text
    text = _WIDE_POINT.sub(".", text)
    if _VERTICAL_FORM.search(text):
        text = text.translate(_VERTICAL_FORMS)
    numbering = _NUMBERING.match(text)
    start = numbering.end() if numbering else 0
    rest = _HAN_BLANK.sub("", text[start:])
    # Twice: in 表 4 所示 the second blank matches only after the first is gone.
    return text[:start] + _DIGIT_BLANK.sub("", _DIGIT_BLANK.sub("", rest))


def _words(textpage: Any) -> dict[tuple[int, int], list[tuple[float, str]]]:
    """For each line (by its block and its number), the left edges and the texts of its words, split at every mark."""
    words: dict[tuple[int, int], list[tuple[float, str]]] = {}
    for x0, _, _, _, text, block, line, _ in textpage.extractWORDS(delimiters=_CUT_MARKS):
        words.setdefault((block, line), []).append((x0, text))
    return words


def _cuts(
    text: str, ends: Sequence[int], words: Sequence[tuple[float, str]]
) -> tuple[tuple[int, float], ...]:
    """For each of ``ends`` the left edge of the word that begins there, where it is known."""
    cuts = []
    index = characters = 0
    for end in ends:
        before = sum(1 for character in text[:end] if character != " " and character not in _CUT_MARKS)
        while index < len(words) and characters < before:
            characters += len(words[index][1])
            index += 1
        if characters == before and index < len(words):
            cuts.append((end, words[index][0]))
    return tuple(cuts)
