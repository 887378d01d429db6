"""Questions at the same time on one engine, beside the bare requests to the same language model, in one run.

    python benchmarks/concurrency.py --at-once 32 --questions 128 --delay 0.5

The model is a server on loopback, in a process of its own, that replies after a fixed time; whatever throughput is missing
beside the bare requests is the work of retrieval and answering on this machine. The example PDFs are asked, with the
local models.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from openai import AsyncOpenAI
from report import RESULTS, Report, publish
from scripted_server import scripted_server

from qa_engine import Config, QueryEngine, ingest

EXAMPLES = Path(__file__).parents[1] / "examples"
_BEAT = 0.005


@dataclass
class Run:
    """How one way of asking went.

    Attributes:
        name: of the way.
        seconds: for all questions.
        each: for every question.
        longest_block: longest time, beyond the beat, that the event loop did nothing else; None without a loop.
    """

    name: str
    seconds: float = 0.0
    each: list[float] = field(default_factory=list)
    longest_block: float | None = None

    @property
    def rate(self) -> float:
        """Questions a second."""
        return len(self.each) / self.seconds


async def in_loop(
    name: str, ask: Callable[[str], Awaitable[object]], questions: Sequence[str], at_once: int
) -> Run:
    """Asks in one event loop, and watches whether it is ever blocked."""
    run, turns, blocks, done = Run(name), asyncio.Semaphore(at_once), [0.0], asyncio.Event()

    async def one(question: str) -> None:
        async with turns:
            started = time.perf_counter()
            await ask(question)
            run.each.append(time.perf_counter() - started)

    async def beat() -> None:
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(_BEAT)
            blocks.append(time.perf_counter() - before - _BEAT)

    beating = asyncio.create_task(beat())
    started = time.perf_counter()
    await asyncio.gather(*(one(question) for question in questions))
    run.seconds = time.perf_counter() - started
    done.set()
    await beating
    run.longest_block = max(blocks)
    return run


def in_threads(name: str, ask: Callable[[str], object], questions: Sequence[str], at_once: int) -> Run:
    """Asks from as many threads."""
    run = Run(name)

    def one(question: str) -> None:
        started = time.perf_counter()
        ask(question)
        run.each.append(time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, questions))
    run.seconds = time.perf_counter() - started
    return run


def bare(url: str, prompt: str) -> Callable[[str], Awaitable[object]]:
    """One request to the language model for a question, with a prompt of the size that the engine sends, and no more."""
    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

    async def ask(question: str) -> object:
        messages = [{"role": "user", "content": f"{prompt}\n{question}"}]
        return await client.chat.completions.create(model="m", messages=messages)  # type: ignore[call-overload]

    return ask


def streamed(engine: QueryEngine) -> Callable[[str], Awaitable[object]]:
    """Reads a stream to its end."""

    async def ask(question: str) -> object:
        stream = engine.astream(question)
        async for _ in stream:
            pass
        return stream.answer

    return ask


def main(
    at_once: Annotated[int, typer.Option(min=1)] = 32,
    questions: Annotated[int, typer.Option(min=1)] = 128,
    delay: Annotated[float, typer.Option(min=0, help="Seconds that the language model takes.")] = 0.5,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Print a table of throughput and latency."""
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    known = [q["question"] for q in map(json.loads, lines) if q["answerable"]]
    asked = [known[i % len(known)] for i in range(questions)]
    with tempfile.TemporaryDirectory() as storage, scripted_server(delay) as url:
        ingest(EXAMPLES, storage=storage)
        # Every question reaches the model: a refusal would be cheap.
        config = Config(llm={"model": "m", "base_url": url}, answering={"llm_threshold": 0})
        engine = QueryEngine.open(storage, config=config)
        warm = engine.query(known[0])
        prompt = "\n".join(node.get_content() for node in warm.source_nodes)

        async def loops() -> list[Run]:
            return [
                await in_loop("bare requests", bare(url, prompt), asked, at_once),
                await in_loop("aquery", engine.aquery, asked, at_once),
                await in_loop("astream", streamed(engine), asked, at_once),
            ]

        runs = [*asyncio.run(loops()), in_threads("query, in threads", engine.query, asked, at_once)]
        for question in asked[:8]:
            engine.retrieve(question, 5)
        started = time.perf_counter()
        for question in asked[:32]:
            engine.retrieve(question, 5)
        retrieval = (time.perf_counter() - started) / len(asked[:32])
    report = concurrency_report(runs, at_once, questions, delay, retrieval)
    results = {
        "at_once": at_once,
        "questions": questions,
        "delay": delay,
        "retrieval": retrieval,
        "runs": [{**asdict(run), "rate": run.rate} for run in runs],
    }
    publish(out, "concurrency", [report], results)


def concurrency_report(
    runs: Sequence[Run], at_once: int, questions: int, delay: float, retrieval: float
) -> Report:
    """A row for each way of asking."""
    rows = []
    for run in runs:
        ordered = sorted(run.each)
        rows.append(
            [
                run.name,
                f"{run.rate:.1f}",
                f"{run.rate / runs[0].rate:.2f}",
                f"{statistics.median(ordered):.2f}",
                f"{ordered[int(len(ordered) * 0.95) - 1]:.2f}",
                "–" if run.longest_block is None else f"{run.longest_block * 1e3:.0f}",
            ]
        )
    return Report(
        f"{questions} questions, {at_once} at once, a model that takes {delay:g} s, {os.cpu_count()} processors",
        ["", "questions/s", "beside bare", "p50 s", "p95 s", "blocked ms"],
        rows,
        [f"Retrieval alone, one after the other: {retrieval * 1e3:.0f} ms a question."],
    )


if __name__ == "__main__":
    typer.run(main)
