"""The client of the protocol's own SDK, connected to a library in this process; and what tests look at in results."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pymupdf
from mcp import Client
from mcp_types import CallToolResult

from qa_engine.mcp.library import Library
from qa_engine.mcp.serving import build_server

ERAS = ("auto", "legacy")
"""The modes of the client: the protocol of 2026, and that of 2025 with its handshake."""


@asynccontextmanager
async def connected(library: Library, era: str = "auto") -> AsyncIterator[Client]:
    """A client of a library, in this process."""

    async def same(context: object) -> Library:
        return library

    async with Client(build_server(same), mode=era) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    """The result of a tool, which must be none of an error."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return result


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The sentence with which a tool refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    assert len(result.content) == 1
    sentence = text_of(result)
    assert 20 < len(sentence) < 1500
    return sentence


def text_of(result: CallToolResult) -> str:
    """The text of a result, which is its first content."""
    content = result.content[0]
    assert content.type == "text"
    return str(content.text)


def object_of(result: CallToolResult) -> dict[str, Any]:
    """The object of a result, which is its structured content and its only text."""
    assert len(result.content) == 1
    content = json.loads(text_of(result))
    assert content == result.structured_content
    assert isinstance(content, dict)
    return content


def ids_of(text: str) -> list[str]:
    """The ids of passages in a text."""
    return re.findall(r"\[c:([^\]]+)\]", text)


def colours_of(picture: str) -> set[tuple[int, int, int]]:
    """The colours of a PNG of some size, which is in base64."""
    pixmap = pymupdf.Pixmap(base64.b64decode(picture))
    assert min(pixmap.width, pixmap.height) > 500
    return {tuple(pixel) for pixel in pixmap.color_count(colors=True)}
