"""The reader of the web page: milliseconds from the click on a citation until its mark is on the screen.

    python benchmarks/first_mark.py                        # a volume of invented text
    python benchmarks/first_mark.py --citations 20 a.pdf folder/

The server is the real command in a process of its own, its processes that draw pages have started, and the page is open in
Chromium. Each citation is on a page that nobody has asked for, and is opened three times:

- cold: the server has not drawn the page;
- drawn: it has, and the browser has nothing of it;
- prefetched: the browser has loaded the citation and the image, as it does when an answer comes.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from corpus import SEED, render_pdf
from llama_index.core.embeddings import MockEmbedding
from report import RESULTS, Report, publish
from screens import chromium, open_citation
from serving import running_server
from texts import invented_volume

from qa_engine import ingest
from qa_engine.evaluation.metrics.significance import percentile
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import StoredSentence

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERIES = ("cold", "drawn", "prefetched")
_FILES = "/api/v1/collections/files/files"
_SENTENCES = 3000
_PREFETCH = """async (id) => {
  const main = document.querySelector("script[type=module]").src;
  const { prefetch } = await import(new URL("reader/loading.js", main));
  prefetch([{ citation: id }]);
}"""
_LOADED = "() => performance.getEntriesByType('resource').some((one) => /pages.*(svg|png)/.test(one.name))"
_SHOWN = "() => performance.getEntriesByName('reader:shown').length > 0"
_TOOK = """() => performance.getEntriesByName("reader:shown")[0].startTime
  - performance.getEntriesByName("reader:open")[0].startTime"""


def citations(storage: Path, count: int) -> list[str]:
    """Ids of the longest sentences of so many pages."""
    found: list[str] = []
    with closing(Catalog(collection_paths(storage, "files").catalog)) as catalog:
        for document_id in catalog.live_documents():
            longest: dict[int, StoredSentence] = {}
            for one in catalog.sentences(document_id):
                page = one.metadata["page"]
                longest[page] = max(one, longest.get(page, one), key=lambda sentence: len(sentence.text))
            found += [one.node_id for page, one in longest.items() if page > 1]
    if len(found) < count:
        raise typer.BadParameter(f"the files have {len(found)} pages with sentences, not {count}")
    step = len(found) // count
    return found[: step * count : step]


def opened(browser: Browser, url: str) -> Page:
    """The page in a browser that has loaded nothing else."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    return page


def milliseconds(page: Page, identifier: str) -> float:
    """From the click to the mark."""
    open_citation(page, identifier)
    page.wait_for_function(_SHOWN)
    return float(page.evaluate(_TOOK))


def measure(browser: Browser, url: str, identifiers: list[str]) -> dict[str, list[float]]:
    """The milliseconds of each citation, by series."""
    times: dict[str, list[float]] = {series: [] for series in SERIES}
    for identifier in identifiers:
        for series in SERIES:
            page = opened(browser, url)
            if series == "prefetched":
                page.evaluate(_PREFETCH, identifier)
                page.wait_for_function(_LOADED)
                page.wait_for_load_state("networkidle")
            times[series].append(milliseconds(page, identifier))
            page.context.close()
    return times


def report(times: dict[str, list[float]]) -> Report:
    """A line for each series."""
    rows = [
        [
            f"{series}, {len(values)} citations",
            *(f"{percentile(values, share):.0f}" for share in (0.5, 0.95, 1)),
        ]
        for series, values in times.items()
    ]
    return Report("From the click to the mark", ["", "p50 ms", "p95 ms", "most ms"], rows)


def main(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="PDFs or folders; without any, invented text.")
    ] = None,
    count: Annotated[int, typer.Option("--citations", min=1, help="Citations to open.")] = 20,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure how soon the reader shows the mark of a citation."""
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        storage = Path(scratch) / "storage"
        if not paths:
            paths = [Path(scratch) / "资料.pdf"]
            render_pdf(invented_volume(_SENTENCES, 1, SEED).paragraphs, paths[0], header="资料")
        settings = {"documents": {"parser": "fast", "ocr": "never"}}
        ingest(paths, storage, "files", settings, embed_model=MockEmbedding(embed_dim=8))
        # Nobody asks the files, so their vectors may be of any kind; the collection that is asked is not there.
        with (
            running_server(storage, "--collection", "nothing") as url,
            httpx.Client(base_url=url, timeout=60) as client,
            chromium() as browser,
        ):
            identifiers = citations(storage, count)
            first: dict[str, Any] = client.get(_FILES).json()["data"][0]
            client.get(f"{_FILES}/{first['file_id']}/pages/1.png", params={"dpi": 30}).raise_for_status()
            times = measure(browser, url, identifiers)
    publish(out, "first_mark", [report(times)], {"milliseconds": times})


if __name__ == "__main__":
    typer.run(main)
