"""How many rows a Chroma server stores in a second: by the rows of a request, and by the requests at once.

    python benchmarks/chroma_upserts.py                                    # into an empty collection each
    python benchmarks/chroma_upserts.py --setting 100x4 --setting 4000x1   # rows of a request x requests at once
    python benchmarks/chroma_upserts.py --setting 340x1 --sync 4000        # rows between two writes of the index to disk

Vectors are random numbers of 384 dimensions. Nothing but the server and those who send runs; both share the processors of
this machine. What Ray workers can store in one collection has this bound, see docs/ray.md.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from asking import progress_console
from corpus import SEED
from ray_writers import processor_seconds
from report import RESULTS, Report, cores, publish

_TESTS = Path(__file__).parent.parent / "tests"
_DIMENSION = 384
_TEXT = "A sentence of a document, about as long as sentences are in general: twenty words, or a hundred characters."
_DEFAULT = ["100x1", "100x2", "100x4", "340x1", "1000x1", "1000x2", "4000x1"]


def send(url: str, name: str, seed: int, calls: int, rows: int, ready: Any, results: Any) -> None:
    """Sends requests, one after the other. Runs in a process of its own."""
    from qa_engine.config import IndexConfig
    from qa_engine.index.vectors.chroma_server import chroma_server

    collection = chroma_server(IndexConfig(url=url)).collection(name)
    random = np.random.default_rng(seed)
    ready.wait()
    started = time.perf_counter()
    for _ in range(calls):
        vectors = random.standard_normal((rows, _DIMENSION), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        document = uuid.uuid4().hex
        about = {"document_id": document, "file_name": "file.pdf", "page": 3, "at": "100-200", "qa_number": 7}
        collection.upsert(
            ids=[f"{document}-{row:07}" for row in range(rows)],
            embeddings=vectors,
            documents=[f"{_TEXT} {row}" for row in range(rows)],
            metadatas=[about] * rows,
        )
    results.put((started, time.perf_counter()))


def measure(rows: int, senders: int, total: int, sync: int, seed: int) -> dict[str, float]:
    """Stores about ``total`` rows on a server of its own."""
    import chromadb
    from chroma_process import ChromaProcess

    name = "upserts"
    calls = max(1, total // rows // senders)
    processes = multiprocessing.get_context("spawn")
    ready, results = processes.Barrier(senders + 1), processes.Queue()
    with (
        tempfile.TemporaryDirectory(prefix="chroma-upserts-") as folder,
        ChromaProcess(Path(folder)) as chroma,
    ):
        assert chroma._process is not None
        client = chromadb.HttpClient(port=chroma.port)
        client.create_collection(name, configuration={"hnsw": {"space": "cosine", "sync_threshold": sync}})
        sending = [
            processes.Process(target=send, args=(chroma.url, name, seed + one, calls, rows, ready, results))
            for one in range(senders)
        ]
        for process in sending:
            process.start()
        ready.wait()
        before = processor_seconds([chroma._process.pid])
        times = [results.get() for _ in sending]
        used = processor_seconds([chroma._process.pid]) - before
        for process in sending:
            process.join()
        stored = client.get_collection(name).count()
        assert stored == calls * rows * senders, stored
    seconds = max(end for _, end in times) - min(start for start, _ in times)
    return {"rows": stored, "seconds": seconds, "processor": used}


def main(
    setting: Annotated[list[str] | None, typer.Option(help="Rows of a request x requests at once.")] = None,
    total: Annotated[int, typer.Option(help="Rows to store.")] = 20_000,
    sync: Annotated[int, typer.Option(help="Rows between two writes of the index to disk.")] = 1000,
    seed: int = SEED,
    out: Path = RESULTS,
) -> None:
    sys.path.append(str(_TESTS))
    found = {}
    for one in setting or _DEFAULT:
        rows, senders = map(int, one.split("x"))
        found[one] = measure(rows, senders, total, sync, seed)
        progress_console.print(f"{one}: {found[one]}", highlight=False)
    lines = [
        [
            name,
            f"{one['rows'] / one['seconds']:,.0f}",
            f"{1000 * one['processor'] / one['rows']:.2f}",
            f"{one['processor'] / one['seconds']:.2f}",
        ]
        for name, one in found.items()
    ]
    columns = ["rows x requests at once", "rows/s", "ms of a processor a row", "processors"]
    notes = [
        f"About {total:,} rows of {_DIMENSION} dimensions; the index is written every {sync:,} rows; {cores()} cores."
    ]
    publish(
        out,
        "chroma_upserts",
        [Report("Upserts on a Chroma server", columns, lines, notes)],
        {"seed": seed, "upserts": found},
    )


if __name__ == "__main__":
    typer.run(main)
