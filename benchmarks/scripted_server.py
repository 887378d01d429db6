"""A server with OpenAI's protocol on loopback, in a process of its own: every chat gets the same reply, after the same time.

python benchmarks/scripted_server.py 0.2      # prints its address, serves until its standard input ends
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPLY = "资料里写明了这一点[1]。"


@contextmanager
def scripted_server(delay: float) -> Iterator[str]:
    """The address of a server that takes ``delay`` seconds for each reply, and any number of requests at a time."""
    with subprocess.Popen(
        [sys.executable, Path(__file__), str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def _serve(delay: float) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                request = json.loads(await reader.readexactly(length) or b"{}")
                await asyncio.sleep(delay)
                writer.write(
                    _response("text/event-stream", events())
                    if request.get("stream")
                    else _response("application/json", json.dumps(whole()).encode())
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    async with server:
        await asyncio.to_thread(sys.stdin.read)


def whole() -> dict[str, Any]:
    """The reply as the body of a chat completion."""
    message = {"role": "assistant", "content": REPLY}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}


def events() -> bytes:
    """The reply as the events of a streamed chat completion."""
    pieces = [({"content": REPLY[i : i + 3]}, None) for i in range(0, len(REPLY), 3)]
    lines = []
    for delta, reason in [*pieces, ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [choice],
        }
        lines.append(f"data: {json.dumps(chunk)}\n\n")
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def _response(kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
