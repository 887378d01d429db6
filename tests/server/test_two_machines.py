"""Two servers that share no folder, only a search engine and a Chroma server, are one library to whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from chroma_process import ChromaProcess
from job_children import PLAIN
from pdf_factory import chinese_pdf
from search_server import SearchCluster
from served import served
from shared_index import index_settings
from upload_server import UploadServer

from qa_engine.ingestion.ingest import ingest_uploads

NAME = "西湖 É"
FILE = "西湖介绍.pdf"
QUESTION = "西湖有多大？"
Machines = tuple[UploadServer, UploadServer]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True),
]


@pytest.fixture
def machines(
    tmp_path: Path, search_server: SearchCluster, chroma_server: ChromaProcess, local_model: Path
) -> Iterator[Machines]:
    index = index_settings(search_server, chroma_server)
    with ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            storage = tmp_path / name
            one = UploadServer(stack.enter_context(served(storage, NAME, index=index)), storage)
            one.state.jobs._worker._child_module = PLAIN
            servers.append(one)
        first, second = servers
        yield first, second


def upload(server: UploadServer, path: Path, name: str = FILE) -> dict[str, Any]:
    response = server.client.put(f"{server.files(quote(NAME))}/{quote(name)}", content=path.read_bytes())
    assert response.status_code == 202, response.text
    job: dict[str, Any] = server.over(response.json()["id"])
    assert job["state"] == "succeeded", job
    return job


def asked(server: UploadServer) -> httpx.Response:
    return server.client.post("/api/v1/ask", json={"question": QUESTION, "collections": [NAME]})


def test_what_one_machine_takes_in_the_other_answers_from_shows_and_takes_out(
    machines: Machines, tmp_path: Path
) -> None:
    first, second = machines
    upload(first, chinese_pdf(tmp_path / FILE))

    (listed,) = second.client.get("/api/v1/collections").json()["data"]
    assert (listed["collection"], listed["files"]) == (NAME, 1)
    assert second.client.get("/readyz").json() == {"status": "ok"}
    answer = asked(second)
    assert answer.status_code == 200, answer.text
    citation = answer.json()["citations"][0]
    assert citation["file"] == FILE

    # The link is good on both; the page is drawn where the file is.
    shown = first.client.get(f"/api/v1/citations/{citation['id']}").json()
    assert shown["pages"][0]["image"]
    elsewhere = second.client.get(f"/api/v1/citations/{citation['id']}").json()
    assert (elsewhere["text"], elsewhere["pages"], elsewhere["content"]) == (shown["text"], [], None)
    page = second.client.get(f"/c/{citation['id']}", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert shown["text"].split()[0][:10] in page.text
    assert "on another server" in page.text

    files = second.client.get(second.files(quote(NAME)), params={"states": True}).json()["data"]
    assert [(file["file"], file["state"]) for file in files] == [(FILE, "elsewhere")]
    place = f"{second.files(quote(NAME))}/{files[0]['file_id']}"
    content = second.client.get(f"{place}/content")
    assert (content.status_code, content.json()["code"]) == (404, "elsewhere")
    about = second.client.get(f"{place}/pages/1").json()
    assert (about["image"], bool(about["sentences"])) == (None, True)

    gone = first.client.delete(f"{first.files(quote(NAME))}/{files[0]['file_id']}")
    assert gone.status_code in {200, 202, 204}, gone.text
    first.finish_jobs()
    assert second.client.get(second.files(quote(NAME))).json()["data"] == []
    assert not asked(second).json().get("citations")
    assert second.client.get(f"/api/v1/citations/{citation['id']}").status_code in {404, 410}
    assert [path.name for path in (first.storage / "uploads").iterdir() if path.name[0] != "."] == []


def test_a_file_that_both_machines_took_in_is_stored_once_and_drawn_on_both(
    machines: Machines, tmp_path: Path
) -> None:
    first, second = machines
    path = chinese_pdf(tmp_path / FILE)
    upload(first, path)
    again = second.client.put(f"{second.files(quote(NAME))}/{quote(FILE)}", content=path.read_bytes())
    assert (again.status_code, again.json()["status"]) == (200, "unchanged")
    (file,) = second.client.get(second.files(quote(NAME)), params={"states": True}).json()["data"]
    assert file["state"] == "unchanged"
    image = second.client.get(f"{second.files(quote(NAME))}/{file['file_id']}/pages/1.png")
    assert image.status_code == 200


def test_a_collection_that_one_machine_removes_is_gone_and_made_again_on_the_other(
    machines: Machines, tmp_path: Path
) -> None:
    first, second = machines
    path = chinese_pdf(tmp_path / FILE)
    upload(first, path)
    assert asked(second).json()["citations"]
    assert first.client.delete(f"/api/v1/collections/{quote(NAME)}").status_code == 204
    assert second.client.get("/api/v1/collections").json()["data"] == []
    refused = asked(second)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    made = second.client.post("/api/v1/collections", json={"name": NAME})
    assert made.status_code == 201
    assert first.client.post("/api/v1/collections", json={"name": NAME}).status_code == 409
    empty = asked(first)
    assert (empty.status_code, empty.json()["code"]) == (409, "nothing_ingested")
    upload(second, path)
    assert asked(first).json()["citations"]


def test_a_search_engine_that_is_gone_makes_a_server_unready_and_not_wait(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = machines
    while first.client.get("/readyz").status_code != 200:
        first.client.get("/healthz")
    probe = first.state.search_engine
    away = {"search_url": "http://127.0.0.1:9"}
    monkeypatch.setattr(probe, "_config", probe._config.model_copy(update=away))
    monkeypatch.setattr(probe, "_looked", float("-inf"))
    refused = first.client.get("/readyz")
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert "127.0.0.1" not in refused.text
    assert first.client.get("/healthz").status_code == 200


def test_files_are_read_again_where_their_bytes_are(machines: Machines, tmp_path: Path) -> None:
    first, second = machines
    upload(first, chinese_pdf(tmp_path / FILE))
    elsewhere = ingest_uploads(None, collection=NAME, config=second.state.config)
    assert (elsewhere.unchanged, elsewhere.failures) == (0, [])
    here = ingest_uploads(None, collection=NAME, config=first.state.config)
    assert (here.unchanged, here.failures) == (1, [])
