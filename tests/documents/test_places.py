"""How people call a place, for each kind of file."""

from __future__ import annotations

import pytest

from qa_engine.documents.places import has_own_pages, place_text


@pytest.mark.parametrize(
    ("name", "page", "page_end", "label", "section", "expected"),
    [
        ("手册.pdf", 3, 3, "i", "休假", "第3页"),
        ("手册.PDF", 3, 5, "", "", "第3–5页"),
        ("无名", 2, None, "", "", "第2页"),
        ("手册.pdf", None, None, "", "", ""),
        ("手册.docx", 2, 2, "", "休假 › 年假", "“休假 › 年假”（转换后第2页）"),
        ("a.md", 1, 1, "", "", "转换后第1页"),
        ("a.txt", None, None, "", "", ""),
        ("表.xlsx", 1, 1, "销售!A3:F3", "销售", "工作表“销售”A3:F3"),
        ("表.xlsx", 1, 1, "'a ''b'!B2", "a 'b", "工作表“a 'b”B2"),
        ("表.xlsx", 1, 1, "", "销售 › 一季度", "工作表“销售”"),
        ("表.csv", 1, 1, "A2:B2", "", "A2:B2"),
        ("a.html", 1, 2, "", "甲\n乙", "“甲 乙”（转换后第1–2页）"),
    ],
)
def test_place(
    name: str, page: int | None, page_end: int | None, label: str, section: str, expected: str
) -> None:
    assert place_text(name, page, page_end, label, section) == expected


def test_long_sections_are_cut() -> None:
    assert len(place_text("a.md", 1, 1, "", "长" * 500)) < 110


def test_pages_of_a_rendition_are_not_those_that_people_know() -> None:
    assert has_own_pages("a.pdf")
    assert not has_own_pages("a.docx")
