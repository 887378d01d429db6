"""Corrects blocks that were taken for headings, and are none: entries of contents, items, marks of forms, ends of headings.

A title enters the path of all text below it, so a false one misleads retrieval and citations on whole pages. Layout
models go by the look of a line; its words and its neighbours show better what these are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.blocks import Block, Page, Role
from qa_engine.documents.pages.block_roles import (
    CAPTION,
    CONTENTS_ENTRY,
    NUMBERED_HEADING,
    UNIT,
    numbering_rank,
)
from qa_engine.text.language import HAN

_LARGER = 1.05
_SAME_SIZE = 0.04
_BOXES = re.compile(r"(?:[□■☐☑☒√✓]\s*(?:不?适用|是|否|有|无)?[\s、]*)+")
_ITEM = re.compile(r"[•●▪■◆‣·►▶◦○]\s*[^:：]{1,40}[:：]\s*\S")
_GOES_ON = re.compile(
    r"(?:所以|因此|因而|于是|从而|其中|此时|同理|综上|由(?:[以此式于上题]|\s)|将|代入|即|且|若|故"
    r"|(?:where|hence|thus|therefore|then|so that|and|or|which|with)\b)",
    re.I,
)
"""How a line begins that goes on with a sentence around a formula."""
_REST = re.compile(r"[a-z]|[(（](?!\s?(?:[\dA-Za-z]{1,2}|[ivx]+|[一二三四五六七八九十]+)\s?[)）])")
_SENTENCES = re.compile(r"[。！？；].*\S|(?=.{25}).*，.*，.*[^，\s]")
_END = re.compile(r"[。；;]$|[^\d\s.]\.$")
_DATED = re.compile(r"\S.*(?:\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})")
"""A masthead: 证券研究报告 2024年05月06日."""
_FIGURE = re.compile(r"(?:figure|fig\b|图|圖)", re.I)
_LONG = 80


def correct_headings(pages: Sequence[Page], size: float) -> None:
    """Gives blocks that are no headings the roles that they have.

    Args:
        pages: of one file; the roles of all blocks are set.
        size: of the body text in points.
    """
    for page in pages:
        blocks: list[Block] = []
        for index, block in enumerate(page.blocks):
            if block.role is Role.HEADING:
                block = _without_boxes(block, blocks)
                last = blocks[-1] if blocks else None
                if last is not None and last.role is Role.HEADING and _is_rest(last, block):
                    last.lines += block.lines
                    continue
                block.role = _role(block, page.blocks, index, size)
            elif block.role is Role.BODY and _follows_contents(page.blocks, index):
                block.role = Role.CONTENTS
            blocks.append(block)
        page.blocks = blocks
        for number, block in enumerate(blocks):
            for line in block.lines:
                line.block = number


def _role(block: Block, blocks: Sequence[Block], index: int, size: float) -> Role:
    text = " ".join(line.text for line in block.lines)
    first = block.lines[0]
    if _follows_contents(blocks, index):
        return Role.CONTENTS
    if _ITEM.match(text):
        return Role.LIST
    large = first.size >= _LARGER * size
    if (
        _BOXES.fullmatch(text)
        or UNIT.fullmatch(text)
        or text[0] in "[【"
        or (_DATED.fullmatch(text) and not large)
    ):
        return Role.BODY
    plain = not large and not first.bold
    if not large and not NUMBERED_HEADING.match(text) and numbering_rank(text) is None:
        if (
            (plain and _GOES_ON.match(text))
            or text[-1] in "。；"
            or len(text) + len(HAN.findall(text)) > _LONG
        ):
            return Role.BODY
        if plain and _is_label(blocks, index):
            return Role.CAPTION
    return Role.BODY if plain and (_SENTENCES.search(text) or _END.search(text)) else Role.HEADING


def _follows_contents(blocks: Sequence[Block], index: int) -> bool:
    """Whether a block behind an entry of contents is one, too, or the first line of one."""
    if index == 0 or blocks[index - 1].role is not Role.CONTENTS:
        return False
    following = blocks[index + 1 : index + 2] if blocks[index].role is Role.HEADING else []
    return any(
        CONTENTS_ENTRY.search(line.text) for one in (blocks[index], *following) for line in one.lines[:1]
    )


def _without_boxes(block: Block, before: list[Block]) -> Block:
    """The heading without lines of marks above it, such as □适用 √不适用, which become a block of ``before``."""
    count = next((number for number, line in enumerate(block.lines) if not _BOXES.fullmatch(line.text)), 0)
    if count:
        before.append(Block(Role.BODY, block.lines[:count]))
    return Block(block.role, block.lines[count:], block.table) if count else block


def _is_rest(heading: Block, block: Block) -> bool:
    """Whether a block is the last line of the heading above it: of its kind, directly below it, and no beginning."""
    above, below = heading.lines[-1], block.lines[0]
    alike = above.bold == below.bold and abs(above.size - below.size) < _SAME_SIZE * above.size
    return alike and 0 <= below.y0 - above.y1 + 2 < 2 * above.size and _REST.match(below.text) is not None


def _is_label(blocks: Sequence[Block], index: int) -> bool:
    """Whether a block stands over a figure, of which the caption comes next."""
    following = next((one for one in blocks[index + 1 :] if one.role is not Role.FIGURE), None)
    if following is None or following.role is not Role.CAPTION:
        return False
    text = following.lines[0].text
    return _FIGURE.match(text) is not None and CAPTION.match(text) is not None
