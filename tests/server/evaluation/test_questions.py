"""Test questions: over HTTP, for keys of all kinds, and as a file that evaluations read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import ServedApp

from qa_engine.evaluation.questions.labelled import read_questions
from qa_engine.server import access
from qa_engine.server.access import INCLUDED_SCOPES, Access, Scope

ADDRESS = "/api/v1/evaluation/questions"
QUESTION = "雷峰塔有多高？"
PLACE = {"file": "西湖介绍.pdf", "page": 1, "text": "塔高71.679米"}


@pytest.fixture(autouse=True)
def without_questions(server: ServedApp) -> Iterator[None]:
    yield
    for question in listed(server)["data"]:
        server.client.delete(f"{ADDRESS}/{question['id']}").raise_for_status()


def add(server: ServedApp, question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    response = server.client.post(ADDRESS, json={"question": question, "expected": PLACE, **fields})
    assert response.status_code == 201, response.text
    added: dict[str, Any] = response.json()
    return added


def listed(server: ServedApp, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get(ADDRESS, params=query).raise_for_status().json()
    return found


def act_as(monkeypatch: pytest.MonkeyPatch, scope: Scope, *collections: str) -> None:
    one = Access("another", INCLUDED_SCOPES[scope], frozenset(collections) or None)
    monkeypatch.setattr(access, "access_of", lambda request: one)


def test_one_is_added_once_and_deleted(server: ServedApp) -> None:
    added = add(server, f" {QUESTION} ", collections=["西湖"])
    assert (added["question"], added["collections"]) == (QUESTION, ["西湖"])
    assert added["expected"] == {**PLACE, "unanswerable": False}
    again = server.client.post(
        ADDRESS, json={"question": QUESTION, "collections": ["西湖"], "expected": PLACE}
    )
    assert (again.status_code, again.json()) == (200, added)
    other = add(server, collections=["西湖"], expected={"unanswerable": True})
    assert [one["id"] for one in listed(server)["data"]] == [other["id"], added["id"]]
    assert server.client.delete(f"{ADDRESS}/{added['id']}").status_code == 204
    assert server.client.delete(f"{ADDRESS}/{added['id']}").status_code == 404
    assert listed(server)["data"] == [other]


def test_one_without_collections_is_asked_of_those_of_the_server(server: ServedApp) -> None:
    assert add(server)["collections"] == ["papers", "西湖"]
    assert listed(server)["sets"] == [{"collections": ["papers", "西湖"], "questions": 1}]


def test_the_list_comes_in_parts(server: ServedApp) -> None:
    added = [add(server, f"第{number}个问题？")["id"] for number in range(5)]
    first = listed(server, limit=2)
    second = listed(server, limit=2, cursor=first["next_cursor"])
    third = listed(server, limit=2, cursor=second["next_cursor"])
    assert [one["id"] for part in (first, second, third) for one in part["data"]] == added[::-1]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"question": " "},
        {"question": "\ud800"},
        {"expected": {}},
        {"expected": {"page": 3}},
        {"expected": {"unanswerable": True, "file": "a.pdf"}},
        {"expected": {"file": "\ud800"}},
        {"expects": {}},
    ],
)
def test_what_is_no_question_is_refused(server: ServedApp, fields: dict[str, Any]) -> None:
    body = json.dumps({"question": QUESTION, "expected": PLACE, **fields})
    response = server.client.post(ADDRESS, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422


@pytest.mark.parametrize("name", ["合同", "../西湖", "\x00"])
def test_a_collection_that_does_not_exist(server: ServedApp, name: str) -> None:
    body = {"question": QUESTION, "expected": PLACE, "collections": [name]}
    assert server.client.post(ADDRESS, json=body).status_code == 404


def test_a_limited_key_has_the_questions_of_its_collections_alone(
    server: ServedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, foreign, both = (add(server, collections=names) for names in (["西湖"], ["papers"], []))
    with monkeypatch.context() as patch:
        act_as(patch, "write", "西湖")
        found = listed(server)
        assert (found["data"], found["next_cursor"]) == ([own], None)
        assert found["sets"] == [{"collections": ["西湖"], "questions": 1}]
        lines = server.client.get(f"{ADDRESS}.jsonl").text.splitlines()
        assert [json.loads(line)["id"] for line in lines] == [own["id"]]
        for hidden in (foreign, both):
            assert server.client.delete(f"{ADDRESS}/{hidden['id']}").status_code == 404
        body = {"question": QUESTION, "expected": PLACE, "collections": ["papers"]}
        assert server.client.post(ADDRESS, json=body).status_code == 404
    with monkeypatch.context() as patch:
        act_as(patch, "read")
        assert server.client.get(ADDRESS).status_code == 403
        assert server.client.post(ADDRESS, json={"question": QUESTION, "expected": PLACE}).status_code == 403


def test_an_evaluation_reads_them(server: ServedApp, tmp_path: Path) -> None:
    add(server, collections=["西湖"])
    add(server, "火星上有咖啡馆吗？\u2028", expected={"unanswerable": True}, collections=["西湖"])
    add(server, "Llama 2有多少参数？", expected={"text": "70B"}, collections=["papers"])
    file = tmp_path / "questions.jsonl"
    file.write_text(server.client.get(f"{ADDRESS}.jsonl").text, encoding="utf-8")
    questions = read_questions(file)
    assert [(one.evidence, one.answerable) for one in questions] == [
        ("70B", True),
        ("", False),
        (PLACE["text"], True),
    ]
    assert (questions[2].file, questions[2].page) == (PLACE["file"], PLACE["page"])
    response = server.client.get(f"{ADDRESS}.jsonl", params={"collection": "papers"})
    assert len(response.text.splitlines()) == 1
    assert response.headers["content-disposition"] == 'attachment; filename="questions.jsonl"'
