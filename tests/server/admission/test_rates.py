"""Rates: nobody gets more than is allowed, and nobody pays for others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from pydantic import ValidationError
from served import served

from qa_engine.config.server import ServerConfig
from qa_engine.server.admission.keys import KeyStore
from qa_engine.server.admission.rates import MovingWindow, rate_of

INFO = "/api/v1/info"


@pytest.mark.parametrize(
    "rate", ["", "60", "0/minute", "60/week", "60 per minute", "-1/minute", "100000/second"]
)
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValidationError, match="rate_limit"):
        ServerConfig(rate_limit=rate)


def test_only_servers_for_others_have_a_limit_by_themselves() -> None:
    assert rate_of(ServerConfig()) is None
    assert rate_of(ServerConfig(host="0.0.0.0")) == "600/minute"
    assert rate_of(ServerConfig(host="0.0.0.0", rate_limit="off")) is None
    assert rate_of(ServerConfig(rate_limit="5/second")) == "5/second"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 30)), max_size=60))
def test_within_any_minute_no_client_gets_more_than_its_share(steps: list[tuple[str, float]]) -> None:
    now = 0.0
    window = MovingWindow(parse("5/minute"), clock=lambda: now)
    allowed: dict[str, list[float]] = {"a": [], "b": []}
    for client, pause in steps:
        now += pause
        recent = [time for time in allowed[client] if time > now - 60]
        assert window.left(client) == 5 - len(recent)
        if window.count(client):
            assert len(recent) < 5
            allowed[client].append(now)
        else:
            assert len(recent) == 5
            assert window.wait(client) == pytest.approx(recent[0] + 60 - now)


def test_many_clients_need_little_room() -> None:
    window = MovingWindow.of("5/hour")
    for number in range(30_000):
        assert window.count(str(number))
    assert window.left("0") == 5
    assert window.left("29999") == 4


def test_requests_over_the_limit_are_refused_before_their_body_is_read(
    tmp_path: Path, keys: KeyStore
) -> None:
    first, second = ({"X-API-Key": keys.add(name, "read")} for name in ("a", "b"))
    with served(tmp_path, server={"rate_limit": "3/hour"}) as server:
        for left in (2, 1, 0):
            answered = server.client.get(INFO, headers=first)
            assert answered.status_code == 200
            assert answered.headers["RateLimit-Policy"] == '"requests";q=3;w=3600'
            assert answered.headers["RateLimit"].startswith(f'"requests";r={left};t=')
        refused = server.client.post("/api/v1/session", headers=first, content=b" " * 2_000_000)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 0 < int(refused.headers["Retry-After"]) <= 3600
        assert server.client.get("/healthz", headers=first).status_code == 200
        assert server.client.get(INFO, headers=second).status_code == 200


def test_without_keys_each_address_has_its_share(tmp_path: Path) -> None:
    settings = {"rate_limit": "2/hour", "trusted_proxies": ["127.0.0.1"]}
    with served(tmp_path, server=settings) as server:

        def status(address: str) -> int:
            return server.client.get(INFO, headers={"X-Forwarded-For": address}).status_code

        assert [status("203.0.113.1") for _ in range(3)] == [200, 200, 429]
        assert [status(f"2001:db8::{number}") for number in range(3)] == [200, 200, 429]
        assert status("2001:db8:0:1::1") == 200
