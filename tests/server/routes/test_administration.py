"""Metrics, configuration and doctor, for those who run the server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import ServedApp, served

from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.metrics import ServerMetrics
from qa_engine.server.state import database_path


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, dict[str, str]]:
    """Headers with keys of a new storage, by their scopes."""
    database = ServerDatabase(database_path(tmp_path))
    store = KeyStore(database)
    found = {
        scope: {"X-API-Key": store.add(scope, scope)}  # type: ignore[arg-type]
        for scope in ("read", "write", "admin")
    }
    database.close()
    return found


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The values of metrics by their names and labels."""
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_only_administrators_see_how_the_server_is_made(
    tmp_path: Path, secrets: dict[str, dict[str, str]]
) -> None:
    settings = {"llm": {"model": "m", "api_key": "sk-secret", "base_url": "http://me:secret@127.0.0.1:9/v1"}}
    with served(tmp_path, **settings) as server:
        for path in ("/api/v1/config", "/api/v1/doctor"):
            assert server.client.get(path).status_code == 401
            refused = server.client.get(path, headers=secrets["write"])
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            shown = server.client.get(path, headers=secrets["admin"])
            assert shown.status_code == 200
            assert "secret" not in shown.text
            assert str(tmp_path.parent) not in shown.text
        config = server.client.get("/api/v1/config", headers=secrets["admin"]).json()
        assert config["storage"] == tmp_path.name
        assert config["llm"]["base_url"] == "http://…@127.0.0.1:9/v1"


def test_the_doctor_examines_the_collections(server: ServedApp, storage: Path) -> None:
    found = server.client.get("/api/v1/doctor").json()
    assert {check["collection"] for check in found["checks"]} >= {"papers", "西湖"}
    assert str(storage.parent) not in str(found)


def test_metrics_need_a_key_unless_they_are_open(tmp_path: Path, secrets: dict[str, dict[str, str]]) -> None:
    with served(tmp_path) as server:
        assert server.client.get("/metrics").status_code == 401
        assert server.client.get("/metrics", headers=secrets["read"]).status_code == 200
    with served(tmp_path, server={"metrics_open": True}) as server:
        assert server.client.get("/metrics").status_code == 200
        assert server.client.get("/api/v1/info").status_code == 401


def test_requests_are_counted_by_template_and_known_method(server: ServedApp) -> None:
    server.client.get("/api/v1/collections/papers/files/secret-name")
    server.client.get("/secret-path")
    server.client.request("SECRETMETHOD", "/healthz")
    answered = server.client.get("/metrics")
    assert answered.headers["Content-Type"].startswith("text/plain; version=")
    assert "secret" not in answered.text.lower()
    counted = samples(answered.text)
    name = "qa_engine_requests_total"
    template = re.compile(r"route=/api/v1/collections/\{\w+\}/files/\{\w+\}")
    assert any(key[0] == name and template.fullmatch(key[2]) for key in counted)
    assert counted[name, "method=GET", "route=other", "status=404"] >= 1
    assert counted[name, "method=other", "route=/healthz", "status=405"] == 1


def test_what_a_route_notes_is_counted() -> None:
    metrics = ServerMetrics()
    notes = {
        "stages": {"dense": 20.0, "total": 700.0},
        "refused": True,
        "tokens": {"prompt": 9, "completion": 2},
    }
    metrics.count_request("/api/v1/ask", "POST", 200, notes)
    metrics.count_request("/api/v1/ask", "POST", 200, {"stages": {"total": 1.0}, "refused": False})
    metrics.pages_ingested.inc(3)
    with metrics.running_questions.track_inprogress():
        counted = samples(metrics.render().decode())
    assert counted["qa_engine_requests_total", "method=POST", "route=/api/v1/ask", "status=200"] == 2
    assert counted["qa_engine_question_seconds_count", "stage=total"] == 2
    assert counted["qa_engine_question_seconds_bucket", "le=0.025", "stage=dense"] == 1
    assert counted["qa_engine_refusals_total",] == 1
    assert counted["qa_engine_tokens_total", "kind=prompt"] == 9
    assert counted["qa_engine_running_questions",] == 1
    assert counted["qa_engine_pages_ingested_total",] == 3
    assert not any(name.startswith(("python_", "process_")) for name, *_ in counted)
    assert not samples(ServerMetrics().render().decode()).get(("qa_engine_refusals_total",))


def test_every_response_has_security_headers(server: ServedApp) -> None:
    for path in ("/healthz", "/nothing", "/api/docs", "/api/docs/files/swagger-ui.css"):
        headers = server.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_the_page_of_the_api_may_load_what_it_names(server: ServedApp) -> None:
    page = server.client.get("/api/docs")
    policy = page.headers["Content-Security-Policy"]
    assert all(part in policy for part in ("script-src 'self'", "style-src 'self'", "connect-src 'self'"))
    assert "http" not in policy
    assert "*" not in policy
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert server.client.get(address).status_code == 200, address


def test_a_server_that_is_read_only_says_so(tmp_path: Path, secrets: dict[str, dict[str, str]]) -> None:
    with served(tmp_path, server={"read_only": True}) as server:
        for method, path in (
            ("POST", "/api/v1/collections"),
            ("PUT", "/api/v1/collections/default/files/a.pdf"),
            ("DELETE", "/api/v1/collections/default"),
        ):
            body = {"name": "default"} if method == "POST" else None
            refused = server.client.request(method, path, headers=secrets["admin"], json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "read_only"), path
        info = server.client.get("/api/v1/info", headers=secrets["admin"]).json()
        assert info["features"] == {
            "llm": False,
            "ocr": info["features"]["ocr"],
            "auth": True,
            "mcp": False,
            "write": False,
        }
    with served(tmp_path) as server:
        features = {
            scope: server.client.get("/api/v1/info", headers=secrets[scope]).json()["features"]["write"]
            for scope in ("read", "write")
        }
        assert features == {"read": False, "write": True}
