"""The files of a run are read as they were written, and what is none is refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.errors import InputError
from qa_engine.evaluation.metrics.summary import summarise
from qa_engine.evaluation.record_files import from_dict
from qa_engine.evaluation.records import (
    CaseFailure,
    CaseResult,
    CitationResult,
    Gold,
    PassageResult,
    RefusalPoint,
    RunManifest,
    StageRanking,
)
from qa_engine.evaluation.run_folder import read_run

MANIFEST = RunManifest(
    "q.jsonl", "00", 1, ["default"], False, {"answering": {"passages": 5}}, "ff", {"llm": "m"}
)
FULL = CaseResult(
    id="1",
    question="塔有多高？",
    gold=Gold(["71.679米"], True, "西湖.pdf", 3, "高71.679米"),
    answer="71.679米[1]",
    refused=False,
    probability=0.9,
    citations=[CitationResult(1, "西湖.pdf", 3, 3, "高71.679米", True, None)],
    passages=[PassageResult(1, "西湖.pdf", None, None, "…", 0.5, True, False)],
    stages={"dense": StageRanking(1, None, {"300": True}), "bm25": StageRanking(None)},
    measures={"f1": 0.5},
    unsupported_numbers=["3"],
    timings={"total": 0.1},
    tokens={"total": 3},
    failure=None,
)


def write(folder: Path, cases: list[dict[str, Any]], results: dict[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    (folder / "cases.jsonl").write_text(lines, encoding="utf-8")
    content = asdict(summarise(MANIFEST, [FULL])) if results is None else results
    (folder / "results.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder


def test_what_is_no_finished_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished evaluation: run qa-engine evaluate with --out"):
        read_run(tmp_path)
    for results, cases in (([], []), ({}, []), (None, [[]]), (None, [{"id": "1"}])):
        with pytest.raises(InputError, match="cannot be read"):
            read_run(write(tmp_path, cases, results))  # type: ignore[arg-type]
    (tmp_path / "results.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        read_run(tmp_path)


def test_a_run_of_another_format_is_refused(tmp_path: Path) -> None:
    content = asdict(summarise(MANIFEST, []))
    content["manifest"]["format"] = 99
    with pytest.raises(InputError, match="has format 99, this version reads 1: evaluate again"):
        read_run(write(tmp_path, [], content))


def test_a_case_is_read_as_it_was_written() -> None:
    assert from_dict(CaseResult, json.loads(json.dumps(asdict(FULL)))) == FULL


@given(st.text(), st.one_of(st.none(), st.integers(1)), st.dictionaries(st.text(), st.floats(0, 1)))
def test_any_text_survives(text: str, page: int | None, measures: dict[str, float]) -> None:
    case = CaseResult(text, text, Gold([text], page=page), answer=text, measures=measures)
    assert from_dict(CaseResult, json.loads(json.dumps(asdict(case)))) == case


def test_keys_of_other_versions_are_passed_over() -> None:
    assert from_dict(
        RefusalPoint, {"threshold": 0.5, "precision": 1, "recall": 1, "false_refusals": 0, "new": 1}
    ) == (RefusalPoint(0.5, 1, 1, 0))


def test_of_several_lines_of_one_question_the_last_counts(tmp_path: Path) -> None:
    failed = CaseResult("1", "塔有多高？", Gold(), failure=CaseFailure("E", "m"))
    results, cases = read_run(write(tmp_path, [asdict(failed), asdict(FULL)]))
    assert cases == [FULL]
    assert results.manifest == MANIFEST
