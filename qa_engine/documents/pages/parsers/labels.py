"""Labels with their values on one line, or on two: 投资评级：买入, or 买入 below 投资评级."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.block_roles import NUMBERED_HEADING, UNIT
from qa_engine.documents.pages.lines.cleaning import count_han
from qa_engine.documents.pages.tables.header_rows import is_usual_label
from qa_engine.documents.pages.tables.values import Kind, kind

_LABELLED = re.compile(r"(\w[^：:。；，]{0,11})[：:]\s*(\S[^：:。；，]{0,30})")
_RATING = re.compile(
    r"(强烈|谨慎|审慎)?(买入|增持|推荐|中性|持有|减持|卖出|回避|优于大市|跑赢\S{0,4}|看好|看淡)([（(].{1,8}[）)])?"
    r"|(strong )?(buy|sell|hold|neutral|outperform|underperform|overweight|underweight)( \(.{1,20}\))?",
    re.I,
)
_MAX_LABEL, _MAX_VALUE, _MAX_TITLE_LINES = 16, 24, 6
_MAY_BE_LABEL = frozenset({Role.BODY, Role.HEADING, Role.CAPTION})


def is_labelled_value(text: str) -> bool:
    """Whether a line is a usual label and its value (投资评级：买入), which is no title for what follows."""
    match = _LABELLED.fullmatch(text)
    return match is not None and is_usual_label(match[1])


def read_labels(blocks: Iterable[Block]) -> list[Block]:
    """Blocks whose roles are set, with labels and values as fields, and titles without units and sentences."""
    return join_values(part for block in blocks for part in _title_parts(block))


def _title_parts(block: Block) -> list[Block]:
    """A heading, without the unit of a statement below it, a sentence before it, or labels with values among it."""
    if block.role is not Role.HEADING or len(block.lines) > _MAX_TITLE_LINES:
        return [block]
    roles = [
        Role.BODY if UNIT.fullmatch(line.text) or (line is not block.lines[-1] and line.text.endswith("。"))
        else Role.FIELD if is_labelled_value(line.text) and not NUMBERED_HEADING.match(line.text)
        else Role.HEADING
        for line in block.lines
    ]  # fmt: skip
    parts = list[Block]()
    for role, line in zip(roles, block.lines, strict=True):
        if parts and parts[-1].role is role and role is not Role.FIELD:
            parts[-1].lines.append(line)
        else:
            parts.append(Block(role, [line]))
    return parts


def join_values(blocks: Iterable[Block]) -> list[Block]:
    """Blocks, with each usual label that begins one joined to the rating, figure, date or code right below it."""
    result = list[Block]()
    for block in blocks:
        alone = result and len(result[-1].lines) == 1 and result[-1].role in _MAY_BE_LABEL
        if block.role not in _MAY_BE_LABEL:
            result.append(block)
        elif alone and _are_pair(label := result[-1].lines[0], block.lines[0]):
            result[-1:] = _joined(label, block, 0)
        elif len(block.lines) > 1 and _are_pair(label := block.lines[0], block.lines[1]):
            result += _joined(label, block, 1)
        else:
            result.append(block)
    return result


def _are_pair(label: Line, value: Line) -> bool:
    return (
        len(label.text) <= _MAX_LABEL
        and len(value.text) <= _MAX_VALUE
        and -0.5 * label.size < value.y0 - label.y1 < label.size
        and value.x0 < label.x1
        and label.x0 < value.x1
        and is_usual_label(label.text)
        and (_RATING.fullmatch(value.text) is not None or kind(value.text) not in {Kind.WORDS, Kind.EMPTY})
    )


def _joined(label: Line, block: Block, index: int) -> list[Block]:
    """A label with its value, which is the line of this index in a block, and what follows it there."""
    value, rest = block.lines[index], block.lines[index + 1 :]
    x0, x1 = min(label.x0, value.x0), max(label.x1, value.x1)
    text = f"{label.text}{'：' if count_han(label.text) else ': '}{value.text}"
    line = replace(label, text=text, x0=x0, x1=x1, y1=value.y1, cuts=(), marks=())
    return [Block(Role.FIELD, [line]), *([replace(block, lines=rest)] if rest else [])]
