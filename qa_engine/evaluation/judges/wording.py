"""How judges say yes and no, in Chinese and in English."""

from __future__ import annotations

import re

_NEGATION = (
    r"不足以|尚未|从未|毫无|并无|谈不上|称不上|算不上|不尽|欠|并不是|并没有|并非|并不|并未|绝非|不是|不算|不够|不太|没有|没能|未能|未被|无法|不能|不会|不可|不|沒有|没|沒|未|非|难以|缺乏|缺少|无|無|"
    r"(?:is|are|was|does|do|did|can|has|have|would|could)\s?n['’]?t\b|"
    r"\bcannot\b|\bnot\b|\bnever\b|\b(?:hardly|barely|far from|without|insufficiently)\b|\bfails? to\b|\black(?:s|ing)?\b"
)
_BETWEEN = (
    r"得到|获得|受到|找到|被|完全|充分|直接|能够|能|可以|可|够|有|任何|全部|全都|都|均|很|非常|十分|太|更|也|是|"
    r"(?:已知信息|资料|上下文|原文|文档|参考答案)的?|所|由|明确|足够|的|"
    r"\b(?:the|fully|entirely|completely|directly|clearly|explicitly|well|be|been|being|adequately|any|all|a|an|get|context|factually)\b"
)
_GOOD = (
    r"(?<=是)对的|支持|支撑|正确|准确|忠实|忠于|符合|相符|相关|切题|一致|吻合|成立|通过|满足|合格|达标|属实|依据|根据|有据可依|"
    r"正確|準確|忠實|相關|通過|滿足|"
    r"\b(?:true|correct|support(?:s|ed|ing)?|faithful|relevant|consistent|accurate|grounded|valid|pass(?:es|ed|ing)?"
    r"|meets?|satisf(?:y|ies|ied)|aligned|aligns|entailed)\b"
)
_BAD = (
    r"不对(?![称应等外])|错误|有误|错|虚假|捏造|编造|杜撰|臆造|幻觉|矛盾|无关|不符|违反|违背|失败|離題|离题|答非所问|未提及|未提到|没有提到|没有提及|没提到|"
    r"未涉及|没有涉及|找不到|查无|無關|錯誤|"
    r"\b(?:incorrect|unsupported|unfaithful|irrelevant|inconsistent|inaccurate|hallucinat\w+|contradict\w*|wrong|false|invalid"
    r"|fail(?:s|ed|ing)?|ungrounded|fabricat\w+|violat\w+"
    r"|misleading|not mentioned|no evidence|no mention|no support|unfounded)\b"
)
_NEGATIONS = re.compile(_NEGATION, re.I)
_PREDICATE = re.compile(
    rf"(?P<before>(?:(?:{_NEGATION}|{_BETWEEN})\s{{0,3}}){{0,5}})(?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))", re.I
)

_YES = r"是的|是|肯定的?|对的|对|對的|對|真|可以|能|有|没错|沒错|无误|yes|yep|yeah|y|true|t|ok|支持的|正确的|✓|✔|✅|☑|√"
_NO = (
    r"否定的?|否|不是的|不是|不对|不對|并非如此|不是这样的?|并非|并不是|并不|不行|不可以|不能|不|没有|沒有|未|假的|假|不完全是|"
    r"no|nope|nay|n|false|f|✗|✘|❌|×|✖|☒"
)
# What a short word has to be followed by, lest 是否, 对于 or "no doubt" be taken for verdicts.
_END = r"(?=\s*(?:$|[✓✔✅✗✘❌]|[,，。.;；:：!！、)\]】」』》\"'“”’|\n~→(（]|--|—|–|- )|\s*\n)"
_OPENING = (
    r"^[\s\"'“‘「『【《\[(:：>=→\-•·.,，✓✔✅✗✘❌]{0,12}(?:\d{1,2}[.、)]\s{0,3})?[\"'“‘「『【《\[(]{0,3}"
)
_WORD = re.compile(rf"{_OPENING}(?:(?P<yes>{_YES})|(?P<no>{_NO})){_END}", re.I)
_PREDICATE_FIRST = re.compile(
    rf"{_OPENING}(?P<before>(?:(?:{_NEGATION}|{_BETWEEN})\s{{0,3}}){{0,5}})(?:(?P<good>{_GOOD})|(?P<bad>{_BAD}))(?:的|了)?{_END}",
    re.I,
)
_DIGIT = re.compile(r"^\s*[\"'(\[]*([01])(?:\.0)?[\"')\]。.]*\s*$")

