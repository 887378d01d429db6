"""The search test: ranks of each stage, two queries beside each other, links that hold a search, and test questions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow
QUESTION = "一年有几天年假？"


def searched(visitor: Visitor, place: str = f"/#/search?q={QUESTION}&k=4") -> Page:
    page = visitor.open(place)
    page.get_by_role("table").first.wait_for()
    return page


def passages(page: Page, query: str = QUESTION) -> Locator:
    return page.get_by_role("region", name=query, exact=True).locator("tbody").get_by_role("row")


def test_every_passage_shows_its_rank_in_each_stage(visitor: Visitor) -> None:
    page = visitor.open("/#/search")
    page.locator("h1").wait_for()
    page.keyboard.press("/")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    first = passages(page).first
    assert first.get_by_role("cell").first.inner_text().startswith("1")
    assert page.get_by_role("columnheader").all_inner_texts() == [
        "名次",
        "向量",
        "BM25",
        "融合",
        "重排",
        "段落",
    ]
    assert re.search(r"1\s+13\.\d\d", first.get_by_role("cell").nth(2).inner_text())
    assert first.locator("mark", has_text="年假").count() >= 1
    assert "年假" in first.locator(".badge").all_inner_texts()
    assert "60%" in page.get_by_role("region", name=QUESTION, exact=True).inner_text()
    assert passages(page).count() == 10
    assert "q=" in page.url


def test_translated_words_are_marked(visitor: Visitor) -> None:
    page = searched(visitor, "/#/search?q=warranty of the water purifier")
    row = passages(page, "warranty of the water purifier").filter(has_text="净水机说明书").first
    assert "保修" in row.locator("mark").all_inner_texts()


def test_passage_opens_in_the_reader(visitor: Visitor) -> None:
    page = searched(visitor)
    passages(page).first.get_by_role("button", name=re.compile("员工手册")).click()
    page.get_by_role("heading", name=re.compile("员工手册")).wait_for()
    assert "read=" in page.url


def test_link_holds_the_search(visitor: Visitor) -> None:
    page = visitor.open("/#/search")
    page.get_by_label("查询", exact=True).fill(QUESTION)
    page.get_by_text("检索范围与数量").click()
    page.get_by_label("条件").fill("file=供货*.pdf\npage=2")
    page.get_by_label("段落数").fill("2")
    page.get_by_role("button", name="检索", exact=True).click()
    page.get_by_role("table").wait_for()
    other = searched(visitor, page.url.removeprefix(visitor.url))
    assert other.get_by_label("条件").input_value() == "file=供货*.pdf\npage=2"
    assert other.get_by_label("段落数").input_value() == "2"
    assert passages(other).count() == 2
    assert other.get_by_role("button", name=re.compile("员工手册")).count() == 0


def test_wrong_condition_is_told(visitor: Visitor) -> None:
    visitor.watch.expected.append("422")
    page = visitor.open(f"/#/search?q={QUESTION}&f=nonsense")
    page.get_by_role("alert").wait_for()


@pytest.mark.parametrize("viewport", ["desktop", "phone"], indirect=True)
def test_two_queries_name_each_others_ranks(visitor: Visitor) -> None:
    page = searched(visitor, f"/#/search?q={QUESTION}&k=3")
    page.get_by_role("button", name="与另一个查询比较").click()
    page.locator("#search-other:focus").wait_for()
    page.keyboard.type("浮标的价格")
    page.keyboard.press("Enter")
    passages(page, "浮标的价格").nth(2).wait_for()
    passages(page).nth(2).wait_for()
    assert passages(page).count() == passages(page, "浮标的价格").count() == 3
    page.get_by_text("只有这个查询找到").nth(1).wait_for()
    page.get_by_label("另一个查询").fill("年休假有几天")
    page.keyboard.press("Enter")
    twin = passages(page, "年休假有几天").first.get_by_role("button", name="另一个查询中第 1 名")
    twin.click()
    assert page.evaluate("document.activeElement.id") == "first-1"
    page.get_by_role("button", name="取消比较").click()
    page.get_by_role("region", name="年休假有几天").wait_for(state="detached")
    assert "q2=" not in page.url


@pytest.mark.parametrize("viewport", ["phone", "narrow"], indirect=True)
def test_passages_are_cards_on_a_phone(visitor: Visitor) -> None:
    page = searched(visitor)
    assert page.locator("thead").is_hidden()
    cell = passages(page).first.get_by_role("cell").nth(1)
    assert cell.inner_text().startswith("向量")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_test_questions_are_kept(visitor: Visitor) -> None:
    page = searched(visitor)
    passages(page).first.get_by_role("button", name="存为测试题：答案在这里").click()
    dialog = page.get_by_role("dialog")
    # The passage is on two pages, and the sentence that was found on the second.
    dialog.locator("option:checked", has_text="第 2 页").wait_for(state="attached")
    assert dialog.get_by_label("页码").locator("option").count() == 2
    dialog.get_by_role("button", name="保存").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_role("button", name="存为无法回答的测试题").click()
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    page.get_by_role("dialog").wait_for(state="detached")
    kept = page.request.get(f"{visitor.url}/api/v1/evaluation/questions").json()["data"]
    (none, answered) = [one for one in kept if one["question"] == QUESTION]
    assert "员工手册.pdf" in str(answered)
    assert re.search(r"'page': 2\b", str(answered))
    assert "员工手册.pdf" not in str(none)
