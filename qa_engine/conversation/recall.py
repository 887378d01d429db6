"""Questions about the conversation itself: what did I just ask, 我的第二个问题是什么. The history answers them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.conversation.turns import Turn
from qa_engine.text.numbers import parse_number

_LONGEST = 60
"""Such a question is short."""
_POLITE = re.compile(
    r"^(?:请问|请|麻烦|你|您|还|能不能|能|可以|可否|帮我|帮忙|告诉我|再说一[遍下]|说一[遍下]|重复一[遍下]|回忆一下|记得|知道|一下|说说|[，,\s])+"
    r"|^(?:(?:please|can you|could you|do you (?:still )?(?:know|remember)|tell me|remind me|repeat)[\s,]*)+",
    re.IGNORECASE,
)
_END = re.compile(r"(?:来着|呢|吗|了|啊|呀|[？?。.！!\s])+$")
_JUST = "刚才|刚刚|方才|刚|之前|前面|先前|上次|上一[次句]|最后|到目前为止|目前为止|一共|总共|都"
_WHAT = "(?:是|有)?(?:什么|啥|哪个|哪一个|哪些|怎么问的|什么问题|哪些问题|几个问题|多少个?问题)"
_NUMBER = (
    r"第(?P<number>[一二两三四五六七八九十0-9]{1,3})个|倒数第(?P<back>[一二两三四五六七八九十0-9]{1,3})个"
)
_ASKED = re.compile(
    rf"(?:我|{_JUST})*我?(?:{_JUST})*(?:问|提)(?:你|您)?(?:的|了|过|到|过的|你的|了你|过你)*(?:{_WHAT}|问题{_WHAT}|(?:{_WHAT})?问题|什么)"
)
"""我刚才问的是什么, 刚才我问了哪些问题."""
_QUESTION = re.compile(
    rf"(?P<mine>(?:我|{_JUST})*)(?:的|问的?|提的?)*(?:{_NUMBER}|(?P<last>上一?个|前一?个|最后一?个|最近一?个|刚才的?|之前的?)"
    rf"|(?P<before>上上一?个|再前一?个)|(?P<first>首个|最初的?|最早的?|一开始的?|最先的?|开头的?))(?:问的?)?(?:问题|提问)(?:问的)?(?:{_WHAT})?"
)
"""我的上一个问题, 我问的第二个问题是什么."""
_ALL = re.compile(r"哪些|几个|多少|都问|一共|总共|目前为止")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_WHICH = f"last|previous|latest|{'|'.join(_ORDINALS)}"
_ENGLISH = re.compile(
    rf"what (?:was|is) (?P<mine>my|the) (?:very )?(?P<which>{_WHICH}) question(?: (?:that )?I asked(?: you)?)?"
    rf"|(?:my|the) (?P<named>{_WHICH}) question(?: I asked)?"
    r"|what (?:did I|have I|I)(?: just| previously)? ask(?:ed)?(?: you)?"
    r"(?: (?P<when>first|last|before|earlier|just now|previously|so far))?"
    r"|(?P<all>(?:what|which) questions (?:did I|have I) ask(?:ed)?(?: you)?(?: so far)?)",
    re.IGNORECASE,
)


def recalled(question: str, history: Sequence[Turn], forgotten: int = 0) -> str | None:
    """The Chinese answer to a question about the conversation, which quotes what was asked.

    Args:
        question: the question.
        history: the turns before, the oldest first.
        forgotten: how many turns were before them.

    Returns:
        The answer; empty if that question was not asked or is not remembered; None if the question is about something
        else. A bare 第二个问题是什么 may be about a document; it is about the conversation if there were so many questions.

    Example:
        >>> recalled("刚才我问的是什么？", [Turn("会费是多少？", "会费是多少？", "……", refused=False)])
        '您上一个问题是：“会费是多少？”'
    """
    if len(question) > _LONGEST:
        return None
    text = _END.sub("", question.strip())
    bare = _POLITE.sub("", text) or text
    place = _place(bare)
    if place is None:
        return None
    number, is_sure = place
    asked = [turn.question.strip() for turn in history]
    if number == 0:
        listed = "；".join(f"{n}. “{one}”" for n, one in enumerate(asked, forgotten + 1))
        return f"您依次问过：{listed}。" if asked else ""
    index = number - 1 - forgotten if number > 0 else len(asked) + number
    if not 0 <= index < len(asked):
        return "" if is_sure else None
    name = "上一个" if number == -1 else f"第{index + 1 + forgotten}个"
    return f"您{name}问题是：“{asked[index]}”"


def _place(text: str) -> tuple[int, bool] | None:
    """Which question is meant, from 1 or back from -1, 0 for all of them, and whether the conversation surely is."""
    if match := _QUESTION.fullmatch(text):
        if match["number"]:
            return _number(match["number"]), bool(match["mine"])
        if match["back"]:
            return -_number(match["back"]), True
        return (1 if match["first"] else -2 if match["before"] else -1), True
    if _ASKED.fullmatch(text) and ("我" in text or re.search(_JUST, text)):
        return (0 if _ALL.search(text) else -1), True
    if match := _ENGLISH.fullmatch(text):
        which = (match["which"] or match["named"] or "").lower()
        if match["all"] or match["when"] == "so far":
            return 0, True
        if match["when"] == "first":
            return 1, True
        if which not in _ORDINALS:
            return -1, True
        return _ORDINALS.index(which) + 1, match["mine"] != "the"
    return None


def _number(text: str) -> int:
    return int(float(parse_number(text) or 0)) or 1