_UNDECIDED = re.compile(
    r"部分|基本(?:上)?|大体|大致|大部分|多数|一半|无法(?:判断|确定|判定|评估|回答|得出|给出)|不能(?:判断|确定)|难以(?:判断|确定|判定)|不确定|"
    r"不清楚|不好说|说不准|不适用|也许|可能|或许|既是|信息不足|"
    r"\b(?:partial(?:ly)?|partly|mostly|somewhat|unclear|uncertain|unknown|undetermined|inconclusive|maybe|perhaps"
    r"|cannot (?:be )?(?:determined?|judged?|tell|assess|say|decide)|can['’]?t (?:tell|say|judge)|unable to"
    r"|yes and no|both|n/a|null|none|not applicable|not sure)\b",
    re.I,
)
_BOTH = re.compile(
    r"^\W*(?:(?:是的?|yes)\W+(?:但|and|but)?\s*(?:也|又)?\s*(?:不是|否|no)\b|(?:既|又)是)", re.I
)
# What is asked, or supposed, is not said.
_WHETHER = re.compile(
    r"\b(?:whether|if|unless)\b[^.,;:\n]*|(?:如果|假如|假设|倘若|若是|除非)[^,，。:：;；\n]*|"
    r"(?:是否(?!定)|能否|可否)[^\s,，。:：;；?？=\n]*",
    re.I,
)
_YES_WORD, _NO_WORD = (
    r"(?:是|yes|对|true|支持|正确|通过|pass|1)",
    r"(?:否|no|不是|不对|false|不支持|错误|不正确|不通过|fail|0)",
)
_QUOTES = r"[\"'“”‘’「」]?"
_OR = rf"{_QUOTES}\s*(?:/|\||或者?|还是|還是|\bor\b|、|,)\s*{_QUOTES}"
_CHOICE = re.compile(
    rf"{_QUOTES}(?<![a-z])(?:{_YES_WORD}{_OR}{_NO_WORD}|{_NO_WORD}{_OR}{_YES_WORD})(?![a-z对确过持]){_QUOTES}",
    re.I,
)


def without_choices(text: str) -> str:
    """A text without the question repeated: 是/否, "yes or no". Nothing else moves."""
    return _CHOICE.sub(lambda found: " " * len(found[0]), text)


def leading(text: str) -> bool | None:
    """The verdict that a text begins with: 是。, "No, because", 不支持. None without one."""
    if _BOTH.match(text):
        return None
    if found := _WORD.match(text):
        return found["yes"] is not None
    if found := _PREDICATE_FIRST.match(text):
        return _polarity(found)
    return None


def digit(text: str) -> bool | None:
    """1 is yes, 0 is no, where a verdict is all there can be."""
    found = _DIGIT.match(text)
    return found[1] == "1" if found else None


def predicates(text: str) -> set[bool]:
    """What a text says by its verbs and adjectives: 得到了支持 is true, 没有依据 and "not supported" are false."""
    return {_polarity(found) for found in _PREDICATE.finditer(_WHETHER.sub(" ", text))}


def is_undecided(text: str) -> bool:
    """Whether a text says partly, perhaps, or that it cannot tell."""
    return _UNDECIDED.search(text) is not None


def is_negated(text: str) -> bool:
    """Whether a text holds a negation, or asks or supposes instead of saying."""
    return _NEGATIONS.search(text) is not None or _WHETHER.search(text) is not None


def _polarity(found: re.Match[str]) -> bool:
    """Two negations are none."""
    negations = len(_NEGATIONS.findall(found["before"]))
    return (found["good"] is not None) == (negations % 2 == 0)
