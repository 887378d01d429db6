"""The reader over files that are long, oddly named, gone, or that cannot be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ingest_process import PARSING_POOL, ParsingInPlace
from pdf_factory import LEFT, PdfBuilder, chinese_pdf
from reading import open_reader, wait_for_pages
from served import ServedApp, served
from served_files import COLLECTION, get, ingest_files, ingest_files_in_place, record_of, sentence_with
from visitor import Visitor

from qa_engine.answering.answer import Box, Citation
from qa_engine.server.documents.page_images import PageImages
from qa_engine.server.problems import ProblemError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LONG = "手册 #1 (100%) 'a' & b?.pdf"
PAGES = 500


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection of a file of 500 pages, whose name has all that addresses escape."""
    folder = tmp_path_factory.mktemp("reader")
    builder = PdfBuilder()
    for number in range(1, PAGES + 1):
        builder.page().put(
            f"Item {number} weighs {number * 7} grams. It is kept in room {number}.", LEFT, 120
        )
        builder.put(f"The second paragraph of page {number} says no more.", LEFT, 400)
    builder.save(folder / "files" / LONG)
    return ingest_files_in_place(folder)


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


@pytest.fixture
def reader(browser: Browser, library: ServedApp) -> Iterator[Visitor]:
    yield from visitor_of(browser, library)


def visitor_of(browser: Browser, server: ServedApp) -> Iterator[Visitor]:
    context = browser.new_context(locale="zh-CN")
    one = Visitor(context, server.url)
    yield one
    context.close()
    one.watch.check()


def opened(reader: Visitor, wanted: dict[str, Any]) -> Page:
    page = reader.open()
    page.get_by_role("heading", level=1).wait_for()
    open_reader(page, wanted)
    return page


def test_long_file_is_read_anywhere_in_it(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, {"citation": sentence_with(shelf, LONG, "Item 250 weighs")})
    heading = page.get_by_role("complementary").get_by_role("heading", level=2)
    assert heading.inner_text().startswith(LONG)
    assert "第 250 页" in heading.inner_text()
    number = page.get_by_role("spinbutton", name="页码，共 500 页")
    number.fill("480")
    number.press("Enter")
    page.get_by_role("img", name="第 480 页").wait_for()
    wait_for_pages(page)
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_role("searchbox").fill("room 33.")
    hits = page.get_by_role("search").get_by_role("listitem")
    hits.first.wait_for()
    assert hits.count() == 1
    page.get_by_role("img", name="第 33 页").wait_for()
    page.locator("rect.current").first.wait_for(state="attached")
    page.get_by_role("searchbox").fill("second paragraph")
    page.get_by_text("只列出前 100 处").wait_for()


def test_page_of_a_file_is_shown_without_a_citation(reader: Visitor, shelf: Path) -> None:
    file = record_of(shelf, LONG).file_id
    page = opened(reader, {"collection": COLLECTION, "file": file, "page": 480})
    page.get_by_role("img", name="第 480 页").wait_for()
    assert page.locator(".reader blockquote").count() == 0
    assert page.locator("rect.cited").count() == 0
    page.get_by_role("button", name="上一页").click()
    page.get_by_role("img", name="第 479 页").wait_for()
    page.reload()
    page.get_by_role("img", name="第 479 页").wait_for()
    href = page.get_by_role("link", name="在这一页打开原文件").get_attribute("href")
    assert str(href).endswith("#page=479")


def test_reader_by_keyboard_alone(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, {"citation": sentence_with(shelf, LONG, "Item 7 weighs")})
    assert page.evaluate("document.activeElement.id") == "reader-heading"
    stops = []
    for _ in range(14):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
            )
        )
    for name in (
        "关闭原文",
        "上一页",
        "页码，共 500 页",
        "下一页",
        "放大（+）",
        "目录",
        "查找",
        "在这一页打开原文件",
        "复制链接",
        "页面",
    ):
        assert name in stops
    page.keyboard.press("Escape")
    page.locator(".reader").wait_for(state="detached")


@pytest.fixture
def one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ServedApp, Path, str]]:
    """A server over a collection of one file, its folder, and a citation that was sent."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "files" / "a.pdf")
    folder = ingest_files(tmp_path)
    identifier = sentence_with(folder, "a.pdf", "2.27米")
    with served(folder / "storage", COLLECTION) as server:
        found = get(server, f"/api/v1/citations/{identifier}")
        boxes = [Box(**box) for box in found["boxes"]]
        sent = Citation(1, "a.pdf", 1, 1, found["text"], boxes, id=identifier, collection=COLLECTION)
        server.app.state.server.citations.remember([sent])
        yield server, folder, identifier


@pytest.mark.parametrize("read_again", [True, False])
def test_version_that_is_gone_shows_what_was_cited_and_leads_to_the_present_one(
    browser: Browser, one_file: tuple[ServedApp, Path, str], read_again: bool
) -> None:
    server, folder, identifier = one_file
    text = get(server, f"/api/v1/citations/{identifier}")["text"]
    chinese_pdf(folder / "files" / "a.pdf", ["另一个版本。"])
    if read_again:
        ingest_files(folder)
    for reader in visitor_of(browser, server):
        reader.watch.expected.append("Failed to load resource")  # Chromium says so of every 410
        page = reader.open(f'/#/ask?read=["c","{identifier}"]')
        page.get_by_text("这个版本的文件已经不在了").wait_for()
        assert page.locator(".reader blockquote").inner_text() == text
        assert page.locator(".reader .sheet").count() == 0
        page.wait_for_load_state("networkidle")
        present = page.get_by_role("button", name="查看现在的版本")
        assert present.count() == read_again
        if read_again:
            present.click()
            page.get_by_role("img", name="a.pdf 第 1 页").wait_for()


def test_page_that_cannot_be_drawn_is_shown_as_text(
    browser: Browser, one_file: tuple[ServedApp, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _, identifier = one_file

    async def refuse(*_: object) -> None:
        raise ProblemError("page_not_drawn", "It is too large.")

    monkeypatch.setattr(PageImages, "drawing", refuse)
    for reader in visitor_of(browser, server):
        page = reader.open(f'/#/ask?read=["c","{identifier}"]')
        page.get_by_text("这一页无法显示为图像").wait_for()
        page.locator(".reader-text p", has_text="2.27米").wait_for()
        assert page.get_by_role("link", name="在这一页打开原文件").count() == 1


def test_image_that_does_not_load_leaves_the_text(reader: Visitor, shelf: Path) -> None:
    reader.watch.expected.append("Failed to load resource")
    reader.context.route("**/pages/7.*", lambda route: route.abort())
    page = reader.open(f'/#/ask?read=["c","{sentence_with(shelf, LONG, "Item 7 weighs")}"]')
    page.get_by_text("这一页无法显示为图像").wait_for()
    page.locator(".reader-text p", has_text="Item 7 weighs 49 grams.").wait_for()


def test_citation_that_is_not_known_is_told(reader: Visitor) -> None:
    reader.watch.expected.append("Failed to load resource")
    page = reader.open('/#/ask?read=["c","nothing-0000001"]')
    page.get_by_role("alert").get_by_text("没有找到").wait_for()
    page.get_by_role("button", name="关闭原文").click()
    page.locator(".reader").wait_for(state="detached")
