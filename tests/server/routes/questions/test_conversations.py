"""Conversations that the server keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from answer_events import checked_events, read_events
from openai_server import OpenAIServer, hang
from served import ServedApp, served

from qa_engine.server import access
from qa_engine.server.access import Access

QUESTION, FOLLOWING = "雷峰塔有多高？", "它什么时候倒塌的？"
PATH = "/api/v1/conversations"


def begin(server: ServedApp, **fields: Any) -> str:
    response = server.client.post(PATH, json=fields)
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"{PATH}/{response.json()['id']}"
    identifier: str = response.json()["id"]
    return identifier


def ask(server: ServedApp, identifier: str, question: str, **fields: Any) -> dict[str, Any]:
    response = server.client.post(f"{PATH}/{identifier}/messages", json={"question": question, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


class TestMistakes:
    def test_a_conversation_that_is_not_there(self, server: ServedApp) -> None:
        body = {"question": QUESTION}
        for response in (
            server.client.get(f"{PATH}/none"),
            server.client.delete(f"{PATH}/none"),
            server.client.post(f"{PATH}/none/messages", json=body),
            server.client.post("/api/v1/ask", json={**body, "conversation_id": "none"}),
        ):
            assert (response.status_code, response.json()["code"]) == (404, "not_found")

    def test_that_of_another_key(self, server: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
        identifier = begin(server)
        monkeypatch.setattr(access, "access_of", lambda request: Access("another"))
        assert server.client.get(f"{PATH}/{identifier}").status_code == 404
        assert server.client.delete(f"{PATH}/{identifier}").status_code == 404
        assert server.client.get(PATH).json() == {"data": [], "next_cursor": None}
        monkeypatch.setattr(
            access, "access_of", lambda request: Access("limited", collections=frozenset({"papers"}))
        )
        assert server.client.post(PATH, json={"collections": ["西湖"]}).status_code == 404

    def test_two_questions_at_a_time(self, storage: Path, local_model: Path) -> None:
        with OpenAIServer(hang(60)) as model:
            llm = {"model": "m", "base_url": model.url, "max_retries": 0}
            with served(storage, "西湖", llm=llm, answering={"llm_threshold": 0}) as server:
                identifier = begin(server)
                body = {"question": QUESTION, "stream": True}
                with server.client.stream("POST", f"{PATH}/{identifier}/messages", json=body) as response:
                    events = read_events(response.iter_lines())
                    assert next(events).name == "start"
                    for refused in (
                        server.client.post(f"{PATH}/{identifier}/messages", json={"question": FOLLOWING}),
                        server.client.delete(f"{PATH}/{identifier}"),
                    ):
                        assert (refused.status_code, refused.json()["code"]) == (409, "conversation_busy")
                # The question ends with its client, and the conversation is free again.
                while server.client.delete(f"{PATH}/{identifier}").status_code == 409:
                    pass
                assert server.client.get(f"{PATH}/{identifier}").status_code == 404

    def test_a_question_that_is_refused_leaves_it_free(self, server: ServedApp) -> None:
        identifier = begin(server)
        for body in (
            {"question": " "},
            {"question": QUESTION, "collections": ["none"]},
            {"question": QUESTION, "filters": ["year=2020"]},
        ):
            assert server.client.post(f"{PATH}/{identifier}/messages", json=body).status_code in {404, 422}
        assert server.client.get(f"{PATH}/{identifier}").json()["turns"] == []
        ask(server, identifier, QUESTION)


class TestTurns:
    def test_a_question_leans_on_those_before(self, server: ServedApp) -> None:
        identifier = begin(server, collections=["西湖"])
        first = ask(server, identifier, QUESTION)
        second = ask(server, identifier, FOLLOWING, explain=True)
        standalone = second["explanation"]["condensation"]["standalone"]
        assert "雷峰塔" in standalone
        assert second["question"] == FOLLOWING
        told = ask(server, identifier, "刚才我问的是什么？")
        assert FOLLOWING in told["answer"]
        shown = server.client.get(f"{PATH}/{identifier}").json()
        assert (shown["title"], shown["collections"], shown["earlier"]) == (QUESTION, ["西湖"], 0)
        assert [turn["answer_id"] for turn in shown["turns"]] == [
            body["answer_id"] for body in (first, second, told)
        ]
        assert [turn["standalone"] for turn in shown["turns"]][:2] == [QUESTION, standalone]
        assert shown["turns"][0]["answer"] == first["answer"]
        assert shown["turns"][0]["files"] == ["西湖介绍.pdf"]
        last = server.client.get(f"{PATH}/{identifier}", params={"turns": 1}).json()
        assert (last["turns"], last["earlier"]) == (shown["turns"][2:], 2)

    def test_both_addresses_and_both_forms_go_on_with_it(self, server: ServedApp) -> None:
        identifier = begin(server, title="塔")
        body = {"question": QUESTION, "conversation_id": identifier}
        server.client.post("/api/v1/ask", json=body).raise_for_status()
        path = f"{PATH}/{identifier}/messages"
        streamed = server.client.post(path, json={"question": FOLLOWING, "stream": True})
        events = list(read_events(streamed.text.split("\n")))
        checked_events(events)
        assert "雷峰塔" in events[0].data["standalone"]
        shown = server.client.get(f"{PATH}/{identifier}").json()
        assert (shown["title"], len(shown["turns"])) == ("塔", 2)

    def test_it_outlives_the_server_and_is_deleted_with_its_turns(
        self, storage: Path, local_model: Path
    ) -> None:
        with served(storage, "西湖") as server:
            identifier = begin(server)
            ask(server, identifier, QUESTION)
        with served(storage, "西湖") as server:
            assert "1924年" in ask(server, identifier, FOLLOWING)["answer"]
            assert server.client.delete(f"{PATH}/{identifier}").status_code == 204
            assert server.client.get(f"{PATH}/{identifier}").status_code == 404
            with server.app.state.server.database.reading() as connection:
                left = connection.execute(
                    "SELECT COUNT(*) FROM turns WHERE conversation NOT IN (SELECT number FROM conversations)"
                ).fetchone()[0]
            assert left == 0

    def test_a_conversation_that_was_left_for_too_long_is_gone(
        self, storage: Path, local_model: Path
    ) -> None:
        with served(storage, "西湖", server={"conversation_days": 1}) as server:
            identifier = begin(server)
            with server.app.state.server.database.transaction() as connection:
                connection.execute("UPDATE conversations SET used = used - 90000 WHERE id = ?", (identifier,))
            assert server.client.get(f"{PATH}/{identifier}").status_code == 404
            begin(server)
            with server.app.state.server.database.reading() as connection:
                rows = connection.execute(
                    "SELECT 1 FROM conversations WHERE id = ?", (identifier,)
                ).fetchall()
            assert rows == []

    def test_they_are_listed_from_the_newest_on_in_parts(self, server: ServedApp) -> None:
        made = [begin(server, title=str(number)) for number in range(3)]
        seen: list[str] = []
        cursor = None
        while len(seen) < 3:
            parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            part = server.client.get(PATH, params=parameters).json()
            seen += [one["id"] for one in part["data"]]
            cursor = part["next_cursor"]
        assert seen[:3] == made[::-1]
        assert server.client.get(PATH, params={"cursor": "x"}).status_code == 422
