"""The path of headings that a heading stands under."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.pages.block_roles import MAX_TITLE, Heading, section_paths, title


def depths(*headings: str | tuple[str, float] | tuple[str, float, bool]) -> list[int]:
    made = [Heading(h, 12.0) if isinstance(h, str) else Heading(*h) for h in headings]
    return [len(path) for path in section_paths(made)]


def test_no_headings_make_no_paths() -> None:
    assert section_paths([]) == []


def test_path_goes_from_the_outermost_title_to_the_heading_itself() -> None:
    paths = section_paths(
        [Heading("第一章 总则", 16), Heading("第一节  范围", 14), Heading("第二章 合同", 16)]
    )
    assert paths == [("第一章 总则",), ("第一章 总则", "第一节 范围"), ("第二章 合同",)]


# -- numbered headings, of one size


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["第一编 总则", "第一章 基本", "第一节 一般", "第二节 特别", "第二章 其他", "第二编 物权"], [1, 2, 3, 3, 2, 1]),
        (["第一部分", "一、公司", "（一）业务", "1. 产品", "1.1 手机", "(1) 型号", "（二）人员"], [1, 2, 3, 4, 5, 6, 3]),
        (["一、概况", "二、业务", "十一、其他"], [1, 1, 1]),
        (["1 Introduction", "2 Methods", "2.1 Data", "2.1.1 Sources", "2.2 Model", "3 Results"], [1, 1, 2, 3, 2, 1]),
        (["Part I Basics", "Chapter 1 Start", "1.1 Words", "Chapter 2 End", "Part II More"], [1, 2, 3, 2, 1]),
        (["1、总则", "（1）范围", "（2）定义", "2、合同"], [1, 2, 2, 1]),
        (["1．总则", "1.1范围", "2．合同"], [1, 2, 1]),
        (["2 数据", "2.1年度数据", "3 结果"], [1, 2, 1]),
        (["2.1.1 Sources", "3 Results"], [1, 1]),
        (["第一章 总则", "第3节 范围", "第１０章 附则"], [1, 2, 1]),
    ],
    ids=["law", "report", "Chinese numbers", "paper", "book", "brackets", "wide points", "year", "jump", "digits"],
)  # fmt: skip
def test_numbering_decides_which_heading_is_above(headings: list[str], expected: list[int]) -> None:
    assert depths(*headings) == expected


def test_numbering_decides_even_against_size() -> None:
    assert depths(("1 Introduction", 12), ("1.1 Background", 16), ("2 Methods", 12)) == [1, 2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "2020年报告",
        "10年回顾",
        "5G 网络",
        "3D",
        "12",
        "2.100",
        "Part of the whole",
        "第一条 范围",
        "2020",
        "-1 x",
    ],
)
def test_number_that_is_none_of_a_section_leaves_it_to_size(text: str) -> None:
    assert depths(("第一章 总则", 16), (text, 14), (text, 18)) == [1, 2, 1]
    assert depths((text, 14), ("1 Introduction", 14)) == [1, 1]


# -- headings without numbers


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ([("Title", 20), ("Abstract", 12), ("Methods", 12), ("Data", 11)], [1, 2, 2, 3]),
        ([("Title", 20), ("1 Introduction", 14), ("1.1 Data", 12), ("References", 14)], [1, 2, 3, 2]),
        ([("Bold", 12, True), ("Plain", 12, False), ("Bold", 12, True)], [1, 2, 1]),
        ([("A", 12.0), ("B", 11.7), ("C", 12.2)], [1, 1, 1]),
        ([("1 Introduction", 14), ("A note", 12), ("2 Methods", 14)], [1, 2, 1]),
        ([("1 Introduction", 12), ("致谢", 12)], [1, 1]),
    ],
    ids=["sizes", "paper", "bold", "nearly one size", "note between", "thanks beside chapters"],
)
def test_size_and_weight_decide_where_numbers_do_not(
    headings: list[tuple[str, float]], expected: list[int]
) -> None:
    assert depths(*headings) == expected


# -- bounds


def test_depth_is_bounded_and_the_heading_itself_stays_in_its_path() -> None:
    headings = [Heading(f"Level {number}", 100 - 5 * number) for number in range(15)]
    paths = section_paths(headings)
    assert max(len(path) for path in paths) == 6
    assert [path[-1] for path in paths] == [heading.text for heading in headings]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("  A \n  title\t", "A title"),
        ("x" * MAX_TITLE, "x" * MAX_TITLE),
        ("题" * 500, "题" * (MAX_TITLE - 1) + "…"),
    ],
    ids=["empty", "blanks", "just short enough", "too long"],
)
def test_title_is_one_line_and_not_too_long(text: str, shown: str) -> None:
    assert title(text) == shown


_headings = st.builds(
    Heading,
    st.sampled_from(["第一编", "第二章", "一、", "（二）", "1 a", "1.2 b", "1.2.3.4.5 c", "(3)", "x", ""]),
    st.floats(5, 40),
    st.booleans(),
)


@given(st.lists(_headings, max_size=30))
def test_every_path_ends_with_its_heading_and_begins_with_one_before(headings: list[Heading]) -> None:
    paths = section_paths(headings)
    assert len(paths) == len(headings)
    for number, (path, heading) in enumerate(zip(paths, headings, strict=True)):
        assert 1 <= len(path) <= 6
        assert path[-1] == heading.text
        assert set(path) <= {earlier.text for earlier in headings[: number + 1]}


@pytest.mark.parametrize(
    "contents",
    [
        "目录",
        "目　录",
        "目 次",
        "目錄",
        "— 目录 —",
        "目录 CONTENTS",
        "Table of Contents",
        "图表目录",
        "List of Figures",
    ],
)
def test_title_of_a_table_of_contents_is_above_no_section(contents: str) -> None:
    headings = [
        Heading("桥梁养护手册", 26),
        Heading(contents, 20, True),
        Heading("一、巡查", 14),
        Heading("目录的编制", 14),
    ]
    paths = [path[1:] for path in section_paths(headings)]
    assert paths == [(), (title(contents),), ("一、巡查",), ("目录的编制",)]


def test_letters_are_parts_of_sections_with_roman_numbers_and_else_appendices() -> None:
    assert depths("II. METHOD", ("A. Cost", 11), ("B. Time", 11), ("III. RESULTS", 10)) == [1, 2, 2, 1]
    assert depths(("III. METHOD", 12), ("D. Cost", 14), ("IV. RESULTS", 10)) == [1, 2, 1]
    assert depths("5 Conclusion", "References", "A. Buoys", "B. Moorings") == [1, 1, 1, 1]
