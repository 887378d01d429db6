"""Evaluations that the server runs, shows and compares."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from served import ServedApp, served

from qa_engine.server import access
from qa_engine.server.access import INCLUDED_SCOPES, Access

ADDRESS = "/api/v1/evaluation"
HOSTILE = ("../run", "%2e%2e", "..", ".", "a/b", "C:\\run", "运行", "x" * 200, "\u202e")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs of `running_server`."""
    folder = tmp_path_factory.mktemp("evaluated") / "runs"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def running_server(storage: Path, runs: Path, model_cache: Path) -> Iterator[ServedApp]:
    """A server with two test questions of ``西湖`` and a folder of runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        own = runs.parent / "storage"
        shutil.copytree(storage, own, ignore=shutil.ignore_patterns("_server"))
        with served(own, "西湖", server={"runs": runs}) as one:
            for question, expected in {
                "雷峰塔有多高？": {"file": "西湖介绍.pdf", "page": 1, "text": "71.679米"},
                "火星上有多少家咖啡馆？": {"unanswerable": True},
                "西湖有几条鱼？": {"file": "西湖介绍.pdf", "page": 1, "text": "一条也没有的鱼"},
            }.items():
                body = {"question": question, "expected": expected}
                one.client.post(f"{ADDRESS}/questions", json=body).raise_for_status()
            yield one


def start(server: ServedApp, **fields: Any) -> str:
    response = server.client.post(f"{ADDRESS}/runs", json=fields)
    assert response.status_code == 202, response.text
    name: str = response.json()["name"]
    return name


def ended(server: ServedApp, name: str) -> dict[str, Any]:
    """A run, as soon as it runs no more."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        run: dict[str, Any] = server.client.get(f"{ADDRESS}/runs/{name}").raise_for_status().json()
        if run["state"] != "running":
            return run
        time.sleep(0.05)
    pytest.fail("the run does not end")


@pytest.fixture(scope="module")
def finished(running_server: ServedApp) -> dict[str, Any]:
    """A finished run with answers."""
    return ended(running_server, start(running_server))


def test_it_is_measured_and_shown(running_server: ServedApp, finished: dict[str, Any]) -> None:
    assert (finished["state"], finished["questions"], finished["done"]) == ("finished", 3, 3), finished
    assert finished["measures"]["mrr@10"]["count"] == 2
    assert finished["measures"]["refusal_accuracy"]["mean"] <= 1
    assert sum(finished["outcomes"].values()) == 3
    place = finished["worst"][0]["expected"]
    assert (place["file"], place["collection"]) == ("西湖介绍.pdf", "西湖")
    page = running_server.client.get(f"/api/v1/collections/西湖/files/{place['file_id']}/pages/1")
    assert page.status_code == 200
    assert str(running_server.app.state.server.config.storage) not in json.dumps(finished)
    (listed, *_) = running_server.client.get(f"{ADDRESS}/runs").json()["data"]
    assert listed == {key: finished[key] for key in listed}


def test_its_report_runs_nothing_but_its_own_script(
    running_server: ServedApp, finished: dict[str, Any]
) -> None:
    response = running_server.client.get(f"{ADDRESS}/runs/{finished['name']}/report")
    policy = response.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts allow-forms; default-src 'none'; script-src 'sha256-")
    assert policy.split("script-src '")[1].split("'")[0] in response.text
    assert "allow-same-origin" not in policy


def test_two_are_compared(running_server: ServedApp, finished: dict[str, Any]) -> None:
    second = ended(running_server, start(running_server, retrieval_only=True))
    assert second["retrieval_only"]
    query = {"before": finished["name"], "after": second["name"]}
    found = running_server.client.get(f"{ADDRESS}/comparison", params=query).raise_for_status().json()
    assert (found["before"], found["after"], found["paired"]) == (finished["name"], second["name"], 3)
    assert found["retrieval"]["reranked"]["mrr@10"]["difference"] == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_never_a_path(
    running_server: ServedApp, runs: Path, finished: dict[str, Any], name: str
) -> None:
    shutil.copytree(runs / finished["name"], runs.parent / "run", dirs_exist_ok=True)
    client = running_server.client
    quoted = quote(name, safe="").replace(".", "%2E")
    for path in (f"runs/{quoted}", f"runs/{quoted}/report"):
        assert client.get(f"{ADDRESS}/{path}").status_code in {404, 405}
    query = {"before": name, "after": finished["name"]}
    assert client.get(f"{ADDRESS}/comparison", params=query).status_code == 404
    assert client.get(f"{ADDRESS}/runs", params={"cursor": name}).json()["data"] == []


def test_folders_that_are_no_runs_are_passed_over(running_server: ServedApp, runs: Path) -> None:
    before = running_server.client.get(f"{ADDRESS}/runs").json()["data"]
    (runs / "empty").mkdir()
    for name, content in {"wrong": "{", "list": "[]", "other": '{"format": 1}'}.items():
        (runs / name).mkdir()
        (runs / name / "run.json").write_text(content, encoding="utf-8")
    (runs / "link").symlink_to(runs.parent / "run")
    assert running_server.client.get(f"{ADDRESS}/runs").json()["data"] == before


def test_one_at_a_time_which_can_be_cancelled(running_server: ServedApp) -> None:
    name = start(running_server)
    busy = running_server.client.post(f"{ADDRESS}/runs", json={})
    assert (busy.status_code, busy.json()["code"]) == (429, "queue_full")
    cancelled = running_server.client.delete(f"{ADDRESS}/runs/{name}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = running_server.client.delete(f"{ADDRESS}/runs/{name}")
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")


def test_without_questions_there_is_nothing_to_run(running_server: ServedApp) -> None:
    response = running_server.client.post(f"{ADDRESS}/runs", json={"collections": ["papers"]})
    assert response.status_code == 422


def test_one_that_was_running_when_the_server_ended_has_failed(
    storage: Path, tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    shutil.copytree(storage, tmp_path / "storage", ignore=shutil.ignore_patterns("_server"))
    body = {"question": "雷峰塔有多高？", "expected": {"text": "71.679米"}}
    with served(tmp_path / "storage", "西湖") as server:
        server.client.post(f"{ADDRESS}/questions", json=body).raise_for_status()
        name = start(server)
    with served(tmp_path / "storage", "西湖") as server:
        run = server.client.get(f"{ADDRESS}/runs/{name}").raise_for_status().json()
    assert (run["state"], run["fault"]) == ("failed", "The server ended while it ran.")


def test_keys_see_the_runs_of_their_collections(
    running_server: ServedApp, finished: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = Access("limited", collections=frozenset({"papers"}))
    monkeypatch.setattr(access, "access_of", lambda request: limited)
    assert running_server.client.get(f"{ADDRESS}/runs").json()["data"] == []
    assert running_server.client.get(f"{ADDRESS}/runs/{finished['name']}").status_code == 404
    monkeypatch.setattr(access, "access_of", lambda request: Access("w", INCLUDED_SCOPES["write"]))
    assert running_server.client.get(f"{ADDRESS}/runs").status_code == 403
    assert running_server.client.post(f"{ADDRESS}/runs", json={}).status_code == 403
