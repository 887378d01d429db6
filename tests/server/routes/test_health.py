"""Liveness, readiness, and what the server says of itself."""

from __future__ import annotations

from pathlib import Path

from served import ServedApp, served


def test_it_is_ready_once_the_engine_is_warm(server: ServedApp) -> None:
    server.client.post("/healthz")  # any request; questions wait until the engine is open
    state = server.app.state.server
    while not state.warmed.is_set():
        server.client.get("/healthz")
    assert server.client.get("/readyz").json() == {"status": "ok"}
    state.draining = True
    refused = server.client.get("/readyz")
    state.draining = False
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    assert int(refused.headers["Retry-After"]) > 0


def test_a_storage_without_collections_is_ready_too(tmp_path: Path) -> None:
    with served(tmp_path / "empty") as server:
        while server.client.get("/readyz").status_code != 200:
            assert server.client.get("/readyz").json()["code"] == "not_ready"


def test_a_wrong_configuration_is_told_and_not_ready(storage: Path) -> None:
    with served(storage, "papers", embedding={"pass_chars": 0}) as server:
        while (answer := server.client.get("/readyz")).json()["code"] == "not_ready":
            pass
    assert (answer.status_code, answer.json()["code"]) == (503, "misconfigured")
    assert str(storage) not in answer.text


def test_info_names_version_source_and_collections(server: ServedApp) -> None:
    info = server.client.get("/api/v1/info").json()
    assert info["collections"] == ["papers", "西湖"]
    assert info["features"]["llm"] is False
    assert info["source_url"].startswith("https://")


def test_the_page_of_the_api_loads_nothing_from_elsewhere(server: ServedApp) -> None:
    page = server.client.get("/api/docs").text
    assert "://" not in page.replace(server.url, "")
    assert server.client.get("/api/docs/files/swagger-ui-bundle.js").status_code == 200
