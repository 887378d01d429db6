"""Judging what pipelines return, with pipelines that are made up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asking import Scores, ask_all
from corpus import Question
from pipelines import Pipeline


def test_scores_of_each_pipeline(made_up: Callable[[str, str], Pipeline], questions: list[Question]) -> None:
    pipelines = [made_up("qa_engine", "first"), made_up("peer", "second"), made_up("mute", "nothing")]
    first, later, none = ask_all(pipelines, questions)
    assert (first.ranks, later.ranks, none.ranks) == ([1] * 4, [2] * 4, [None] * 4)
    assert first.summary()["MRR@10"] == 1
    assert first.summary()["passage_chars_mean"] == 2.5
    assert later.summary() | {"query_ms_p50": 0} == {
        "nodes": 10,
        "MRR@10": 0.5,
        "nDCG@10": pytest.approx(0.6309, abs=1e-4),
        "≤300": 0,
        "≤600": 1,
        "≤1200": 1,
        "≤2400": 1,
        "passage_chars_mean": 201.5,
        "build_seconds": 1.5,
        "query_ms_p50": 0,
    }
    assert none.summary()["≤2400"] == none.summary()["passage_chars_mean"] == 0


def test_pipelines_take_turns_in_coming_first(questions: list[Question]) -> None:
    called: list[str] = []

    def recorder(name: str) -> Pipeline:
        def retrieve(_: str) -> list[str]:
            called.append(name)
            return []

        return Pipeline(name, retrieve, nodes=1, build_seconds=0)

    ask_all([recorder("a"), recorder("b")], questions)
    # One warm-up each, then the questions.
    assert "".join(called) == "ab" + "abbaabba"


def test_scores_start_empty() -> None:
    assert Scores("a", 1, 0.0).ranks == []
