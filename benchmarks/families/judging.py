"""What an engine makes of the questions: cells quoted, pages found, the wrong year or firm cited, refusals."""

from __future__ import annotations

import re
import statistics
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from families.questions import NOT_THERE, FamilyQuestion, Part
from qa_engine import QueryEngine

DEPTHS = (1, 5, 10, 20)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_FIGURE = re.compile(r"[\d.]+")


@dataclass(frozen=True)
class Judged:
    """What came of a question.

    Attributes:
        refused: the answer is the sentence of refusal.
        quoted: every part stands in a quote from a place where it stands.
        wrong: a report is cited that holds no part, or a figure of another year or firm is quoted in place of a part.
        rank: of the last passage that is needed to have a page of every part; None if some part is not among them.
        nearest: what a refusal offers instead.
        answer: as it was given.
        cited: file and page of each citation.
        chars: of all quotes.
        milliseconds: for the answer.
    """

    id: str
    kind: str
    question: str
    refused: bool
    quoted: bool
    wrong: bool
    rank: int | None
    nearest: int
    answer: str
    cited: tuple[str, ...]
    chars: int
    milliseconds: float


def judge(engine: QueryEngine, question: FamilyQuestion) -> Judged:
    """Ask through the public contract, and compare with where the parts stand."""
    started = time.perf_counter()
    answer: Any = engine.query(question.question)
    milliseconds = (time.perf_counter() - started) * 1e3
    quotes = [] if answer.refused else answer.citations
    passages = engine.retrieve(question.question, top_k=DEPTHS[-1])
    found = [quoted_part(part, quotes) for part in question.parts]
    files = {place["file"] for part in question.parts for place in part.places}
    wrong = any(quote.file not in files for quote in quotes)
    for part, right in zip(question.parts, found, strict=True):
        wrong = wrong or (not right and _others_quoted(part, question, quotes))
    where = [
        (one.node.metadata["file_name"], one.node.metadata["page"], one.node.metadata["page_end"])
        for one in passages
    ]
    return Judged(
        question.id,
        question.kind,
        question.question,
        answer.refused,
        bool(found) and all(found),
        wrong,
        last_rank(question.parts, where),
        len(answer.nearest or ()),
        answer.response,
        tuple(f"{quote.file} {quote.page}" for quote in quotes),
        sum(len(quote.text) for quote in quotes),
        milliseconds,
    )


def quoted_part(part: Part, quotes: Sequence[Any]) -> bool:
    """Whether a quote holds the value as it is printed at a place that the quote is from."""
    return any(
        quote.file == place["file"]
        and quote.page <= place["page"] <= (quote.page_end or quote.page)
        and holds(quote.text, place["value"])
        for quote in quotes
        for place in part.places
    )


def last_rank(parts: Sequence[Part], passages: Sequence[tuple[str, int | None, int | None]]) -> int | None:
    """The rank from 1 at which every part has a passage that covers a page of it; None without one for each."""
    ranks = []
    for part in parts:
        pages = {(place["file"], place["page"]) for place in part.places}
        ranks.append(
            next(
                (
                    rank
                    for rank, (file, page, end) in enumerate(passages, start=1)
                    if any(name == file and (page or 0) <= at <= (end or page or 0) for name, at in pages)
                ),
                None,
            )
        )
    known = [rank for rank in ranks if rank is not None]
    return max(known) if known and len(known) == len(ranks) else None


def holds(text: str, value: str) -> bool:
    """Whether a figure stands in a text, not as a part of another, or a name does; commas between digits do not count."""
    text = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))
    value = _THOUSANDS.sub("", unicodedata.normalize("NFKC", value))
    if not _FIGURE.fullmatch(value.removesuffix("%").lstrip("-")):
        return re.sub(r"\s", "", value) in re.sub(r"\s", "", text)
    return re.search(rf"(?<![\d.]){re.escape(value)}(?!\d|\.\d)", text) is not None


def _others_quoted(part: Part, question: FamilyQuestion, quotes: Sequence[Any]) -> bool:
    wanted = {place["value"] for other in question.parts for place in other.places}
    return any(holds(quote.text, value) for value in part.others if value not in wanted for quote in quotes)


def summary(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """The measures of each kind, and of all that has an answer and all that has none, as shares of the questions."""
    groups: dict[str, Callable[[Judged], bool]] = {
        kind: lambda one, kind=kind: one.kind == kind  # type: ignore[misc]
        for kind in dict.fromkeys(one.kind for one in judged)
    }
    groups["all answerable"] = lambda one: one.kind not in NOT_THERE
    groups["all not there"] = lambda one: one.kind in NOT_THERE
    return {
        name: _measures([one for one in judged if belongs(one)])
        for name, belongs in groups.items()
        if any(map(belongs, judged))
    }


def _measures(judged: Sequence[Judged]) -> dict[str, float]:
    measures: Mapping[str, Callable[[Judged], float]] = {
        "quoted": lambda one: one.quoted,
        **{f"page@{depth}": lambda one, depth=depth: (one.rank or 99) <= depth for depth in DEPTHS},  # type: ignore[misc]
        "wrong": lambda one: one.wrong,
        "refused": lambda one: one.refused,
        "nearest": lambda one: one.nearest > 0,
    }
    answered = [one.chars for one in judged if not one.refused]
    return {
        "questions": len(judged),
        **{name: statistics.fmean(map(measure, judged)) for name, measure in measures.items()},
        "chars": statistics.fmean(answered) if answered else 0.0,
        "ms": statistics.median(one.milliseconds for one in judged),
    }


def failures(judged: Sequence[Judged]) -> list[str]:
    """A line for each question that went wrong, by kind."""
    lines = []
    for one in judged:
        missing = one.kind in NOT_THERE
        if (one.refused and missing) or (one.quoted and not one.wrong):
            continue
        state = (
            "NOT REFUSED" if missing else "REFUSED" if one.refused else "NOT QUOTED" if not one.quoted else ""
        )
        marks = " ".join(filter(None, (state, "WRONG" if one.wrong and not missing else "")))
        answer = " ".join(one.answer.split())[:300]
        lines.append(
            f"{one.kind}: {marks}, rank {one.rank}: {one.question} -> {answer} [{'; '.join(one.cited)}]"
        )
    return sorted(lines)


def as_results(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """For the JSON of a run."""
    return [asdict(one) for one in judged]
