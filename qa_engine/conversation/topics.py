"""What a question is about: the thing, and the property of it that is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HAN_CLASS = "\u4e00-\u9fff"
HAN = re.compile(f"[{_HAN_CLASS}]")
_END = re.compile(r"(?<![？?！!。.\s吗呢啊呀吧])[？?！!。.\s吗呢啊呀吧]+$")
_POLITE = re.compile(
    r"^(?:请问|请告诉我|请说明|请介绍一?下?|我想(?:知道|问一?下?)|想问一?下?|介绍一?下|说说|谈谈|根据文档|文档中)[，,\s]*"
)
_ASKS = frozenset(
    """什么 多少 多久 多高 多大 多长 多深 多宽 多重 多远 多快 几 哪 哪些 哪个 哪里 哪年 哪儿 谁 怎么 怎样 怎么样 如何
    为什么 为何 何时 是否 能否 可否 几个 几天 几次 几年 几种 几人 多 何""".split()  # noqa: SIM905 - a list would take a line a word
)
_VERBS = frozenset(
    """是 有 在 为 需要 要 可以 能 能够 会 应该 应当 建于 位于 属于 包括 包含 叫 共有 具有 发布 使用 采用 支持 发生 适用
    成立 规定 占 达到 等于""".split()  # noqa: SIM905
)
_ASKS_VALUE = re.compile(
    r"(?:是|为|等于|达到|占)(?:多少|什么|几|多[大高长深宽重远快])|有(?:多[大高长深宽重远快]|多少)$"
)
"""What asks for a value: 西湖的面积是多少 and 西湖的面积有多大 do, 员工有几天年假 does not."""
_TRAILING = re.compile(
    r"(?:每[年月天周次人]|一共|总共|目前|现在|当前|通常|一般|最多|最少|至少|大约|大概|到底|究竟|都|还|分别|具体|主要|又|共|的|了|和|与){1,9}$"
)
_LEADING_ASK = re.compile(
    r"^(?:什么是|为什么|为何|怎么样?|怎样|如何|哪些|哪个|哪里|哪种|谁|什么时候|何时|什么|有哪些|有多少|有几[个种]?|是否|多少|几[个天年次种])"
)
_ENGLISH_NOUNS = re.compile(
    r"\b(?:the|a|an|our|your)\s+([\w'-]++(?:\s+[\w'-]++){0,4}?)(?=\s+(?:the|a|an|in|on|at|of|for|with|to|by|from|per|when|if|than|and|or)\b|\s*\?|\s*$)",
    re.IGNORECASE,
)
_DO = re.compile(r"\b(?:do|does|did|can|could|will|would|should|must|may)\b", re.IGNORECASE)
_ENGLISH_ASK = re.compile(r"(?:How|What|When|Where|Who|Why|Which|Is|Are|Do|Does|Did|Can)\b")
_NAMES = re.compile(r"\b[A-Z][\w-]*(?:\s+(?:[A-Z][\w-]*|\d[\w.-]*))*")

_PROPERTY = re.compile(
    "[率额量度数价费款限长宽高重深积名址人金润本益比值压流温厚距速能耗效质型号式法时间点处位务任利件求准围容因果响况话箱贴假税债产入出"
    "息红分期票史景标构成义用途则者码席监师官书色气编]$|总经理$|原理$|大小$|电阻$|部门$"
)
"""The last character of nouns that are properties of a thing: 单价, 供电电压, 净利润, 总经理."""


def is_property(text: str) -> bool:
    """Whether a noun is what one asks of a thing (面积, 单价, 重建), and not a thing itself (五粮液, 保俶塔)."""
    import rjieba

    if _PROPERTY.search(text):
        return True
    tagged = rjieba.tag(text)
    return bool(tagged) and tagged[-1][1][0] in "vad"


@dataclass(frozen=True)
class Topic:
    """What a question is about.

    Attributes:
        subject: the thing, in the words of the question; empty if the question names none.
        attribute: the property that the question asks for, as in 西湖的面积是多少; empty without one.
    """

    subject: str = ""
    attribute: str = ""


def topic_of(question: str) -> Topic:
    """The topic of a question in Chinese or English."""
    text = _POLITE.sub("", _END.sub("", question.strip()))
    if not HAN.search(text):
        return Topic(_english_subject(text))
    words = _words(text)
    for number, word in enumerate(words):
        if word in _ASKS or word in _VERBS or word.startswith(("什么", "多少", "几", "哪")):
            head, rest = "".join(words[:number]), "".join(words[number:])
            if _TRAILING.sub("", head):
                return _split(_TRAILING.sub("", head), rest)
            break
    else:
        return _split(text, "")
    tail = _TRAILING.sub("", _LEADING_ASK.sub("", text))
    return Topic(_before_verb(tail))


def _split(head: str, rest: str) -> Topic:
    """The topic of a question: 西湖的面积, 是多少 asks for a property of 西湖; 净水机的滤芯, 多久更换 is about one thing."""
    owner, _, attribute = head.rpartition("的")
    asks_value = not rest or _ASKS_VALUE.match(rest)
    if owner and attribute and asks_value and len(attribute) <= 8:
        return Topic(owner, attribute)
    return Topic(head)


def _before_verb(text: str) -> str:
    words = _words(text)
    for number, word in enumerate(words):
        if number and (word in _VERBS or word in _ASKS):
            return _TRAILING.sub("", "".join(words[:number]))
    return text


def _english_subject(text: str) -> str:
    if nouns := _ENGLISH_NOUNS.findall(text):
        if name := re.search(r"\bof\s+([A-Z][\w.-]*(?:\s+[A-Z0-9][\w.-]*)*)", text):
            return name[1]
        of = re.search(r"\bof\s+(?:the|a|an)\s+((?:[\w'-]+\s*){1,4})", text, re.IGNORECASE)
        words = (of[1] if of else nouns[0]).split()
        if not of and _DO.search(text) and len(words) > 1:
            words = words[:-1]  # how much does the survey cost
        return "the " + " ".join(words)
    names = [name for name in _NAMES.findall(text) if not _ENGLISH_ASK.match(name)]
    return names[0] if names else ""


def _words(text: str) -> list[str]:
    import rjieba

    return list(rjieba.cut(text))
