"""What a question counts or measures, and which texts hold a value of that kind: 几天, 多重, 几点, how many days.

Both languages in either: the question may be Chinese and the text English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_AMOUNT = (
    r"(?:(?:[0-9〇零一二两三四五六七八九十百千万亿半])(?:\.[0-9]+)?\s*[余多]?[十百千万亿]{0,2}\s*"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundreds?|thousands?|millions?|billions?|several)[ -]"
    r"|[0-9][ -](?:hundred |thousand |million |billion )?)"
)
_HOW_MUCH = r"多[少大高低]|几[伏欧度]|[上下]限|最[大小高低]|至[少多]|\bhow (?:much|high|low)\b|\bwhat\b"
_LENGTHS = (
    r"(?:[mcdkμn]?m(?![a-z])|毫米|厘米|分米|米|公里|千米|英?里|英寸|海里"
    r"|(?:kilo|centi|milli)?met(?:er|re)s?\b|feet\b|foot\b|ft\b|inch(?:es)?\b|miles?\b|yards?\b)"
)
_WEIGHTS = (
    r"(?:[mk]?g(?![a-z])|t(?![a-z])|毫?克|千克|公?斤|吨"
    r"|(?:kilo|milli)?gram(?:me)?s?\b|tons?\b|tonnes?\b|pounds?\b|lbs?\b)"
)
_DURATIONS = (
    r"(?:周年|年|个?月|个?星期|周|天|日|个?小时|分钟|分(?![之配别])|秒|季度|[hs](?![a-z])"
    r"|(?:year|month|week|day|hour|hr|minute|min|second|decade|quarter)s?\b)"
)
_BY_WORDING: Sequence[tuple[str, str]] = (
    (
        r"几点|几时|\bwhat time\b",
        r"[0-9]{1,2}\s*[:：]\s*[0-9]{2}|[0-9一二三四五六七八九十]\s*[点时](?![的间])|[0-9]\s*(?:[ap]\.?m\b|o['’]clock)",
    ),
    (
        r"几号(?![楼线门院])|哪一?[天日]|几日|\b(?:what|which) (?:day|date)\b",
        r"[0-9]{1,2}\s*[日号]|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)"
        r" [0-9]{1,2}\b|\b[0-9]{1,2}(?:st|nd|rd|th)\b",
    ),
    (r"多久|多长时间|多少时间|时长|多快|\bhow (?:long|soon|quickly)\b", _AMOUNT + _DURATIONS),
    (r"多重|(?:重量|净重|毛重|体重).{0,4}(?:多少|是|几)|\bhow heavy\b|\bweigh\b", _AMOUNT + _WEIGHTS),
    (
        r"多[长高宽厚深远](?!时间|久)|(?:距离|长度|高度|宽度|厚度|深度|直径).{0,4}(?:多少|是|几)"
        r"|\bhow (?:high|tall|wide|deep|thick|far)\b",
        _AMOUNT + _LENGTHS,
    ),
    (
        r"面积|占地|\bwhat area\b|\bhow large\b",
        _AMOUNT + r"(?:㎡|m2|m²|平方|亩|公顷|square |sq\.? |acres?\b|hectares?\b)",
    ),
)
"""Wordings of questions, and values of what they ask for."""
_BY_NAME: Sequence[tuple[str, str]] = (
    (r"比能量|能量密度|\bspecific energy\b", r"k?[Ww]h/(?:[Kk]g|L)"),
    (r"电压|\bvoltage\b", r"(?:[mk]?V(?![a-z])|伏)"),
    (r"内阻|电阻|\bresistance\b", r"(?:[mkMμ]?Ω|欧)"),
    (r"电流|\bcurrent\b", r"(?:[mk]?A(?![a-z])|安)"),
    (r"温度|\btemperature\b", r"(?:℃|°\s*[CF]|摄氏|度)"),
)
"""Units of what is asked for by its name, in a question for how much it is."""
_COUNTED = re.compile(
    r"(?:多少|(?<![哪好分])几)[十百千万亿]{0,2}"
    r"(?P<unit>工作日|小时|分钟|毫[米升克秒安]|厘米|公[里斤顷分]|平方|立方|千[克米瓦]|字节|百分点"
    r"|[个天日年月周秒次倍条项级档层吨克升米亩头只台套件辆张份家间座所册页章篇期届轮步度伏安字票股瓶箱户株羽])"
)
"""A unit behind 多少 or 几; 哪几 asks for a list, and money has more spellings."""
_HOW_MANY = re.compile(
    r"\bhow many (?:(?:working|calendar|business|more) )?"
    r"(?P<unit>years?|months?|weeks?|days?|hours?|minutes?|seconds?|times|tons?|tonnes?|degrees?|kilomet(?:er|re)s?"
    r"|met(?:er|re)s?|pages?|layers?|floors?|steps?|votes?|shares?)\b",
    re.IGNORECASE,
)
_ALIKE = {
    **dict.fromkeys("天日", r"(?:[天日]|days?\b)"), "米": r"(?:米|m(?![a-z])|met(?:er|re)s?\b)",
    "度": r"(?:度|℃|°|degrees?\b)", "伏": "(?:伏|V)", "安": "(?:安|A)", "小时": r"(?:个?小时|h(?![a-z])|hours?\b)",
    "吨": r"(?:吨|t(?![a-z])|tons?\b|tonnes?\b)", "秒": r"(?:秒|s(?![a-z])|seconds?\b)", "月": r"(?:个?月|months?\b)",
    "公斤": "(?:公斤|千克|kg)", "百分点": r"(?:个?百分点|percentage points?\b)", "年": r"(?:年|years?\b)",
    "周": r"(?:周|个?星期|weeks?\b)", "分钟": r"(?:分钟|minutes?\b)", "次": r"(?:次|times\b)",
    "倍": r"(?:倍|times\b|-?fold\b|[x×])",
    **dict.fromkeys(("公里", "千米"), r"(?:公里|千米|km(?![a-z])|kilomet(?:er|re)s?\b)"), "页": r"(?:页|pages?\b)",
    "层": r"(?:层|layers?\b|floors?\b|stor(?:ey|ie)s\b)", "步": r"(?:步|steps?\b)", "票": r"(?:票|votes?\b)",
    "股": r"(?:股|shares?\b)",
}  # fmt: skip
"""Units in other writings, and in English."""
_SINGULARS = {
    "year": "年", "month": "月", "week": "周", "day": "天", "hour": "小时", "minute": "分钟", "second": "秒", "time": "次",
    "ton": "吨", "tonne": "吨", "degree": "度", "kilometer": "公里", "kilometre": "公里", "meter": "米", "metre": "米",
    "page": "页", "layer": "层", "floor": "层", "step": "步", "vote": "票", "share": "股",
}  # fmt: skip
"""Units of English questions."""


@lru_cache(maxsize=64)
def asked_measure(question: str) -> re.Pattern[str] | None:
    """A pattern for texts that hold a value in the unit that a question asks for; None if it names none.

    A unit in brackets counts, as in the name of a column: 折旧年限（年）.

    Args:
        question: folded (`qa_engine.text.tokenizer.fold`).
    """
    for asks, holds in _BY_WORDING:
        if re.search(asks, question, re.IGNORECASE):
            return re.compile(holds)
    if counted := _COUNTED.search(question) or _HOW_MANY.search(question):
        name = counted["unit"].lower()
        name = _SINGULARS.get(name.removesuffix("s"), name)
        unit = _ALIKE.get(name, name)
        return re.compile(
            rf"{_AMOUNT}(?:[a-z-]{{3,}} )?{unit}|[(（][^()（）]{{0,3}}{unit}[^()（）]{{0,2}}[)）]"
        )
    for asks, unit in _BY_NAME:
        if re.search(rf"(?=.*(?:{_HOW_MUCH}))(?:{asks})", question, re.IGNORECASE):
            return re.compile(rf"[0-9]\s*{unit}")
    return None
