"""Questions about several things that are asked the same: firms, products, figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

_JOINT = r"(?:、|以及|和|与|及|跟)"
_SEPARATOR = re.compile(r"、|，?以及|，?和|，?与|，?及|，?跟")
_ASKED = (
    r"(?:分别|各自?)?(?:都?(?:是|为|有|占|达到?|在))?(?:什么|多少|谁|哪[一个些家里儿天年]?|几[个家人年月日天次项种位]?|何时|何地)"
    r"(?:[个家人元万亿天年月日种项名位])*[？?]?$"
)
_ASKS = re.compile("什么|多少|谁|哪|几|何[时地]|怎么|如何")
_LONG_ITEM = 12
_BOTH = re.compile(r"^(?P<items>.+?)(?<!的)(?P<each>分别|各自|各)(?P<asked>.*)$")
_PLAIN = re.compile(rf"^(?P<items>[^，,]+?)(?P<asked>{_ASKED})")
_WHICH = re.compile(
    rf"^(?P<items>[^，,的]{{2,30}}?{_JOINT}[^，,的]{{2,20}}?)(?:相比较?|比较|之间|当?中|这?[两三四][家个款种者]?(?:公司|企业|产品)?)?[，,]?"
    r"(?P<when>(?:在?[12][0-9]{3}年?[度末]?)?)的?[，,]?(?P<which>哪一?(?:[个家款种只台方]|公司|企业|产品)(?:公司|企业|产品)?|谁)的?(?P<asked>.+)$"
)
_MORE = re.compile(
    r"是?[更最比]?(?:较)?(?:高|低|大|小|多|少|强|好|长|短|快|慢|重|轻|贵|便宜)(?:一?些)?[？?]?$"
)
_YEAR_END = re.compile(r"(?:19|20)[0-9]{2}年?[度末初底]?$")
_PERIOD_END = re.compile(r"(?:19|20)?[0-9]{2}(?:[QH][1-4]|年(?:度|第?[一二三四1-4]季度|[上下]半年)?)$")
_RELATION = re.compile("关系|区别|不同|差[异别]|异同|联系|共同|相同|之间|比例关系|比较|比值")
_LIST = r"[^?,]+(?:,[^?,]+)*?,?\s+(?:and|or)\s+[^?,]+?"
_ENGLISH_WHICH = re.compile(
    rf"^(?:which|who)(?: one| company| firm| product)?(?: of| among| between|,)\s+(?P<items>{_LIST})\s+"
    r"(?P<asked>(?:has|have|had|is|was|were|did|does|reported|made|spent|paid|generated|earned)\b[^?]*)\?*$",
    re.IGNORECASE,
)
_ENGLISH_OR = re.compile(
    r"^(?:which|who)\s+(?P<asked>[^?,]+),\s*(?P<items>[^?]+?\s+or\s+[^?]+?)\?*$", re.IGNORECASE
)
_OF = r"(?P<after>(?:\s+(?:of|for|in|at)\s+[^?]+?)?)"
_ENGLISH_BOTH = re.compile(
    rf"^(?P<before>(?:what|how much|who) (?:is|are|was|were) )(?:the )?(?P<items>[^?]+?){_OF},? respectively\?*$",
    re.IGNORECASE,
)
_ENGLISH_THE = re.compile(
    rf"^(?P<before>(?:what|who) (?:is|are|was|were) )(?P<items>the [^?,]{{3,40}}? and the [^?,]{{3,40}}?){_OF}\?*$",
    re.IGNORECASE,
)
_SUPERLATIVE = re.compile(
    r"\b(?:the )?(?:highest|largest|biggest|most|greatest|lowest|smallest|least|fewest|best|worst"
    r"|higher|larger|lower|greater|more|better|bigger|smaller|less)\s?",
    re.IGNORECASE,
)


def separate_items(question: str) -> list[str]:
    """The question for each of the things that it asks about in the same words; the question itself if that is one."""
    return _compared(question) or _english(question) or _listed(question) or [question]


def _compared(question: str) -> list[str]:
    """Which of several: what is compared, for each of them."""
    match = _WHICH.match(question)
    if match is None:
        return []
    items = _split(match["items"])
    asked = _MORE.sub("", match["asked"].rstrip("？?"))
    if len(items) < 2 or not asked or asked == match["asked"].rstrip("？?"):
        return []
    return [f"{item}{match['when']}的{asked}是多少？" for item in items]


def _listed(question: str) -> list[str]:
    """Several things and one question word at the end: 公司的注册资本和法定代表人分别是什么.

    Without 分别, they have to stand behind what they have in common: in 甲和乙的比分是多少 one thing is asked for.
    """
    if _RELATION.search(question):
        return []
    if (match := _BOTH.match(question)) and _ASKS.search(match["asked"]):
        before, items, after = _framed(match["items"])
        # 北区、南区24Q1各 asks for both in that quarter.
        period = _PERIOD_END.search(items[-1])
        if period and period.start() and not any(map(_PERIOD_END.search, items[:-1])):
            items, after = [*items[:-1], items[-1][: period.start()]], f"{period[0]}{after}"
    elif match := _PLAIN.match(question):
        before, items = _behind_the_common(match["items"])
        after = ""
        if not before or any(re.search("的|等.", item) or len(item) > _LONG_ITEM for item in items):
            return []
    else:
        return []
    return [f"{before}{item}{after}{match['asked']}" for item in items] if len(items) > 1 else []


def _framed(text: str) -> tuple[str, Sequence[str], str]:
    """What several things have in common before them, the things, and what they have in common behind them.

    The common ends with 的, a year or a comma before the first thing: 公司2022年的｜注册资本｜和｜法定代表人.
    """
    names, of, what = text.rpartition("的")
    if of and _SEPARATOR.search(names) and not _SEPARATOR.search(what):
        before, items = _behind_the_common(names)
        # 甲公司和乙公司的营业收入, but not 营业收入和股东的净利润: both have to be of a kind.
        if len(items) > 1 and items[0][-1] == items[-1][-1]:
            return before, items, f"的{what}"
        if len(items) > 1 and not re.search("的", before) and _are_names(items):
            return before, items, f"的{what}"
    before, items = _behind_the_common(text)
    return before, items, ""


def _behind_the_common(text: str) -> tuple[str, list[str]]:
    items = _split(text)
    if len(items) < 2:
        return "", items
    if all(map(_YEAR_END.fullmatch, items[1:])) and (year := _YEAR_END.search(items[0])):
        before = items[0][: year.start()]
        return before, [year[0], *items[1:]]
    common = re.match(r"^.*(?:的|[0-9]年[度末初底]?(?:第?[一二三四1-4]季度)?|[，,里中])(?=.)", items[0])
    before = common[0] if common is not None and len(items[0]) - common.end() >= 2 else ""
    return before, [items[0][len(before) :], *items[1:]]


def _are_names(items: Sequence[str]) -> bool:
    """Whether things are named by letters and digits: models, versions, foreign firms."""
    return all(re.fullmatch(r"[A-Za-z0-9][\w .+/-]*", item) for item in items)


def _split(text: str) -> list[str]:
    """Things with marks or conjunctions between them, each of two characters at least; one if a conjunction is no such.

    Words such as 共和国 and 和平 hold the characters of conjunctions, so the borders of words are asked for.
    """
    import rjieba

    items = [""]
    for word in rjieba.cut(text):
        if _SEPARATOR.fullmatch(word) and items[-1]:
            items.append("")
        elif word not in "，," or items[-1]:
            items[-1] += word
    items = [item.strip(" ，,") for item in items]
    return items if all(len(item) >= 2 for item in items) else [text]


def _english(question: str) -> list[str]:
    text = question.strip()
    if match := _ENGLISH_WHICH.match(text) or _ENGLISH_OR.match(text):
        asked = " ".join(_SUPERLATIVE.sub("", match["asked"]).split())
        return [f"{item} {asked}?" for item in _english_items(match["items"])]
    if match := _ENGLISH_BOTH.match(text) or _ENGLISH_THE.match(text):
        items = _english_items(match["items"])
        return (
            [f"{match['before']}the {item.removeprefix('the ')}{match['after']}?" for item in items]
            if len(items) > 1
            else []
        )
    return []


def _english_items(text: str) -> list[str]:
    return [
        item.strip() for item in re.split(r",\s*(?:and|or)\s+|\s+(?:and|or)\s+|,\s*", text) if item.strip()
    ]
