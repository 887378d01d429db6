"""How pages are read, over HTTP: what was left out and where it stands, once for all pages of a file, within limits."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pdf_factory import locked_pdf
from served import ServedApp, served
from served_files import COLLECTION, FILES, HIDDEN, get, ingest_report_and_scan, record_of

from qa_engine.config import Config
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.server.documents import page_readings
from qa_engine.server.documents.originals import Originals
from qa_engine.server.documents.page_readings import PageReadings, Progress
from qa_engine.server.problems import ProblemError


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection of `ingest_report_and_scan`."""
    return ingest_report_and_scan(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


def read(server: ServedApp, shelf: Path, name: str, number: int) -> dict[str, Any]:
    """How a page is read, as soon as the server knows."""
    path = f"{FILES}/{record_of(shelf, name).file_id}/pages/{number}/reading"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        response = server.client.get(path)
        if response.status_code != 202:
            assert response.status_code == 200, response.text
            found: dict[str, Any] = response.json()
            return found
        assert set(response.json()) == {"read", "pages"}
        assert response.headers["Retry-After"] == "1"
    raise AssertionError("The file was not read in a minute.")


def test_left_out_lines_have_their_places(library: ServedApp, shelf: Path) -> None:
    page = read(library, shelf, "report.pdf", 2)
    assert (page["page"], page["parser"], page["ocr"], page["unread"], page["current"]) == (
        2,
        "fast",
        False,
        None,
        True,
    )
    found = {one["role"]: one for one in page["left_out"]}
    assert found["header"]["text"] == "Annual report of Example Corp."
    assert found["page_number"]["text"] == "2"
    assert found["hidden"]["text"] == HIDDEN
    for role, low, high in (("header", 20, 50), ("page_number", 790, 820), ("hidden", 480, 510)):
        (box,) = found[role]["boxes"]
        assert low < box["y0"] < box["y1"] < high, role
        assert 0 < box["x0"] < box["x1"] < 595


def test_page_without_text_says_why(library: ServedApp, shelf: Path) -> None:
    page = read(library, shelf, "scan.pdf", 2)
    if ocr_available():
        assert page["ocr"] or page["unread"] is None
    else:
        assert page["unread"] == "no_text"
        assert "needs OCR" in page["doubts"][0]


def test_second_page_of_a_file_is_there_at_once(
    library: ServedApp, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(library, shelf, "report.pdf", 1)
    monkeypatch.setattr(page_readings, "ParsingPool", None)  # nothing can be read any more
    assert read(library, shelf, "report.pdf", 5)["page"] == 5


@pytest.mark.parametrize("number", ["7", "0", "x"])
def test_page_that_is_not_there(number: str, library: ServedApp, shelf: Path) -> None:
    path = f"{FILES}/{record_of(shelf, 'report.pdf').file_id}/pages/{number}/reading"
    get(library, path, 404 if number == "7" else 422)


async def test_file_is_read_once_and_its_progress_is_told(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_readings, "_WAIT_SECONDS", 0.0)
    readings = PageReadings(tmp_path / "readings", Config())
    original = Originals(shelf / "storage").find(record_of(shelf, "report.pdf"))
    both = await asyncio.gather(readings.reading(original, 1), readings.reading(original, 2))
    assert all(isinstance(one, Progress) for one in both)
    assert len(readings._runs) == 1
    while isinstance(found := await readings.reading(original, 2), Progress):
        await asyncio.sleep(0.05)
    assert found["page"] == 2
    assert not readings._runs
    readings.close()


async def test_file_that_nobody_waits_for_is_given_up(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_readings, "_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(page_readings, "_LEFT_SECONDS", -1.0)
    readings = PageReadings(tmp_path / "readings", Config())
    original = Originals(shelf / "storage").find(record_of(shelf, "report.pdf"))
    assert isinstance(await readings.reading(original, 1), Progress)
    (run,) = readings._runs.values()
    assert run.task is not None
    with pytest.raises(ProblemError, match="nobody waited"):
        await run.task
    monkeypatch.setattr(page_readings, "_LEFT_SECONDS", 30.0)
    while isinstance(found := await readings.reading(original, 1), Progress):  # and from the beginning again
        await asyncio.sleep(0.05)
    assert found["page"] == 1
    readings.close()


async def test_file_that_cannot_be_read_any_more_is_told_without_its_path(
    shelf: Path, tmp_path: Path
) -> None:
    """The same name and record, with a content that is locked: as if the password had been taken out of the settings."""
    record = record_of(shelf, "report.pdf")
    path = locked_pdf(tmp_path / "locked.pdf")
    original = Originals(shelf / "storage").find(record)
    changed = type(original)(path, original.stamp, record)
    readings = PageReadings(tmp_path / "readings", Config())
    with pytest.raises(ProblemError) as told:
        while isinstance(await readings.reading(changed, 1), Progress):
            await asyncio.sleep(0.05)
    assert told.value.code == "file_not_read"
    assert str(tmp_path) not in told.value.detail
    assert "report.pdf" in told.value.detail
    readings.close()


async def test_readings_go_with_their_documents(shelf: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "readings", ignore_errors=True)
    readings = PageReadings(tmp_path / "readings", Config())
    original = Originals(shelf / "storage").find(record_of(shelf, "scan.pdf"))
    while isinstance(await readings.reading(original, 1), Progress):
        await asyncio.sleep(0.05)
    assert len(list((tmp_path / "readings").iterdir())) == 1
    readings.remove_unused(set)
    assert len(list((tmp_path / "readings").iterdir())) == 1
    readings.remove_unused(lambda documents: set())
    assert list((tmp_path / "readings").iterdir()) == []
    readings.close()
