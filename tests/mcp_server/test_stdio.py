"""``qa-engine mcp`` in a process of its own, as programs start it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run
from mcp import Client, StdioServerParameters
from mcp_client import ERAS, called, ids_of, object_of, refused, text_of

QUESTION = "西湖的平均水深是多少？"


def command(storage: Path, cache: Path, *options: str) -> StdioServerParameters:
    """How a program starts the server."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "qa_engine", "mcp", "--storage", str(storage), *options],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "QA_ENGINE_CACHE": str(cache),
        },
    )


@pytest.mark.parametrize("era", ERAS)
async def test_every_reading_tool_works_over_stdio(documents: Path, model_cache: Path, era: str) -> None:
    async with Client(command(documents, model_cache, "-c", "西湖"), mode=era) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools == ["ask", "search", "fetch", "show_citation", "list_documents", "outline"]
        answer = text_of(await called(client, "ask", question=QUESTION))
        assert "2.27" in answer
        found = object_of(await called(client, "search", query=QUESTION))["results"][0]
        assert object_of(await called(client, "fetch", id=found["id"]))["id"] == found["id"]
        shown = await called(client, "show_citation", id=ids_of(answer)[0])
        assert [content.type for content in shown.content][:2] == ["text", "image"]
        identifier = text_of(await called(client, "list_documents")).split("id: ")[1].split("\n")[0]
        assert "西湖介绍.pdf" in text_of(await called(client, "outline", file_id=identifier))
        assert "planets" not in text_of(await called(client, "list_documents"))
        assert "no passage" in await refused(client, "show_citation", id="a-0000001")


async def test_files_are_added_and_deleted_over_stdio(root: Path, tmp_path: Path, model_cache: Path) -> None:
    options = ("--write", "--root", str(root))
    async with Client(command(tmp_path / "storage", model_cache, *options)) as client:
        assert "ingest" in await refused(client, "ask", question=QUESTION)
        assert "已添加" in text_of(await called(client, "add_document", path="sub/planets.pdf"))
        assert "--root" in await refused(
            client, "add_document", path=str(tmp_path / "outside" / "secret.pdf")
        )
        identifier = text_of(await called(client, "list_documents")).split("id: ")[1].split("\n")[0]
        assert "planets.pdf" in text_of(await called(client, "delete_document", id=identifier))


def test_standard_output_holds_nothing_but_the_protocol(documents: Path, model_cache: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        "this is no message",
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list_documents"}},
    ]
    lines = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in messages)
    started = command(documents, model_cache)
    with subprocess.Popen(
        [started.command, *started.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=started.env,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines)
        process.stdin.flush()
        answers: dict[int, dict[str, object]] = {}
        while set(answers) != {1, 2}:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            content = json.loads(line)
            assert content["jsonrpc"] == "2.0"
            if isinstance(content.get("id"), int):
                answers[content["id"]] = content
        process.stdin.close()  # the program has left: so does the server
        assert process.stdout.read() == ""
        assert process.wait(30) == 0
    assert "西湖介绍.pdf" in str(answers[2])


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    done = run("mcp", "--root", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert "--write" in done.stderr
    done = run("mcp", "--write", "--root", str(tmp_path / "none"), cwd=tmp_path)
    assert done.returncode == 2
    assert "none" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npx") is None, reason="needs npx")
def test_the_inspector_of_the_protocol_lists_and_calls(documents: Path, model_cache: Path) -> None:
    started = command(documents, model_cache, "-c", "西湖")
    inspector = ["npx", "--yes", "@modelcontextprotocol/inspector", "--cli", started.command, *started.args]

    def inspect(*options: str) -> dict[str, object]:
        done = subprocess.run(
            [*inspector, *options], env=started.env, capture_output=True, text=True, timeout=200, check=False
        )
        if "npm error" in done.stderr:
            pytest.skip("the inspector cannot be installed here")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    listed = inspect("--method", "tools/list")
    assert "show_citation" in json.dumps(listed)
    called = inspect("--method", "tools/call", "--tool-name", "ask", "--tool-arg", f"question={QUESTION}")
    assert "2.27" in json.dumps(called)
