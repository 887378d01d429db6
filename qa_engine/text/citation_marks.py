"""Citation marks in the text of an answer: read in all the forms that models use, written as ``[1][2]``.

`CITATION` is the form that answers have. What models write is matched more widely, see `CitationMarks`; so is what documents
write, whose own numbered references must not pass for ours (`qa_engine.text.prompt_sanitizer`).
"""

from __future__ import annotations

import re

CITATION = re.compile(r"\[([1-9]\d{0,2})\]")
"""One citation of an answer, ``[12]``, with its number: that of a passage, from 1."""
CITATION_RUN = re.compile(r"(?:\[[1-9]\d{0,2}\])+")
"""Citations that follow one another."""
_OPENING, _CLOSING = r"[\[【［⟦]", r"[\]】］⟧]"
_INSIDE = r"[^\[\]【】［］⟦⟧\n]"
_BLANK = r"[ \t]{0,2}"
_NUMBER = r"[1-9]\d{0,2}(?!\d)"
_DASH = r"[-–—~～至]"
_LABEL = r"(?:\^|资料|来源|引用|文献|段落|passage|source)"
_ITEM = rf"(?:{_LABEL}{_BLANK})?{_NUMBER}(?:{_BLANK}{_DASH}{_BLANK}{_NUMBER})?"
_ONE = (
    rf"{_OPENING}(?={_INSIDE}{{1,60}}{_CLOSING}){_BLANK}{_ITEM}"
    rf"(?:{_BLANK}[,，、;；]{_BLANK}{_ITEM})*{_BLANK}(?:†{_INSIDE}*)?{_CLOSING}"
)
_BETWEEN = rf"{_BLANK}[、,]?{_BLANK}"
_ALONE = re.compile(
    rf"{_OPENING}[ \t]*(?:{_LABEL}|编号|\d{{1,3}}(?!\d)|[\s,，、;；^†–—~～至-])*{_CLOSING}"
    rf"|(?:{_LABEL}|参考|出处|编号)[ \t]*(?:编号)?[ \t]*\d{{0,3}}(?![\d.])|^[ \t]*\d{{1,2}}[.、．](?=\s|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""Marks in the widest sense, which say nothing by themselves: [1], 【资料 2】, [0], 来源：, and the number of a list."""
_SAID = re.compile(r"[^\W_]")
# Bounded, so that a model that repeats itself without end does not make every piece dearer than the last.
_RUN_OF_ONES = rf"{_ONE}(?:{_BETWEEN}{_ONE}){{0,19}}"


def is_marks_alone(text: str) -> bool:
    """Whether a text has no letter and no digit beside citation marks: ``[1][2]``, ``。``, ``来源：【资料 3】``.

    Example:
        >>> is_marks_alone("[1][2]。"), is_marks_alone("7[1]")
        (True, False)
    """
    return not _SAID.search(_ALONE.sub("", text))


class CitedNumbers:
    """Reads the numbers of citations off an answer that arrives in pieces, each as soon as its mark is complete.

    Example:
        >>> numbers = CitedNumbers()
        >>> numbers.feed("三种规模[1"), numbers.feed("][2]。"), numbers.feed("又见[1]。")
        ([], [1, 2], [])
    """

    _LONGEST = len("[999]")

    def __init__(self) -> None:
        self._end, self._seen = "", set[int]()

    def feed(self, piece: str) -> list[int]:
        """The numbers that were not cited before."""
        text = self._end + piece
        self._end = text[1 - self._LONGEST :]
        numbers = dict.fromkeys(map(int, CITATION.findall(text)))
        new = [number for number in numbers if number not in self._seen]
        self._seen.update(new)
        return new


class CitationMarks:
    """Unifies citations in a text that arrives in pieces, and drops numbers that no passage has.

    Args:
        passages: how many passages there are, numbered from 1.
    """

    _RUN = re.compile(
        rf"(?P<blank>[ \t]{{0,4}})(?P<before>[（(]{_BLANK})?(?P<run>{_RUN_OF_ONES})(?P<after>{_BLANK}[）)])?",
        re.IGNORECASE,
    )
    _BRACKET = re.compile(_ONE, re.IGNORECASE)
    _RANGE = re.compile(rf"({_NUMBER})(?:[ \t]*{_DASH}[ \t]*({_NUMBER}))?")
    # Where a run can begin, what of it is there, and whether more text could still belong to it.
    _START = re.compile(r"[ \t（(\[【［⟦]")
    _BEGUN = re.compile(rf"[ \t]{{0,4}}(?:[（(]{_BLANK})?(?P<run>{_RUN_OF_ONES})?", re.IGNORECASE)
    _UNSETTLED = re.compile(rf"{_BETWEEN}(?:{_OPENING}{_INSIDE}{{0,60}})?\Z")

    def __init__(self, passages: int) -> None:
        self._passages, self._buffer = passages, ""

    def feed(self, chunk: str) -> str:
        """The text that is settled."""
        self._buffer += chunk
        keep = self._settled_length()
        ready, self._buffer = self._buffer[:keep], self._buffer[keep:]
        return self._RUN.sub(self._unify, ready)

    def finish(self) -> str:
        """The rest."""
        ready, self._buffer = self._buffer, ""
        return self._RUN.sub(self._unify, ready)

    def _settled_length(self) -> int:
        position = 0
        while start := self._START.search(self._buffer, position):
            begun = self._BEGUN.match(self._buffer, start.start())
            if begun is None:
                break
            if self._UNSETTLED.match(self._buffer, begun.end()):
                return start.start()
            position = begun.end() if begun["run"] else start.end()
        return len(self._buffer)

    def _unify(self, match: re.Match[str]) -> str:
        numbers = "".join(self._numbers(bracket) for bracket in self._BRACKET.findall(match["run"]))
        before, after = match["before"] or "", match["after"] or ""
        if numbers:
            return f"{match['blank']}{before}{numbers}{after}"
        if before and after:
            return ""
        return f"{match['blank']}{before}" if before else after

    def _numbers(self, bracket: str) -> str:
        numbers: dict[int, None] = {}
        for first, last in self._RANGE.findall(bracket.split("†")[0]):
            low, high = sorted((int(first), int(last or first)))
            numbers |= dict.fromkeys(range(low, min(high, self._passages) + 1))
        return "".join(f"[{number}]" for number in numbers)
