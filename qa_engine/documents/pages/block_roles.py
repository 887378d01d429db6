"""Tells what the blocks of pages are by their words, size and place; and the section paths that headings make."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role
from qa_engine.text.language import HAN
from qa_engine.text.one_line import one_line

_VERBS = (
    r"[，。、和及与是为的至到~～]|所(?![得有])|列(?![车表])|示(?![意例范])|给(?![水付])"
    r"|中(?![国央小东部西期外文])|可[以见知看]|(显示|展示|说明|反映|表明|描述|描绘|总结|概括|汇总|对比|比较|呈现|提供|报告|介绍|刻画|统计)了"
)
"""What follows the number of a table or figure in a sentence, and not in a caption."""
CAPTION = re.compile(
    r"(图|圖|表|附图|附表)\s*([\d一二三四五六七八九十]++|[A-Z](?![A-Z])\d*+)([-.–]\d++)*+(?![\d年月日个])"
    rf"\s*+(?!{_VERBS})\S.*"
    r"|(figure|fig\.?|table)\s*(\d++[a-z]?|[a-z]\d*+|[ivxl]++)([-.]\d++)*+(\([a-z]\))?\s*+[.:|].*",
    re.I,
)
NUMBERED_HEADING = re.compile(
    r"第[一二三四五六七八九十百零〇\d]{1,6}[章节節编編篇部](分)?([\s　:：].*|[^，。；！？]{0,30})"
    r"|\d{1,2}(\.\d{1,2}){1,4}\.?\s*+(?!([年月日元万亿倍%％]|(million|billion|trillion|percent|times)\b))[^\s\d.,，].*"
    r"|(chapter|section|part|appendix)\s+(\d[\d.]*|[ivxl]+|[A-Z])(?!\w)(?!\s+(?-i:[a-z])).*"
    r"|(参考文献|附录.*|摘\s?要|目\s?录|前\s?言|结\s?论|致\s?谢|abstract|references|bibliography|acknowledge?ments?"
    r"|contents|introduction|conclusions?|appendix)",
    re.I,
)
LIST_ITEM = re.compile(
    r"[•●▪■◆–—‣·►▶◦○]\s*\S|[(（]?(\d{1,3}|[a-z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[)）、]"
    r"|\d{1,3}\.(?!\d)\s*\S|第[一二三四五六七八九十百零〇\d]{1,6}[条條款]|[-*]\s+\S"
)
LABEL = re.compile(
    r"(?!.{0,12}(?:如下|以下|下列|为|是|包括|认为|指出|表示|表明|说|道|即|例如|其中|分别)\s?[：:])"
    r"[\u4e00-\u9fff][^\s，。；：:！？、]{0,11}(?:\s?[（(][^）)]{0,10}[）)])?\s?[：:]\s*\S"
    r"|[A-Z][\w./'’()& -]{0,30}:(?:\s+\S|(?<!\d:)\d)"
)
"""The label of a line of a form or a cover: 甲方：…"""
TERMINAL = re.compile(r"[。！？!?;；:：…][”’\"')）」』】]*$|\.[”’\"')]*$")
UNIT = re.compile(
    r"[（(]?((amounts?|dollars?|figures?|expressed|stated|all|tabular|shares?|data|and|US|U\.S\.|RMB|USD|EUR|[$€£¥,\s])*"
    r"\bin\s+(\S+\s+)?(millions|thousands|billions)\b[^.。]{0,80}|unaudited|(金额)?单位\s*[:：为][^，。]{0,8}([元股吨份]|%)[^，。]{0,16}|除.{1,20}外.{0,20}单位.{0,20})"
    r"[)）]?(\s*\(unaudited\))?",
    re.I,
)
"""The unit of a statement below its title: part of the table, and no title."""
_CONTENTS_TITLE = re.compile(
    r"\W*(([图圖表插附件章节節内容總总]{0,3}\s*目\s*[录錄次]|(table\s+of\s+)?contents|list\s+of\s+(figures|tables))\W*)+",
    re.I,
)
"""The title of a list of what follows, above no section: whatever its size, the text after the list is not part of it."""
REFERENCES = re.compile(
    r"(?:\d{1,2}\.?|[A-Z]\.|[IVX]+\.|[一二三四五六七八九十]+、)?\s*"
    r"(?:(?:主要|英文|中文)?(?:参考(?:文献|书目|资料)|引用文献)"
    r"|(?:list of )?references(?: cited)?|bibliography|works cited)\s*[:：]?",
    re.I,
)
"""The title of a list of references."""
CONTENTS_ENTRY = re.compile(r"(…|[.·]{3,}|([.·] ){3,})\s*[\dIVXivx]{1,5}$")
PAGE_AT_END = re.compile(r"(?<![\d.,:/-])\d{1,4}$")
_CONTENTS_SHARE = 0.5
_MIN_CONTENTS = 3
_FOOTNOTE_SIZE = 0.87
_HEADING_SIZE = 1.12
_LARGER = 1.05
_SENTENCE_END = re.compile(r"[。！？；，,;]$|[^\d\s]\.$")
_MAX_HEADING = 80
_FEW_LINES = 3

MAX_TITLE = 80
"""Most characters of a heading in a path."""
_MAX_DEPTH = 6
_SAME_SIZE = 0.04
_RANKS = (
    re.compile(r"第[一二三四五六七八九十百零〇\d]+[编編篇部]|part\s+([\dIVX]+|[A-Z])\b", re.I),
    re.compile(r"第[一二三四五六七八九十百零〇\d]+章|chapter\s+[\dIVX]+\b", re.I),
    re.compile(r"第[一二三四五六七八九十百零〇\d]+[节節]"),
    re.compile(r"[一二三四五六七八九十]{1,3}[、.．]"),
    re.compile(r"[（(][一二三四五六七八九十]{1,3}[)）]"),
)
_DECIMAL = re.compile(r"(\d{1,2}+(?:\.\d{1,2}+)++|\d{1,2}+(?![年月日%％]|[A-Z](?![a-z])))[.．、]?+(?!\d)")
"""The number of a heading: not a year, 5G or 10年."""
_DECIMAL_RANK = 10
_ROMAN, _LETTER = re.compile(r"[IVX]+\.\s"), re.compile(r"[A-HJ-UWYZ]\.\s")
"""The numbers of sections and their parts, as in IEEE's papers. A letter alone may be the number of an appendix."""
_BRACKETED = re.compile(r"[（(]\d{1,2}[)）]")
_BRACKETED_RANK = 20


