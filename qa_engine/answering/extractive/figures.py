"""What a row of a table answers: the asked cells with the label of the row, the names of columns, unit and period."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.answering.extractive.lists import rows_range
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.rows import AskedLabel, Cell, Row, asked_cells
from qa_engine.types import PassageSentence

_UNIT = re.compile(
    r"单\s*位\s*[:：]?\s*(?:人民币)?\s*((?:百|千|万|百万|千万|亿)?(?:美|港|欧)?元|[^\s:：,，。;；()（）]{1,6}?)(?=\s|币种|审计|[)）,，;；。]|$)"
    r"|\b(?:in|of)\s+((?:thousands|millions|billions)(?: of [A-Za-z. ]+?dollars)?)\b",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(
    r"[(（]\s*((?:人民币)?[百千万亿]*(?:美|港|欧)?元(?:/[^()（）]{1,3})?|[^()（）]{0,3}[%％‰][^()（）]{0,2}"
    r"|\$?\s*in (?:thousands|millions|billions)|[^\W\d]{1,4}(?:/[^\W\d]{1,4})?)\s*[)）]"
)
_WITHOUT_UNIT = re.compile(
    r"率|比例|比重|占比|[%％]|每股|人数|数量|次数|比率|倍|ratio|margin|percent|per share|日期|编号|代码",
    re.IGNORECASE,
)
_NOT_COMPUTED = "（差额和比率没有计算，由以上数字得出）"


_UNIT_REACH = 4
"""So many sentences above the first row may name the unit; the first of them is what the whole table is about."""


def unit_above(sentences: Sequence[PassageSentence], place: int) -> str:
    """The unit of a table: from its title, its caption or the text above it; empty if none is named there.

    Args:
        sentences: of a document, in reading order.
        place: index of a row of the table.
    """
    first = rows_range(sentences, place).start
    for sentence in reversed(sentences[max(0, first - _UNIT_REACH) : first]):
        if sentence.role == "table":  # of another table
            break
        if match := list(_UNIT.finditer(sentence.text)):
            return str(match[-1][1] or match[-1][2])
    return ""


def figure(row: Row, asked: AskedLabel, kind: QuestionKind, year: int | None, unit: str) -> str:
    """What a row answers, such as ``营业收入（万元），2022年：39,700``; empty if the row holds no figures.

    Args:
        row: the row.
        asked: the words of the question that may name a row or a column.
        kind: of the question.
        year: the year that 本期 stands for; None if it is not known.
        unit: of the table; empty if it is not known.
    """
    if not any(cell.is_figure for cell in row.cells):
        return ""
    cells = asked_cells(row, asked, kind, year)
    label = row.label
    own_unit = _IN_BRACKETS.search(row.label) or _IN_BRACKETS.search(row.corner)
    if own_unit and own_unit[0] not in row.label:
        unit, own_unit = own_unit[1], None
    takes_unit = unit and not own_unit and label and not _WITHOUT_UNIT.search(label)
    if takes_unit and all(_takes_unit(cell) for cell in cells if cell.is_figure):
        return _joined(f"{label}（{unit}）", [(cell.name, cell.text) for cell in cells])
    return _joined(
        label,
        [
            (
                f"{cell.name}（{unit}）"
                if takes_unit and cell.name and cell.is_figure and _takes_unit(cell)
                else cell.name,
                cell.text,
            )
            for cell in cells
        ],
    )


def not_computed(kind: QuestionKind, text: str) -> str:
    """The remark that a difference was not computed, if one is asked for and several figures are named; else empty."""
    figures = re.findall(r"[0-9][0-9,]*(?:\.[0-9]+)?(?![0-9年月日])", text)
    return (
        _NOT_COMPUTED
        if kind.compares and len(figures) > 1 and not re.search("增[减长]|变动|同比|[%％]", text)
        else ""
    )


def _takes_unit(cell: Cell) -> bool:
    return not (
        _WITHOUT_UNIT.search(cell.name) or _IN_BRACKETS.search(cell.name) or re.search("[%％]", cell.text)
    )


def _joined(label: str, cells: Sequence[tuple[str, str]]) -> str:
    named = "；".join(f"{name}：{text}" if name else text for name, text in cells)
    if not label:
        return named
    return f"{label}，{named}" if cells and cells[0][0] else f"{label}：{named}"
