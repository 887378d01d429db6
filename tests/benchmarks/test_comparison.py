"""Differences, errors and the tables made of them, with pipelines that are made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import Scores, ask_all
from comparison import difference, difference_report, errors, quality_report, step_report
from corpus import Question
from pipelines import Pipeline
from report import Report, publish

from qa_engine.evaluation.metrics.significance import Interval


@pytest.fixture
def scores(made_up: Callable[[str, str], Pipeline], questions: list[Question]) -> list[Scores]:
    kinds = {"qa_engine": "first", "late": "second", "mute": "nothing"}
    return ask_all([made_up(name, kind) for name, kind in kinds.items()], questions)


def test_difference_of_each_measure_is_paired(scores: list[Scores]) -> None:
    ours, late, mute = scores
    found = difference(ours, late, seed=1)
    assert (found.name, found.base) == ("qa_engine", "late")
    assert found.intervals["MRR@10"] == Interval(0.5, 0.5, 0.5)
    assert found.intervals["≤300"].difference == 1
    assert found.intervals["≤600"].difference == 0
    assert difference(mute, ours, seed=1).intervals["≤600"].difference == -1
    assert found.result()["MRR@10"] == {"difference": 0.5, "low": 0.5, "high": 0.5}


def test_errors_are_compared_with_the_peer_that_has_the_fewest() -> None:
    def within(name: str, hits: list[bool]) -> Scores:
        return Scores(name, 1, 0, ranks=[None] * 4, within={600: hits}, milliseconds=[1.0])

    ours = within("qa_engine", [True, True, True, False])
    worse = within("worse", [False] * 4)
    better = within("better", [True, True, False, False])
    found = errors(ours, [worse, better])
    assert (found.ours, found.peer, found.theirs, found.ratio) == (0.25, "better", 0.5, 0.5)
    assert "0.250 against 0.500 of better" in found.sentence() and "ratio 0.50" in found.sentence()
    perfect = errors(ours, [within("perfect", [True] * 4)])
    assert perfect.ratio is None
    assert "ratio not defined" in perfect.sentence()
    with pytest.raises(ValueError, match="there is none"):
        errors(ours, [])


def test_reports_and_files(scores: list[Scores], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, *peers = scores
    found = [difference(ours, peer, 1) for peer in peers]
    reports = [
        quality_report("data", scores, ["4 questions, seed 1"]),
        difference_report("each peer", found, ["MRR@10", "≤600"], ["4 questions, seed 1"]),
        step_report("stages", "stage", scores, ["4 questions, seed 1"]),
    ]
    publish(tmp_path / "new", "retrieval-data", reports, {"seed": 1})
    shown = capsys.readouterr().out
    assert "qa_engine" in shown and "1.000" in shown and "+0.500" in shown
    written = (tmp_path / "new" / "retrieval-data.md").read_text(encoding="utf-8")
    assert "| late | 0.500 |" in written
    assert "| qa_engine − late | +0.500 (+0.500 … +0.500) | +0.000 (+0.000 … +0.000) |" in written
    assert "| qa_engine − mute | +1.000 (+1.000 … +1.000) | +1.000 (+1.000 … +1.000) |" in written
    assert "| stage | MRR@10 |" in written
    assert written.count("4 questions, seed 1") == len(reports)
    content = json.loads((tmp_path / "new" / "retrieval-data.json").read_text(encoding="utf-8"))
    assert content["seed"] == 1
    assert content["environment"]["cores"] >= 1


def test_markdown_has_a_rule_and_as_many_cells_as_columns() -> None:
    lines = Report("T", ["a", "b"], [["x", "1"]], ["note"]).markdown().splitlines()
    assert lines == ["### T", "", "| a | b |", "| --- | ---: |", "| x | 1 |", "", "note"]
