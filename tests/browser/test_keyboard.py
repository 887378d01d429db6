"""The page by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
QUESTION = "净水机的反渗透滤芯多久更换一次？更换之后要做什么？"


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.tagName"))


def test_first_stop_leads_to_the_content(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("heading", level=1).wait_for()
    page.locator("body").press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("/") or "#main" not in page.url


def test_question_answer_reader_and_back(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("heading", level=1).wait_for()
    page.locator("body").press("/")
    assert focused(page) == "TEXTAREA"
    page.keyboard.type(QUESTION)
    page.keyboard.press("/")  # in the box it is a letter
    assert page.locator("textarea").first.input_value().endswith("/")
    page.keyboard.press("Backspace")
    page.keyboard.press("Control+Enter")
    chip = page.get_by_role("link", name="来源 1").first
    chip.wait_for()
    page.get_by_role("link", name="来源 2").first.wait_for()
    chip.focus()
    page.keyboard.press("Enter")
    page.locator(".marks .cited").first.wait_for(state="attached")
    assert focused(page) == "H2"
    first = page.evaluate("location.hash")
    page.keyboard.press("]")
    page.wait_for_function("before => location.hash !== before", arg=first)
    page.keyboard.press("[")
    page.wait_for_function("before => location.hash === before", arg=first)
    page.keyboard.press("Escape")
    page.locator("aside").wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent.includes('1')")
    page.go_back()
    page.locator("aside").wait_for()


def test_question_mark_lists_the_keys(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("heading", level=1).wait_for()
    page.locator("body").press("?")
    page.get_by_role("dialog", name="键盘快捷键").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
