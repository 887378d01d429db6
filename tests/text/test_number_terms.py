"""What numbers, dates and measures mean, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text.number_terms import number_terms


@pytest.mark.parametrize(
    ("term", "spellings"),
    [
        ("第32条", ["第三十二条", "第32条", "第 32 条"]),
        ("3000000", ["300万", "三百万", "3 million", "3百万"]),
        ("1500000000", ["15亿", "十五亿", "1.5 billion"]),
        ("30%", ["30%", "百分之三十", "百分之30", "30 percent", "30 %"]),
        ("120km", ["120公里", "120千米", "120 km", "120km", "120 kilometres", "一百二十公里", "120余公里"]),
        ("5km2", ["5平方公里", "5 km2", "5 square kilometers"]),
        ("1kg", ["1公斤", "1 kilogram", "1kg"]),
        ("3year", ["3年", "三年", "3 years"]),
        ("3000000cny", ["300万元", "3 million yuan"]),
        (
            "2024-03-05",
            [
                "2024年3月5日",
                "2024年03月05日",
                "二〇二四年三月五日",
                "2024-03-05",
                "2024/3/5",
                "march 5, 2024",
                "5th of march 2024",
            ],
        ),
        ("2024-03", ["2024年3月", "march 2024", "2024-03-05"]),
        ("03-05", ["3月5日", "三月五号", "march 5", "5 march"]),
        ("12-31", ["十二月三十一日", "december 31st"]),
        ("1945", ["一九四五年"]),
        ("500", ["五百"]),
    ],
)
def test_spellings_of_one_quantity_share_a_term(term: str, spellings: list[str]) -> None:
    assert [spelling for spelling in spellings if term not in set(number_terms(spelling))] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "没有数字",
        "十分重要",  # not 10
        "千万不要",
        "万一",
        "百零〇千五十〇",
        "一些人",
        "2024-13-40",
        "13月45日",
        "3.2.1",
        "may be",
    ],
)
def test_what_only_looks_like_a_quantity_gives_none(text: str) -> None:
    assert list(number_terms(text)) == []


def test_year_of_a_date_is_no_duration() -> None:
    assert "2024year" not in set(number_terms("2024年"))
    assert "20year" in set(number_terms("20年"))


@given(st.text("第〇一二三十百千万亿条年月日0123456789.,-/% kmay", max_size=60))
def test_any_text_gives_terms_without_blanks(text: str) -> None:
    for term in number_terms(text):
        assert term
        assert " " not in term
