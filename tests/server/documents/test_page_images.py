"""Pages that are drawn in other processes: once, within limits, and never of another version."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pdf_factory import LEFT, PdfBuilder, broken_pdf, endless_pdf, image_only_pdf, locked_pdf

from qa_engine.config import Config
from qa_engine.errors import StorageError
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import file_stamp
from qa_engine.server.documents import page_images
from qa_engine.server.documents.originals import Original, Originals
from qa_engine.server.documents.page_images import PageImages
from qa_engine.server.problems import ProblemError


def original(path: Path, document: str = "d1") -> Original:
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    record = FileRecord(str(path), path.name, *file_stamp(path), content, "", document, pages=3)
    return Originals(path.parent).find(record)


def images_in(folder: Path, **settings: Any) -> PageImages:
    return PageImages(folder / "cache", Config(**settings))


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting one is half the time of these tests."""
    monkeypatch.setattr(page_images, "_WORKERS", 1)


@pytest.fixture
def images(tmp_path: Path) -> Iterator[PageImages]:
    made = images_in(tmp_path)
    yield made
    made.close()


@pytest.fixture
def page(tmp_path: Path) -> Original:
    return original(PdfBuilder().page().put("A page.", LEFT, 100).save(tmp_path / "a.pdf"))


async def refusal(images: PageImages, file: Original, number: int = 1) -> ProblemError:
    with pytest.raises(ProblemError) as refused:
        await images.drawing(file, number)
    return refused.value


def kept(folder: Path) -> set[str]:
    return {path.name.partition("-")[0] + path.suffix for path in (folder / "cache").iterdir()}


async def test_page_is_drawn_once_and_then_read(images: PageImages, page: Original, tmp_path: Path) -> None:
    first, again = await images.drawing(page, 1), await images.painting(page, 1, 72)
    assert first.svg is not None
    assert b"<svg" in gzip.decompress(first.svg)
    images.close()  # so that nothing can be drawn any more
    assert await images.drawing(page, 1) == first
    assert await images.painting(page, 1, 72) == again
    assert pymupdf.Pixmap(again).width == 595
    assert kept(tmp_path) == {"d1.json", "d1.gz", "d1.png"}


async def test_those_who_ask_at_once_wait_for_the_same_drawing(images: PageImages, page: Original) -> None:
    results = await asyncio.gather(*(images.drawing(page, 1) for _ in range(20)))
    assert all(result is results[0] for result in results)


async def test_client_that_leaves_does_not_take_the_drawing_from_others(
    images: PageImages, page: Original
) -> None:
    leaving = asyncio.create_task(images.drawing(page, 1))
    staying = asyncio.create_task(images.drawing(page, 1))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).svg is not None
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_failure_that_nobody_waits_for_any_more_is_not_logged_as_forgotten(
    images: PageImages, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = original(broken_pdf(tmp_path / "b.pdf"))
    leaving = asyncio.create_task(images.drawing(broken, 1))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await refusal(images, broken)).code == "page_not_drawn"
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_scan_is_no_svg_and_is_not_drawn_again_to_know_it(images: PageImages, tmp_path: Path) -> None:
    scan = original(image_only_pdf(tmp_path / "scan.pdf"))
    drawing = await images.drawing(scan, 1)
    assert drawing.svg is None
    images.close()
    assert await images.drawing(scan, 1) == drawing


async def test_page_that_never_ends_is_given_up_and_the_next_one_is_drawn(
    page: Original, tmp_path: Path
) -> None:
    images = images_in(tmp_path, server={"page_seconds": 1})
    try:
        problem = await refusal(images, original(endless_pdf(tmp_path / "endless.pdf"), "d2"))
        assert problem.code == "page_not_drawn"
        assert "server.page_seconds = 1" in problem.detail
        assert (await images.drawing(page, 1)).svg is not None
    finally:
        images.close()


async def test_damaged_and_locked_files_are_told_without_a_path(images: PageImages, tmp_path: Path) -> None:
    for file in (broken_pdf(tmp_path / "broken.pdf"), locked_pdf(tmp_path / "locked.pdf")):
        problem = await refusal(images, original(file))
        assert problem.code == "page_not_drawn"
        assert file.name in problem.detail
        assert str(tmp_path) not in problem.detail


async def test_passwords_of_the_configuration_open_locked_files(tmp_path: Path) -> None:
    images = images_in(tmp_path, documents={"passwords": ["geheim"]})
    try:
        assert (await images.drawing(original(locked_pdf(tmp_path / "a.pdf", "geheim")), 1)).svg is not None
    finally:
        images.close()


async def test_file_that_changed_before_it_was_drawn_is_gone_and_nothing_is_kept(
    images: PageImages, page: Original, tmp_path: Path
) -> None:
    PdfBuilder().page().put("Another version.", LEFT, 200).save(page.path)
    assert (await refusal(images, page)).code == "gone"
    page.path.unlink()
    assert (await refusal(images, page)).code == "gone"
    assert kept(tmp_path) == set()


async def test_images_of_documents_that_nobody_holds_are_deleted(
    images: PageImages, page: Original, tmp_path: Path
) -> None:
    other = original(page.path, "d2")
    await images.drawing(page, 1)
    await images.drawing(other, 1)
    images.remove_unused(lambda documents: set(documents) - {"d1"})
    assert kept(tmp_path) == {"d2.json", "d2.gz"}


async def test_images_stay_if_nobody_knows_what_is_held(
    images: PageImages, page: Original, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def held(documents: Collection[str]) -> set[str]:
        raise StorageError("The catalog cannot be read.")

    await images.drawing(page, 1)
    images.remove_unused(held)
    assert kept(tmp_path) == {"d1.json", "d1.gz"}
    assert "cannot be read" in caplog.text


async def test_full_disk_costs_no_image(
    images: PageImages, page: Original, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").rmdir()
    with caplog.at_level(logging.WARNING, "qa_engine.server"):
        assert (await images.drawing(page, 1)).svg is not None
    assert "was not kept" in caplog.text


async def test_closed_images_say_that_the_server_stops(images: PageImages, page: Original) -> None:
    images.close()
    assert (await refusal(images, page)).code == "draining"


async def test_page_that_is_being_drawn_when_the_server_stops_says_so(tmp_path: Path) -> None:
    images = images_in(tmp_path)
    pool = images.start()
    blocking = [
        asyncio.create_task(refusal(images, original(endless_pdf(tmp_path / f"{n}.pdf"), f"e{n}")))
        for n in "abc"
    ]
    while pool._tasks.qsize() != 2:  # the process has begun with one
        await asyncio.sleep(0.01)
    await asyncio.to_thread(images.close)
    assert {(await one).code for one in blocking} == {"draining"}


async def test_too_many_waiting_pages_are_refused_at_once(images: PageImages, tmp_path: Path) -> None:
    builder = PdfBuilder()
    for _ in range(80):
        builder.page()
    many = original(builder.save(tmp_path / "many.pdf"))
    results = await asyncio.gather(*(images.drawing(many, n) for n in range(1, 81)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, ProblemError)]
    assert {problem.code for problem in refused} == {"queue_full"}
    assert 0 < len(refused) < 40
