"""Behind a proxy: whom to believe, and where the server lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import served

FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
SESSION = "/api/v1/session"


def test_forwarded_headers_of_strangers_are_not_believed(tmp_path: Path, secret: str) -> None:
    with served(tmp_path, server={"trusted_proxies": ["192.0.2.0/24"]}) as server:
        opened = server.client.post(SESSION, json={"key": secret}, headers=FORWARDED)
        assert "Secure" not in opened.headers["Set-Cookie"]


def test_the_scheme_and_the_address_of_a_trusted_proxy_are_believed(tmp_path: Path, secret: str) -> None:
    with served(tmp_path, server={"trusted_proxies": ["127.0.0.0/8"]}) as server:
        opened = server.client.post(SESSION, json={"key": secret}, headers=FORWARDED)
        assert "Secure" in opened.headers["Set-Cookie"]

        def tried(address: str) -> int:
            forwarded = FORWARDED | {"X-Forwarded-For": address}
            return server.client.post(SESSION, json={"key": "x"}, headers=forwarded).status_code

        assert [tried(f"203.0.113.{number}") for number in range(21)] == [401] * 21
        assert [tried(f"2001:db8::{number}") for number in range(21)] == [401] * 20 + [429]


@pytest.mark.parametrize("prefix", ["", "/docs/qa"])
def test_a_path_before_the_server_is_there_or_cut_off(tmp_path: Path, secret: str, prefix: str) -> None:
    with served(tmp_path, server={"public_url": "https://example.com/docs/qa/"}) as server:
        assert server.client.get(f"{prefix}/healthz").status_code == 200
        key = {"X-API-Key": secret}
        document = server.client.get(f"{prefix}/openapi.json", headers=key).json()
        assert document["servers"] == [{"url": "/docs/qa"}]
        page = server.client.get(f"{prefix}/api/docs", headers=key).text
        assert "/docs/qa/api/docs/files/swagger-ui-bundle.js" in page
        script = server.client.get(f"{prefix}/api/docs/files/swagger-ui-bundle.js", headers=key)
        assert script.status_code == 200
        refused = server.client.get(f"{prefix}/v1/models")
        assert refused.json()["error"]["code"] == "unauthorized"
        asked = server.client.get(f"{prefix}/c/1", headers={"Accept": "text/html"}).text
        assert 'action="/docs/qa/login?next=/docs/qa/c/1"' in asked
        origin = {"Origin": "https://example.com"}
        sent = server.client.post(f"{prefix}/login?next=/docs/qa/c/1", data={"key": secret}, headers=origin)
        assert sent.headers["Location"] == "/docs/qa/c/1"
        assert server.client.delete(f"{prefix}{SESSION}", headers=origin).status_code == 204
