"""Whether quotes lack what is asked for by its kind: no money in a sum, no digits in a telephone number, an empty field."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.rows import AskedLabel, Row, asked_cells
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold

_MONEY = re.compile(
    r"[0-9〇零一二三四五六七八九十百千万亿]\s*(?:美?元|港币|人民币)|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]\.[0-9]{2}(?![0-9])|[$¥￥€]\s*[0-9]|倍|%"
    r"|[(（][^()（）]{0,6}元[^()（）]{0,4}[)）]\s*[:：]\s*[-+(（]?[0-9]"
)
_PHONE = re.compile(
    r"(?<![0-9])"
    r"(?:1[3-9][0-9]{9}|400[-— ]?[0-9]{3}[-— ]?[0-9]{4}|[0-9]{3,4}[-—– )][0-9]{7,8}|[0-9]{7,8}|\+[0-9 -]{8,})(?![0-9,.])"
)
_COUNT = (
    r"[0-9]|一(?:[周年月天日季半成倍次]|个月|小时)|[〇零二两三四五六七八九十百千万亿半]+\s*(?:多|余|来|几)?\s*(?:分之|[个名位人条次倍种家天年月日周小分秒元米公里吨岁件套只台张间层户辆期成号点折厘毫平亩升斤克株头])"
    "|无需|没有|不[限需得可应准能]|所有|全部|全体"
)
_DURATION = (
    r"(?:[0-9]|[〇零一二两三四五六七八九十百千半]|数)\s*个?多?\s*(?:工作日|自然日|[天日月年周秒时]|小时|分钟|星期|季度|期)"
    "|[0-9]{1,2}:[0-9]{2}|年[月日份][:：]|[天月年](?:[)）]|[:：])|长期|永久|终身|随时|立即|即时|及时|马上|当[天日]|次日|同步|[每逐][天日周月年季]"
)
_PRICED = "卖多少钱|[单售定报标票房]价|[一每][只支台件个套份张本瓶].{0,3}多少钱"
_KINDS: Sequence[tuple[re.Pattern[str], re.Pattern[str]]] = (
    (re.compile("手机号|电话号码|(?:电话|手机|热线|传真)是?(?:多少(?!钱)|什么|几)"), _PHONE),
    (re.compile("(?:邮箱|邮件地址)是?(?:多少|什么)"), re.compile(r"@")),
    (re.compile("多少|(?<!哪)几[天年月次倍名位个家秒]"), re.compile(_COUNT)),
    (re.compile("多久|多长时间|几(?:天|年|个月|小时|分钟|周)"), re.compile(_DURATION)),
    # Any figure may be a sum, but a price is called one.
    (re.compile(rf"(?=.*(?:多少|几)).*(?:{_PRICED})"), re.compile("元|[价费]|[$¥￥€]|钱")),
    (re.compile("多少(?:钱|[十百千]?[万亿]?元|工资|罚款)"), _MONEY),
    (re.compile("百分之(?:几|多少)|百分比"), re.compile("[%％‰]|百分|分之|成|倍")),
)
"""A pattern of questions that ask for one certain kind of thing, and one of which every such thing has something."""
_NOTHING = re.compile(r"[-–—/\s]*")
_ONLY_UNIT = re.compile(r"\s*(?:[十百千]?[万亿]?元|%|％|倍|股)?(?:/股)?")
_ASKED = 0.3
"""A label that matches so well is what is asked for."""


def lacks_kind(question: str, quoted: Sequence[str]) -> bool:
    """Whether no quote holds the certain kind of thing that a Chinese question asks for; quotes with the titles above them.

    Figures of rows count as money, for their unit may be said elsewhere.
    """
    folded, texts = fold(question), [fold(text) for text in quoted]
    if not all(map(is_chinese, quoted)):
        return False
    return any(
        asks.search(folded) and not any(holds.search(text) for text in texts) for asks, holds in _KINDS
    )


def is_empty(question: str, asked: AskedLabel, rows: Sequence[Row]) -> bool:
    """Whether the quoted field that is asked for has no value: 证券事务代表：-, 目标价格：元.

    Args:
        question: as it was asked.
        asked: what it asks for.
        rows: those that are quoted.
    """
    kind = QuestionKind.of(question)
    # In statements a dash is nothing at all, which answers for a sum.
    empty = _ONLY_UNIT if kind.name == "number" or kind.precise else _NOTHING
    fields = [
        (asked.match(row.label, cell.name), cell.text)
        for row in rows
        for cell in (asked_cells(row, asked, kind) if len(row.cells) > 1 else row.cells)
    ]
    match, text = max(fields, default=(0.0, ""), key=lambda field: field[0])
    return match >= _ASKED and empty.fullmatch(text) is not None
