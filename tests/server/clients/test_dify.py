"""Dify's external knowledge: records, conditions, thresholds, and the errors that Dify shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_factory import english_pdf
from served import ServedApp, served
from server.clients.conftest import KeyedServer

from qa_engine import ingest
from qa_engine.server.clients.dify.records import records_of

QUERY = "雷峰塔有多高？"
PATHS = ["/dify/retrieval", "/retrieval"]


def retrieve(server: ServedApp, path: str = PATHS[0], key: str = "none", **fields: Any) -> Any:
    body = {"knowledge_id": "西湖", "query": QUERY, "retrieval_setting": {"top_k": 3}, **fields}
    return server.client.post(path, json=body, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("path", PATHS)
def test_records_are_the_passages_of_a_search(server: ServedApp, path: str) -> None:
    response = retrieve(server, path)
    assert response.status_code == 200, response.text
    found = server.client.post(
        "/api/v1/search", json={"question": QUERY, "collections": ["西湖"], "top_k": 3}
    ).json()["passages"]
    records = response.json()["records"]
    assert len(records) == len(found) > 0
    for record, passage in zip(records, found, strict=True):
        assert record["content"] == passage["text"]
        assert record["title"].startswith(f"西湖介绍.pdf 第 {passage['page']}")
        metadata = record["metadata"]
        for name in ("url", "file", "page", "page_end", "section", "collection", "file_id"):
            assert metadata[name] == passage[name]
        assert passage["node_id"].startswith(metadata["document_id"])
        assert server.client.get(metadata["url"]).status_code == 200
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_a_threshold_leaves_out_what_is_below(server: ServedApp) -> None:
    scores = [record["score"] for record in retrieve(server, knowledge_id="papers").json()["records"]]
    setting = {"top_k": 3, "score_threshold": scores[0]}
    records = retrieve(server, knowledge_id="papers", retrieval_setting=setting).json()["records"]
    assert [record["score"] for record in records] == [score for score in scores if score >= scores[0]]
    none = retrieve(server, retrieval_setting={"top_k": 3, "score_threshold": 1.1}).json()
    assert none == {"records": []}


@given(
    st.lists(
        st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-9, 9)), max_size=9
    )
)
def test_scores_lie_in_their_range_and_keep_the_order(scores: list[float | None]) -> None:
    passage = {
        **{"node_id": "d-0000001", "text": "t", "tables": [], "metadata": {}, "url": None, "file": "f"},
        **{"page": None, "page_end": None, "section": "", "collection": "c", "file_id": None},
    }
    records = records_of([{**passage, "score": score} for score in scores], None).records
    found = [record.score for record in records]
    assert len(found) == len(scores)
    assert found == sorted(found, reverse=True)
    assert all(0 <= score <= 1 for score in found)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[ServedApp]:
    """A server over a collection of three files with metadata."""
    folder = tmp_path_factory.mktemp("described")
    files = {
        "report-2022.pdf": {"year": 2022, "team": "north", "signed": "2022-06-01"},
        "report-2023.pdf": {"year": 2023, "team": "south", "signed": "2023-06-01", "note": "draft"},
        "memo.pdf": {"year": 2024, "team": "northwest", "signed": "2024-06-01"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        for name, metadata in files.items():
            path = english_pdf(folder / name, [f"The pump of {name} delivers forty litres."], header=None)
            path.with_name(f"{name}.meta.json").write_text(json.dumps(metadata), encoding="utf-8")
            ingest(path, folder / "storage", "pumps", {})
        with served(folder / "storage", "pumps") as server:
            yield server


R22, R23, MEMO = "report-2022.pdf", "report-2023.pdf", "memo.pdf"


class TestConditions:
    @pytest.mark.parametrize(
        ("name", "operator", "value", "files"),
        [
            ("team", "is", "north", {R22}),
            ("team", "is not", "north", {R23, MEMO}),
            ("team", "contains", "north", {R22, MEMO}),
            ("team", "not contains", "north", {R23}),
            ("team", "in", ["north", "south"], {R22, R23}),
            ("team", "in", "north, south", {R22, R23}),
            ("team", "not in", ["north", "south"], {MEMO}),
            ("note", "empty", None, {R22, MEMO}),
            ("note", "not empty", None, {R23}),
            ("note", "exists", None, {R23}),
            ("note", "null", None, {R22, MEMO}),
            ("year", "=", 2022, {R22}),
            ("year", "=", "2022", {R22}),
            ("year", "≠", 2022, {R23, MEMO}),
            ("year", ">", 2022, {R23, MEMO}),
            ("year", "<", 2023, {R22}),
            ("year", "≥", 2023, {R23, MEMO}),
            ("year", "≤", 2023, {R22, R23}),
            ("year", "in", 2023, {R23}),
            ("signed", "before", "2023-01-01", {R22}),
            ("signed", "after", "2023-01-01", {R23, MEMO}),
            ("signed", "after", 1672531200, {R23, MEMO}),
            ("file", "start with", "report", {R22, R23}),
            ("document_name", "end with", "2023.pdf", {R23}),
            ("document_name", "contains", "memo", {MEMO}),
            ("page", "is", 1, {R22, R23, MEMO}),
            (["team"], "is", "south", {R23}),
        ],
    )
    def test_each_operator(
        self, described: ServedApp, name: Any, operator: str, value: Any, files: set[str]
    ) -> None:
        condition = {"name": name, "comparison_operator": operator, "value": value}
        assert self.found(described, "and", [condition]) == files

    @staticmethod
    def found(server: ServedApp, logical: str | None, conditions: list[dict[str, Any]]) -> set[str]:
        response = retrieve(
            server,
            knowledge_id="pumps",
            query="How much does the pump deliver?",
            retrieval_setting={"top_k": 10, "score_threshold": 0.0},
            metadata_condition={"logical_operator": logical, "conditions": conditions},
        )
        assert response.status_code == 200, response.text
        return {record["metadata"]["file"] for record in response.json()["records"]}

    def test_several_are_joined(self, described: ServedApp) -> None:
        conditions = [
            {"name": "team", "comparison_operator": "contains", "value": "north"},
            {"name": "year", "comparison_operator": ">", "value": 2022},
        ]
        assert self.found(described, "and", conditions) == self.found(described, None, conditions) == {MEMO}
        assert self.found(described, "or", conditions) == {R22, R23, MEMO}
        assert self.found(described, "and", []) == {R22, R23, MEMO}

    def test_metadata_of_the_file_comes_along(self, described: ServedApp) -> None:
        record = retrieve(described, knowledge_id="pumps", query="pump of memo").json()["records"][0]
        assert record["metadata"]["team"]
        assert record["metadata"]["year"] in {2022, 2023, 2024}

    @pytest.mark.parametrize(
        ("name", "operator", "value", "status"),
        [
            ("team", "start with", "n", 400),
            ("file", "end with", "*.pdf", 400),
            ("team", "all of", ["a"], 400),
            ("team", "~", "a", 400),
            ("colour", "is", "red", 422),
            ("team", "is", None, 422),
            ("team", "in", None, 422),
            ("section", "empty", None, 422),
        ],
    )
    def test_others_are_refused_clearly(
        self, described: ServedApp, name: str, operator: str, value: Any, status: int
    ) -> None:
        condition = {"name": name, "comparison_operator": operator, "value": value}
        response = retrieve(described, knowledge_id="pumps", metadata_condition={"conditions": [condition]})
        assert response.status_code == status
        told = response.json()
        assert told["error_code"] == status
        assert name in told["error_msg"]


class TestErrors:
    @pytest.mark.parametrize("path", PATHS)
    def test_keys(self, keyed: KeyedServer, path: str) -> None:
        client = keyed.server.client
        for headers in ({}, {"Authorization": "qae_x"}, {"Authorization": "Basic eA=="}):
            response = client.post(path, json={}, headers=headers)
            assert (response.status_code, response.json()["error_code"]) == (403, 1001)
        wrong = retrieve(keyed.server, path, "qae_wrong")
        assert (wrong.status_code, wrong.json()["error_code"]) == (403, 1002)
        assert "key" in wrong.json()["error_msg"]
        # What Dify sends to see whether a key is right: no body.
        looked = client.post(path, headers={"Authorization": f"Bearer {keyed.secret}"})
        assert looked.status_code not in {403, 404, 502}

    def test_a_collection_that_does_not_exist_or_is_of_another_key(self, keyed: KeyedServer) -> None:
        for key, name in ((keyed.secret, "none"), (keyed.limited, "papers"), (keyed.secret, "../x")):
            response = retrieve(keyed.server, key=key, knowledge_id=name)
            assert (response.status_code, response.json()["error_code"]) == (404, 2001)
        assert retrieve(keyed.server, key=keyed.limited).status_code == 200

    @pytest.mark.parametrize(
        "fields", [{"query": ""}, {"query": " "}, {"retrieval_setting": {"top_k": 0}}, {"knowledge_id": None}]
    )
    def test_values_that_cannot_be_used(self, server: ServedApp, fields: dict[str, Any]) -> None:
        response = retrieve(server, **fields)
        assert (response.status_code, response.json()["error_code"]) == (422, 422)
