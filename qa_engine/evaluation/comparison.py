"""Compares two runs over the same questions, question by question."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.judges.judgements import latest_judgements
from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import McNemar, mcnemar, paired_bootstrap
from qa_engine.evaluation.metrics.summary import MEASURES, stage_measures
from qa_engine.evaluation.records import STAGES, CaseResult
from qa_engine.evaluation.run_folder import differences, read_run

Measures = Mapping[str, float]
RANKING = f"mrr@{TOP_K}"


@dataclass(frozen=True)
class MeasureChange:
    """One measure in both runs, over the questions to which it applies in both.

    Attributes:
        before, after: means in the first and in the second run.
        difference: ``after - before``.
        low, high: ends of its 95 % paired bootstrap interval.
        count: number of questions.
        mcnemar: the exact test, for measures that are 0 or 1; None for others.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    count: int
    mcnemar: McNemar | None = None


@dataclass(frozen=True)
class CaseChange:
    """One question with different results in the two runs.

    Attributes:
        id: id of the question.
        question: as it was asked.
        change: mean of the differences ``after - before`` over the measures that apply in both runs.
        measures: ``[before, after]`` of the measures that differ.
        before, after: answers of the first and of the second run.
    """

    id: str
    question: str
    change: float
    measures: dict[str, list[float]]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs.

    Attributes:
        before, after: folders of the first and of the second run.
        paired: questions that have a result in both.
        only_before: questions without a result in the second run, or with a failure there.
        only_after: questions without a result in the first run.
        configuration: the settings that differ, each in words.
        retrieval, answers, judgements: by stage and measure, by measure, and by judge.
        seconds: medians of the time of a question, ``before`` and ``after``; empty without times.
        regressions: questions that became worse, the worst first.
        improvements: questions that became better, the best first.
    """

    before: str
    after: str
    paired: int
    only_before: int
    only_after: int
    configuration: list[str]
    retrieval: dict[str, dict[str, MeasureChange]] = field(default_factory=dict)
    answers: dict[str, MeasureChange] = field(default_factory=dict)
    judgements: dict[str, MeasureChange] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    regressions: list[CaseChange] = field(default_factory=list)
    improvements: list[CaseChange] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The comparison as a JSON object."""
        return asdict(self)


def compare(before: Path | str, after: Path | str) -> Comparison:
    """Compares two finished runs and their judgements; questions that failed in either are left out.

    Raises:
        InputError: a folder holds no finished run, or the runs have no question in common.
        ModelUnavailableError: the extra ``eval`` is not installed.
    """
    require_packages()
    before, after = Path(before), Path(after)
    (first, first_cases), (second, second_cases) = read_run(before), read_run(after)
    old, new = (
        {case.id: case for case in cases if case.failure is None} for cases in (first_cases, second_cases)
    )
    common = [key for key in old if key in new and old[key].question == new[key].question]
    if not common:
        raise InputError(
            f"The evaluations in {before} and {after} have no answered question in common: compare runs over the same "
            "questions."
        )
    pairs = [(old[key], new[key]) for key in common]
    stages = {
        stage: _changes([(stage_measures(a, stage), stage_measures(b, stage)) for a, b in pairs])
        for stage in STAGES
    }
    answers = _changes([(a.measures, b.measures) for a, b in pairs])
    old_verdicts, new_verdicts = _verdicts(before), _verdicts(after)
    verdicts = [(old_verdicts.get(key, {}), new_verdicts.get(key, {})) for key in common]
    changes = [_case_change(*pair, *judged) for pair, judged in zip(pairs, verdicts, strict=True)]
    return Comparison(
        before=str(before),
        after=str(after),
        paired=len(common),
        only_before=len(first_cases) - len(common),
        only_after=len(second_cases) - len(common),
        configuration=[
            *differences(first.manifest.configuration, second.manifest.configuration),
            *differences(first.manifest.models, second.manifest.models, "model "),
        ],
        retrieval={stage: measures for stage, measures in stages.items() if measures},
        answers={name: answers[name] for name in (*MEASURES, *answers) if name in answers},
        judgements=_changes(verdicts),
        seconds=_medians(pairs),
        regressions=sorted((item for item in changes if item.change < 0), key=lambda item: item.change),
        improvements=sorted((item for item in changes if item.change > 0), key=lambda item: -item.change),
    )


def _verdicts(folder: Path) -> dict[str, dict[str, float]]:
    """The verdicts of the judges by case and judge, as measures: 1 for passed, 0 for not."""
    return {
        case: {
            item.judge: float(item.passing)
            for item in judged
            if item.is_complete and item.passing is not None
        }
        for case, judged in latest_judgements(folder).items()
    }


def _changes(pairs: Sequence[tuple[Measures, Measures]]) -> dict[str, MeasureChange]:
    """The changes of all measures that apply to at least one question in both runs."""
    names = dict.fromkeys(name for first, second in pairs for name in first if name in second)
    changes = {}
    for name in names:
        values = [(first[name], second[name]) for first, second in pairs if name in first and name in second]
        before, after = [first for first, _ in values], [second for _, second in values]
        interval = paired_bootstrap(after, before)
        binary = all(value in {0.0, 1.0} for value in (*before, *after))
        changes[name] = MeasureChange(
            statistics.fmean(before),
            statistics.fmean(after),
            interval.difference,
            interval.low,
            interval.high,
            len(values),
            mcnemar([value == 1 for value in before], [value == 1 for value in after]) if binary else None,
        )
    return changes


def _case_change(
    before: CaseResult, after: CaseResult, old_verdicts: Measures, new_verdicts: Measures
) -> CaseChange:
    old, new = _all_measures(before, old_verdicts), _all_measures(after, new_verdicts)
    common = [name for name in old if name in new]
    differing = {name: [old[name], new[name]] for name in common if old[name] != new[name]}
    change = statistics.fmean(new[name] - old[name] for name in common) if common else 0.0
    return CaseChange(before.id, before.question, change, differing, before.answer, after.answer)


def _all_measures(case: CaseResult, verdicts: Measures) -> dict[str, float]:
    """The measures of a question as a whole: of its answer, of its final ranking, and its verdicts."""
    ranking = {name: value for name, value in stage_measures(case, "reranked").items() if name == RANKING}
    return {**case.measures, **ranking, **verdicts}


def _medians(pairs: Sequence[tuple[CaseResult, CaseResult]]) -> dict[str, float]:
    timings = [(a.timings, b.timings) for a, b in pairs if "total" in a.timings and "total" in b.timings]
    if not timings:
        return {}
    first, second = (statistics.median(run["total"] for run in runs) for runs in zip(*timings, strict=True))
    return {"before": first, "after": second}
