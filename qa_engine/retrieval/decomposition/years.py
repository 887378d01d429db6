"""Questions about several years: one part for each of them."""

from __future__ import annotations

import re

from qa_engine.text.periods import years_of

_CHINESE_YEAR = (
    r"(?:[12][0-9]{3}|[〇零一二三四五六七八九]{4})\s*年(?:度|末|底|初)?"
    r"(?:第?[一二三四1-4]季度|[上下]半年|[0-9]{1,2}月)?"
)
_ENGLISH_YEAR = (
    r"(?:(?:(?:the )?(?:fiscal )?(?:year )?|FY\s?|Q[1-4] (?:of )?(?:FY\s?)?)(?:19|20)[0-9]{2}(?![\w-]|[.,][0-9])"
    r"|FY\s?'?[0-9]{2}\b)"
)
_CHINESE_JOINT = (
    r"\s*(?:相比较?于?|同比|对比|相较于?|较之?|比起?|与|和|跟|同|及|以及|、|，|至|到|—|-|–|~|～)\s*"
)
_ENGLISH_JOINT = (
    r"\s*(?:,?\s*(?:and|vs\.?|versus|to|through|or|compared (?:to|with)|relative to|over|from|with|against)"
    r"|,|[-–—/])\s*"
)
_CHINESE_SPAN = re.compile(
    rf"(?:从|自|在)?(?:{_CHINESE_YEAR}|[12][0-9]{{3}}(?=[、和与至到\-–—~～]))(?:{_CHINESE_JOINT}(?:{_CHINESE_YEAR}))+"
    r"(?:这?[两三四]年)?(?:相比|比较|期间|之间|间)?[，,]?"
)
_ENGLISH_SPAN = re.compile(
    rf"(?:\b(?:between|from|in|for|of|during|across)\s+)?{_ENGLISH_YEAR}(?:{_ENGLISH_JOINT}{_ENGLISH_YEAR})+",
    re.IGNORECASE,
)
_CHINESE_APART = re.compile(
    rf"(?P<first>{_CHINESE_YEAR})(?P<what>[^，,？?]*?)(?:相?比较?于?|较|对比|相比于?)(?P<second>{_CHINESE_YEAR})(?P<same>同期)?"
)
"""2022年营业收入比2021年: what is compared stands between the years."""
_YEARS = re.compile(rf"{_CHINESE_YEAR}|{_ENGLISH_YEAR}|[12][0-9]{{3}}", re.IGNORECASE)
_RANGE = re.compile(
    r"[0-9年月末初底]\s*(?:至|到|—|-|–|~|～|\bto\b|\bthrough\b)|\b(?:between|from)\b", re.IGNORECASE
)
_EACH = re.compile(r"分别|各|每年|历年|each year|every year|respectively", re.IGNORECASE)
_GROWTH = re.compile(
    r"(?:分别|各自?)?(?:(?:同比)?(?:增长|增加|上升|提高|减少|下降|降低|变化|变动|上涨|下跌|多|少|高|低|提升)了?(?:多少|几个?(?:百分点)?|百分之几|幅度|率|情况)(?:个百分点)?|有(?:什么|何|哪些)变化|是(?:增加|增长|上升|提高)还是(?:减少|下降|降低)了?)(?:是多少)?"
)
_CHANGE = re.compile(
    r"变化|变动|增[长加减幅]|下降|减少|提高|\b(?:chang|ris|fall|fell|grow|grew|increas|decreas|declin|improv|drop)",
    re.IGNORECASE,
)
"""From one year to another: the two are compared, and those in between are not asked for."""
_ANY_YEAR = "年"
_LONGEST_RANGE = 3
"""Years from the first to the last one of a range that is divided."""


def separate_years(question: str) -> list[str]:
    """The question for each of the years that it compares or lists; the question itself if it names no two together.

    A change from one year to the other stays a part of its own, the first: many reports name it.
    """
    if (apart := _CHINESE_APART.search(question)) and apart["what"]:
        before = question[: apart.start()]
        return [question, *(f"{before}{apart[year]}{apart['what']}是多少？" for year in ("first", "second"))]
    chinese = _CHINESE_SPAN.search(question)
    span = chinese or _ENGLISH_SPAN.search(question)
    if span is None or _within_brackets(question, span.start()):
        return [question]
    years = list(dict.fromkeys(year.strip() for year in _YEARS.findall(span[0])))
    if chinese is not None:
        years = [year if _ANY_YEAR in year else f"{year}年" for year in years]
    if len(years) < 2 or not _each_is_asked(span[0], years, question):
        return [question]
    if _RANGE.search(span[0]) and not _CHANGE.search(question) and not (years := _filled(years)):
        return [question]
    before, after = question[: span.start()], question[span.end() :]
    change = _GROWTH.search(after) if chinese is not None else None
    if change is not None:
        after = f"{after[: change.start()]}是多少{after[change.end() :]}"
    after = re.sub(r"^(?:分别|各年|各自?|每年|历年)", "", after).replace("分别", "")
    joint = "" if chinese is not None else _preposition(span[0])
    parts = [f"{before}{joint}{year}{after}" for year in years]
    return [question, *parts] if change is not None or chinese is None else parts


def _within_brackets(question: str, place: int) -> bool:
    """Whether a place is in brackets: what stands there explains, such as how an average is made."""
    return question.count("(", 0, place) > question.count(")", 0, place)


def _each_is_asked(span: str, years: list[str], question: str) -> bool:
    """Whether single years are meant: in a range only if it says so, or if it has but two years that follow each other."""
    if _RANGE.search(span) is None or _EACH.search(question):
        return True
    first, last = _number(years[0]), _number(years[-1])
    near = _LONGEST_RANGE if _CHANGE.search(question) else 1
    return len(years) == 2 and abs(last - first) <= near and "月" not in span


def _filled(years: list[str]) -> list[str]:
    """The years of a range with those in between; empty if there are many."""
    first, last = _number(years[0]), _number(years[-1])
    if len(years) != 2 or not 0 < last - first <= _LONGEST_RANGE:
        return years if abs(last - first) <= 1 else []
    return [years[0].replace(str(first), str(year)) for year in range(first, last)] + [years[-1]]


def _number(year: str) -> int:
    return next(iter(years_of(year)), 0)


def _preposition(span: str) -> str:
    """What stands before one year, where several stood."""
    return "in " if re.match(r"\s*(?:between|from|in|during|across)\b", span, re.IGNORECASE) else ""
