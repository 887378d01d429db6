"""Reads a score out of a judge's reply."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from qa_engine.evaluation.judges.claims import Claim, Rank, Reading, decide
from qa_engine.evaluation.judges.reply_text import Field, ReplyText, take_apart
from qa_engine.evaluation.judges.verdict import reasoning_of

_DIGITS = {
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "兩": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_CHINESE = "".join(_DIGITS)
_NUMBER = (
    rf"(?P<sign>(?<![\d分\w])[-−])?(?:(?P<digits>(?<![\d.])\d{{1,6}}(?:\.\d{{1,6}})?(?!\d|\.\d))"
    rf"|(?P<chinese>[{_CHINESE}](?:点[{_CHINESE}])?)(?=\s*(?:分(?!之|钟|析|别|为)|颗?星|$|[。.,，;；!\n])))"
)
_UNIT = r"(?:\s*(?P<unit>个?分(?!之|钟|析|别|为)|颗?星|points?\b|stars?\b|pts?\b))?(?P<half>半)?"
_OF = r"(?:\s*(?:/|\bout of\b|\bof\b|／)\s*(?P<of>\d{1,4}(?:\.0)?|[五十]|一百)\s*分?)?(?P<percent>\s*%)?"
_VALUE = rf"{_NUMBER}{_UNIT}{_OF}"
_ANY = re.compile(_VALUE, re.I)

_FINAL = (
    r"最终|最後|最后|总分|总评|总体|综合|整体|结论|综上所述|综上|因此|所以|总之|更正|修正|"
    r"\bfinal\b|\boverall\b|\btotal\b|\btherefore\b|\bthus\b|\bconclusion\b|\bverdict\b|\bcorrection\b"
)
_LABEL = (
    r"评分|評分|得分|分数|分數|打分|总分|总评|分值|评级|评定|给分|结果|结论|"
    r"(?:我|应|可以|可|会|将|故|因此|所以|综合)(?:给|給|打|评)(?:出|予|了|它|该回答|这个回答|其)?|给(?:出|予|它|该回答|这个回答|其)|评为|判为|打|"
    r"\b(?:scor(?:e|ed|ing)|rat(?:e|ed|ing)|grade|mark|points|result|verdict|correctness|overall|final|give|assign|award(?:ed)?)\b"
)
_LABELLED = re.compile(
    rf"(?P<head>(?:{_FINAL})[^\n。;\d]{{0,16}}?)?(?:{_LABEL})(?P<more>[^\n\d。;!?{_CHINESE}]{{0,14}}?|\s*\n\s*){_VALUE}",
    re.I,
)
_CONCLUDED = re.compile(rf"(?:{_FINAL})[^\n\d。;{_CHINESE}]{{0,14}}?{_VALUE}", re.I)
_LINE = re.compile(rf"^[\s\"'“(\[【《•·>=→:]*(?:-\s+)?{_VALUE}(?P<after>.*)$", re.I)
_SCALE = re.compile(
    r"满分(?:为|是|[:：])?\s*(?:\d+|[五十])\s*分?|(?:\d+|[五十])\s*分(?:制|为?满分)|"
    r"(?:on|using) an?\s+(?:scale\s+(?:of|from)\s+)?\d+\s*(?:-|–|to)?\s*\d*(?:\s*-?\s*point)?(?:\s*scale)?|"
    r"out of a (?:possible|maximum)[^\d\n]{0,10}\d+",
    re.I,
)
_RANGE = re.compile(
    r"(\d+(?:\.\d+)?|[一二三四五])\s*(?:分)?\s*(?:-|–|—|~|～|到|至|to|和|与|或|or|and)\s*(\d+(?:\.\d+)?|[二三四五])(?![\d/])",
    re.I,
)
_STARS = re.compile(r"[★⭐🌟]️?(?:\s*[★⭐🌟]️?)*")

_STRONG_NAMES = re.compile(
    r"(?:final_?|overall_?|total_?|correctness_?)?(?:score|rating|grade|points|mark|overall|total|correctness)"
    r"|.{0,6}(?:评分|得分|分数|打分|总分|评级)"
)
_FINAL_NAMES = re.compile(r"(?:final|overall|total).*|.*(?:总分|最终|综合|总体).*|score|评分")
_WEAK_NAMES = re.compile(r"result|verdict|answer|value|evaluation|output|judge?ment|结果|结论|评估|")


def read_score(reply: str, low: float = 1.0, high: float = 5.0) -> Reading[float]:
    """The score that a judge gives; nothing where there is none, or one outside the scale, or several.

    Args:
        reply: what the judge said.
        low: the least score.
        high: the best.

    Example:
        >>> read_score("评分：四分。回答正确，但不够完整。").value
        4.0
    """
    parts = take_apart(reply)
    reasoning = reasoning_of(parts)
    if not parts.said:
        problem = "it breaks off before its thinking ends" if parts.still_thinking else "it is empty"
        return Reading(None, reasoning, problem)
    claims = list(_claims(parts, low, high))
    value, problem = decide(claims, "score")
    if value is not None and not low <= value <= high:
        return Reading(None, reasoning, f"{value:g} is not from {low:g} to {high:g}")
    return Reading(value, reasoning, problem)


def _claims(parts: ReplyText, low: float, high: float) -> Iterator[Claim[float]]:
    yield from _fields(parts, low, high)
    text = _without_scale(parts.prose, low, high)
    for found in _RANGE.finditer(text):
        before, after = text[max(0, found.start() - 12) : found.start()], text[found.end() :]
        labelled = re.search(rf"(?:{_LABEL})[^\d\n]*$", before, re.I) is not None
        if labelled or re.match(r"\s*(?:分|星|points|stars)", after):
            yield Claim(None, Rank.LABELLED if labelled else Rank.BARE, found.start(), found[0])
    text = _RANGE.sub(lambda found: " " * len(found[0]), text)
    for pattern in (_LABELLED, _CONCLUDED):
        for found in pattern.finditer(text):
            final = pattern is _CONCLUDED or found["head"] or re.search(_FINAL, found[0], re.I)
            rank = Rank.FINAL if final else Rank.LABELLED
            yield _claim(
                found, rank, low, high, found.start("digits") if found["digits"] else found.start("chinese")
            )
    yield from _lines(text, low, high)
    for found in _STARS.finditer(text):
        stars = sum(found[0].count(star) for star in "★⭐🌟")
        if found[0].count("★") + text.count("☆") == high or stars > 1:
            yield Claim(float(stars), Rank.BARE, found.start(), found[0])
    for found in _ANY.finditer(text):
        if found["unit"] or found["of"]:
            yield _claim(found, Rank.PROSE, low, high, found.start())


def _fields(parts: ReplyText, low: float, high: float) -> Iterator[Claim[float]]:
    strong = [item for item in parts.fields if _STRONG_NAMES.fullmatch(item.name)]
    if len(strong) > 1:
        strong = [item for item in strong if _FINAL_NAMES.fullmatch(item.name)] or strong
    for item in strong or [item for item in parts.fields if _WEAK_NAMES.fullmatch(item.name)]:
        claim = _field(item, low, high)
        if claim is not None:
            yield claim


def _field(item: Field, low: float, high: float) -> Claim[float] | None:
    rank = Rank.LABELLED if item.listed else Rank.FIELD
    if isinstance(item.value, bool) or item.value is None:
        return None
    if isinstance(item.value, int | float):
        value = _finite(item.value)
        return Claim(value, rank, item.position, str(item.value)[:40])
    said = _without_scale(str(item.value), low, high).strip()
    found = _ANY.search(said)
    if found is None:
        return None
    if len(list(_ANY.finditer(said))) > 1 and found.start() != 0:
        return Claim(None, rank, item.position, said[:40])
    return _claim(found, rank, low, high, item.position)


def _lines(text: str, low: float, high: float) -> Iterator[Claim[float]]:
    lines = [(found.start(), found[0]) for found in re.finditer(r"[^\n]+", text) if found[0].strip()]
    for number, (start, line) in enumerate(lines):
        found = _LINE.match(line)
        if found is None:
            continue
        after = found["after"].strip(" \t\"'”)]】》")
        alone = not re.search(r"\w", after)
        # "4. The answer" may be an item of a list; "4 - right", "4分，正确" and "4。" are scores.
        begins = number == 0 and bool(re.match(r"[,;:。!—–-]", after) or found["unit"] or found["of"])
        if alone or begins:
            yield _claim(found, Rank.BARE, low, high, start)


def _claim(found: re.Match[str], rank: Rank, low: float, high: float, position: int) -> Claim[float]:
    text = found[0].strip()
    value = _value(found)
    if re.match(r"\s*[?？]", found.string[found.end() :]):
        value = None
    elif found["percent"]:
        value = value / 100 if (low, high) == (0, 1) and value is not None else None
    elif found["of"]:
        of = {"五": 5.0, "十": 10.0, "一百": 100.0}.get(found["of"]) or float(found["of"])
        value = value if of == high else None
    return Claim(value, rank, position, text[-40:])


def _value(found: re.Match[str]) -> float | None:
    if found["digits"]:
        value = float(found["digits"])
    else:
        whole, _, part = found["chinese"].partition("点")
        value = _DIGITS[whole] + (_DIGITS[part] / 10 if part else 0)
    value += 0.5 if found["half"] else 0
    return _finite(-value if found["sign"] else value)


def _finite(value: float) -> float | None:
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _without_scale(text: str, low: float, high: float) -> str:
    """A text without the scale repeated; a range that is none of it becomes words that are no score."""
    text = _SCALE.sub(lambda found: " " * len(found[0]), text)

    def blank(found: re.Match[str]) -> str:
        ends = [float(_DIGITS.get(end, -1)) if end in _DIGITS else float(end) for end in found.groups()]
        return " " * len(found[0]) if ends == [low, high] else found[0]

    return _RANGE.sub(blank, text)
