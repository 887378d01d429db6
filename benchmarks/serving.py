"""The HTTP server beside the bare engine, in one run: what HTTP costs, how many questions it answers, and how ingestion
slows them down.

    python benchmarks/serving.py --work serving                       # keeps the index for the next run
    python benchmarks/serving.py --parts cost --parts load

The server is the real command in a process of its own, on loopback. The bare engine runs in the process of the benchmark;
both take turns, question by question, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import httpx
import pymupdf
import typer
from corpus import SEED
from query import COLLECTION, build_index
from report import RESULTS, Report, publish
from texts import invented_volume

from qa_engine import Config, QueryEngine
from qa_engine.evaluation.metrics.significance import percentile

AT_ONCE = (1, 8, 32)
PARTS = ("cost", "load", "ingestion", "pages")
_PAGES = 500
_PAGES_PER_FILE = 50


@contextmanager
def running_server(storage: Path, *options: str) -> Iterator[str]:
    """The address of ``qa-engine serve`` over a storage, once it is ready."""
    command = [sys.executable, "-m", "qa_engine", "serve", "--storage", str(storage), "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"http://\S+:\d+", line):
                    break
            else:
                raise RuntimeError("the server ended before it listened")
            # Whatever it logs is read, or it would wait for us.
            Thread(target=process.stderr.read, daemon=True).start()
            while httpx.get(f"{found[0]}/readyz").status_code != 200:
                time.sleep(0.1)
            yield found[0]
        finally:
            process.terminate()


def cost(url: str, engine: QueryEngine, questions: Sequence[str]) -> dict[str, dict[str, float]]:
    """Median milliseconds of ``ask`` and ``search``, bare and over HTTP, and of the difference."""
    found = {}
    with httpx.Client(base_url=url, timeout=60) as client:
        for name in ("ask", "search"):
            bare, http = [], []
            for turn, question in enumerate([*questions[:5], *questions]):
                order = (bare, http) if turn % 2 else (http, bare)
                for series in order:
                    started = time.perf_counter()
                    if series is http:
                        client.post(f"/api/v1/{name}", json={"question": question}).raise_for_status()
                    elif name == "ask":
                        engine.query(question).to_dict()
                    else:
                        engine.explain(question, 10)
                    series.append((time.perf_counter() - started) * 1e3)
            bare, http = bare[5:], http[5:]
            differences = [over - alone for over, alone in zip(http, bare, strict=True)]
            found[name] = {
                "bare": percentile(bare, 0.5),
                "http": percentile(http, 0.5),
                "difference": percentile(differences, 0.5),
            }
    return found


async def load(
    url: str, path: str, bodies: Sequence[dict[str, Any]], at_once: int
) -> tuple[float, list[float], int]:
    """Requests a second, the seconds of each, and how many failed, with so many clients at once."""
    times: list[float] = []
    errors = 0
    waiting = iter(bodies)

    async def client() -> None:
        nonlocal errors
        async with httpx.AsyncClient(base_url=url, timeout=120) as http:
            for body in waiting:
                started = time.perf_counter()
                answer = await http.post(path, json=body)
                errors += answer.status_code != 200
                times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return len(bodies) / (time.perf_counter() - started), times, errors


def ingestion(url: str, questions: Sequence[str], folder: Path, most: float) -> dict[str, float]:
    """Seconds of questions, one after the other: p95 idle, p95 while 500 pages are ingested, and the ratio.

    After ``most`` seconds, the jobs that are left are cancelled.
    """
    files = _volumes(folder)
    with httpx.Client(base_url=url, timeout=120) as client:

        def ask(question: str) -> float:
            started = time.perf_counter()
            client.post("/api/v1/ask", json={"question": question}).raise_for_status()
            return time.perf_counter() - started

        for question in questions[:10]:
            ask(question)
        idle = [ask(question) for question in questions]
        jobs = []
        for file in files:
            sent = client.put(
                f"/api/v1/collections/{COLLECTION}/files/{file.name}",
                content=file.read_bytes(),
                headers={"Content-Type": "application/pdf"},
            )
            sent.raise_for_status()
            jobs.append(sent.json()["id"])
        began, busy = time.perf_counter(), []
        while not all(_ended(client, job) for job in jobs) and time.perf_counter() - began < most:
            busy += [ask(question) for question in questions[len(busy) % 90 : len(busy) % 90 + 10]]
        seconds = time.perf_counter() - began
        reports = [client.get(f"/api/v1/jobs/{job}").json() for job in jobs]
        for job in reports:
            if job["cancellable"]:
                client.delete(f"/api/v1/jobs/{job['id']}")
    if any(report["state"] not in {"succeeded", "queued", "running"} for report in reports):
        raise RuntimeError(f"jobs did not succeed: {[report['state'] for report in reports]}")
    read = sum(file["pages_read"] for report in reports for file in report["files"])
    return {
        "idle p50": percentile(idle, 0.5),
        "idle p95": percentile(idle, 0.95),
        "busy p50": percentile(busy, 0.5),
        "busy p95": percentile(busy, 0.95),
        "ratio": percentile(busy, 0.95) / percentile(idle, 0.95),
        "questions": len(busy),
        "seconds": seconds,
        "pages": read,
    }


def pages(url: str, most: int = 20) -> dict[str, float]:
    """Milliseconds of page images: asked for first, and again."""
    first, again = [], []
    with httpx.Client(base_url=url, timeout=60) as client:
        files = client.get(f"/api/v1/collections/{COLLECTION}/files").json()["data"]
        for file in files[:4]:
            for number in range(1, 1 + most // 4):
                address = f"/api/v1/collections/{COLLECTION}/files/{file['file_id']}/pages/{number}.svg"
                for series in (first, again):
                    started = time.perf_counter()
                    client.get(address, follow_redirects=True).raise_for_status()
                    series.append((time.perf_counter() - started) * 1e3)
    return {
        "first p50": percentile(first, 0.5),
        "first p95": percentile(first, 0.95),
        "again p50": percentile(again, 0.5),
        "again p95": percentile(again, 0.95),
    }


def _ended(client: httpx.Client, job: str) -> bool:
    return client.get(f"/api/v1/jobs/{job}").json()["state"] not in {"queued", "running"}


def _volumes(folder: Path) -> list[Path]:
    """PDFs of 500 pages together, of text that the index does not hold."""
    from corpus import render_pdf

    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(folder.glob("*.pdf"))
    paragraphs = invented_volume(21_000, 1, SEED + 1).paragraphs if not files else []
    whole = folder / "all.tmp"
    if paragraphs:
        render_pdf(paragraphs, whole, header="新到资料")
        with pymupdf.open(whole, filetype="pdf") as document:
            for start in range(0, min(_PAGES, document.page_count), _PAGES_PER_FILE):
                with pymupdf.open() as part:
                    part.insert_pdf(
                        document,
                        from_page=start,
                        to_page=min(start + _PAGES_PER_FILE, document.page_count) - 1,
                    )
                    part.save(folder / f"part_{start:03d}.pdf")
    with suppress(FileNotFoundError):
        whole.unlink()
    return sorted(folder.glob("*.pdf"))


def reports(results: dict[str, Any], title: str) -> Iterator[Report]:
    """A table for each part that was measured."""
    if costs := results.get("cost"):
        rows = [[name, *(f"{values[key]:.1f}" for key in values)] for name, values in costs.items()]
        yield Report(f"{title}: one client", ["", "bare ms", "HTTP ms", "difference ms"], rows)
    if loads := results.get("load"):
        rows = [
            [
                f"{one['path']}, {one['at_once']} clients",
                f"{one['rate']:.1f}",
                f"{one['p50'] * 1e3:.0f}",
                f"{one['p95'] * 1e3:.0f}",
                str(one["errors"]),
            ]
            for one in loads
        ]
        yield Report(f"{title}: many clients", ["", "questions/s", "p50 ms", "p95 ms", "errors"], rows)
    if busy := results.get("ingestion"):
        rows = [
            ["idle", f"{busy['idle p50'] * 1e3:.0f}", f"{busy['idle p95'] * 1e3:.0f}"],
            ["while ingesting", f"{busy['busy p50'] * 1e3:.0f}", f"{busy['busy p95'] * 1e3:.0f}"],
            ["ratio of p95", "", f"{busy['ratio']:.2f}"],
        ]
        note = f"{busy['pages']:.0f} pages in {busy['seconds']:.0f} s, {busy['questions']:.0f} questions meanwhile."
        yield Report(f"{title}: while ingesting", ["", "p50 ms", "p95 ms"], rows, [note])
    if images := results.get("pages"):
        rows = [
            [name, f"{images[f'{name} p50']:.1f}", f"{images[f'{name} p95']:.1f}"]
            for name in ("first", "again")
        ]
        yield Report("Page images (SVG)", ["", "p50 ms", "p95 ms"], rows)


def main(
    nodes: Annotated[int, typer.Option(min=100, help="About so many sentences.")] = 10_000,
    questions: Annotated[int, typer.Option(min=1)] = 100,
    parts: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(PARTS)}.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Ingest for so long at most.")] = 600,
    work: Annotated[
        Path | None, typer.Option(help="Keep the index here, and use the one that is here.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure the HTTP server against the bare engine."""
    chosen = parts or list(PARTS)
    results: dict[str, Any] = {"nodes": nodes}
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        place = (work or Path(scratch)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        config = Config(storage=place / "storage")
        asked = build_index(place, None, nodes, questions, SEED, config)
        with running_server(place / "storage", "--collection", COLLECTION) as url:
            if "cost" in chosen:
                with QueryEngine.open(place / "storage", COLLECTION, config) as engine:
                    results["cost"] = cost(url, engine, asked)
            if "load" in chosen:
                results["load"] = []
                for path in ("/api/v1/search", "/api/v1/ask"):
                    for at_once in AT_ONCE:
                        bodies = [{"question": question} for question in (asked * 4)[: max(100, at_once * 8)]]
                        rate, times, errors = asyncio.run(load(url, path, bodies, at_once))
                        results["load"].append(
                            {
                                **{"path": path, "at_once": at_once, "rate": rate, "errors": errors},
                                **{"p50": percentile(times, 0.5), "p95": percentile(times, 0.95)},
                            }
                        )
            if "pages" in chosen:
                results["pages"] = pages(url)
            if "ingestion" in chosen:
                results["ingestion"] = ingestion(url, asked, place / "arriving", seconds)
    title = f"{nodes} sentences, {os.cpu_count()} processors"
    publish(out, "serving", list(reports(results, title)), results)


if __name__ == "__main__":
    typer.run(main)
