"""Every screen, in both themes, on a desk and on a phone: axe finds no fault, and nothing is wider than the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_reader import axe_faults
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
QUESTION = "工作满十年的员工每年有几天年假？"


def asked(visitor: Visitor) -> Page:
    page = visitor.open()
    page.get_by_role("textbox").first.fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.get_by_role("link", name="来源 1").first.wait_for()
    return page


def read(visitor: Visitor) -> Page:
    page = asked(visitor)
    page.get_by_role("link", name="来源 1").first.click()
    page.locator(".marks .cited").first.wait_for(state="attached")
    return page


def place(address: str) -> object:
    def opened(visitor: Visitor) -> Page:
        page = visitor.open(address)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        return page

    return opened


SCREENS = {
    "ask": place("/"),
    "answer": asked,
    "reader": read,
    "search": place("/#/search"),
    "results": place("/#/search?q=年假"),
    "documents": place("/#/documents/demo"),
    "evaluation": place("/#/evaluation"),
    "status": place("/#/status"),
}


@pytest.mark.parametrize("viewport", ["desktop", "phone", "narrow"], indirect=True)
@pytest.mark.parametrize("colours", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("screen", SCREENS)
def test_screen_has_no_faults(visitor: Visitor, screen: str) -> None:
    page = SCREENS[screen](visitor)  # type: ignore[operator]
    assert axe_faults(page) == []
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0


@pytest.mark.parametrize("colours", ["light", "dark"], indirect=True)
def test_dialog_and_english_have_no_faults(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("button", name="English").click()
    page.get_by_role("navigation", name="Screens").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("dialog").wait_for()
    assert axe_faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
