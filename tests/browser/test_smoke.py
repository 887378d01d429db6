"""The page in a browser: the shortest way from a question to the sentence that answers it."""

from __future__ import annotations

from visitor import Visitor


def test_page_opens(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("heading", level=1).wait_for()
    assert page.title() == "问答 · qa_engine"


def test_example_question_leads_to_a_marked_sentence(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("button", name="哪份文件页数最多？").click()
    page.get_by_role("link", name="来源 1：").first.click()
    page.locator(".marks .cited").first.wait_for(state="attached")
    page.get_by_role("complementary").get_by_role("heading", level=2).wait_for()
