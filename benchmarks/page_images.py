"""Images of pages over HTTP: how long a page takes when it is drawn, and when it was drawn before.

    python benchmarks/page_images.py                        # the examples
    python benchmarks/page_images.py --pages 20 a.pdf folder/

The server is the real command in a process of its own, on loopback; one client asks for one page after the other, each as
SVG and as PNG (144 dpi), first and again. The processes that draw have started before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from llama_index.core.embeddings import MockEmbedding
from report import RESULTS, Report, publish
from serving import running_server

from qa_engine import ingest
from qa_engine.evaluation.metrics.significance import percentile

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_FILES = "/api/v1/collections/files/files"
_KINDS = ("svg", "png")


def measure(client: httpx.Client, pages: int) -> Iterator[dict[str, Any]]:
    """Milliseconds and kilobytes of the images of up to so many pages of each file, first and again."""
    files = client.get(_FILES, params={"limit": 200}).json()["data"]
    client.get(f"{_FILES}/{files[0]['file_id']}/pages/1.png", params={"dpi": 30}).raise_for_status()
    for file in files:
        step = max(file["pages"] // pages, 1)
        for number in range(1, file["pages"] + 1, step)[:pages]:
            for kind in _KINDS:
                address = f"{_FILES}/{file['file_id']}/pages/{number}.{kind}?v={file['document_id']}"
                first, response = _timed(client, address)
                again, _ = _timed(client, address)
                yield {
                    "file": file["file"],
                    "page": number,
                    "kind": "svg that leads to png" if response.status_code == 307 else kind,
                    "first": first,
                    "again": again,
                    "kilobytes": int(response.headers.get("Content-Length", 0)) / 1e3,
                }


def _timed(client: httpx.Client, address: str) -> tuple[float, httpx.Response]:
    started = time.perf_counter()
    with client.stream("GET", address) as response:
        for _ in response.iter_raw():
            pass
    elapsed = (time.perf_counter() - started) * 1e3
    if response.status_code not in {200, 307}:
        raise RuntimeError(f"{address} gave {response.status_code}")
    return elapsed, response


def report(images: list[dict[str, Any]]) -> Report:
    """A line for each kind of image."""
    rows = []
    for kind in dict.fromkeys(image["kind"] for image in images):
        of_kind = [image for image in images if image["kind"] == kind]
        row = [f"{kind}, {len(of_kind)} pages"]
        for series in ("first", "again"):
            values = [image[series] for image in of_kind]
            row += [f"{percentile(values, share):.1f}" for share in (0.5, 0.95)]
        rows.append([*row, f"{percentile([image['kilobytes'] for image in of_kind], 0.5):.0f}"])
    columns = ["", "first p50 ms", "first p95 ms", "again p50 ms", "again p95 ms", "p50 kB"]
    return Report("Images of pages", columns, rows)


def main(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="PDFs or folders; without any, the examples.")
    ] = None,
    pages: Annotated[int, typer.Option(min=1, help="Most pages of a file.")] = 10,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure images of pages over HTTP."""
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        storage = Path(scratch) / "storage"
        settings = {"documents": {"parser": "fast", "ocr": "never"}}
        ingest(paths or [EXAMPLES], storage, "files", settings, embed_model=MockEmbedding(embed_dim=8))
        # Nobody asks the files, so their vectors may be of any kind; the collection that is asked is not there.
        with (
            running_server(storage, "--collection", "nothing") as url,
            httpx.Client(base_url=url, timeout=60) as client,
        ):
            images = list(measure(client, pages))
    publish(out, "page_images", [report(images)], {"images": images})


if __name__ == "__main__":
    typer.run(main)
