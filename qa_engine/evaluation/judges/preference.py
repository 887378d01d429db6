"""Reads which of two answers a judge prefers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from qa_engine.evaluation.judges.claims import Claim, Rank, Reading, decide
from qa_engine.evaluation.judges.reply_text import ReplyText, take_apart
from qa_engine.evaluation.judges.verdict import reasoning_of

Preference = Literal["A", "B", "tie"]

_NOUN = r"(?:回答|答案|助手|选项|模型|方案|\b(?:assistant|response|answer|option|model)\b)"
_SIDE = (
    rf"(?:{_NOUN}\s{{0,3}})?[\"'“(（【\[]{{0,3}}\s{{0,3}}"
    rf"(?<![A-Za-z])(?P<side>[AB])(?![A-Za-z'’])\s{{0,3}}[\"'”)）】\]]{{0,3}}"
)
_TIE = (
    r"平局|平手|打平|不相上下|难分(?:高下|伯仲|优劣)|旗鼓相当|势均力敌|(?:质量|水平|两者|二者|都)?(?:相当|相同|相等)|一样好|同样好|没有(?:明显)?(?:差别|区别|优劣)|"
    r"\b(?:tie|tied|draw|equal(?:ly)?|equivalent|neither|both)\b"
)
_FINAL = (
    r"最终|最后|结论|综上所述|综上|因此|所以|总之|更正|胜者|获胜者|胜出者|更好的?(?:回答|答案)?(?=\s*[:是为])|更优(?:的)?(?:回答|答案)?(?=\s*[:是为])|"
    r"\bfinal\b|\bverdict\b|\bwinner\b|\btherefore\b|\bconclusion\b|\boverall\b"
)
_LABEL = (
    r"选择|我选|选|偏好|\b(?:choice|choose|prefer|preference|better)\b|"
    r"(?:判断|(?<!参考)答案|结果|评判|\b(?:answer|decision|judge?ment|result)\b)\s{0,3}(?=[:=是为]|is\b)"
)
_LABELLED = re.compile(
    rf"(?:(?P<final>{_FINAL})|{_LABEL})[^\nAB]{{0,16}}?(?:{_SIDE}|(?P<tie>{_TIE})|(?<![A-Za-z])(?P<c>C)(?![A-Za-z]))"
    r"(?P<than>\s*(?:比|不如|劣于|优于|胜过|好于|和|与|and))?",
    re.I,
)
_BETTER = re.compile(
    rf"{_SIDE}\s*(?:的(?:质量|表现)?)?\s*(?:明显|显然|略|稍|总体|整体|\b(?:is|are|was|clearly|slightly|much|the)\b|\s)*"
    rf"(?:(?P<good>>|(?:更|较|比\s*{_NOUN}?\s*[AB]\s*(?:更|要|略|稍)*)\s*(?:为|加)?(?:好|优|高|佳|准确|完整|强|胜)|优于|胜过|强于|好于|略胜一筹|胜出|获胜|胜|赢|"
    r"\b(?:better|wins?|superior|preferred|stronger|more accurate)\b)"
    rf"|(?P<bad><|不如|劣于|逊于|差于|比\s*{_NOUN}?\s*[AB]\s*(?:更|要|略)*(?:差|弱)|更差|较差|\b(?:worse|inferior|weaker|loses)\b))",
    re.I,
)
_ALONE = re.compile(
    rf"^[\W_]{{0,12}}(?:{_SIDE}|(?P<tie>{_TIE})|(?P<c>C))(?P<after>[\W_]*$|\s*[,。.:;!\-–—].*$)", re.I
)
_TIED = re.compile(_TIE, re.I)
_NAMES = re.compile(
    r"winner|better|best|verdict|choice|preference|preferred|judge?ment|decision|result|answer|final|final_verdict|"
    r".*(?:胜者|更好|结论|选择|判断|偏好|结果|获胜).*|"
)


def read_preference(reply: str) -> Reading[Preference]:
    """Whether a judge prefers answer A or B, or neither; nothing where it does not say.

    Example:
        >>> read_preference("回答B遗漏了日期。\\n结论：A").value
        'A'
    """
    parts = take_apart(reply)
    reasoning = reasoning_of(parts)
    if not parts.said:
        problem = "it breaks off before its thinking ends" if parts.still_thinking else "it is empty"
        return Reading(None, reasoning, problem)
    claims = list(_claims(parts))
    value, problem = decide(claims, "preference")
    return Reading(value, reasoning, problem)


def _claims(parts: ReplyText) -> Iterator[Claim[Preference]]:
    for item in parts.fields:
        said = str(item.value).strip()
        if _NAMES.fullmatch(item.name) and (found := _ALONE.match(said) or _BETTER.search(said)):
            yield Claim(_side(found), Rank.FIELD, item.position, said[:40])
    text = parts.prose
    for found in _LABELLED.finditer(text):
        if not found["than"]:
            rank = Rank.FINAL if found["final"] else Rank.LABELLED
            yield Claim(_side(found), rank, found.start(), found[0].strip()[-40:])
    lines = [(found.start(), found[0]) for found in re.finditer(r"[^\n]+", text) if found[0].strip()]
    for number, (start, line) in enumerate(lines):
        found = _ALONE.match(line)
        echoed = re.match(rf"\W*{_NOUN}.*?:", line, re.I) is not None
        if found and not echoed and (number == 0 or not re.search(r"\w", found["after"])):
            yield Claim(_side(found), Rank.BARE, start, line.strip()[:40])
    for found in _BETTER.finditer(text):
        yield Claim(_side(found), Rank.PROSE, found.start(), found[0].strip()[:40])
    for found in _TIED.finditer(text):
        yield Claim("tie", Rank.PROSE, found.start(), found[0].strip()[:40])


def _side(found: re.Match[str]) -> Preference:
    groups = found.groupdict()
    if groups.get("tie") or groups.get("c"):
        return "tie"
    side: Preference = "A" if groups["side"].upper() == "A" else "B"
    if groups.get("bad"):
        return "B" if side == "A" else "A"
    return side
