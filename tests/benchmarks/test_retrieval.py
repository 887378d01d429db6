"""Judging and comparing pipelines, with pipelines that are made up; the peers with a mock embedding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus import Question, render_pdf
from llama_index.core import MockEmbedding, Settings
from peers import PEERS, Pipeline, build_peer
from report import Report, publish
from retrieval import Scores, ask_all, compare, difference_report, quality_report

QUESTIONS = [
    Question(f"q{number}", f"问题{number}", (f"答案{number}",), False, "a.pdf", "") for number in range(4)
]


def pipeline(name: str, retrieve: Callable[[str], list[str]]) -> Pipeline:
    return Pipeline(name, retrieve, nodes=10, build_seconds=1.5)


def perfect(question: str) -> list[str]:
    return [f"甲 答案{question[-1]}", "乙"]


def second(question: str) -> list[str]:
    return ["甲" * 400, f"答案{question[-1]}"]


def nothing(_: str) -> list[str]:
    return []


def test_scores_of_each_pipeline() -> None:
    first, later, none = ask_all(
        [pipeline("qa_engine", perfect), pipeline("peer", second), pipeline("mute", nothing)], QUESTIONS
    )
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


def test_pipelines_take_turns_in_coming_first() -> None:
    called: list[str] = []

    def recorder(name: str) -> Pipeline:
        return pipeline(name, lambda _: called.append(name) or [])  # type: ignore[func-returns-value]

    ask_all([recorder("a"), recorder("b")], QUESTIONS)
    # One warm-up each, then the questions.
    assert "".join(called) == "ab" + "abbaabba"


def test_comparison_takes_the_best_peer_of_each_measure() -> None:
    long_first = pipeline("long", second)
    short_miss = pipeline("short", lambda q: [f"答案{q[-1]}"] if q != "问题0" else ["无"])
    scores = ask_all([pipeline("qa_engine", perfect), long_first, short_miss], QUESTIONS)
    comparison = compare(scores, seed=1)
    assert comparison["MRR@10"][0] == "short"
    assert comparison["MRR@10"][1].difference == pytest.approx(0.25)
    assert comparison["≤600"][0] == "long"
    assert comparison["≤600"][1].difference == 0
    assert compare(scores[:1], seed=1) == {}


def test_reports_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = ask_all([pipeline("qa_engine", perfect), pipeline("peer", second)], QUESTIONS)
    reports = [quality_report("data", scores, ["4 questions"]), difference_report(compare(scores, 1))]
    publish(tmp_path / "new", "retrieval-data", reports, {"seed": 1})
    shown = capsys.readouterr().out
    assert "qa_engine" in shown and "1.000" in shown and "+0.500" in shown
    written = (tmp_path / "new" / "retrieval-data.md").read_text(encoding="utf-8")
    assert "| peer | 0.500 |" in written
    assert "4 questions" in written
    content = json.loads((tmp_path / "new" / "retrieval-data.json").read_text(encoding="utf-8"))
    assert content["seed"] == 1
    assert content["environment"]["cores"] >= 1


def test_markdown_has_a_rule_and_as_many_cells_as_columns() -> None:
    lines = Report("T", ["a", "b"], [["x", "1"]], ["note"]).markdown().splitlines()
    assert lines == ["### T", "", "| a | b |", "| --- | ---: |", "| x | 1 |", "", "note"]


@pytest.mark.parametrize("name", PEERS)
def test_peers_answer_and_leave_the_global_settings_alone(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    paragraphs = [
        ("Rivers", "The Yangtze ends in the sea. " * 20),
        ("Lakes", "The West Lake is in Hangzhou. " * 20),
    ]
    render_pdf(paragraphs, file, header="h")
    before = (Settings._embed_model, Settings._llm, Settings._node_parser)
    peer = build_peer(name, [file], MockEmbedding(embed_dim=4))
    passages = peer.retrieve("Where is the West Lake?")
    assert any("Hangzhou" in passage for passage in passages)
    assert 0 < len(passages) <= 10
    assert peer.nodes >= 1
    assert peer.build_seconds > 0
    assert (Settings._embed_model, Settings._llm, Settings._node_parser) == before


def test_window_peer_returns_windows(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    render_pdf([("", " ".join(f"Sentence number {n} is here." for n in range(30)))], file, header="h")
    peer = build_peer("llamaindex-window", [file], MockEmbedding(embed_dim=4))
    assert max(passage.count("Sentence") for passage in peer.retrieve("number 12")) == 7


def test_unknown_peer_is_refused() -> None:
    with pytest.raises(ValueError, match="llamaindex-hybrid"):
        build_peer("other", [], MockEmbedding(embed_dim=4))


def test_scores_start_empty() -> None:
    assert Scores("a", 1, 0.0).ranks == []
