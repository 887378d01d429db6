"""The page in a browser: the shortest way from a question to the sentence that answers it."""

from __future__ import annotations

from visitor import Visitor


def test_page_opens(visitor: Visitor) -> None:
    page = visitor.open()
    page.get_by_role("heading", level=1).wait_for()
    assert page.title() == "问答 · qa_engine"
