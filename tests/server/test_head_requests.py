"""HEAD has the header of GET, and no body."""

from __future__ import annotations

import pytest
from served import ServedApp


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/openapi.json", 200),
        ("/api/docs/files/swagger-ui.css", 200),
        ("/api/v1/collections/papers/files", 200),
        ("/api/v1/nothing", 404),
        ("/api/v1/ask", 405),
    ],
)
def test_head_is_get_without_a_body(server: ServedApp, path: str, status: int) -> None:
    head, get = server.client.head(path), server.client.get(path)
    assert head.status_code == get.status_code == status
    assert head.content == b""
    changing = {"date", "x-request-id"}
    assert {n: v for n, v in head.headers.items() if n not in changing} == {
        n: v for n, v in get.headers.items() if n not in changing
    }


def test_a_file_says_how_long_it_is(server: ServedApp) -> None:
    (file,) = server.client.get("/api/v1/collections/papers/files").json()["data"]
    path = f"/api/v1/collections/papers/files/{file['file_id']}/content"
    head = server.client.head(path)
    assert int(head.headers["Content-Length"]) == file["size"] == len(server.client.get(path).content)
