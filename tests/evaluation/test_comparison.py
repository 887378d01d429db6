"""Two runs side by side."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from qa_engine.errors import InputError, StorageError
from qa_engine.evaluation.comparison import compare
from qa_engine.evaluation.judges.judgements import JudgedCase, open_judgements
from qa_engine.evaluation.metrics.summary import summarise
from qa_engine.evaluation.records import (
    CaseFailure,
    CaseResult,
    Gold,
    RunManifest,
    StageRanking,
)
from qa_engine.evaluation.reports.markdown import comparison_report, write_comparison

MANIFEST = RunManifest("q", "0", 4, ["c"], False, {"answering": {"passages": 5}}, "f", {"llm": "甲"})


def case(number: int, f1: float, rank: int | None = 1, answer: str = "同") -> CaseResult:
    return CaseResult(
        str(number),
        f"第{number}题？",
        Gold(["答"]),
        answer=answer,
        refused=False,
        stages={"reranked": StageRanking(rank, None, {"300": rank == 1})},
        measures={"f1": f1, "refusal_accuracy": 1.0},
        timings={"total": 0.5},
    )


def write(folder: Path, cases: list[CaseResult], manifest: RunManifest = MANIFEST) -> Path:
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(asdict(summarise(manifest, cases))), encoding="utf-8")
    lines = "".join(json.dumps(asdict(one)) + "\n" for one in cases)
    (folder / "cases.jsonl").write_text(lines, encoding="utf-8")
    with open_judgements(folder) as judgements:
        for one in cases:
            passing = one.measures.get("f1", 0) >= 0.5
            judgements.add(JudgedCase(one.id, "relevancy", "m", passing=passing, score=float(passing)))
    return folder


def test_runs_without_a_question_in_common_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a", [case(1, 1.0)])
    with pytest.raises(InputError, match="no finished evaluation"):
        compare(first, tmp_path / "b")
    failed = CaseResult("1", "第1题？", Gold(), failure=CaseFailure("E", "m"))
    for number, others in enumerate(([case(2, 1.0)], [failed], [replace(case(1, 1.0), question="另一题？")])):
        with pytest.raises(InputError, match="no answered question in common"):
            compare(first, write(tmp_path / f"other{number}", others))


def test_differences_are_paired_and_the_worst_comes_first(tmp_path: Path) -> None:
    before = [case(1, 1.0), case(2, 1.0), case(3, 0.5), case(4, 0.0), case(5, 1.0)]
    after = [case(1, 1.0), case(2, 0.0, None, "坏"), case(3, 0.25), case(4, 1.0), case(6, 1.0)]
    other = replace(MANIFEST, configuration={"answering": {"passages": 3}}, models={"llm": "乙"})
    found = compare(write(tmp_path / "a", before), write(tmp_path / "b", after, other))
    assert (found.paired, found.only_before, found.only_after) == (4, 1, 1)
    assert found.configuration == ["answering.passages was 5 and is 3", "model llm was 甲 and is 乙"]
    change = found.answers["f1"]
    assert (change.before, change.after, change.count) == (0.625, 0.5625, 4)
    assert change.difference == pytest.approx(-0.0625)
    assert change.low <= change.difference <= change.high
    assert change.mcnemar is None
    hits = found.retrieval["reranked"]["hit@1"]
    assert hits.mcnemar is not None
    assert (hits.mcnemar.gained, hits.mcnemar.lost, hits.mcnemar.p_value) == (0, 1, 1.0)
    assert [one.id for one in found.regressions] == ["2", "3"]
    assert [one.id for one in found.improvements] == ["4"]
    assert found.regressions[0].measures["f1"] == [1.0, 0.0]
    assert found.judgements["relevancy"].difference == -0.25
    assert found.regressions[0].measures["relevancy"] == [1.0, 0.0]
    assert found.seconds == {"before": 0.5, "after": 0.5}


def test_a_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [case(1, 0.5), case(2, 1.0)])
    found = compare(folder, folder)
    assert (found.regressions, found.improvements, found.configuration) == ([], [], [])
    assert {change.difference for change in found.answers.values()} == {0}
    assert "No setting, model or document differs." in comparison_report(found)


def test_the_files_of_a_comparison(tmp_path: Path) -> None:
    first = write(tmp_path / "a", [case(1, 1.0, answer="好|的\n一行")])
    found = compare(first, write(tmp_path / "b", [case(1, 0.0, 2, "坏")]))
    write_comparison(found, tmp_path / "out")
    content = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert content == found.to_dict()
    page = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert page.index("## Worst regressions") < page.index("第1题？") < page.index("## Best improvements")
    assert "first: 好|的 一行" in page
    with pytest.raises(StorageError, match="name another folder with --out"):
        write_comparison(found, tmp_path / "a" / "results.json")
