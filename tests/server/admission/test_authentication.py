"""Nobody is let in without a key where one is needed, whichever way it is sent."""

from __future__ import annotations

from pathlib import Path

from served import ServedApp, served

from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.admission.login_page import is_local
from qa_engine.server.admission.sessions import COOKIE

INFO = "/api/v1/info"


def test_requests_without_a_right_key_are_refused(closed: ServedApp) -> None:
    for name, value in (
        ("Accept", "*/*"),
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer qae_wrong"),
        ("Authorization", "Basic cWFlOng="),
        ("X-API-Key", ""),
        ("Cookie", f"{COOKIE}=wrong"),
        ("Cookie", f'{COOKIE}="; x'),
    ):
        refused = closed.client.get(INFO, headers={name: value})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized"), value
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_all_but_the_health_of_the_server_needs_a_key(closed: ServedApp) -> None:
    for path in (
        "/",
        "/nothing",
        "/openapi.json",
        "/api/docs",
        "/metrics",
        "/healthz/",
        "/login/x",
        "/api/v1/session",
    ):
        assert closed.client.get(path).status_code == 401, path
    assert closed.client.get("/healthz").status_code == 200


def test_a_key_is_read_from_either_header_and_two_keys_are_refused(closed: ServedApp, secret: str) -> None:
    for name, value in (
        ("Authorization", f"Bearer {secret}"),
        ("authorization", f"bEARER  {secret}"),
        ("X-API-Key", secret),
    ):
        assert closed.client.get(INFO, headers={name: value}).status_code == 200
    two = closed.client.get(INFO, headers={"Authorization": f"Bearer {secret}", "X-API-Key": "other"})
    assert two.status_code == 400


