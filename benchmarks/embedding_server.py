"""Our local embedding model under OpenAI's protocol, on loopback, for servers of peers: they then search with the same
vectors. Chats get the reply of `scripted_server`, at once.

python benchmarks/embedding_server.py 8701      # serves until it is stopped; needs the extra server
"""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from scripted_server import events, whole
from starlette.responses import StreamingResponse

from qa_engine.config import EmbeddingConfig
from qa_engine.models.embedding import build_embedding

_LONGEST_QUESTION = 200
app = FastAPI()
model = build_embedding(EmbeddingConfig())


@app.post("/v1/embeddings")
async def embeddings(request: Request) -> dict[str, Any]:
    """Vectors of texts; short ones are embedded as questions."""
    body = await request.json()
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = await asyncio.to_thread(_embed, texts)
    if body.get("encoding_format") == "base64":
        values: list[Any] = [base64.b64encode(np.asarray(v, np.float32).tobytes()).decode() for v in vectors]
    else:
        values = vectors
    data = [{"object": "embedding", "index": i, "embedding": value} for i, value in enumerate(values)]
    return {
        "object": "list",
        "model": body["model"],
        "data": data,
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


def _embed(texts: list[str]) -> list[list[float]]:
    questions = all(len(text) <= _LONGEST_QUESTION for text in texts)
    return (
        [model.get_query_embedding(text) for text in texts]
        if questions
        else model.get_text_embedding_batch(texts)
    )


@app.post("/v1/chat/completions", response_model=None)
async def chat(request: Request) -> dict[str, Any] | StreamingResponse:
    """The same reply to everything."""
    body = await request.json()
    return (
        StreamingResponse(iter([events()]), media_type="text/event-stream") if body.get("stream") else whole()
    )


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
