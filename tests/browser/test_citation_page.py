"""The link of a citation in a browser: complete without scripts, and the reader where there are some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_reader import axe_faults
from reading import answer_of, wait_for_pages
from served import ServedApp
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def citation(example_server: ServedApp) -> dict[str, Any]:
    """A citation that goes over a page break."""
    (first, *_) = answer_of(example_server, "年假有几天？")["citations"]
    return dict(first)


@pytest.fixture
def plain(browser: Browser, example_server: ServedApp) -> Iterator[Visitor]:
    """A visitor whose browser runs no scripts."""
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    one = Visitor(context, example_server.url)
    one.watch.expected.append("preload")  # of modules that this browser has no use for
    yield one
    context.close()
    one.watch.check()


def taken_over(page: Page) -> None:
    page.locator("main.reader").wait_for()
    wait_for_pages(page)


def test_without_scripts_it_is_complete(plain: Visitor, citation: dict[str, Any]) -> None:
    page = plain.open(f"/c/{citation['id']}")
    assert page.get_by_role("heading", level=1).inner_text().startswith("员工手册.pdf · 第 1–2 页")
    assert page.locator("blockquote").inner_text() == citation["text"]
    assert page.locator(".sheet").count() == 2
    assert page.locator(".marks rect").count() > 2
    page.get_by_role("link", name="下一页").click()
    page.get_by_role("img", name="员工手册.pdf 第 3 页的图像").wait_for()


def test_with_scripts_the_reader_takes_its_place(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = visitor.open(f"/c/{citation['id']}")
    taken_over(page)
    assert "员工手册.pdf" in page.get_by_role("heading", level=1).inner_text()
    assert page.locator("blockquote").inner_text() == citation["text"]
    assert page.locator("rect.cited").count() > 2
    page.get_by_role("button", name="下一页").click()
    page.get_by_role("img", name="员工手册.pdf 第 3 页").wait_for()
    assert page.url.endswith(f"/c/{citation['id']}")
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_role("searchbox").fill("年假")
    page.get_by_role("search").get_by_role("listitem").first.wait_for()


def test_page_of_the_address_is_shown(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = visitor.open(f"/c/{citation['id']}?page=3")
    taken_over(page)
    page.get_by_role("img", name="员工手册.pdf 第 3 页").wait_for()
    page.get_by_role("button", name="回到引用处").click()
    page.locator("rect.cited").first.wait_for(state="attached")


@pytest.mark.parametrize(
    "missing", ["js/citation.js", "js/reader/pane.js", "css/reader.css", "api/v1/citations"]
)
def test_what_the_server_has_written_stays_if_anything_is_missing(
    visitor: Visitor, citation: dict[str, Any], missing: str
) -> None:
    visitor.watch.expected += ["Failed to load resource", "preload"]
    visitor.context.route(f"**/{missing}*", lambda route: route.abort())
    visitor.context.route(f"**/{missing}/**", lambda route: route.abort())
    page = visitor.open(f"/c/{citation['id']}")
    page.wait_for_load_state("networkidle")
    assert page.locator("main.reader").count() == 0
    assert page.locator("blockquote").inner_text() == citation["text"]
    assert page.locator(".marks rect").count() > 2


def test_language_is_that_of_the_browser(
    browser: Browser, example_server: ServedApp, citation: dict[str, Any]
) -> None:
    context: BrowserContext = browser.new_context(locale="en-GB")
    visitor = Visitor(context, example_server.url)
    page = visitor.open(f"/c/{citation['id']}")
    taken_over(page)
    page.get_by_role("button", name="Next page").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()
    visitor.watch.check()


@pytest.mark.parametrize("colours", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("viewport", ["desktop", "narrow"], indirect=True)
def test_axe_finds_nothing(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = visitor.open(f"/c/{citation['id']}")
    taken_over(page)
    assert axe_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
