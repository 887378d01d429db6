"""Tells where paragraphs end: the lines of one and the next line in, whether it goes on out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.blocks import Block, Line
from qa_engine.documents.pages.block_roles import LABEL, LIST_ITEM, TERMINAL, UNIT
from qa_engine.documents.pages.lines.cleaning import count_han

_HEADING_SIZE = 1.12
"""A line of more than this many times the size of the body text continues no paragraph of another block."""
_SAME_SIZE = 0.08
"""Lines of one paragraph differ in size by no more than this share."""
_NEAR = 60
"""Lines that begin within so many points of each other stand in one column."""
_OPEN = tuple("（「『“‘《〈【〔［([")
"""A line that ends with one of these is not over."""
_E_MAIL_END = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+$")
_DIGITS = re.compile(r"\d+")
_LONG, _SHORTER = 50, 0.7
"""A line as wide as so many letters (a Han character is two) may be one of running text, one so much shorter is none."""
_BULLETS = "•●▪■◆–—‣·►▶◦○"


def continues_paragraph(paragraph: Sequence[Line], line: Line, block: Block, body_size: float) -> bool:
    """Whether a line continues the paragraph of the lines before it.

    Args:
        paragraph: the lines so far, from one or several blocks and pages.
        line: the next line of prose.
        block: that holds it.
        body_size: font size of the text of the file, in points.
    """
    last = paragraph[-1]
    if abs(last.size - line.size) > _SAME_SIZE * max(last.size, line.size):
        return False
    if last.text.endswith(_OPEN):
        return True
    if len(paragraph) == 1 and UNIT.fullmatch(last.text):
        return False
    if last.text[-1].isascii() and _E_MAIL_END.search(last.text) and count_han(line.text[0]):
        return False
    terminal = bool(TERMINAL.search(last.text))
    same_block = last.page == line.page and last.block == line.block
    full = _is_full(last, paragraph, line, block)
    if _is_labelled(paragraph, line, full):
        return False
    if LIST_ITEM.match(line.text):
        # 第四条 or (b) at the start of a line may be a reference within a sentence, unlike a bullet.
        below = line.text[0] not in "第(（" and abs(line.x0 - paragraph[0].x0) < line.size
        next_item = below and LIST_ITEM.match(paragraph[0].text)
        if line.text[0] in _BULLETS or terminal or not full or not same_block or next_item:
            return False
    if same_block:
        indented = line.x0 > min(other.x0 for other in block.lines) + 1.2 * line.size
        hanging = LIST_ITEM.match(paragraph[0].text) is not None
        if (
            hanging
            and not full
            and paragraph[0].text[0] in _BULLETS
            and line.x0 < paragraph[0].x0 - 0.3 * line.size
        ):
            return False
        return not (terminal and (not full or (indented and not hanging)))
    if terminal or line.size > _HEADING_SIZE * body_size:
        return False
    if last.page != line.page or line.y0 < last.y0 - last.size:
        if _DIGITS.sub("#", last.text) == _DIGITS.sub("#", line.text):
            return False  # records, one on each page
        return full or len(paragraph) > 1 or line.text[0].islower()
    return full and line.y0 - last.y1 < 1.5 * (last.y1 - last.y0)


def _is_labelled(paragraph: Sequence[Line], line: Line, full: bool) -> bool:
    """Whether a line of a form ends with the last one: both have labels (甲方：…, 乙方：…), or one has and is short."""
    first, last = paragraph[0], paragraph[-1]
    before, own = LABEL.match(first.text), LABEL.match(line.text)
    if not (before or own):
        return False
    long = len(last.text) + count_han(last.text) > _LONG
    if before and own and abs(first.x0 - line.x0) < line.size:
        return not (full and long)
    if full or long:
        return False
    shorter = last.x1 - last.x0 < _SHORTER * (line.x1 - line.x0)
    # The right edge of English is ragged: a line that is not full may go on.
    return count_han(line.text) > 0 if own else len(paragraph) == 1 and shorter


def _is_full(last: Line, paragraph: Sequence[Line], line: Line, block: Block) -> bool:
    """Whether a line reaches the right edge of its column, so that the paragraph may go on in the next one."""
    peers = [other for other in paragraph[-6:] if other.page == last.page and abs(other.x0 - last.x0) < _NEAR]
    edge = max(other.x1 for other in peers)
    if last.page == line.page:
        if last.block == line.block:
            edge = max(edge, *(other.x1 for other in block.lines))
        elif abs(line.x0 - last.x0) < _NEAR:
            edge = max(edge, line.x1)
    if len(peers) == 1 and last.page != line.page:
        edge = max(edge, last.x0 + (line.x1 - line.x0))
    return last.x1 > edge - 2.2 * last.size
