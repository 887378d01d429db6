"""What a question asks for, read from its words: the kind of thing, the periods, an article by its number, a list.

All patterns have Chinese and English, as a question in one language may be answered in the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa_engine.answering.extractive.measures import asked_measure
from qa_engine.text.identifiers import clauses_in
from qa_engine.text.numbers import parse_number
from qa_engine.text.periods import parts_of_year, years_of
from qa_engine.text.tokenizer import fold

_NUMERAL = "[〇零一二两三四五六七八九十百千万亿]"
_NUMBER = re.compile(
    rf"[0-9]+(?:[.,][0-9]+)*|{_NUMERAL}+(?=[个名人位座条次倍种部家届年月日天周秒分岁米公里元美吨亩层])"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundreds?|thousands?|millions?|billions?)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"[0-9]{3,4}\s*年|[0-9]{1,2}\s*[月日时点]|世纪|年代|年间|\b(?:1[0-9]{3}|20[0-9]{2})s?\b|\bcentur(?:y|ies)\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_PLACE = re.compile(r"位于|地处|[市县省州区国镇]|\blocated\b|\b(?:in|at|from) (?:the )?[A-Z]")
_REASON = re.compile(
    r"因|由于|为了|所致|导致|\bbecause\b|\b(?:due|owing) to\b|\bsince\b|\bin order to\b|\bas a result\b|\bso that\b"
    r"|\bto avoid\b|\bcaused? by\b|\breasons?\b|\bthus\b|\btherefore\b",
    re.IGNORECASE,
)
_QUESTION_KINDS: Sequence[tuple[str, re.Pattern[str], re.Pattern[str]]] = (
    (
        "reason",
        re.compile(r"为什么|为何|(?:什么|怎么)(?:造成|导致|引起)|因为什么|\bwhy\b", re.IGNORECASE),
        _REASON,
    ),
    (
        "time",
        re.compile(
            r"何时|何年|什么时[候间]|哪一?[年天月日]|哪[几个]年|哪个(?:年|世纪)|几[年月]|时间|日期|年代|年份|\bwhen\b"
            r"|\b(?:what|which) (?:year|date|day|month|century)\b",
            re.IGNORECASE,
        ),
        _TIME,
    ),
    (
        "number",
        re.compile(
            r"多[少大高长远久重]|(?<!哪)几|\bhow (?:many|much|long|large|big|high|far|old)\b", re.IGNORECASE
        ),
        _NUMBER,
    ),
    (
        "place",
        re.compile(
            r"哪[里儿国州]|在哪(?![个些几年天月种位家一])|何[处地]|什么地[方区]|哪个(?:国家|城市|省|州|市|县|地区|地方)|位于|地点|\bwhere\b",
            re.IGNORECASE,
        ),
        _PLACE,
    ),
    ("reason", re.compile(r"原因|\breasons?\b", re.IGNORECASE), _REASON),
)
"""The kinds of question: a name, a pattern that the question matches, and one that the sentences that answer it match.
The first kind that fits counts: 哪一年 and 几月 ask for a time, though 几 asks for a number as well."""
_ASKS_PEOPLE = re.compile(
    r"(?:多少|几)[个名位]?(?:人|员工|股东|学生|工人)|人数|\bhow many (?:people|employees|persons)\b",
    re.IGNORECASE,
)
_NAMED_KINDS: Sequence[tuple[re.Pattern[str], re.Pattern[str]]] = (
    (
        re.compile(r"评级|投资建议|\brating\b|\brecommendation\b", re.IGNORECASE),
        re.compile(
            r"买入|增持|减持|卖出|持有|中性|推荐|大市|\b(?:buy|sell|hold|neutral|(?:out|under)perform|(?:over|under)weight)\b",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"电话|传真|热线|联系方式|手机|\b(?:phone|telephone|fax)\b", re.IGNORECASE),
        re.compile(
            r"(?<![0-9.,])(?:[0-9]{3,4}[-—– ][0-9]{7,8}|1[3-9][0-9]{9}|400[-— ]?[0-9]{3}[-— ]?[0-9]{4})"
        ),
    ),
    (
        re.compile(r"地址|住所|注册地|在哪(?![个些几年天月种位家一])|\baddress\b", re.IGNORECASE),
        re.compile(
            r"[路街道巷村区镇大厦园]\s*[0-9A-Za-z]+\s*[号栋座楼]|[省市区县][^，。；]{2,20}[号楼室路街]|\b(?:Street|Road|Avenue|Ave|St)\b"
        ),
    ),
    (
        re.compile(r"邮箱|邮件|网址|网站|网页|主页|\be-?mail\b|\burl\b|\bwebsite\b", re.IGNORECASE),
        re.compile(r"[\w.]+@[\w.]+|https?://|www\.|\.(?:com|cn|net|org)\b", re.IGNORECASE),
    ),
    (
        re.compile(
            r"代码|编号|证书号|证号|许可证|型号|邮编|邮政编码|批文|文号|\b(?:code|model|part) (?:number|no)\b",
            re.IGNORECASE,
        ),
        re.compile(r"[A-Z]{1,}[-/]?[0-9]{2,}|(?<![0-9.,])[0-9]{5,}(?![0-9.,]*[0-9万亿元])|〔[0-9]{4}〕"),
    ),
)
"""Things in a form of their own: a pattern that the question matches, and one for texts that may name such a thing."""
_PRECISE_KINDS: Sequence[tuple[re.Pattern[str], re.Pattern[str]]] = (
    (
        re.compile(
            r"百分之几|百分比|百分点|占比|比重|比例|同比|环比|幅度|[^频功效习帧辨]率(?!先)|\b(?:percent|percentage|ratio|margin|rate)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"[0-9]\s*[%％‰]|[(（][%％][)）]|百分之|[0-9](?:\.[0-9]+)?\s*(?:倍|个百分点|pct)|[0-9]/[0-9]|[0-9.]+:[0-9]"
            r"|\bper ?cent\b|[0-9]x\b|\bfold\b"
        ),
    ),
    (
        _ASKS_PEOPLE,
        re.compile(
            r"[0-9万余多]\s*(?:人|名|位)|人数|员工|人员|\b(?:people|employees|persons)\b", re.IGNORECASE
        ),
    ),
    (
        re.compile(
            r"最[高多长大久低少短].{0,6}(?:多[少大高长久]|几)|[上下]限|封顶|至[多少]"
            r"|\b(?:max|min)imum\b|\bat (?:most|least)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"不(?:得|能|应|可)?(?:超过|高于|多于|低于|少于|大于|小于)|以[内上下]|[上下]限|最[高多长大低少]|至[多少]|封顶|[≤≥<>]"
            r"|\b(?:max|min)imum\b|\bat (?:most|least)\b|\bup to\b|\b(?:no|not) (?:more|less|fewer|later) than\b|\bexceed",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(
            r"多少钱|多少[万亿]?元|金额|收入|营收|利润|净利|资产|负债|费用|成本|价格|单价|税额|余额|现金流|薪酬|工资|罚款"
            r"|违约金|\b(?:revenue|income|costs?|price|amount|assets|expenses?|profits?|salary|wages?|fees?|fines?|allowance)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"[0-9](?:\.[0-9]+)?\s*[十百千]?[万亿]?美?元|[(（][^()（）]{0,6}元[^()（）]{0,4}[)）]"
            r"|(?<![0-9.])-?[0-9]{1,3}(?:,[0-9]{3})+|[$¥￥€]\s*[0-9]|[0-9]\.[0-9]{2}(?![0-9])"
            r"|[0-9] ?(?:(?:thousand|[mb]illion) )?(?:US )?(?:dollars?|yuan|euros?|USD|RMB|CNY)\b"
        ),
    ),
    (
        re.compile(r"条件|什么情况|哪些情形|什么情形|前提|\bconditions?\b|\bunder what\b", re.IGNORECASE),
        re.compile(
            r"条件|情形|情况下|如果|若|除非|满足|符合|下列|之一|应当同时|\bif\b|\bunless\b|\bprovided\b",
            re.IGNORECASE,
        ),
    ),
)
"""Kinds of amounts and conditions, likewise, if the question names no unit."""
_ASKS_NAME = re.compile(
    r"谁|哪[几两三]?位|何人|(?<!为)什么人|姓名|[名位人员师长事秘]叫什么|叫什么名字|\bwho(?:m|se)?\b",
    re.IGNORECASE,
)
_GATHERS = re.compile(
    r"哪些|哪几|分几|各[占付是为有自]|有什么|列出|列举|分别|包括什么|包含什么|步骤|流程|程序|依次|怎[么样](?:做|办|操作|处理|申请|设置)|如何|都有|所有的?"
    r"|哪[两三四五六七八九十]|[两三四五六七八九十]位.{0,6}[谁叫]|\b(?:which|list|steps?|what are)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"(?:增[长加减]|减少|下降|上升|提高|降低|变化|变动|相差|差[额多]|高[出多]|多出|少了|翻)[了出]?(?:多少|几|百分)|[比较].{1,14}"
    r"(?:增|减|降|升|涨|跌|多|少|高|低)|\b(?:change|growth|increase|decrease|difference) (?:in|of|from|between)\b"
    r"|\bby how much\b",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    rf"第\s*([0-9]+(?:\.[0-9]+)*|{_NUMERAL}+)\s*(条|章|节|款|项)(?:之([一二三四五六七八九十]))?"
)


@dataclass(frozen=True)
class QuestionKind:
    """What a question asks for.

    Attributes:
        name: ``time``, ``number``, ``place`` or ``reason``; empty for another thing.
        answers: a pattern for texts that may name a thing of that kind; None for another thing.
        precise: the same for a more precise kind, such as a ratio, a telephone number or a rating.
        asks_person: whether it asks who somebody is.
        counts_people: whether it asks for a number of people.
        gathers: whether it asks for several things that belong together: a list, the steps of a procedure.
        compares: whether it asks for a difference or a growth.
        years: the years that it names.
        quarters: the quarters (``Q1`` to ``Q4``) and half years (``H1``, ``H2``) that it names.
        article: the number of the article or clause that it names, such as ``39条`` or ``9.2``; empty without one.
    """

    name: str = ""
    answers: re.Pattern[str] | None = None
    precise: re.Pattern[str] | None = None
    asks_person: bool = False
    counts_people: bool = False
    gathers: bool = False
    compares: bool = False
    years: frozenset[int] = frozenset()
    quarters: frozenset[str] = frozenset()
    article: str = ""

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, question: str) -> QuestionKind:
        """What a question asks for, as it was asked."""
        folded = fold(question)
        name, answers = next(
            ((name, answers) for name, asks, answers in _QUESTION_KINDS if asks.search(folded)), ("", None)
        )
        # Whose question asks why an amount changed wants no amount.
        named = (answers for asks, answers in _NAMED_KINDS if asks.search(folded))
        amounts = (answers for asks, answers in _PRECISE_KINDS if asks.search(folded))
        precise = (
            None if name == "reason" else next(named, None) or asked_measure(folded) or next(amounts, None)
        )
        return cls(
            name,
            answers,
            precise,
            bool(_ASKS_NAME.search(folded)),
            bool(_ASKS_PEOPLE.search(folded)),
            bool(_GATHERS.search(folded)),
            bool(_COMPARES.search(folded)),
            frozenset(years_of(folded)),
            frozenset(parts_of_year(folded)),
            article_of(folded),
        )


def article_of(text: str) -> str:
    """The first article or clause that a text names: ``39条`` for 第三十九条, ``9.2`` for 9.2条; empty without one."""
    if match := _ARTICLE.search(text):
        return article_number(match)
    return next(iter(clauses_in(text)), "")


def article_at_start(text: str) -> str:
    """The article that a text begins with, as `article_of` names it: 第三十九条 or 9.2; empty if it begins with none."""
    folded = text.lstrip(" \t　*#")
    if match := _ARTICLE.match(folded):
        return article_number(match)
    clause = re.match(r"([0-9]{1,2}(?:\.[0-9]{1,2}){1,3})(?![0-9.%％]|\s*[万亿元年月米个倍])", folded)
    return clause[1] if clause else ""


def article_number(match: re.Match[str]) -> str:
    """The number of an article with what it numbers, in digits."""
    number, noun, further = match.groups()
    value = number if number[0].isdigit() else parse_number(number) or number
    if "." in value:
        return value
    return f"{value}{noun}" + (f"之{further}" if further else "")
