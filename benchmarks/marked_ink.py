"""Marks of the reader over real documents: whether they lie over all ink of the cited sentences, and over no other.

    python benchmarks/marked_ink.py                                  # the examples
    python benchmarks/marked_ink.py --citations 50 --pages 12 a.pdf folder/

The server is the real command, the reader the one of the web page in Chromium, at two pixels of the screen a pixel of CSS.
A citation is one to three sentences that follow one another, drawn at random. Where they stand is found in the PDF by its
characters alone, not by what the package has read; what cannot be found so, or stands there twice, is not measured. Rows of
tables are compared word by word. Of each document some pages in a row are taken.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import pymupdf
import typer
from ink import Character, Verdict, characters_of, places_of, row_holds, verdict
from llama_index.core.embeddings import MockEmbedding
from report import RESULTS, Report, publish
from screens import SCALE, VIEWPORT, chromium, marks_on_screen, open_citation
from serving import running_server

from qa_engine import ingest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_COLLECTION = "files"
_FILES = f"/api/v1/collections/{_COLLECTION}/files"
_TRIES = 40
"""Citations that are drawn for each that is measured, at most."""
_ROUNDS = 200
"""Pages of a file that are looked at, at most."""


def excerpts(paths: Sequence[Path], pages: int, folder: Path, draw: random.Random) -> None:
    """Writes so many pages in a row of each PDF into a folder."""
    files = [file for path in paths for file in (sorted(path.glob("**/*.pdf")) if path.is_dir() else [path])]
    folder.mkdir(parents=True)
    for file in files:
        with pymupdf.open(file) as document:
            if document.needs_pass:
                continue
            if document.page_count <= pages:
                shutil.copy(file, folder / file.name)
                continue
            first = draw.randrange(document.page_count - pages + 1)
            document.select(range(first, first + pages))
            document.save(folder / file.name, garbage=3, deflate=True)


def citations(
    client: httpx.Client, draw: random.Random, rows: bool
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Citations at random: each as the server tells it, and its sentences. Files take turns.

    Args:
        client: of the server.
        draw: what chooses.
        rows: whether they are rows of tables, or none of them is.
    """
    files = [one for one in client.get(_FILES, params={"limit": 200}).json()["data"] if one["nodes"]]
    draw.shuffle(files)
    for file in files * _ROUNDS:
        page = client.get(f"{_FILES}/{file['file_id']}/pages/{draw.randint(1, file['pages'])}").json()
        sentences = page.get("sentences", [])
        starts = [at for at, one in enumerate(sentences) if (one["role"] == "table") == rows]
        if not starts:
            continue
        at = draw.choice(starts)
        run = [sentences[at]]
        if not rows:
            for one in sentences[at + 1 : at + draw.randint(1, 3)]:
                if one["role"] != run[0]["role"]:
                    break
                run.append(one)
        first, last = run[0]["id"], run[-1]["id"].rpartition("-")[2]
        identifier = first if len(run) == 1 else f"{first}..{int(last)}"
        found = client.get(f"/api/v1/citations/{identifier}")
        if found.status_code == 200:
            yield found.json() | {"role": run[0]["role"]}, [one["text"] for one in run]


def cited_characters(sentences: Sequence[str], pages: Sequence[Sequence[Character]]) -> list[set[int]]:
    """The characters of the sentences on each page; none if they are not found, or found twice."""
    cited: list[set[int]] = [set() for _ in pages]
    for sentence in sentences:
        places = places_of(sentence, pages)
        if len(places) != 1:
            return []
        cited = [known | new for known, new in zip(cited, places[0], strict=True)]
    return cited


def measure(url: str, folder: Path, count: int, seed: int, rows: bool) -> tuple[list[dict[str, Any]], int]:
    """How the marks of so many citations lie, and how many could not be found in the PDF."""
    draw = random.Random(seed)
    measured: list[dict[str, Any]] = []
    lost = 0
    with httpx.Client(base_url=url, timeout=60) as client, chromium() as browser:
        page = browser.new_page(viewport=VIEWPORT, device_scale_factor=SCALE)
        page.goto(url)
        page.get_by_role("heading", level=1).wait_for()
        for tried, (citation, sentences) in enumerate(citations(client, draw, rows)):
            if len(measured) >= count or tried >= _TRIES * count:
                break
            if any(one["id"] == citation["id"] for one in measured):
                continue
            with pymupdf.open(folder / citation["file"]) as document:
                pages = [document[one["page"] - 1] for one in citation["pages"]]
                characters = [characters_of(one) for one in pages]
                cited = [] if rows else cited_characters(sentences, characters)
                if not rows and not any(cited):
                    lost += 1
                    continue
                open_citation(page, citation["id"])
                masks = marks_on_screen(page)
                held = rows and all(
                    row_holds(one, citation["text"], mask) for one, mask in zip(pages, masks, strict=True)
                )
                verdicts = (
                    []
                    if rows
                    else [
                        verdict(*one) for one in zip(pages, characters, cited, masks, strict=True) if one[2]
                    ]
                )
            measured.append(
                {name: citation[name] for name in ("id", "file", "page", "page_end", "role", "text")}
                | {"exact": held or (not rows and all(one.holds for one in verdicts))}
                | {"verdicts": [vars(one) for one in verdicts]}
            )
    return measured, lost


def report(measured: list[dict[str, Any]], lost: int) -> Report:
    """A line for each file, and those that are not exact below."""
    rows = []
    for file in [*sorted({one["file"] for one in measured}), ""]:
        of_file = [one for one in measured if file in {"", one["file"]}]
        verdicts = [Verdict(**one) for found in of_file for one in found["verdicts"]]
        rows.append(
            [
                file or "all",
                f"{sum(one['exact'] for one in of_file)} of {len(of_file)}",
                _share(sum(one.covered for one in verdicts), sum(one.ink for one in verdicts)),
                _share(sum(one.foreign for one in verdicts), sum(one.marked for one in verdicts)),
            ]
        )
    notes = [
        f"Not exact: {one['file']}, page {one['page']}: {one['text'][:60]!r}"
        for one in measured
        if not one["exact"]
    ]
    columns = ["", "exact", "ink of the sentences under the mark", "ink of others in the mark"]
    if lost:
        notes.append(
            f"{lost} more were drawn that do not stand in the PDF as they are read, or stand there twice."
        )
    return Report("Marks over the ink of citations", columns, rows, notes)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3%}" if whole else ""


def main(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="PDFs or folders; without any, the examples.")
    ] = None,
    count: Annotated[int, typer.Option("--citations", min=1, help="Citations to measure.")] = 50,
    pages: Annotated[int, typer.Option(min=1, help="Pages of a document.")] = 12,
    rows: Annotated[bool, typer.Option("--rows", help="Rows of tables, and no sentences.")] = False,
    seed: Annotated[int, typer.Option()] = 17,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure the marks of citations in the reader."""
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        folder, storage = Path(scratch) / "files", Path(scratch) / "storage"
        excerpts(paths or [EXAMPLES], pages, folder, random.Random(seed))
        # Nobody asks the files, so their vectors may be of any kind; the collection that is asked is not there.
        ingest(folder, storage, _COLLECTION, {}, embed_model=MockEmbedding(embed_dim=8))
        with running_server(storage, "--collection", "nothing") as url:
            measured, lost = measure(url, folder, count, seed, rows)
    publish(out, f"marked_{'rows' if rows else 'ink'}", [report(measured, lost)], {"citations": measured})


if __name__ == "__main__":
    typer.run(main)
