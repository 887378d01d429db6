"""Keys over HTTP: made, listed and removed by those who run the server, and the first one of an open server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import ServedApp, served

from qa_engine.server import access
from qa_engine.server.access import INCLUDED_SCOPES, Access
from qa_engine.server.admission.sessions import COOKIE

ADDRESS = "/api/v1/keys"


@pytest.fixture
def own_server(tmp_path: Path, model_cache: Path) -> Iterator[ServedApp]:
    """An open server over an empty storage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(tmp_path / "storage", "default") as one:
            yield one


def make(server: ServedApp, name: str = "operator", scope: str = "admin", **fields: Any) -> dict[str, Any]:
    response = server.client.post(ADDRESS, json={"name": name, "scope": scope, **fields})
    assert response.status_code == 201, response.text
    key: dict[str, Any] = response.json()
    return key


def test_the_first_key_closes_the_server_and_lets_its_maker_stay(own_server: ServedApp) -> None:
    limited = {"name": "first", "scope": "admin", "collections": ["default"]}
    for refused in ({"name": "first", "scope": "read"}, limited):
        assert own_server.client.post(ADDRESS, json=refused).status_code == 422
    key = make(own_server)
    assert COOKIE in own_server.client.cookies
    assert httpx.get(f"{own_server.url}{ADDRESS}").status_code == 401
    with httpx.Client(base_url=own_server.url, headers={"X-API-Key": key["secret"]}) as other:
        (listed,) = other.get(ADDRESS).json()["data"]
    assert (listed["name"], listed["own"], listed["collections"]) == ("operator", True, None)
    assert "secret" not in listed
    own_server.client.headers["Origin"] = own_server.url
    assert own_server.client.get(ADDRESS).status_code == 200
    second = make(own_server, "资料 上传", "write", collections=["default", "../合同"])
    assert second["secret"] != key["secret"]
    assert second["collections"] == ["../合同", "default"]
    assert own_server.client.post(ADDRESS, json={"name": "资料 上传", "scope": "read"}).status_code == 409
    assert own_server.client.delete(f"{ADDRESS}/资料 上传").status_code == 204
    assert own_server.client.delete(f"{ADDRESS}/资料 上传").status_code == 404
    assert own_server.client.delete(f"{ADDRESS}/operator").status_code == 422
    assert own_server.client.delete(f"{ADDRESS}/operator", params={"confirm": True}).status_code == 204
    assert own_server.client.get(ADDRESS).status_code == 401


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, "a\nb", "\u202ea"])
def test_what_is_no_name_is_refused(own_server: ServedApp, name: str) -> None:
    assert own_server.client.post(ADDRESS, json={"name": name, "scope": "admin"}).status_code == 422
    assert own_server.client.get(ADDRESS).json()["data"] == []


def test_keys_that_may_not_look_at_keys(own_server: ServedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (
        Access("limited", collections=frozenset({"default"})),
        Access("writer", INCLUDED_SCOPES["write"]),
    ):
        monkeypatch.setattr(access, "access_of", lambda request, one=one: one)
        assert own_server.client.get(ADDRESS).status_code == 403
        assert own_server.client.post(ADDRESS, json={"name": "x", "scope": "admin"}).status_code == 403
        assert own_server.client.delete(f"{ADDRESS}/x").status_code == 403
