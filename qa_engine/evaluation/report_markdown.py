"""The report of a run in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qa_engine.evaluation.results import CaseResult, Figure, RefusalFigures, RunResults

_MOST_CASES = 20
_RETRIEVAL = (
    "hit@1",
    "hit@10",
    "mrr@10",
    "ndcg@10",
    "within_300",
    "within_600",
    "within_1200",
    "within_2400",
    "page_hit@1",
    "page_hit@10",
)
MEANINGS = {
    "exact_match": "the answer is a gold answer",
    "f1": "longest common run of the answer with a gold answer",
    "contains_answer": "the answer holds a gold answer",
    "evidence_holds_answer": "a cited text holds a gold answer",
    "citation_precision": "share of the citations that are where the gold says",
    "citation_recall": "the place that the gold names is cited",
    "refusal_accuracy": "refused if, and only if, the documents do not answer",
    "chinese": "the answer is in Chinese",
    "numbers_supported": "what is cited, or the question, holds every number of the answer",
}


def run_report(results: RunResults, cases: Sequence[CaseResult]) -> str:
    """The figures of a run, and the cases to look at first."""
    parts = [_head(results)]
    if results.retrieval:
        parts.append(_retrieval(results.retrieval))
    if results.answers:
        parts.append("## Answers\n\n" + _figures(results.answers, MEANINGS))
    if results.judgements:
        parts.append("## Judged by a language model\n\n" + _figures(results.judgements, {}))
    if results.refusals is not None:
        parts.append(_refusals(results.refusals))
    parts.append(_cost(results))
    parts += _cases(cases)
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[str] = ()) -> str:
    """A Markdown table, the first column and those of ``words`` to the left, the others to the right."""
    sides = ["---", *("---" if name in words else "---:" for name in head[1:])]
    lines = [head, sides, *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def shown(figure: Figure | None) -> str:
    """A mean with its interval, to three places."""
    if figure is None:
        return ""
    interval = f" ({figure.low:.3f}–{figure.high:.3f})" if figure.low is not None else ""
    return f"{figure.mean:.3f}{interval}"


def share(value: float | None) -> str:
    """A share to three places, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def _head(results: RunResults) -> str:
    manifest = results.manifest
    models = ", ".join(f"{role} {name}" for role, name in manifest.models.items())
    failed = sum(results.failures.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in results.failures.items())
    lines = [
        f"# Evaluation of {', '.join(manifest.collection)}",
        "",
        f"{results.cases} questions{f' of {manifest.questions_file}' if manifest.questions_file else ''}, "
        f"{failed} failed{f' ({kinds})' if kinds else ''}. {models}. Configuration {manifest.fingerprint}, "
        f"{results.finished_at}.",
        "",
        "In brackets: 95 % bootstrap interval of the mean.",
    ]
    return "\n".join(lines)


def _retrieval(stages: Mapping[str, Mapping[str, Figure]]) -> str:
    measured = [name for name in _RETRIEVAL if any(name in stage for stage in stages.values())]
    rows = [[name, *(shown(stage.get(name)) for stage in stages.values())] for name in measured]
    count = max((figure.count for stage in stages.values() for figure in stage.values()), default=0)
    return (
        f"## Retrieval\n\n{table(['', *stages], rows)}\n\n"
        f"{count} questions whose answer can be found by its text or its page. within_N: an answer is within the first N "
        "characters of context; page_hit@k: one of the first k passages is on the gold page."
    )


def _figures(figures: Mapping[str, Figure], meanings: Mapping[str, str]) -> str:
    rows = [
        [name, shown(figure), str(figure.count), meanings.get(name, "")] for name, figure in figures.items()
    ]
    return table(["", "mean", "questions", "meaning"], rows, ["meaning"])


def _refusals(refusals: RefusalFigures) -> str:
    parts = [
        f"## Refusals\n\n{refusals.answerable} questions that the documents answer, {refusals.unanswerable} that they do "
        f"not; {refusals.refused} refused. Precision {share(refusals.precision)}, recall {share(refusals.recall)}; "
        f"{share(refusals.false_refusals)} of the answerable ones were refused."
    ]
    if refusals.curve and refusals.unanswerable:
        rows = [
            [
                f"{point.threshold:.2f}",
                share(point.precision),
                share(point.recall),
                share(point.false_refusals),
            ]
            for point in refusals.curve
        ]
        parts.append(
            "What refusing below a threshold of the probability would do:\n\n"
            + table(["threshold", "precision", "recall", "answerable, refused"], rows)
        )
    return "\n\n".join(parts)


def _cost(results: RunResults) -> str:
    told = []
    if results.seconds:
        told.append(
            f"Seconds a question: p50 {results.seconds['p50']:.3f}, p95 {results.seconds['p95']:.3f}."
        )
    if results.tokens:
        told.append(
            "Tokens as reported: " + ", ".join(f"{kind} {n:,}" for kind, n in results.tokens.items()) + "."
        )
    return "## Cost\n\n" + " ".join(told) if told else ""


def _cases(cases: Sequence[CaseResult]) -> list[str]:
    """The cases to look at first, by what is wrong with them."""
    kinds = {
        "Failed": [
            (case, case.failure.message if case.failure else "") for case in cases if case.failure is not None
        ],
        "Refused, though the documents answer": [
            (case, "; ".join(case.gold.answers)) for case in cases if case.refused and case.gold.answerable
        ],
        "Answered, though the documents do not answer": [
            (case, case.answer or "") for case in cases if case.refused is False and not case.gold.answerable
        ],
        "Numbers that nothing cited holds": [
            (case, ", ".join(case.unsupported_numbers)) for case in cases if case.unsupported_numbers
        ],
        "Not found by retrieval": [
            (case, "; ".join(case.gold.answers))
            for case in cases
            if (ranking := case.stages.get("reranked")) is not None and ranking.rank is None
        ],
    }
    parts = []
    for title, found in kinds.items():
        if found:
            more = f"\n- … and {len(found) - _MOST_CASES} more" if len(found) > _MOST_CASES else ""
            lines = "\n".join(
                f"- {_line(case.question)} — {_line(told)}" for case, told in found[:_MOST_CASES]
            )
            parts.append(f"## {title}\n\n{lines}{more}")
    return parts


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:200] + "…"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
