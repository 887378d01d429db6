"""The cases of a run, each folded up: the answer, what it rests on, and what was measured and judged."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from qa_engine.evaluation.html.elements import chinese, number, table, text
from qa_engine.evaluation.html.outcomes import OUTCOMES, outcome
from qa_engine.evaluation.judges.journal import JudgedCase
from qa_engine.evaluation.results import CaseResult, CitationResult, PassageResult

Judged = Mapping[str, Sequence[JudgedCase]]


def filters(cases: Sequence[CaseResult]) -> str:
    """The form that narrows the cases down; the script shows it."""
    counts = Counter(map(outcome, cases))
    options = "".join(
        f'<option value="{text(name)}">{text(name)} ({counts[name]})</option>'
        for name in OUTCOMES
        if counts[name]
    )
    return (
        '<form class="filters" role="search" aria-label="Filter the cases" hidden>'
        '<label>Words<input type="search" name="words" autocomplete="off"></label>'
        f'<label>Outcome<select name="outcome"><option value="">all ({len(cases)})</option>{options}</select></label>'
        '<button type="button" name="open">Open all shown</button><button type="button" name="close">Close all</button>'
        '<output id="shown" class="soft" aria-live="polite"></output></form>'
    )


def outcome_table(cases: Sequence[CaseResult]) -> str:
    """How many cases came to what."""
    counts = Counter(map(outcome, cases))
    rows = [
        [f'<a href="#cases" data-outcome="{text(name)}" class="{kind}">{text(name)}</a>', str(counts[name]),
         f"{counts[name] / len(cases):.1%}"]
        for name, kind in OUTCOMES.items()
        if counts[name]
    ]  # fmt: skip
    return table("Outcomes", ["outcome", "questions", "share"], rows, True)


def case_element(case: CaseResult, judged: Sequence[JudgedCase] = (), lead: str = "", more: str = "") -> str:
    """One case, folded up.

    Args:
        case: to show.
        judged: what judges said of it.
        lead: HTML before the question.
        more: HTML before the answer, once it is unfolded.
    """
    name = outcome(case)
    facts = [f"{key} {number(case.measures[key], 2)}" for key in ("f1",) if key in case.measures]
    if "total" in case.timings:
        facts.append(f"{case.timings['total']:.2f} s")
    return (
        f'<details class="case" id="case-{text(case.id)}" data-outcome="{text(name)}"><summary>'
        f'<span class="badge {OUTCOMES[name]}">{text(name)}</span>{lead}'
        f'<span class="question" lang="zh" dir="auto">{text(case.question)}</span>'
        f'<span class="facts">{text(" · ".join(facts))}</span></summary><div class="inside">'
        f"{more}{_answer(case)}{_judged(case, judged)}{_figures(case)}{_passages(case)}</div></details>"
    )


def answer_text(case: CaseResult) -> str:
    """The answer, or why there is none."""
    if case.failure is not None:
        return f'<span class="bad">{text(case.failure.kind)}: {text(case.failure.message)}</span>'
    if case.answer is None:
        return '<span class="soft">not asked for</span>'
    return f'<div class="said" lang="zh" dir="auto">{marked(case.answer, case.gold.answers)}</div>'


def marked(content: str, golds: Sequence[str]) -> str:
    """A text with the gold answers highlighted: white space, width and case do not count."""
    squashed, places = [], []
    for place, character in enumerate(content):
        for part in unicodedata.normalize("NFKC", character).casefold():
            if not part.isspace():
                squashed.append(part)
                places.append(place)
    haystack = "".join(squashed)
    spans = []
    for gold in golds:
        wanted = "".join(unicodedata.normalize("NFKC", gold).casefold().split())
        start = haystack.find(wanted) if wanted else -1
        while start >= 0:
            spans.append((places[start], places[start + len(wanted) - 1] + 1))
            start = haystack.find(wanted, start + len(wanted))
    parts, done = [], 0
    for start, end in sorted(spans):
        if end <= done:
            continue
        parts.append(text(content[done : max(start, done)]))
        parts.append(f"<mark>{text(content[max(start, done) : end])}</mark>")
        done = end
    return "".join([*parts, text(content[done:])])


def _answer(case: CaseResult) -> str:
    gold = case.gold
    rows = [("Answer", answer_text(case))]
    if not gold.answerable:
        rows.append(("Gold", "the documents do not answer"))
    elif gold.answers:
        rows.append(("Gold", " · ".join(chinese(answer) for answer in gold.answers)))
    if gold.file:
        page = "" if gold.page is None else f", page {gold.page}"
        rows.append(("Gold place", chinese(f"{gold.file}{page}")))
    if gold.evidence:
        rows.append(("Gold evidence", chinese(gold.evidence)))
    if case.citations:
        rows.append(("Citations", "<br>".join(_citation(item) for item in case.citations)))
    if case.unsupported_numbers:
        rows.append(("Numbers without support", chinese(", ".join(case.unsupported_numbers))))
    if case.probability is not None:
        rows.append(("Probability", number(case.probability)))
    rows.append(("Id", text(case.id)))
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _citation(item: CitationResult) -> str:
    said = "" if item.correct is None else " – right" if item.correct else " – not where the gold is"
    return f"[{item.number}] {chinese(f'{item.file}, {_pages(item.page, item.page_end)}')}{said}"


def _judged(case: CaseResult, judged: Sequence[JudgedCase]) -> str:
    rows = [
        [text(item.judge), _verdict(item), number(item.score, 2), chinese(item.error or item.unparsed or item.reasoning),
         text(item.model)]
        for item in judged
        if item.is_complete or item.error
    ]  # fmt: skip
    for name, said in case.judgements.items():
        told = said.failure.message if said.failure is not None else said.reason
        passed = "–" if said.passed is None else "passed" if said.passed else "failed"
        rows.append([text(name), passed, number(said.score, 2), chinese(told), ""])
    return (
        table("Judged by a language model", ["judge", "verdict", "score", "reasoning", "model"], rows)
        if rows
        else ""
    )


def _verdict(item: JudgedCase) -> str:
    if item.error:
        return '<span class="bad">no reply</span>'
    if item.unparsed:
        return '<span class="bad">unparsed</span>'
    if item.judge == "pairwise":
        return {1.0: "better", 0.0: "worse"}.get(item.score if item.score is not None else 0.5, "tie")
    return '<span class="good">passed</span>' if item.passing else '<span class="bad">failed</span>'


def _figures(case: CaseResult) -> str:
    parts = []
    if case.measures:
        rows = [[text(name), number(value)] for name, value in case.measures.items()]
        parts.append(table("Measures", ["measure", "value"], rows))
    if case.stages:
        rows = [
            [text(stage), _rank(found.rank), _rank(found.page_rank),
             ", ".join(text(budget) for budget, inside in found.within.items() if inside) or "–"]
            for stage, found in case.stages.items()
        ]  # fmt: skip
        parts.append(
            table(
                "Where each stage ranks the gold", ["stage", "rank", "page’s rank", "within characters"], rows
            )
        )
    if case.timings:
        rows = [[text(stage), f"{seconds:.4f}"] for stage, seconds in case.timings.items()]
        parts.append(table("Seconds", ["stage", "seconds"], rows))
    return f'<div class="two">{"".join(parts)}</div>' if parts else ""


def _passages(case: CaseResult) -> str:
    golds = [*case.gold.answers, *([case.gold.evidence] if case.gold.evidence else [])]
    return "".join(_passage(item, golds) for item in case.passages)


def _passage(item: PassageResult, golds: Sequence[str]) -> str:
    gold = item.holds_answer or (item.holds_answer is None and item.holds_page)
    said = [f"score {number(item.score)}"]
    if item.holds_answer:
        said.append("holds the gold")
    if item.holds_page:
        said.append("gold page")
    place = f"{item.file}, {_pages(item.page, item.page_end)}"
    return (
        f'<article class="passage{" gold" if gold else ""}"><h3>{item.rank}. {chinese(place)} '
        f'<span class="soft">{" · ".join(said)}</span></h3>'
        f'<p lang="zh" dir="auto">{marked(item.text, golds)}</p></article>'
    )


def _pages(first: int | None, last: int | None) -> str:
    if first is None:
        return "page unknown"
    return f"page {first}" if last in (None, first) else f"pages {first}–{last}"


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)
