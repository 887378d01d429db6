"""The form in which a judge has to reply, and how such a reply is read.

Every prompt asks for a short reason and a fixed last line. Only that line counts: a reply without it is unparsed, which is
better than a verdict that the judge did not mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from qa_engine.text.reply_wrappers import without_wrappers

T = TypeVar("T")
Preference = Literal["A", "B", "tie"]

_MARKUP = re.compile(r"[*_`#>]")
_CONCLUSION = re.compile(r"(?:结论|评分)\s*:(?P<value>.*)")
_SCORE = re.compile(r"[1-5](?:\.[0-9])?")
_MAX_SHOWN = 40


@dataclass(frozen=True)
class Reading(Generic[T]):
    """The content of a reply.

    Attributes:
        value: None if the reply could not be read.
        reasoning: the reply without the model's thinking.
        problem: why there is no value: one clause.
    """

    value: T | None
    reasoning: str
    problem: str = ""


@dataclass(frozen=True)
class ReplyForm(Generic[T]):
    """The last line that a prompt asks for.

    Attributes:
        words: the line as the prompt describes it.
        value_of: reads the value behind the colon; None for anything that was not asked for.
    """

    words: str
    value_of: Callable[[str], T | None]

    def read(self, reply: str) -> Reading[T]:
        """The value of a reply, without thinking, Markdown emphasis and a full stop at the end.

        There is none if the last line is another one, or if the reply holds several conclusions that differ.

        Example:
            >>> VERDICT.read("资料里写的是2019年，并非2020年。\\n结论：否").value
            False
            >>> VERDICT.read("结论：是\\n再看一遍，年份不符。").problem
            "its last line is not the conclusion that was asked for: '再看一遍,年份不符。'"
        """
        text = without_wrappers(reply)
        lines = _MARKUP.sub("", unicodedata.normalize("NFKC", text)).splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        if not lines:
            return Reading(None, text, "it is empty")
        conclusions = [found for line in lines if (found := _conclusion(line)) is not None]
        last = _conclusion(lines[-1])
        value = self.value_of(last) if last is not None else None
        if value is None:
            return Reading(
                None,
                text,
                f"its last line is not the conclusion that was asked for: {lines[-1][:_MAX_SHOWN]!r}",
            )
        if len(set(conclusions)) > 1:
            return Reading(None, text, f"it holds several conclusions: {', '.join(conclusions)[:_MAX_SHOWN]}")
        return Reading(value, text)


def _conclusion(line: str) -> str | None:
    """The value in a line that draws a conclusion, without a full stop; None in any other."""
    match = _CONCLUSION.fullmatch(line)
    if match is None:
        return None
    value = match["value"].strip()
    return (value[:-1] if value.endswith(("。", ".")) else value).strip()


def _score(value: str) -> float | None:
    number = value.removesuffix("分").strip()
    score = float(number) if _SCORE.fullmatch(number) else None
    return score if score is not None and score <= 5 else None


_VERDICTS = {"是": True, "否": False}
_PREFERENCES: dict[str, Preference] = {"A": "A", "B": "B", "平": "tie", "平局": "tie"}

VERDICT: ReplyForm[bool] = ReplyForm("“结论：是”或者“结论：否”", _VERDICTS.get)
SCORE: ReplyForm[float] = ReplyForm("“结论：”和 1 到 5 的分数，例如“结论：4”", _score)
PREFERENCE: ReplyForm[Preference] = ReplyForm("“结论：A”、“结论：B”或者“结论：平”", _PREFERENCES.get)