def test_wrong_keys_are_limited_and_do_not_lock_out_right_ones(closed: ServedApp, secret: str) -> None:
    wrong = {"Authorization": "Bearer qae_wrong"}
    statuses = [closed.client.get(INFO, headers=wrong).status_code for _ in range(25)]
    assert statuses == [401] * 20 + [429] * 5
    limited = closed.client.post("/api/v1/session", json={"key": "x"})
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert closed.client.get(INFO, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert closed.client.get(INFO).status_code == 401


def test_a_removed_key_is_refused_and_the_server_stays_closed(
    closed: ServedApp, keys: KeyStore, secret: str
) -> None:
    key = {"Authorization": f"Bearer {secret}"}
    assert closed.client.get(INFO, headers=key).status_code == 200
    keys.remove("reader")
    assert closed.client.get(INFO, headers=key).status_code == 401
    assert closed.client.get(INFO).status_code == 401


def test_nobody_is_let_in_while_the_keys_cannot_be_read(closed: ServedApp, secret: str) -> None:
    closed.app.state.server.database.close()
    refused = closed.client.get(INFO, headers={"X-API-Key": secret})
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert closed.client.get(INFO).status_code == 401


def test_the_document_says_how_to_send_a_key(closed: ServedApp, secret: str) -> None:
    document = closed.client.get("/openapi.json", headers={"X-API-Key": secret}).json()
    schemes = document["components"]["securitySchemes"]
    assert {name for entry in document["security"] for name in entry} == set(schemes)
    assert (schemes["api_key"]["name"], schemes["session"]["name"]) == ("X-API-Key", COOKIE)


def test_a_server_on_loopback_is_open_until_there_is_a_key(tmp_path: Path, keys: KeyStore) -> None:
    with served(tmp_path) as server:
        assert server.client.get(INFO).status_code == 200
        assert server.client.get(INFO, headers={"Authorization": "Bearer anything"}).status_code == 200
        secret = keys.add("a", "read")
        assert server.client.get(INFO).status_code == 401
        assert server.client.get(INFO, headers={"X-API-Key": secret}).status_code == 200


def test_a_server_for_others_is_closed_even_without_keys(tmp_path: Path) -> None:
    with served(tmp_path, server={"host": "0.0.0.0"}) as server:
        assert server.client.get(INFO).status_code == 401
    with served(tmp_path, server={"host": "0.0.0.0"}, no_auth=True) as server:
        assert server.client.get(INFO).status_code == 200


def test_another_web_page_cannot_change_anything_on_an_open_server(tmp_path: Path) -> None:
    with served(tmp_path, server={"cors_origins": ["https://wiki.example"]}) as server:

        def status(**headers: str) -> int:
            return server.client.delete("/api/v1/session", headers=headers).status_code

        for origin in ("https://evil.example", "null", server.url + "1", "https://127.0.0.1"):
            assert status(Origin=origin) == 403, origin
        assert status() == status(Origin=server.url) == status(Origin="https://wiki.example") == 204


def test_a_key_is_exchanged_for_a_cookie_which_ends(closed: ServedApp, secret: str) -> None:
    refused = closed.client.post("/api/v1/session", json={"key": "qae_wrong"})
    assert (refused.status_code, refused.headers.get("Set-Cookie")) == (401, None)
    opened = closed.client.post("/api/v1/session", json={"key": secret})
    assert opened.json() == {"name": "reader", "scopes": ["read"], "collections": None}
    cookie = opened.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert secret not in cookie
    assert closed.client.get("/api/v1/session").json()["name"] == "reader"

    foreign: list[dict[str, str]] = [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
    for headers in foreign:
        refused = closed.client.delete("/api/v1/session", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    session = closed.client.cookies[COOKIE]
    assert closed.client.delete("/api/v1/session", headers={"Origin": closed.url}).status_code == 204
    assert not closed.client.cookies
    assert closed.client.get(INFO, headers={"Cookie": f"{COOKIE}={session}"}).status_code == 401


def test_a_page_without_a_key_asks_for_it_and_returns(closed: ServedApp, secret: str) -> None:
    asked = closed.client.get("/c/一?x=%22><b>", headers={"Accept": "text/html,*/*"})
    assert asked.status_code == 401
    assert asked.headers["Content-Type"].startswith("text/html")
    assert "<script" not in asked.text
    assert "<b>" not in asked.text
    action = asked.text.partition('action="')[2].partition('"')[0]
    own = {"Origin": closed.url}
    wrong = closed.client.post(action, data={"key": "qae_wrong"}, headers=own)
    assert wrong.status_code == 401
    assert 'role="alert"' in wrong.text
    right = closed.client.post(action, data={"key": f" {secret}\n"}, headers=own)
    assert right.status_code == 303
    assert right.headers["Location"].startswith("/c/%E4%B8%80?x=%22")
    assert closed.client.get(INFO).status_code == 200


def test_another_web_page_cannot_open_a_session_for_a_reader(closed: ServedApp, secret: str) -> None:
    foreign = {"Origin": "https://evil.example"}
    for path, options in (
        ("/login", {"data": {"key": secret}}),
        ("/api/v1/session", {"json": {"key": secret}}),
    ):
        refused = closed.client.post(path, headers=foreign, **options)  # type: ignore[arg-type]
        assert (refused.status_code, refused.headers.get("Set-Cookie")) == (403, None)


def test_nobody_is_sent_to_another_server(closed: ServedApp, secret: str) -> None:
    targets = [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/a\nb",
        "c/1",
        "",
    ]
    for target in targets:
        assert not is_local(target)
        sent = closed.client.post(
            "/login", params={"next": target}, data={"key": secret}, headers={"Origin": closed.url}
        )
        assert (sent.status_code, sent.headers["Location"]) == (303, "/"), target


def test_other_web_pages_may_ask_if_they_are_named(tmp_path: Path, secret: str) -> None:
    origin = {"Origin": "https://wiki.example"}
    asking = origin | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    allowed = "Access-Control-Allow-Origin"
    with served(tmp_path, server={"cors_origins": ["https://wiki.example"]}) as server:
        assert server.client.options(INFO, headers=asking).status_code == 200
        refused = server.client.options(INFO, headers=asking | {"Origin": "https://evil.example"})
        assert allowed not in refused.headers
        error = server.client.get(INFO, headers=origin)
        assert (error.status_code, error.headers[allowed]) == (401, "https://wiki.example")
        large = server.client.post("/api/v1/session", headers=origin, content=b" " * 2_000_000)
        assert (large.status_code, large.headers[allowed]) == (413, "https://wiki.example")
        foreign = server.client.get(INFO, headers={"Origin": "https://evil.example", "X-API-Key": secret})
        assert allowed not in foreign.headers
    with served(tmp_path) as server:
        answered = server.client.get(INFO, headers=origin | {"X-API-Key": secret})
        assert (answered.status_code, allowed in answered.headers) == (200, False)
