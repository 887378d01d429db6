"""Why a page is not found: the form, and the answer in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_reader import axe_faults
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
QUESTION = "一年有几天年假？"
MANUAL = "净水机说明书.pdf"
HANDBOOK = "员工手册.pdf"


def asked(visitor: Visitor, file: str, number: int, more: str = "&k=2", place: str = "") -> Page:
    page = visitor.open(place or f"/#/search?q={QUESTION}{more}")
    page.get_by_label("文件", exact=True).fill(file)
    page.get_by_label("页码").fill(str(number))
    page.get_by_role("button", name="查原因").click()
    return page


def verdict(page: Page) -> str:
    notice = page.get_by_role("region", name="为什么没有这一页？").locator(".notice").first
    return notice.inner_text()


def test_page_that_is_there(visitor: Visitor) -> None:
    page = asked(visitor, HANDBOOK, 2)
    assert "它在结果里：第 1 名。" in verdict(page)
    assert page.get_by_role("status").inner_text() == "它在结果里：第 1 名。"


def test_number_of_passages_that_was_tried_shows_the_page(visitor: Visitor) -> None:
    page = asked(visitor, MANUAL, 2)
    found = re.search(r"已验证：段落数设为 (\d+) 就会显示它", verdict(page))
    assert found is not None
    facts = page.get_by_role("region", name="为什么没有这一页？").inner_text()
    assert re.search(r"最好的一句得 0\.\d+ 分，名单最后一句 0\.\d+ 分|最好的一句排在第 \d+ 名", facts)
    assert "没有一句含有这个查询的词" in facts
    assert "这一页没有的词" in facts
    page.get_by_role("button", name=f"改为 {found[1]} 个段落并检索").click()
    rows = page.get_by_role("region", name=QUESTION, exact=True).locator("tbody tr")
    rows.nth(int(found[1]) - 1).wait_for()
    assert rows.locator("button", has_text=MANUAL).count() >= 1
    assert f"k={found[1]}" in page.url


@pytest.mark.parametrize(
    ("file", "number", "more", "said"),
    [
        ("供货合同-supply-contract.pdf", 2, "&k=2", "只显示前 2 个段落"),
        ("buoy-trial-report.pdf", 2, "&k=2", "向量和 BM25 的候选名单里都没有它的句子"),
        (HANDBOOK, 9, "", "文件只有 3 页，没有第 9 页"),
        (HANDBOOK, 1, "&f=page%3D3", "检索条件排除了这一页"),
    ],
)
def test_each_reason_is_told(visitor: Visitor, file: str, number: int, more: str, said: str) -> None:
    assert said in verdict(asked(visitor, file, number, more))


def test_files_are_suggested_and_others_refused(visitor: Visitor) -> None:
    page = visitor.open(f"/#/search?q={QUESTION}")
    page.get_by_label("文件", exact=True).fill("说明")
    page.locator("#why-files:not(:has(option:nth-of-type(2))) option").wait_for(state="attached")
    assert page.locator("#why-files option").get_attribute("value") == MANUAL
    page.get_by_label("页码").fill("1")
    page.get_by_role("button", name="查原因").click()
    page.get_by_text("检索范围内没有这个文件").wait_for()


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
@pytest.mark.parametrize("colours", ["light", "dark"], indirect=True)
def test_two_queries_on_a_phone(visitor: Visitor) -> None:
    page = asked(visitor, "buoy-trial-report.pdf", 3, "&q2=浮标多少钱&k=3")
    why = page.get_by_role("region", name="为什么没有这一页？")
    why.locator(".notice").nth(1).wait_for()
    assert why.get_by_role("heading", level=3).all_inner_texts() == [QUESTION, "浮标多少钱"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(page) == []


def test_page_is_kept_as_the_answer(visitor: Visitor) -> None:
    question = "滤芯多久换一次？"
    page = asked(visitor, MANUAL, 2, place=f"/#/search?q={question}")
    page.get_by_role("region", name="为什么没有这一页？").get_by_role("button", name="存为测试题").click()
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    page.get_by_role("dialog").wait_for(state="detached")
    kept = page.request.get(f"{visitor.url}/api/v1/evaluation/questions").json()["data"]
    assert str(kept).count(MANUAL) == 1
    assert kept[0]["question"] == question
    page.get_by_role("button", name="查看这一页").click()
    page.get_by_role("heading", name=re.compile("净水机")).wait_for()
