"""How a page was read, in a browser: sentences and what was left out, over the image of the page and as a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_reader import axe_faults
from served import ServedApp, served
from served_files import COLLECTION, HIDDEN, ingest_report_and_scan, record_of
from visitor import Visitor

from qa_engine.documents.pages.ocr import ocr_available

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow
SENTENCE = "Sentence 3 of page 2 says that much happened."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection of `ingest_report_and_scan`."""
    return ingest_report_and_scan(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


@pytest.fixture
def reader(browser: Browser, library: ServedApp, viewport: tuple[int, int]) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": viewport[0], "height": viewport[1]}, locale="zh-CN")
    one = Visitor(context, library.url)
    yield one
    context.close()
    one.watch.check()


def opened(reader: Visitor, shelf: Path, name: str, number: int) -> Page:
    page = reader.open(f"/#/documents/{COLLECTION}/{record_of(shelf, name).file_id}?page={number}")
    page.get_by_role("heading", name="没有读入的内容").wait_for()
    page.get_by_role("img", name=f"第 {number} 页的图像").wait_for()
    return page


def entry(page: Page, text: str) -> Locator:
    return page.locator(".documents-lines button").filter(has_text=text)


def place_of(page: Page, kind: str) -> dict[str, Any]:
    """Where the first mark of a kind is in the window."""
    box = page.locator(f".marks .{kind}").first.bounding_box()
    assert box is not None
    return dict(box)


def test_left_out_lines_are_marked_and_named(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, shelf, "report.pdf", 2)
    for role, text in (("页眉", "Annual report of Example Corp."), ("隐藏文字", HIDDEN), ("页码", "2")):
        assert entry(page, text).filter(has_text=role).count() >= 1
        page.locator(".documents-legend").get_by_text(role).wait_for()
    assert page.locator(".marks .role-left").count() == 3
    assert page.locator(".marks .role-body").count() == 12
    page.get_by_text("读自文字层").wait_for()
    assert axe_faults(page) == []


def test_list_lights_the_page_and_the_page_lights_the_list(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, shelf, "report.pdf", 2)
    assert page.locator(".marks .lit").count() == 0
    entry(page, SENTENCE).focus()
    page.locator(".marks .lit").wait_for(state="attached")
    lit = place_of(page, "lit")
    page.locator(".documents-lines button").first.blur()
    page.mouse.move(lit["x"] + 20, lit["y"] + lit["height"] / 2)
    page.locator(".documents-lines button.lit").wait_for()
    assert SENTENCE in page.locator(".documents-lines button.lit").inner_text()
    page.mouse.move(5, 5)
    page.locator(".documents-lines button.lit").wait_for(state="detached")


def test_click_keeps_the_light(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, shelf, "report.pdf", 2)
    place = place_of(page, "role-left")
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.move(5, 5)
    assert page.locator("button[aria-pressed=true]").count() == 1
    page.locator("button[aria-pressed=true]").click()
    assert page.locator("button[aria-pressed=true]").count() == 0


def test_pages_are_stepped_through_in_the_address(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, shelf, "report.pdf", 1)
    assert page.get_by_role("button", name="上一页").is_disabled()
    page.get_by_role("button", name="下一页").click()
    entry(page, SENTENCE).wait_for()
    page.get_by_role("spinbutton").fill("6")
    page.keyboard.press("Enter")
    page.get_by_role("img", name="第 6 页的图像").wait_for()
    assert page.get_by_role("button", name="下一页").is_disabled()
    page.go_back()
    entry(page, SENTENCE).wait_for()


def test_page_without_text_says_why(reader: Visitor, shelf: Path) -> None:
    page = opened(reader, shelf, "scan.pdf", 2)
    if not ocr_available():
        page.get_by_text("这一页没有文字层，只有图像，需要 OCR。").wait_for()
        page.get_by_text("这一页没有读出句子。").wait_for()


def test_long_file_shows_how_far_it_is(reader: Visitor, shelf: Path) -> None:
    page = reader.context.new_page()
    file = record_of(shelf, "report.pdf").file_id
    page.route("**/reading", lambda route: route.fulfill(status=202, json={"read": 8, "pages": 240}))
    page.goto(f"{reader.url}/#/documents/{COLLECTION}/{file}?page=1")
    page.get_by_text("已读 8 页，共 240 页").wait_for()
    page.unroute("**/reading")
    page.get_by_role("heading", name="没有读入的内容").wait_for()


def test_file_that_cannot_be_read_again_says_so_and_keeps_its_sentences(reader: Visitor, shelf: Path) -> None:
    reader.watch.expected = ["422"]
    page = reader.context.new_page()
    problem = {"code": "file_not_read", "detail": "report.pdf needs a password.", "fix": ""}
    page.route("**/reading", lambda route: route.fulfill(status=422, json=problem))
    page.goto(f"{reader.url}/#/documents/{COLLECTION}/{record_of(shelf, 'report.pdf').file_id}?page=2")
    page.get_by_text("无法重新读取这个文件").wait_for()
    entry(page, SENTENCE).wait_for()


@pytest.mark.parametrize("viewport", ["phone", "narrow"], indirect=True)
def test_phone(reader: Visitor, shelf: Path, viewport: tuple[int, int]) -> None:
    page = opened(reader, shelf, "report.pdf", 2)
    page.locator(".marks .role-body").nth(3).scroll_into_view_if_needed()
    place = page.locator(".marks .role-body").nth(3).bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + 10, place["y"] + place["height"] / 2)
    page.locator(".documents-lit").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    assert axe_faults(page) == []