def body_size(pages: Iterable[Page]) -> float:
    """The font size in points of most of the text."""
    sizes = Counter[float]()
    for page in pages:
        for block in page.blocks:
            if block.role not in HEADERS_FOOTERS:
                for line in block.lines:
                    sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def is_contents(lines: Sequence[Line]) -> bool:
    """Whether most of the lines are entries of a table of contents: titles with dots and the number of a page."""
    entries = sum(1 for line in lines if CONTENTS_ENTRY.search(line.text))
    return entries >= _MIN_CONTENTS and entries >= _CONTENTS_SHARE * len(lines)


def assign_roles(pages: Sequence[Page], size: float) -> None:
    """Sets the roles of blocks in a file whose headers and footers are marked, and whose body text has this size in points.

    Blocks of the fast parser are split by role, those of the layout model are corrected: it sometimes takes the last line
    of a paragraph for a heading.
    """
    for page in pages:
        if page.parser != "fast":
            for block in page.blocks:
                block.role = _corrected(block, page.height, size)
            _mark_contents(page.blocks)
            continue
        page.blocks = [
            part
            for block in page.blocks
            for part in ([block] if block.role is not Role.BODY else _parts(block, page.height, size))
        ]
        _mark_contents(page.blocks)
        for number, block in enumerate(page.blocks):
            for line in block.lines:
                line.block = number


def _mark_contents(blocks: Sequence[Block]) -> None:
    """Makes the lines below the title of a table of contents its entries, whose page numbers go up, with dots or without."""
    for index, block in enumerate(blocks):
        if len(block.lines) != 1 or not _CONTENTS_TITLE.fullmatch(block.lines[0].text):
            continue
        entries, last = list[Block](), 0
        for other in blocks[index + 1 :]:
            found = [PAGE_AT_END.search(line.text) for line in other.lines]
            pages = [last, *(int(page[0]) for page in found if page is not None)]
            words = all(any(map(str.isalpha, line.text)) for line in other.lines)
            if None in found or not words or pages != sorted(pages):
                break
            entries.append(other)
            last = pages[-1]
        if sum(len(entry.lines) for entry in entries) >= _MIN_CONTENTS:
            for entry in entries:
                # Titles and numbers far apart, without dots between them, look like a table to the layout model.
                entry.role, entry.table = Role.CONTENTS, None


def _corrected(block: Block, height: float, size: float) -> Role:
    """The role of a block of the layout model, unless its words show that it is another."""
    first, last = block.lines[0], block.lines[-1]
    if block.role is Role.HEADING:
        is_plain = first.size < _LARGER * size and not first.bold and not NUMBERED_HEADING.match(first.text)
        if is_plain and (first.text[0].islower() or _SENTENCE_END.search(last.text)):
            return Role.BODY
    if block.role in {Role.BODY, Role.LIST, Role.HEADING} and CAPTION.match(first.text):
        return Role.CAPTION
    if block.role is Role.BODY and _is_small_print(block, height, size):
        return Role.FOOTNOTE
    return block.role


