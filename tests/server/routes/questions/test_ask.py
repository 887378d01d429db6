"""Questions over HTTP: what is refused, what an answer holds, and that streams and searches tell the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from answer_events import ask_events, checked_events, lasting
from served import ServedApp, served

from qa_engine import REFUSAL, QueryEngine
from qa_engine.server import access
from qa_engine.server.access import Access
from qa_engine.server.asking.bodies import AnswerBody, SearchBody

QUESTION = "雷峰塔有多高？"


def ask(server: ServedApp, question: str = QUESTION, **fields: Any) -> dict[str, Any]:
    response = server.client.post("/api/v1/ask", json={"question": question, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


class TestMistakes:
    @pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/search"])
    @pytest.mark.parametrize(
        ("body", "status", "pointer"),
        [
            ({"question": " "}, 422, "#/question"),
            ({"question": "问" * 3000}, 422, "#/question"),
            ({"question": QUESTION, "collection": "papers"}, 422, "#/collection"),
            ({"question": QUESTION, "top_k": 0}, 422, "#/top_k"),
            ({"question": QUESTION, "filters": ["page"]}, 422, "#/filters"),
            ({"question": QUESTION, "collections": ["no such"]}, 404, None),
            ({"question": QUESTION, "collections": ["../papers"]}, 404, None),
            ({"question": QUESTION, "collections": ["\n"]}, 404, None),
            ({}, 422, "#/question"),
        ],
    )
    @pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
    def test_they_are_refused_before_anything_is_sent(
        self,
        server: ServedApp,
        path: str,
        body: dict[str, Any],
        status: int,
        pointer: str | None,
        accept: str,
    ) -> None:
        response = server.client.post(path, json=body, headers={"Accept": accept})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert problem["request_id"] == response.headers["x-request-id"]
        if pointer is not None:
            assert pointer in [error["pointer"] for error in problem["errors"]]

    @pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"question": "\\ud800"}', b'"x"', b""])
    def test_bodies_that_are_no_question(self, server: ServedApp, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        response = server.client.post("/api/v1/ask", content=body, headers=headers)
        assert response.status_code in {400, 422}
        assert response.json()["code"] in {"malformed_request", "invalid_request"}

    def test_a_filter_that_nothing_knows_is_told_either_way(self, server: ServedApp) -> None:
        fields = {"filters": ["year>=2020"]}
        response = server.client.post("/api/v1/ask", json={"question": QUESTION, **fields})
        assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
        last = ask_events(server.client, QUESTION, **fields)[-1]
        assert (last.name, last.data["code"], last.data["status"]) == ("error", "invalid_request", 422)
        assert "year" in last.data["detail"]

    def test_a_key_sees_no_other_collections(
        self, server: ServedApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limited = Access("limited", frozenset({"read"}), frozenset({"papers"}))
        monkeypatch.setattr(access, "access_of", lambda request: limited)
        for path in ("/api/v1/ask", "/api/v1/search"):
            body = {"question": QUESTION, "collections": ["papers", "西湖"]}
            response = server.client.post(path, json=body)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
        found = server.client.post("/api/v1/search", json={"question": QUESTION}).json()["passages"]
        assert {passage["collection"] for passage in found} == {"papers"}
        monkeypatch.setattr(access, "access_of", lambda request: Access("none", frozenset()))
        assert server.client.post("/api/v1/ask", json={"question": QUESTION}).status_code in {401, 403}


class TestAnswers:
    def test_the_body_is_that_of_the_command_with_links(self, server: ServedApp, storage: Path) -> None:
        body = ask(server)
        AnswerBody.model_validate(body)
        with QueryEngine.open(storage, ["papers", "西湖"]) as engine:
            expected = json.loads(json.dumps(engine.query(QUESTION).to_dict()))
        (citation,) = body["citations"]
        links = {name: citation.pop(name) for name in ("file_id", "url", "pages")}
        for passage in body["passages"]:
            assert server.client.get(passage.pop("url")).status_code == 200
            assert passage.pop("pages")[0]["page"] == passage["page"]
            assert passage.pop("file_id")
        assert {**lasting(body), **{"answer_id": 0, "request_id": 0}} == {
            **lasting(expected),
            **{"answer_id": 0, "request_id": 0},
        }
        assert links["url"] == f"{server.url}/c/{citation['id']}"
        (page,) = links["pages"]
        assert page["page"] == citation["page"]
        assert f"/files/{links['file_id']}/pages/{page['page']}.svg" in page["image"]
        assert server.client.get(page["image"]).status_code == 200
        assert citation["text"] in server.client.get(links["url"]).text
        assert "explanation" not in body

    def test_links_begin_with_the_public_address(self, storage: Path, model_cache: Path) -> None:
        public = {"public_url": "https://qa.example.com"}
        with served(storage, "西湖", server=public) as server:
            assert ask(server)["citations"][0]["url"].startswith("https://qa.example.com/c/")

    def test_a_refusal_is_an_answer(self, server: ServedApp) -> None:
        body = ask(server, "火星上有多少家咖啡馆在卖热气球？")
        assert (body["answer"], body["refused"], body["citations"]) == (REFUSAL, True, [])

    def test_collections_filters_and_top_k_narrow_it(self, server: ServedApp) -> None:
        body = ask(server, collections=["papers"], filters=["page=2"], top_k=1)
        (passage,) = body["passages"]
        assert (passage["file"], passage["page"]) == ("llama2.pdf", 2)
        leaf = {"key": "file", "value": "西湖*"}
        body = ask(server, filters={"filters": [leaf]})
        assert {passage["file"] for passage in body["passages"]} == {"西湖介绍.pdf"}

    def test_the_explanation_is_there_if_it_is_asked_for(self, server: ServedApp) -> None:
        body = ask(server, explain=True)
        AnswerBody.model_validate(body)
        assert body["explanation"]["passages"][0]["ranks"]["dense"] >= 1

    def test_no_local_path_is_told(self, server: ServedApp, storage: Path) -> None:
        texts = [
            server.client.post("/api/v1/ask", json={"question": QUESTION, "explain": True}).text,
            server.client.post("/api/v1/search", json={"question": QUESTION, "explain": True}).text,
            server.client.post("/api/v1/ask", json={"question": QUESTION, "collections": ["x"]}).text,
            json.dumps([event.data for event in ask_events(server.client, QUESTION)]),
        ]
        for text in texts:
            assert str(storage.parent) not in text

    def test_a_conversation_of_the_client(self, server: ServedApp) -> None:
        history = [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "雷峰塔高71.679米[1]。"},
        ]
        body = ask(server, "它什么时候倒塌的？", history=history, explain=True)
        assert body["question"] == "它什么时候倒塌的？"
        assert "雷峰塔" in body["explanation"]["condensation"]["standalone"]
        events = ask_events(server.client, "它什么时候倒塌的？", history=history)
        assert events[0].data["standalone"] == body["explanation"]["condensation"]["standalone"]
        told = ask_events(server.client, "刚才我问的是什么？", history=history)
        assert QUESTION in checked_events(told)["answer"]


class TestSearch:
    def test_it_finds_what_answers_are_made_from_in_the_same_order(self, server: ServedApp) -> None:
        for question in (QUESTION, "Llama 2有多少参数？", "How deep is the lake?"):
            asked = ask(server, question, top_k=4)["passages"]
            found = server.client.post("/api/v1/search", json={"question": question, "top_k": 4}).json()
            SearchBody.model_validate(found)
            assert [(one["rank"], one["file"], one["text"]) for one in found["passages"]] == [
                (one["rank"], one["file"], one["text"]) for one in asked
            ]
            assert [one["scores"] for one in found["passages"]] == [one["scores"] for one in asked]

    def test_it_is_that_of_the_library(self, server: ServedApp, storage: Path) -> None:
        body = server.client.post("/api/v1/search", json={"question": QUESTION, "explain": True}).json()
        SearchBody.model_validate(body)
        with QueryEngine.open(storage, ["papers", "西湖"]) as engine:
            found = engine.explain(QUESTION, 10)
        assert [passage["file"] for passage in body["passages"]] == [
            node.node.metadata["file_name"] for node in found.nodes
        ]
        explained = json.loads(json.dumps(found.to_dict()))
        assert body["explanation"]["passages"] == explained["passages"]


class TestEvents:
    def test_an_extractive_answer(self, server: ServedApp) -> None:
        body = checked_events(ask_events(server.client, QUESTION))
        assert lasting(body) == lasting(ask(server))

    def test_the_header_asks_for_them_and_proxies_let_them_pass(self, server: ServedApp) -> None:
        headers = {"Accept": "text/event-stream"}
        response = server.client.post("/api/v1/ask", json={"question": QUESTION}, headers=headers)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert "connection" not in response.headers


def test_a_collection_without_files_says_so(storage: Path, local_model: Path, tmp_path: Path) -> None:
    with served(tmp_path / "storage", "new") as server:
        server.client.post("/api/v1/collections", json={"name": "new"}).raise_for_status()
        for path in ("/api/v1/ask", "/api/v1/search"):
            response = server.client.post(path, json={"question": QUESTION})
            assert (response.status_code, response.json()["code"]) == (409, "nothing_ingested")
        (error,) = ask_events(server.client, QUESTION)
        assert (error.name, error.data["code"]) == ("error", "nothing_ingested")
