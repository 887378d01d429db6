"""Collections of real files with cheap vectors, and what tests of their routes ask for."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pymupdf
import pytest
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from numpy.typing import NDArray
from pdf_factory import LEFT, PdfBuilder, image_only_pdf
from served import ServedApp

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord

COLLECTION = "资料 1"
HIDDEN = "Nobody sees this sentence of white letters."
FILES = f"/api/v1/collections/{quote(COLLECTION)}/files"


def ingest_files(folder: Path, collection: str = COLLECTION) -> Path:
    """Ingests the files in ``files`` of a folder into its ``storage``, and returns the folder."""
    report = ingest(folder / "files", folder / "storage", collection=collection, prune=True)
    assert not report.failures
    return folder


def ingest_files_in_place(folder: Path) -> Path:
    """`ingest_files` without processes of its own for reading, whose start takes longer than small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        return ingest_files(folder)


def ingest_report_and_scan(folder: Path) -> Path:
    """A collection of a report with running headers, and `HIDDEN` on page 2, and of a scan behind a page of text."""
    builder = PdfBuilder()
    for number in range(1, 7):
        builder.page().put("Annual report of Example Corp.", LEFT, 40)
        for line in range(12):
            builder.put(f"Sentence {line} of page {number} says that much happened.", LEFT, 100 + 30 * line)
        builder.put(str(number), 300, 810)
    builder.document[1].insert_text((LEFT, 500), HIDDEN, color=(1, 1, 1), fontsize=11)
    builder.save(folder / "files" / "report.pdf")
    image_only_pdf(folder / "files" / "scan.pdf", text_pages=1)
    return ingest_files_in_place(folder)


def record_of(folder: Path, name: str, collection: str = COLLECTION) -> FileRecord:
    """What the collection of a folder knows of the file with this name."""
    with closing(Catalog(collection_paths(folder / "storage", collection).catalog)) as catalog:
        (record,) = [record for record in catalog.files().values() if record.file_name == name]
    return record


def sentence_with(folder: Path, name: str, text: str, collection: str = COLLECTION) -> str:
    """The id of the first sentence of a file that holds a text."""
    record = record_of(folder, name, collection)
    with closing(Catalog(collection_paths(folder / "storage", collection).catalog)) as catalog:
        found = [one.node_id for one in catalog.sentences(record.document_id) if text in one.text]
    assert found, f"{name} does not say {text!r}"
    return found[0]


def whole_text(record: FileRecord) -> str:
    """The id that stands for all sentences of a file."""
    return f"{node_id(record.document_id, 0)}..{record.nodes - 1}"


def get(server: ServedApp, path: str, status: int = 200, **options: Any) -> Any:
    """The JSON of a response with the expected status."""
    response = server.client.get(path, **options)
    assert response.status_code == status, response.text
    return response.json()


def pixels(image: bytes) -> NDArray[np.int32]:
    """The pixels of a PNG: rows, columns, red, green and blue."""
    pixmap = pymupdf.Pixmap(io.BytesIO(image))
    values = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, pixmap.n)
    return values[:, :, :3].astype(np.int32)


def ink_within(image: bytes, marks: list[tuple[float, float, float, float]]) -> NDArray[np.bool_]:
    """The dark pixels of a page that lie under marks, as a mask of the page.

    Args:
        image: of the page, a PNG.
        marks: left, top, width and height of each in percent of the page.
    """
    page = pixels(image)
    mask = np.zeros(page.shape[:2], bool)
    height, width = mask.shape
    for left, top, wide, high in marks:
        rows = slice(round(top / 100 * height), round((top + high) / 100 * height))
        mask[rows, round(left / 100 * width) : round((left + wide) / 100 * width)] = True
    return np.asarray((page.max(axis=2) < 128) & mask)
