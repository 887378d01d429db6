"""Reads yes or no out of a judge's reply."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa_engine.evaluation.judges.claims import Claim, Rank, Reading, decide
from qa_engine.evaluation.judges.reply_text import Field, ReplyText, take_apart
from qa_engine.evaluation.judges.wording import (
    digit,
    is_negated,
    is_undecided,
    leading,
    predicates,
    without_choices,
)

_FINAL = (
    r"最终|最後|最后|总体|总的来说|总的|综合|整体|总之|结论|結論|综上所述|综上|因此|所以|故此|故|由此可见|可见|更正|修正|纠正|"
    r"\bfinal(?:ly)?\b|\boverall\b|\bconclusion\b|\bverdict\b|\btherefore\b|\bthus\b|\bhence\b|"
    r"\bin summary\b|\bcorrection\b|\bto conclude\b"
)
_LABEL = (
    r"(?<!\w)答|选|判断|判斷|判定|结论|結論|答案|结果|結果|裁决|评判|评定|评估|评价|判决|意见|回答|是否[^\s:=,。]{0,12}|"
    r"\b(?:verdict|answer|judge?ment|conclusion|result|decision|evaluation|assessment|ruling|passing|pass(?:ed)?|faithful(?:ness)?"
    r"|support(?:ed)?|relevan(?:t|cy|ce)|correct(?:ness)?|label|output|final)\b"
)
_CLOSERS = r"[\"'“”’」』】\])）]*"
_LABELLED = re.compile(
    rf"(?P<head>(?:{_FINAL})[^\n。.;:=]{{0,24}}?)?(?P<label>{_LABEL})(?P<more>[^\n。.;:=,!?]{{0,6}}?){_CLOSERS}\s*"
    rf"(?P<sign>(?:[:=?→]|=>|->|--|——)+|(?:应该|应当|应|只能|就)?[是为為]|\b(?:is|would be|should be(?: judged| rated)?)\b|"
    r"(?<=[】\]])(?=\s*\S))"
    r"(?P<rest>[^\n]*(?:\n\s*)?[^\n]*)",
    re.I,
)
_HEADING = re.compile(
    rf"^\W*(?:\d{{1,2}}[.、]\s*)?(?P<head>(?:{_FINAL})[^\n:=]{{0,6}}?)?(?:{_LABEL}|{_FINAL}){_CLOSERS}\s*[:】]?\s*$",
    re.I,
)
_CONCLUDED = re.compile(rf"^\W*(?:{_FINAL})(?P<rest>.+)$", re.I | re.S)
_SENTENCE = re.compile(r"(?:[^\n。!?;.]|\.(?=\d))+[。!?;.]*")
_WHOLE = re.compile(r"^[^\w✓✔✅☑√✗✘❌×✖☒]*[\w✓✔✅☑√✗✘❌×✖☒]{1,6}[^\w]*$")

_STRONG_NAMES = re.compile(
    r"(?:final_?|overall_?|is_?)?(?:verdict|passing|pass|passed|judge?ment|decision|conclusion|faithful(?:ness)?|support(?:ed)?"
    r"|relevan(?:t|cy|ce)|correct(?:ness)?|evaluation|final|final_answer|label|grounded|compliant)"
    r"|.*(?:结论|判断|判定|裁决|是否|判決|通过|忠实|評判|评判)[^因原理]*"
)
_WEAK_NAMES = re.compile(r"answer|result|response|output|rating|score|value|结果|答案|回答|评估结果|评分|")
_REASON_NAMES = re.compile(
    r".*(?:reason|feedback|explanation|rationale|analysis|comment|理由|原因|说明|解释|分析|反馈|依据).*"
)


def read_verdict(reply: str) -> Reading[bool]:
    """Whether a judge says yes; nothing where it says neither, or both and none for good.

    Example:
        >>> read_verdict("资料里写的是2019年，并非2020年。\\n结论：否").value
        False
    """
    parts = take_apart(reply)
    reasoning = reasoning_of(parts)
    if not parts.said:
        problem = "it breaks off before its thinking ends" if parts.still_thinking else "it is empty"
        return Reading(None, reasoning, problem)
    claims = list(_claims(parts))
    value, problem = decide(claims, "verdict")
    return Reading(value, reasoning, problem)


def reasoning_of(parts: ReplyText) -> str:
    """Why, in the words of the judge: the fields that say so, or else all that it said."""
    reasons = [item.value for item in parts.fields if _REASON_NAMES.fullmatch(item.name) and item.value]
    return "\n".join(map(str, reasons)) or parts.said


def _claims(parts: ReplyText) -> Iterator[Claim[bool]]:
    strong = [claim for item in parts.fields if (claim := _field(item, _STRONG_NAMES))]
    weak = [claim for item in parts.fields if (claim := _field(item, _WEAK_NAMES))]
    yield from strong or weak
    text = without_choices(parts.prose)
    yield from _labelled(text)
    yield from _sentences(text)


def _field(item: Field, names: re.Pattern[str]) -> Claim[bool] | None:
    if not names.fullmatch(item.name) or _REASON_NAMES.fullmatch(item.name):
        return None
    rank = Rank.LABELLED if item.listed else Rank.FIELD
    said = str(item.value).strip()
    value = item.value if isinstance(item.value, bool) else _said(said)
    return Claim(value, rank, item.position, said[:40])


def _said(text: str) -> bool | None:
    """The verdict of a short text that is nothing else."""
    text = without_choices(text)
    number = digit(text)
    if number is not None:
        return number
    if (first := leading(text)) is not None:
        return first
    found = predicates(text)
    return found.pop() if len(found) == 1 and not is_undecided(text) else None


def _labelled(text: str) -> Iterator[Claim[bool]]:
    position = 0
    while found := _LABELLED.search(text, position):
        position = found.start("rest")
        rest = found["rest"]
        line = rest.strip().split("\n")[0]
        named = found["head"] or re.search(_FINAL, found["label"] + found["more"], re.I)
        rank = Rank.FINAL if named else Rank.LABELLED
        value = leading(rest.lstrip()) if leading(rest.lstrip()) is not None else digit(line)
        colon = found["sign"][-1:] in tuple(":=→>-")
        if not colon and is_negated(_clause_before(text, found.start("label")) + found["more"]):
            continue
        if value is None and colon:
            first = _SENTENCE.match(line)
            said = first[0] if first else line
            verdicts = predicates(said)
            if is_undecided(said):
                yield Claim(None, rank, found.start("rest"), said.strip()[:40])
                continue
            value = verdicts.pop() if len(verdicts) == 1 else None
        if value is not None:
            yield Claim(value, rank, found.start("rest"), line.strip()[:40])


def _clause_before(text: str, position: int) -> str:
    return re.split(r"[\n。.;,，:]", text[max(0, position - 60) : position])[-1]


def _sentences(text: str) -> Iterator[Claim[bool]]:
    lines = [(found.start(), found[0]) for found in re.finditer(r"[^\n]+", text) if found[0].strip()]
    heading: Rank | None = None
    for number, (start, line) in enumerate(lines):
        whole = _WHOLE.match(line) is not None
        value = leading(line)
        if heading is not None and value is not None:
            yield Claim(value, heading, start, line.strip()[:40])
        elif value is not None and (number == 0 or whole):
            yield Claim(value, Rank.BARE, start, line.strip()[:40])
        title = _HEADING.match(line)
        heading = None if title is None else Rank.FINAL if re.search(_FINAL, line, re.I) else Rank.LABELLED
        yield from _within(line, start)
    # What is in between is about one thing or another; a reply that broke off ends with none.
    sentences = [found[0] for found in _SENTENCE.finditer(text) if re.search(r"\w", found[0])]
    said = "\n".join(dict.fromkeys(sentences[:1] + sentences[-1:]))
    if is_undecided(text):
        yield Claim(None, Rank.PROSE, 0, said[:40])
    else:
        for verdict in predicates(said):
            yield Claim(verdict, Rank.PROSE, 0, said[:40])


def _within(line: str, start: int) -> Iterator[Claim[bool]]:
    """What the sentences of a line conclude, and a last one that is a verdict."""
    sentences = list(_SENTENCE.finditer(line))
    for found in sentences:
        concluded = _CONCLUDED.match(found[0])
        if concluded:
            rest = concluded["rest"]
            verdicts = predicates(rest)
            value = leading(rest)
            if value is None and len(verdicts) == 1 and not is_undecided(rest):
                value = verdicts.pop()
            if value is not None:
                yield Claim(value, Rank.FINAL, start + found.start(), found[0].strip()[:40])
    if len(sentences) > 1 and _WHOLE.match(sentences[-1][0]):
        value = leading(sentences[-1][0])
        if value is not None:
            yield Claim(value, Rank.BARE, start + sentences[-1].start(), sentences[-1][0].strip())