def _is_small_print(block: Block, height: float, size: float) -> bool:
    common = Counter(round(line.size, 1) for line in block.lines).most_common(1)[0][0]
    return common < _FOOTNOTE_SIZE * size and block.lines[0].y0 > 0.5 * height


def _parts(block: Block, height: float, size: float) -> list[Block]:
    """A block of the fast parser as blocks of one role each."""
    if is_contents(block.lines):
        return [Block(Role.CONTENTS, block.lines)]
    if CAPTION.match(block.lines[0].text) and len(block.lines) <= 2 * _FEW_LINES:
        return [Block(Role.CAPTION, block.lines)]
    if _is_small_print(block, height, size):
        return [Block(Role.FOOTNOTE, block.lines)]
    parts: list[Block] = []
    for index, line in enumerate(block.lines):
        role = Role.HEADING if _is_heading(line, block.lines, index, size) else Role.BODY
        begins = role is Role.HEADING and NUMBERED_HEADING.match(line.text)
        if parts and parts[-1].role is role and not begins:
            parts[-1].lines.append(line)
        else:
            parts.append(Block(role, [line]))
    return parts


def _is_heading(line: Line, lines: Sequence[Line], index: int, size: float) -> bool:
    text = line.text
    if len(text) > _MAX_HEADING or CONTENTS_ENTRY.search(text):
        return False
    if line.size > _HEADING_SIZE * size and not _is_among_text(line, lines):
        return True
    if re.search(r"[。；，,;]$", text):
        return False
    alone = index == 0 or TERMINAL.search(lines[index - 1].text) is not None
    numbered = NUMBERED_HEADING.fullmatch(text) is not None
    if (line.bold and not all(other.bold for other in lines)) or (line.bold and len(lines) == 1):
        return alone and (numbered or not TERMINAL.search(text))
    if not (numbered and alone and line.size >= 0.97 * size and len(text) <= 40):
        return False
    return len(lines) == 1 or (index == 0 and not _is_full(line, lines))


def _is_among_text(line: Line, lines: Sequence[Line]) -> bool:
    """Whether others of its size in its block are too long for headings: its text is larger than its tables."""
    return any(
        len(other.text) + len(HAN.findall(other.text)) > _MAX_HEADING
        and other.bold == line.bold
        and abs(other.size - line.size) < _SAME_SIZE * line.size
        for other in lines
    )


def _is_full(line: Line, lines: Sequence[Line]) -> bool:
    """Whether a line reaches as far to the right as those below it: then it is the first line of a numbered clause."""
    return line.x1 > max(other.x1 for other in lines) - 2 * line.size


@dataclass(frozen=True)
class Heading:
    """A heading: its words, its font size in points, and its level from 1, if its source says it, or else 0."""

    text: str
    size: float
    bold: bool = False
    level: int = 0


def section_paths(headings: Sequence[Heading]) -> list[tuple[str, ...]]:
    """For each heading, the titles from the outermost section down to itself.

    Levels decide, where they are known. Else the numbering decides which of two numbered headings is above the other
    (第一章, 第一节, 一、, （一）, 1, 1.1, (1)). Else the font size does, then whether it is bold. A path has at most
    six titles.
    """
    stack: list[Heading] = []
    paths = []
    for heading in headings:
        stack = [item for item in stack if not _CONTENTS_TITLE.fullmatch(item.text)]
        while stack and not _is_above(stack[-1], heading):
            stack.pop()
        stack = [*stack[: _MAX_DEPTH - 1], heading]
        paths.append(tuple(title(item.text) for item in stack))
    return paths


def title(text: str) -> str:
    """A heading as it stands in a path: on one line, with at most 80 characters."""
    words = one_line(text)
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"


def _is_above(upper: Heading, lower: Heading) -> bool:
    if upper.level and lower.level:
        return upper.level < lower.level
    first, second = numbering_rank(upper.text), numbering_rank(lower.text)
    if first is not None and second is not None:
        return first < second
    if _ROMAN.match(upper.text) and _LETTER.match(lower.text):
        return True
    if _ROMAN.match(lower.text) and (_LETTER.match(upper.text) or _ROMAN.match(upper.text)):
        return False
    if abs(upper.size - lower.size) > _SAME_SIZE * max(upper.size, lower.size):
        return upper.size > lower.size
    if first is None and second is None:
        return upper.bold and not lower.bold
    # An unnumbered heading (致谢) of the same size is on the level of the outermost numbered ones.
    return False


def numbering_rank(text: str) -> int | None:
    """The level that the number of a heading gives it, the outermost first; None for a heading without a number."""
    for rank, pattern in enumerate(_RANKS):
        if pattern.match(text):
            return rank
    if _BRACKETED.match(text):
        return _BRACKETED_RANK
    number = _DECIMAL.match(text)
    if number is not None and len(text) > number.end():
        return _DECIMAL_RANK + number.group(1).count(".")
    return None
