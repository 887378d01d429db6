"""The server of LightRAG with the same documents, questions, machine and embedding model as `serving`.

LightRAG is installed in an environment of its own, and its server is started with the environment variables of `SETTINGS`:

    python -m venv lightrag && lightrag/bin/pip install 'lightrag-hku[api]'
    python benchmarks/serving.py --work serving              # makes the PDFs and the questions
    python benchmarks/serving_lightrag.py serving lightrag/bin/lightrag-server

Its simplest mode, ``naive``, is measured: one search over vectors and, for ``ask``, one call of a language model that
answers at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import httpx
import pymupdf
import typer
from query import QUESTIONS_FILE
from report import RESULTS, Report, publish
from serving import AT_ONCE, load

from qa_engine.evaluation.metrics.significance import percentile

_MODELS, _SERVER = 8701, 8702
SETTINGS = {
    "LLM_BINDING": "openai",
    "LLM_BINDING_HOST": f"http://127.0.0.1:{_MODELS}/v1",
    "LLM_BINDING_API_KEY": "none",
    "LLM_MODEL": "m",
    "EMBEDDING_BINDING": "openai",
    "EMBEDDING_BINDING_HOST": f"http://127.0.0.1:{_MODELS}/v1",
    "EMBEDDING_BINDING_API_KEY": "none",
    "EMBEDDING_MODEL": "m",
    "EMBEDDING_DIM": "384",
    "RERANK_BINDING": "null",
    "ENABLE_LLM_CACHE": "false",
    "TIKTOKEN_MODEL_NAME": "gpt-4",
}
"""Without a graph, a cache or a reranker. The tokenizer is one that LlamaIndex brings: no download."""


def main(
    work: Annotated[Path, typer.Argument(help="The folder --work of serving.py.")],
    command: Annotated[Path, typer.Argument(help="lightrag-server.")],
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure requests a second of LightRAG's server."""
    questions = json.loads((work / QUESTIONS_FILE).read_text(encoding="utf-8"))
    folder = work / "lightrag"
    folder.mkdir(exist_ok=True)
    (folder / ".env").touch()
    tokenizers = Path(str(find_spec("llama_index.core").origin)).parent / "_static" / "tiktoken_cache"  # type: ignore[union-attr]
    environment = {**os.environ, **SETTINGS, "TIKTOKEN_CACHE_DIR": str(tokenizers)}
    with ExitStack() as stack:
        models = [sys.executable, str(Path(__file__).with_name("embedding_server.py")), str(_MODELS)]
        server = [
            str(command.absolute()),
            "--host",
            "127.0.0.1",
            "--port",
            str(_SERVER),
            "--working-dir",
            "index",
        ]
        for arguments in (models, server):
            process = stack.enter_context(
                subprocess.Popen(
                    arguments,
                    cwd=folder,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.terminate)
        url = f"http://127.0.0.1:{_SERVER}"
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
        _await(client)
        _insert(client, work)
        found = []
        for name, only_context in (("search", True), ("ask", False)):
            for at_once in AT_ONCE:
                asked = (questions * 4)[: max(100, at_once * 8)]
                bodies = [
                    {"query": question, "mode": "naive", "only_need_context": only_context}
                    for question in asked
                ]
                rate, times, errors = asyncio.run(load(url, "/query", bodies, at_once))
                found.append(
                    {
                        **{"path": name, "at_once": at_once, "rate": rate, "errors": errors},
                        **{"p50": percentile(times, 0.5), "p95": percentile(times, 0.95)},
                    }
                )
    rows = [
        [
            f"{one['path']}, {one['at_once']} clients",
            *(f"{one['rate']:.1f}", f"{one['p50'] * 1e3:.0f}", f"{one['p95'] * 1e3:.0f}", str(one["errors"])),
        ]
        for one in found
    ]
    report = Report("LightRAG, naive mode", ["", "questions/s", "p50 ms", "p95 ms", "errors"], rows)
    results: dict[str, Any] = {"load": found}
    publish(out, "serving_lightrag", [report], results)


def _await(client: httpx.Client) -> None:
    while True:
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.2)


def _insert(client: httpx.Client, work: Path) -> None:
    """Inserts the text of the PDFs; what is there already is skipped by the server."""
    texts, names = [], []
    for file in sorted((work / "pdf").glob("*.pdf")):
        with pymupdf.open(file) as document:
            texts.append("\n".join(page.get_text() for page in document))
        names.append(file.name)
    client.post("/documents/texts", json={"texts": texts, "file_sources": names}).raise_for_status()
    time.sleep(2)
    while client.get("/documents/pipeline_status").json()["busy"]:
        time.sleep(1)


if __name__ == "__main__":
    typer.run(main)
