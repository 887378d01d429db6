"""What a question counts or measures, and which texts hold a value of that kind: 几天, 多重, 几点, 多少万吨."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_AMOUNT = r"(?:[0-9〇零一二两三四五六七八九十百千万亿半])(?:\.[0-9]+)?\s*[余多]?[十百千万亿]{0,2}\s*"
_HOW_MUCH = r"多[少大高低]|几[伏欧度]|[上下]限|最[大小高低]|至[少多]|\bhow (?:much|high|low)\b|\bwhat\b"
_LENGTHS = r"(?:[mcdkμ]?m(?![a-z])|毫米|厘米|分米|米|公里|千米|英?里|英寸|海里)"
_WEIGHTS = r"(?:[mk]?g(?![a-z])|t(?![a-z])|毫?克|千克|公?斤|吨)"
_DURATIONS = r"(?:周年|年|个?月|个?星期|周|天|日|个?小时|分钟|分(?![之配别])|秒|季度|[hs](?![a-z]))"
_BY_WORDING: Sequence[tuple[str, str]] = (
    (r"几点|几时", r"[0-9]{1,2}\s*[:：]\s*[0-9]{2}|[0-9一二三四五六七八九十]\s*[点时](?![的间])"),
    (r"几号(?![楼线门院])|哪一?[天日]|几日", r"[0-9]{1,2}\s*[日号]"),
    (r"多久|多长时间|多少时间|时长|多快", _AMOUNT + _DURATIONS),
    (r"多重|(?:重量|净重|毛重|体重).{0,4}(?:多少|是|几)", _AMOUNT + _WEIGHTS),
    (
        r"多[长高宽厚深远](?!时间|久)|(?:距离|长度|高度|宽度|厚度|深度|直径).{0,4}(?:多少|是|几)",
        _AMOUNT + _LENGTHS,
    ),
    (r"面积|占地", _AMOUNT + r"(?:㎡|m2|m²|平方|亩|公顷)"),
)
"""Wordings of questions, and values of what they ask for."""
_BY_NAME: Sequence[tuple[str, str]] = (
    ("比能量|能量密度|specific energy", r"k?[Ww]h/(?:[Kk]g|L)"),
    (r"电压|\bvoltage\b", r"(?:[mk]?V(?![a-z])|伏)"),
    (r"内阻|电阻|\bresistance\b", r"(?:[mkMμ]?Ω|欧)"),
    ("电流", r"(?:[mk]?A(?![a-z])|安)"),
    (r"温度|\btemperature\b", r"(?:℃|°\s*[CF]|摄氏|度)"),
)
"""Units of what is asked for by its name, in a question for how much it is."""
_COUNTED = re.compile(
    r"(?:多少|(?<![哪好分])几)[十百千万亿]{0,2}"
    r"(?P<unit>工作日|小时|分钟|毫[米升克秒安]|厘米|公[里斤顷分]|平方|立方|千[克米瓦]|字节|百分点"
    r"|[个天日年月周秒次倍条项级档层吨克升米亩头只台套件辆张份家间座所册页章篇期届轮步度伏安字票股瓶箱户株羽])"
)
"""A unit behind 多少 or 几; 哪几 asks for a list, and money has more spellings."""
_ALIKE = {
    **dict.fromkeys("天日", "[天日]"), "米": "(?:米|m(?![a-z]))",
    "度": "(?:度|℃)", "伏": "(?:伏|V)", "安": "(?:安|A)", "小时": "(?:个?小时|h(?![a-z]))", "吨": "(?:吨|t(?![a-z]))",
    "秒": "(?:秒|s(?![a-z]))", "月": "个?月", "公斤": "(?:公斤|千克|kg)", "百分点": "个?百分点",
}  # fmt: skip
"""Units in other writings."""


@lru_cache(maxsize=64)
def asked_measure(question: str) -> re.Pattern[str] | None:
    """A pattern for texts that hold a value in the unit that a question asks for; None if it names none.

    A unit in brackets counts, as in the name of a column: 折旧年限（年）.

    Args:
        question: folded (`qa_engine.text.tokenizer.fold`).
    """
    for asks, holds in _BY_WORDING:
        if re.search(asks, question):
            return re.compile(holds)
    if counted := _COUNTED.search(question):
        unit = _ALIKE.get(counted["unit"], counted["unit"])
        return re.compile(rf"{_AMOUNT}{unit}|[(（][^()（）]{{0,3}}{unit}[^()（）]{{0,2}}[)）]")
    for asks, unit in _BY_NAME:
        if re.search(rf"(?=.*(?:{_HOW_MUCH}))(?:{asks})", question, re.IGNORECASE):
            return re.compile(rf"[0-9]\s*{unit}")
    return None
