"""The page of errors over HTTP has a line for each, to which their `type` leads."""

from __future__ import annotations

import re

from docs.pages import ROOT

from qa_engine.server.problems import ERRORS_PAGE, PROBLEMS

PAGE = ROOT / "docs" / "http-errors.md"


def test_the_page_has_a_line_for_each_error() -> None:
    shown = re.findall(r"^\| <a id=\"\w+\">.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [
        f'| <a id="{code}"></a>`{code}` | {kind.status} | {kind.title} | {kind.fix or "see `fix`"} |'
        for code, kind in PROBLEMS.items()
    ]


def test_the_type_of_an_error_leads_to_the_page() -> None:
    assert ERRORS_PAGE.endswith("/docs/http-errors.md#")
