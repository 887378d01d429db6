"""The tools over HTTP: in both eras of the protocol, with the keys, scopes, collections and limits of the server."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_client import ERAS, called, colours_of, ids_of, object_of, refused, text_of
from pdf_factory import chinese_pdf, english_pdf
from served import ServedApp, served

from qa_engine import ingest
from qa_engine.documents.pdf.rendering import MARK
from qa_engine.server.admission.keys import KeyStore

READING = ["ask", "search", "fetch", "show_citation", "list_documents", "outline"]
QUESTION = "西湖的平均水深是多少？"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A storage with the collections ``西湖`` and ``planets``, of one file each. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("over-http")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(chinese_pdf(folder / "西湖介绍.pdf", lines_per_page=4), folder / "storage", "西湖", {})
        ingest(english_pdf(folder / "planets.pdf"), folder / "storage", "planets", {})
    return folder / "storage"


@pytest.fixture(scope="module")
def open_server(documents: Path, model_cache: Path) -> Iterator[ServedApp]:
    """A server without keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(documents, "西湖", "planets", server={"mcp": "write"}) as one:
            yield one


@asynccontextmanager
async def over_http(server: ServedApp, key: str | None = None, era: str = "auto") -> AsyncIterator[Client]:
    """A client of the SDK."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


@pytest.mark.parametrize("era", ERAS)
async def test_every_reading_tool_works_over_http(open_server: ServedApp, era: str) -> None:
    async with over_http(open_server, era=era) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools == [*READING, "delete_document"]
        answer = text_of(await called(client, "ask", question=QUESTION))
        assert "2.27" in answer
        identifier = ids_of(answer)[0]
        link = f"{open_server.url}/c/{identifier}"
        assert link in answer
        assert open_server.client.get(link).status_code == 200
        found = object_of(await called(client, "search", query=QUESTION))["results"][0]
        assert found["url"].startswith(f"{open_server.url}/c/")
        fetched = object_of(await called(client, "fetch", id=found["id"]))
        assert fetched["url"] == found["url"]
        shown = await called(client, "show_citation", id=identifier)
        assert link in text_of(shown)
        assert shown.content[1].type == "image"
        assert MARK in colours_of(shown.content[1].data)
        listed = text_of(await called(client, "list_documents", collection="西湖"))
        document = listed.split("id: ")[1].split("\n")[0]
        assert "西湖介绍.pdf" in text_of(await called(client, "outline", file_id=document))
        assert object_of(await called(client, "fetch", id=document))["metadata"]["file"] == "西湖介绍.pdf"
        page = (await client.read_resource(f"qa://{document}/page/1")).contents[0]
        assert MARK not in colours_of(page.blob)
        refusal = text_of(await called(client, "ask", question="火星的平均气温是多少？"))
        assert refusal.startswith("我无法回答您的问题")
        assert "最接近的段落" in refusal


@pytest.mark.parametrize("era", ERAS)
async def test_errors_are_told_by_tools_without_folders(
    open_server: ServedApp, documents: Path, era: str
) -> None:
    async with over_http(open_server, era=era) as client:
        for tool, arguments in (
            ("ask", {"question": QUESTION, "collections": ["other"]}),
            ("ask", {"question": QUESTION, "filters": ["nonsense"]}),
            ("ask", {"question": "x" * 5000}),
            ("fetch", {"id": "../../etc/passwd"}),
            ("show_citation", {"id": "a-0000001"}),
            ("outline", {"file_id": "西湖/" + "0" * 16}),
            ("list_documents", {"collection": "_server"}),
            ("delete_document", {"id": "0" * 16}),
        ):
            sentence = await refused(client, tool, **arguments)
            assert str(documents.parent) not in sentence
            assert not sentence.startswith(" ")


async def test_a_key_sees_its_collections_and_deletes_with_its_scope_alone(
    documents: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    own = Path(shutil.copytree(documents, tmp_path / "storage"))
    ingest(english_pdf(tmp_path / "goes.pdf"), own, "goes", {})
    with served(own, "西湖", "planets", server={"mcp": "write"}) as server:
        keys: KeyStore = server.app.state.server.authenticator.keys
        reader = keys.add("reader", "read")
        limited = keys.add("limited", "read", ["planets"])
        writer = keys.add("writer", "write", ["goes"])
        async with over_http(server, reader) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == READING
            lake = object_of(await called(client, "search", query=QUESTION))["results"][0]["id"]
            listed = text_of(await called(client, "list_documents"))
        lake_file = next(line for line in listed.split("\n") if "西湖介绍" in line).split("id: ")[1]
        async with over_http(server, limited) as client:
            listed = text_of(await called(client, "list_documents"))
            assert "planets.pdf" in listed
            assert "西湖" not in listed
            assert "goes" not in listed
            for tool, arguments in (
                ("fetch", {"id": lake}),
                ("fetch", {"id": lake_file}),
                ("fetch", {"id": lake_file.rpartition("/")[2]}),
                ("show_citation", {"id": lake}),
                ("outline", {"file_id": lake_file}),
                ("list_documents", {"collection": "西湖"}),
                ("ask", {"question": QUESTION, "collections": ["西湖"]}),
            ):
                assert "There is no" in await refused(client, tool, **arguments)
            assert "planets.pdf" in text_of(
                await called(client, "ask", question="Which planet is the largest?")
            )
        async with over_http(server, writer) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == [*READING, "delete_document"]
            assert "There is no" in await refused(client, "delete_document", id=lake_file)
            goes = text_of(await called(client, "list_documents")).split("id: ")[1].split("\n")[0]
            assert "goes.pdf" in text_of(await called(client, "delete_document", id=goes))
            assert "There is no document" in await refused(client, "outline", file_id=goes)
        for key in (None, "qae_wrong"):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            response = server.client.post("/mcp", json={}, headers=headers)
            assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def post(server: ServedApp, content: Any, **headers: str) -> Any:
    """The response to a request that no client of the SDK sends."""
    accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return server.client.post("/mcp", content=body, headers=accept | headers)


def test_the_server_guards_the_endpoint_as_all_others(open_server: ServedApp) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert post(open_server, hello).status_code == 200
    assert post(open_server, hello, Host="evil.example").status_code == 421
    assert post(open_server, hello, Origin="https://evil.example").status_code == 403
    assert post(open_server, b"x" * 2_000_000).status_code == 413
    assert 400 <= post(open_server, b"{").status_code < 500
    assert 400 <= post(open_server, [], **{"Mcp-Protocol-Version": "1999-01-01"}).status_code < 500
    for method in ("GET", "DELETE", "PUT"):
        response = open_server.client.request(method, "/mcp", headers={"Accept": "text/event-stream"})
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"
    assert open_server.client.get("/api/v1/info").json()["features"]["mcp"] is True
    metrics = open_server.client.get("/metrics").text
    assert 'method="POST",route="/mcp",status="200"' in metrics


def test_a_chunked_body_is_counted(open_server: ServedApp) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    try:
        response = open_server.client.post("/mcp", content=chunks(), headers=headers)
    except httpx2.TransportError:
        pass  # the server has left before all of it was sent
    else:
        assert response.status_code == 413
    assert post(open_server, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).status_code == 200


async def test_several_calls_run_at_once(open_server: ServedApp) -> None:
    async with over_http(open_server) as client:
        results = await asyncio.gather(*(called(client, "ask", question=QUESTION) for _ in range(8)))
    assert len({text_of(result) for result in results}) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_the_question_of_a_client_that_leaves_ends(
    open_server: ServedApp, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa_engine.engine import QueryEngine

    begun, left = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def endless(*arguments: object, **options: object) -> AsyncIterator[None]:
        loop.call_soon_threadsafe(begun.set)
        try:
            await asyncio.sleep(60)
            yield
        finally:
            loop.call_soon_threadsafe(left.set)

    monkeypatch.setattr(QueryEngine, "aevents", endless)
    async with over_http(open_server, era=era) as client:
        call = asyncio.create_task(client.call_tool("ask", {"question": QUESTION}))
        await asyncio.wait_for(begun.wait(), 20)
        call.cancel()
        await asyncio.wait([call])
    await asyncio.wait_for(left.wait(), 20)
    deadline = time.monotonic() + 10
    while open_server.app.state.server.questions.queue.running and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert open_server.app.state.server.questions.queue.running == 0


def test_without_the_setting_there_is_no_endpoint(
    documents: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    with served(documents, "planets") as server:
        assert post(server, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).status_code in {404, 405}
        assert server.client.get("/api/v1/info").json()["features"]["mcp"] is False


def test_without_the_package_the_server_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa_engine.config import Config
    from qa_engine.errors import ModelUnavailableError
    from qa_engine.server.app import create_app

    monkeypatch.setattr("qa_engine.extras.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailableError, match=r"qa-engine\[mcp\]"):
        create_app(Config(storage=tmp_path, server={"mcp": "read"}))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npx") is None, reason="needs npx")
def test_the_inspector_of_the_protocol_lists_and_calls(open_server: ServedApp) -> None:
    inspector = ["npx", "--yes", "@modelcontextprotocol/inspector", "--cli", f"{open_server.url}/mcp"]

    def inspect(*options: str) -> str:
        done = subprocess.run(
            [*inspector, "--transport", "http", *options],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        if "npm error" in done.stderr:
            pytest.skip("the inspector cannot be installed here")
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "show_citation" in inspect("--method", "tools/list")
    called = inspect("--method", "tools/call", "--tool-name", "ask", "--tool-arg", f"question={QUESTION}")
    assert "2.27" in called
