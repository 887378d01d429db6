"""The reader beside a screen: a citation is shown where it stands, and the whole file can be read from there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_reader import axe_faults
from reading import answer_of, open_reader, wait_for_pages
from served import ServedApp
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

OVER_TWO_PAGES = "年假有几天？"
BESIDE = "滤芯多久更换一次？"


@pytest.fixture(scope="module")
def citation(example_server: ServedApp) -> dict[str, Any]:
    """A citation that goes over a page break."""
    (first, *_) = answer_of(example_server, OVER_TWO_PAGES)["citations"]
    return dict(first)


@pytest.fixture(scope="module")
def beside(example_server: ServedApp) -> list[dict[str, Any]]:
    """Two citations of one answer, as targets of the reader."""
    return [{"citation": one["id"]} for one in answer_of(example_server, BESIDE)["citations"]][:2]


def reading(visitor: Visitor, wanted: dict[str, Any], beside: list[dict[str, Any]] | None = None) -> Page:
    page = visitor.open("/")
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("button", name="键盘快捷键").focus()
    open_reader(page, wanted, beside)
    return page


def heading(page: Page) -> str:
    return page.get_by_role("complementary").get_by_role("heading", level=2).inner_text()


def test_citation_is_shown_with_its_place_its_text_and_marks_on_both_pages(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    assert "员工手册.pdf" in heading(page)
    assert "第 1–2 页" in heading(page)
    assert "第三章 休假" in heading(page)
    quote = page.locator(".reader blockquote")
    assert quote.inner_text() == citation["text"]
    assert quote.get_attribute("lang") == "zh-CN"
    sheets = page.locator(".reader .sheet")
    assert sheets.count() == 2
    assert all(sheets.nth(at).locator("rect.cited").count() > 0 for at in (0, 1))


def test_first_mark_is_in_sight(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    area, mark = (page.locator(one).first.bounding_box() for one in (".reader-pages", "rect.cited"))
    assert area is not None
    assert mark is not None
    assert area["y"] <= mark["y"] < mark["y"] + mark["height"] <= area["y"] + area["height"]


def test_passage_around_the_citation_is_marked_lightly(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"], "passage": citation["node_id"]})
    page.locator("rect.passage").first.wait_for(state="attached")
    cited = {one.get_attribute("y") for one in page.locator("rect.cited").all()}
    around = {one.get_attribute("y") for one in page.locator("rect.passage").all()}
    assert around - cited


def test_steps_through_citations_by_buttons_and_keys(visitor: Visitor, beside: list[dict[str, Any]]) -> None:
    page = reading(visitor, beside[0], beside)
    quote = page.locator(".reader blockquote")
    first = quote.inner_text()
    page.get_by_text("引用 1 / 2").wait_for()
    page.get_by_role("button", name="下一条引用").click()
    page.get_by_text("引用 2 / 2").wait_for()
    page.get_by_role("status").filter(has_text="第 2 条引用，共 2 条").wait_for()
    assert quote.inner_text() != first
    page.keyboard.press("[")
    page.get_by_text("引用 1 / 2").wait_for()
    assert quote.inner_text() == first
    page.keyboard.press("]")
    page.get_by_text("引用 2 / 2").wait_for()


def test_any_page_can_be_read_from_here_and_the_way_back_is_short(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.get_by_role("button", name="下一页").click()
    page.get_by_role("img", name="员工手册.pdf 第 3 页").wait_for()
    assert "第 3 页" in heading(page)
    assert page.locator("rect.cited").count() == 0
    number = page.get_by_role("spinbutton", name="页码")
    number.fill("1")
    number.press("Enter")
    page.get_by_role("img", name="员工手册.pdf 第 1 页").wait_for()
    assert page.locator("rect.cited").count() > 0
    page.get_by_role("button", name="回到引用处").click()
    page.get_by_role("img", name="员工手册.pdf 第 2 页").wait_for()
    assert page.locator(".reader .sheet").count() == 2


def test_place_is_in_the_address_and_back_leaves_the_reader(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.reload()
    wait_for_pages(page)
    assert page.locator(".reader blockquote").inner_text() == citation["text"]
    page.get_by_role("button", name="关闭原文").click()
    page.locator(".reader").wait_for(state="detached")
    page.go_back()
    wait_for_pages(page)


def test_focus_goes_to_the_heading_and_back_to_what_opened_the_reader(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    assert page.evaluate("document.activeElement.id") == "reader-heading"
    page.keyboard.press("Escape")
    page.locator(".reader").wait_for(state="detached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "键盘快捷键"


def test_sections_lead_to_their_pages(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.get_by_role("button", name="目录", exact=True).click()
    sections = page.get_by_role("navigation", name="目录")
    sections.get_by_role("button", name="第六章").click()
    page.get_by_role("img", name="员工手册.pdf 第 3 页").wait_for()
    assert sections.locator("[aria-current]").inner_text().startswith("第六章")


def test_text_is_found_listed_and_marked(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.get_by_role("button", name="查找", exact=True).click()
    field = page.get_by_role("searchbox")
    field.fill("１0 天")
    field.fill("年 假")
    hits = page.get_by_role("search").get_by_role("listitem")
    hits.first.wait_for()
    assert hits.locator("mark").all_inner_texts() == ["年假"] * hits.count()
    assert page.locator("rect.current").count() > 0
    field.press("Enter")
    page.get_by_text(re.compile(rf"^2 / {hits.count()}$")).wait_for()
    field.press("Shift+Enter")
    page.get_by_text(re.compile(rf"^1 / {hits.count()}$")).wait_for()
    field.fill("没有这样的话")
    page.get_by_text("没有找到“没有这样的话”。").first.wait_for()
    field.press("Escape")
    field.wait_for(state="detached")
    assert page.locator(".reader").count() == 1
    assert page.locator("rect.found").count() == 0


def test_zoom_by_buttons_and_keys_keeps_the_mark_on_the_sentence(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})

    def share() -> float:
        sheet, mark = (page.locator(one).first.bounding_box() for one in (".reader .sheet img", "rect.cited"))
        assert sheet is not None
        assert mark is not None
        return (mark["x"] - sheet["x"]) / sheet["width"]

    before = share()
    for _ in range(8):
        page.keyboard.press("+")
    page.get_by_role("button", name="适合宽度").get_by_text("400%").wait_for()
    assert share() == pytest.approx(before, abs=0.002)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="缩小").click()
    page.get_by_role("button", name="适合宽度").get_by_text("300%").wait_for()
    page.keyboard.press("0")
    page.get_by_role("button", name="适合宽度").get_by_text("100%").wait_for()
    assert share() == pytest.approx(before, abs=0.002)


def test_selection_copies_the_text_of_the_page(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.locator(".reader-lines span").first.wait_for(state="attached")
    line = page.locator(".reader-lines span").filter(has_text="第3.1条")
    line.click(click_count=3)
    assert page.evaluate("getSelection().toString().trim()") == "第3.1条 员工享有国家规定的全部法定节假日。"
    lines = page.locator(".reader .sheet").first.locator(".reader-lines span").all_inner_texts()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.reader-lines'))")
    copied = page.evaluate("getSelection().toString()").splitlines()
    assert copied == [line.strip() for line in lines]
    assert "第3.1条 员工享有国家规定的全部法定节假日。" in copied


def test_lines_lie_over_their_text(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    line = page.locator(".reader-lines span").filter(has_text="第3.2条").bounding_box()
    mark = page.locator("rect.cited").first.bounding_box()
    assert line is not None
    assert mark is not None
    for side in ("x", "y", "width", "height"):
        assert abs(line[side] - mark[side]) < 6


def test_original_opens_at_the_page_and_can_be_saved(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    original = page.get_by_role("link", name="在这一页打开原文件")
    assert str(original.get_attribute("href")).endswith("/content?inline=true#page=1")
    with page.expect_download() as saving:
        page.get_by_role("link", name="下载").click()
    assert saving.value.suggested_filename == "员工手册.pdf"


def test_link_of_the_citation_is_copied(visitor: Visitor, citation: dict[str, Any]) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = reading(visitor, {"citation": citation["id"]})
    page.get_by_role("button", name="复制链接").click()
    page.get_by_role("status").filter(has_text="已复制链接").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"{visitor.url}/c/{citation['id']}"


def test_text_of_a_page_is_there_to_be_read(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.get_by_text("本页文字 · 第 1 页").click()
    page.locator(".reader-text p", has_text="员工享有国家规定的全部法定节假日").wait_for()


@pytest.mark.parametrize("viewport", ["phone", "narrow"], indirect=True)
def test_on_a_phone_it_is_a_sheet_from_below_that_leaves_the_chip_in_sight(
    visitor: Visitor, citation: dict[str, Any]
) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    reader, chip = (page.locator(one).bounding_box() for one in (".reader", "[aria-label=键盘快捷键]"))
    assert reader is not None
    assert chip is not None
    assert chip["y"] + chip["height"] <= reader["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="放大或缩小这一栏").click()
    larger = page.locator(".reader").bounding_box()
    assert larger is not None
    assert larger["height"] > 1.2 * reader["height"]
    page.get_by_role("button", name="关闭原文").click()
    page.locator(".reader").wait_for(state="detached")


@pytest.mark.parametrize("colours", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("viewport", ["desktop", "phone"], indirect=True)
def test_axe_finds_nothing(visitor: Visitor, citation: dict[str, Any]) -> None:
    page = reading(visitor, {"citation": citation["id"]})
    page.locator(".reader-lines span").first.wait_for(state="attached")
    page.get_by_role("button", name="查找", exact=True).click()
    page.get_by_role("searchbox").fill("年假")
    page.get_by_role("search").get_by_role("listitem").first.wait_for()
    assert axe_faults(page) == []
