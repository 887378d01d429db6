"""Feedback on answers, and the questions that it makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from served import ServedApp
from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.evaluation.questions.labelled import read_questions
from qa_engine.server import access
from qa_engine.server.access import Access

QUESTION = "雷峰塔有多高？"


def answer_id(server: ServedApp, question: str = QUESTION) -> str:
    identifier: str = server.client.post("/api/v1/ask", json={"question": question}).json()["answer_id"]
    return identifier


def give(server: ServedApp, identifier: str, **fields: Any) -> int:
    return server.client.post(f"/api/v1/answers/{identifier}/feedback", json=fields).status_code


def lines(server: ServedApp) -> list[dict[str, Any]]:
    response = server.client.get("/api/v1/feedback.jsonl")
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rating": "good"},
        {"rating": "up", "stars": 5},
        {"rating": "down", "expected": {"page": 3}},
        {"rating": "down", "expected": {"unanswerable": True, "file": "a.pdf"}},
        {"rating": "down", "expected": {"file": "a.pdf", "page": 0}},
    ],
)
def test_what_says_nothing_is_refused(server: ServedApp, fields: dict[str, Any]) -> None:
    assert give(server, answer_id(server), **fields) == 422


def test_an_answer_that_is_not_ones_own(server: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = answer_id(server)
    assert give(server, "no-such-answer", rating="up") == 404
    monkeypatch.setattr(access, "access_of", lambda request: Access("another", frozenset({"read"})))
    assert give(server, identifier, rating="up") == 404
    assert server.client.get("/api/v1/feedback.jsonl").status_code == 403


def test_it_becomes_questions_that_an_evaluation_reads(
    server: ServedApp, storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(lines(server))
    quoted, refused = answer_id(server), answer_id(server, "火星上有多少家咖啡馆在卖热气球？")
    wrong, silent = answer_id(server, "西湖有多深？"), answer_id(server, "Llama 2有多少参数？")
    assert give(server, quoted, rating="up") == 204
    assert give(server, refused, rating="up") == 204
    assert give(server, silent, rating="down", comment="?") == 204
    assert give(server, wrong, rating="down") == 204
    expected = {"file": "西湖介绍.pdf", "page": 1, "text": "西湖的平均水深为2.27米"}
    assert give(server, wrong, rating="down", reason="wrong_page", expected=expected) == 204
    made = lines(server)[before:]
    assert [(line["question"], line["answerable"]) for line in made] == [
        (QUESTION, True),
        ("火星上有多少家咖啡馆在卖热气球？", False),
        ("西湖有多深？", True),
    ]
    assert (made[0]["file"], made[0]["page"]) == ("西湖介绍.pdf", 1)
    assert "71.679" in made[0]["evidence"]
    assert (made[2]["evidence"], made[2]["reason"]) == (expected["text"], "wrong_page")
    file = tmp_path / "feedback.jsonl"
    file.write_text(server.client.get("/api/v1/feedback.jsonl").text, encoding="utf-8")
    assert [question.question for question in read_questions(file)][before:] == [
        line["question"] for line in made
    ]
    run = CliRunner().invoke(
        app,
        [
            "evaluate",
            str(file),
            "--storage",
            str(storage),
            "-c",
            "papers",
            "-c",
            "西湖",
            "--out",
            str(tmp_path / "run"),
        ],
    )
    assert run.exit_code == 0, run.output
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert results["cases"] == before + 3
    assert results["failures"] == {}
    limited = Access("limited", collections=frozenset({"papers"}))
    monkeypatch.setattr(access, "access_of", lambda request: limited)
    assert lines(server) == []
