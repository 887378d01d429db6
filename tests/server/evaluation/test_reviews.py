"""Feedback that a person accepts as a test question, or dismisses."""

from __future__ import annotations

from typing import Any

import pytest
from served import ServedApp

from qa_engine.server import access
from qa_engine.server.access import INCLUDED_SCOPES, Access

ADDRESS = "/api/v1/feedback"
QUESTION = "雷峰塔有多高？"


@pytest.fixture
def feedback(server: ServedApp) -> dict[str, Any]:
    """Feedback that waits: an answer that was rated up."""
    answer = server.client.post("/api/v1/ask", json={"question": QUESTION, "collections": ["西湖"]}).json()
    body = {"rating": "up", "comment": "好"}
    server.client.post(f"/api/v1/answers/{answer['answer_id']}/feedback", json=body).raise_for_status()
    newest: dict[str, Any] = listed(server)[0]
    assert newest["answer_id"] == answer["answer_id"]
    return newest


def listed(server: ServedApp, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client.get(ADDRESS, params=query).raise_for_status().json()["data"]
    return found


def test_it_is_accepted_with_another_label(server: ServedApp, feedback: dict[str, Any]) -> None:
    assert (feedback["state"], feedback["rating"], feedback["comment"]) == ("waiting", "up", "好")
    assert (feedback["expected"]["file"], feedback["expected"]["page"]) == ("西湖介绍.pdf", 1)
    body = {
        "question": f"请问{QUESTION}",
        "collections": ["西湖"],
        "expected": {"file": "西湖介绍.pdf", "page": 1},
    }
    accepted = server.client.post(f"{ADDRESS}/{feedback['id']}/accept", json=body).raise_for_status().json()
    questions = server.client.get("/api/v1/evaluation/questions").json()["data"]
    assert questions[0] == accepted
    assert accepted["question"] == body["question"]
    assert listed(server, state="accepted")[0]["id"] == feedback["id"]
    assert feedback["id"] not in [one["id"] for one in listed(server, state="waiting")]
    server.client.delete(f"/api/v1/evaluation/questions/{accepted['id']}").raise_for_status()
    # Later feedback on the answer waits again.
    again = {"rating": "down"}
    server.client.post(f"/api/v1/answers/{feedback['answer_id']}/feedback", json=again).raise_for_status()
    assert listed(server, state="waiting")[0]["rating"] == "down"


def test_it_is_dismissed(server: ServedApp, feedback: dict[str, Any]) -> None:
    assert server.client.post(f"{ADDRESS}/{feedback['id']}/dismiss").status_code == 204
    assert [one["id"] for one in listed(server, state="dismissed")] == [feedback["id"]]


@pytest.mark.parametrize("name", ["feedback-0", "feedback-x", "7", "feedback-٣", f"feedback-{10**30}"])
def test_what_is_not_there(server: ServedApp, name: str) -> None:
    assert server.client.post(f"{ADDRESS}/{name}/dismiss").status_code == 404


def test_keys_that_may_not_decide(
    server: ServedApp, feedback: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = Access("limited", collections=frozenset({"papers"}))
    monkeypatch.setattr(access, "access_of", lambda request: limited)
    assert listed(server) == []
    assert server.client.post(f"{ADDRESS}/{feedback['id']}/dismiss").status_code == 404
    monkeypatch.setattr(access, "access_of", lambda request: Access("w", INCLUDED_SCOPES["write"]))
    assert server.client.get(ADDRESS).status_code == 403
