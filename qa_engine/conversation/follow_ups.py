"""Tells by rules whether a question leans on an earlier one."""

from __future__ import annotations

import re

_HAN = "\u4e00-\u9fff"
PRONOUN = re.compile(
    r"它们|他们|她们|[它她]|(?<![其吉])他(?![国人方乡杀们])"
    r"|(?<![尤极与何莫])其(?![他它中余实次间妙后])|前者|后者"
)
"""Words that stand for what was named before."""
PLACE = re.compile(r"(?:这里|那里|这儿|那儿|那边|这边|当地|该地)")
DEMONSTRATIVE = re.compile(
    rf"(?:上述|上面(?:提到)?的|刚才(?:说|提到)?的|前面(?:提到)?的|[这那此](?=[{_HAN}])(?:一)?"
    r"(?:[个些种位座台套份部款项家条张本类只次篇])?"
    r"|(?<![应活])该(?![如怎什何去来不有是做要]))"
)
"""What points at a thing that was named before, in front of a noun. Only where a question is known to lean on another."""
_BACK = re.compile(
    r"上述|刚才|前面(?:说|提|讲)|你(?:刚|说)|[这那](?:个|些|种|位|座|台|套|份|部|款|项|家|条|张|本|类|只|次|篇|里|儿|边|样|么|时|年|天)"
    rf"|此[{_HAN}]|(?<![应活])该(?:[公员产项系模文论机设条合制方报城地数书][{_HAN}]?)"
)
LEAD = re.compile(
    r"^(?:那么|那(?![个些种位座台套份部款项家条张本类只次篇里儿边样么时年天])|还有|另外|此外|然后|而且|所以|再问一下)[，,、\s]*"
)
"""How a follow-up begins."""
WHAT_ABOUT = re.compile(r"^(?:那么|那)?[，,]?\s*(.{1,24}?)呢[？?！!。\s]*$")
"""那…呢？ with what is asked about."""
_ENGLISH_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|this|that|these|those|there|the former|the latter|the same)\b",
    re.IGNORECASE,
)
_ENGLISH_LEAD = re.compile(
    r"^\s*(?:and|but|so|then|also|what about|how about|what else|why)\b", re.IGNORECASE
)
_QUESTION_START = (
    r"有?多[高大长深宽重远快厚]|多少|多久|几|什么时候|何时|哪年|在哪|在什么|为什么|为何|原因|有几|有多少"
    r"|是多少|是谁|是什么"
)
_BARE = re.compile(rf"^(?:一共|总共|大约|最[多少]|又|还|都)?(?:{_QUESTION_START})(.*)$")
_FILLERS = re.compile(r"[\s？?！!。，,的了吗呢是有在个次一元钱块米年月天日人种座]|建成|开始|时候")
_BARE_CONTENT = 2
"""Characters besides the question word that a question without a subject has at most."""
_LONG_HAN, _LONG_WORDS = 16, 9
"""From this length on, a question that points at nothing is taken to name its subject."""


def points_back(question: str) -> bool:
    """Whether a question has a word that stands for something said before: 它, 这个, 那…呢, it, what about."""
    text = question.strip()
    if re.search(rf"[{_HAN}]", text):
        return any(pattern.search(text) for pattern in (PRONOUN, PLACE, _BACK, LEAD, WHAT_ABOUT))
    return bool(_ENGLISH_BACK.search(text) or _ENGLISH_LEAD.search(text))


def lacks_subject(question: str) -> bool:
    """Whether a question consists of what is asked alone: 多少钱？, 什么时候建成的？, why?"""
    text = question.strip()
    if bare := _BARE.match(text):
        return len(_FILLERS.sub("", bare[1])) <= _BARE_CONTENT
    return bool(
        re.fullmatch(
            r"(?:why|when|where|who|how (?:much|many|long|high|old|far))( so| exactly)?\s*\??", text, re.I
        )
    )


def stands_alone(question: str, subject: str) -> bool:
    """Whether a follow-up surely needs nothing from before: it points at nothing, and names its subject or is long.

    Args:
        question: the follow-up.
        subject: what the last question was about; one that names it again stands alone.
    """
    if points_back(question) or lacks_subject(question):
        return False
    if subject and subject.lower() in question.lower():
        return True
    han = len(re.findall(rf"[{_HAN}]", question))
    return han >= _LONG_HAN or len(re.findall(r"[A-Za-z0-9][\w'-]*", question)) >= _LONG_WORDS
