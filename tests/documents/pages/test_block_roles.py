"""What blocks are, told by their words, their size and their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Block, Line, Page, Role, Table
from qa_engine.documents.pages.block_roles import (
    CAPTION,
    LIST_ITEM,
    NUMBERED_HEADING,
    assign_roles,
    body_size,
    is_contents,
)

SIZE, HEIGHT = 11.0, 800.0


def line(text: str, y: float = 100, *, x1: float = 500, size: float = SIZE, bold: bool = False) -> Line:
    return Line(text, 1, 72, y, x1, y + 1.2 * size, size=size, block=0, bold=bold)


def roles(*lines: Line, role: Role = Role.BODY, parser: str = "fast") -> list[tuple[Role, list[str]]]:
    """The blocks that one block of these lines becomes."""
    page = Page(1, 595, HEIGHT, parser, [Block(role, list(lines))])
    assign_roles([page], SIZE)
    return [(block.role, [line.text for line in block.lines]) for block in page.blocks]


def role_of(*lines: Line, role: Role = Role.BODY, parser: str = "fast") -> Role:
    ((found, _),) = roles(*lines, role=role, parser=parser)
    return found


# -- captions


@pytest.mark.parametrize(
    "text",
    [
        "表1列出了各省的数据", "表十二列出了数据", "表1显示了结果", "图3展示了模型的结构", "图3所示的模型", "图12、图13",
        "表2中的数据", "表1为各省数据", "图5是系统的结构", "图1可以看出", "图1和图2", "表1的数据", "图3汇总了结果",
        "表2020年数据", "图像1处理", "图3", "表格1", "表1，表2", "图ABC系统", "表1到表3",
        "Table 2 shows that", "Table 2.3 shows that", "Figure 1 and Table 2.", "Figure out. Then", "Table of: x",
        "Table manners: a guide", "table 12", "Figures 1: x", "Tableau 1: x", "In Table 1: x",
    ],
)  # fmt: skip
def test_sentence_that_begins_like_a_caption_is_none(text: str) -> None:
    assert CAPTION.match(text) is None
    assert role_of(line(text), line("and goes on in the next line.", 115)) is Role.BODY


@pytest.mark.parametrize(
    "text",
    [
        "图1准确率", "表1：结果", "图1-2 结构", "图 2.3 结构", "表3 2020年收入", "表十二 数据", "附表1 数据", "图2a 结构",
        "表A1 参数", "表3所得税费用", "图1示意图", "表2列车时刻", "图4中国地图", "表5可转债明细", "图3汇总结果", "圖1 結構",
        "Figure 3: Accuracy", "Fig. 3. Accuracy", "Fig 3: Accuracy", "Table 2. Results", "Table 1 | Summary",
        "Table IV. Results", "Table A.1: x", "Figure S2: x", "Figure 3(b): x", "Figure 2a. x", "TABLE 1: X",
    ],
)  # fmt: skip
def test_caption_is_known_by_its_number(text: str) -> None:
    assert CAPTION.match(text) is not None
    assert role_of(line(text), line("which goes on here", 115)) is Role.CAPTION
    assert role_of(line(text), parser="layout") is Role.CAPTION


def test_page_of_text_that_begins_like_a_caption_is_none() -> None:
    lines = [line("Figure 1: Accuracy", 100), *(line("text of a paragraph", 115 + 15 * n) for n in range(8))]
    assert role_of(*lines) is Role.BODY


# -- headings


@pytest.mark.parametrize(
    "text",
    [
        "2020.12.31", "12.31", "3.5%", "1.2亿元", "12.5万人", "1.5倍", "2.5 trillion tokens", "3.2 times as much",
        "Part of the text", "Section headings are", "Section 3 describes the data", "3、合同", "（一）范围", "1) first",
        "• item", "12", "第三条 范围", "introductions", "the abstract", "1. first item", "3.5，", "第三节规定，如下",
    ],
)  # fmt: skip
def test_list_items_dates_and_amounts_are_no_headings(text: str) -> None:
    assert NUMBERED_HEADING.fullmatch(text) is None
    assert role_of(line(text)) is Role.BODY


@pytest.mark.parametrize(
    "text",
    [
        "第一章 总则", "第一节", "第十二章　合同的效力", "第二部分 概况", "第一编：物权", "1.1 背景", "3.4重复值处理",
        "2.1.3 Data", "1.1.1. Aims", "Chapter 3 Results", "Section 3.1: Data", "Part II", "Appendix A Tables",
        "References", "ABSTRACT", "Acknowledgments", "摘 要", "目录", "附录B 数据", "参考文献",
    ],
)  # fmt: skip
def test_numbered_line_that_stands_alone_is_a_heading(text: str) -> None:
    assert NUMBERED_HEADING.fullmatch(text) is not None
    assert role_of(line(text)) is Role.HEADING


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([line("Results", size=14)], Role.HEADING),
        ([line("Results", size=12)], Role.BODY),
        ([line("Results", bold=True)], Role.HEADING),
        ([line("All of this is bold.", bold=True)], Role.BODY),
        ([line("one", bold=True), line("two", 115, bold=True)], Role.BODY),
        ([line("R" * 81, size=20)], Role.BODY),
        ([line("Results … 12", size=14)], Role.BODY),
        ([line("1.1 背景；", bold=True)], Role.BODY),
        ([line("1.1 背景", size=9)], Role.BODY),
        ([line("1.1 " + "背景" * 20)], Role.BODY),
    ],
    ids=["large", "hardly larger", "bold", "bold sentence", "bold paragraph", "long", "contents entry", "clause",
         "small print", "long clause"],
)  # fmt: skip
def test_size_weight_and_length_tell_a_heading(lines: list[Line], found: Role) -> None:
    assert role_of(*lines) is found


def test_short_last_line_of_large_text_is_no_heading() -> None:
    """The text of a file is larger than most of its letters where these are in tables and notes."""
    text = line("Net sales were lower than in the year before because volumes fell " * 2, size=14)
    assert role_of(text, line("in all regions.", 118, size=14, x1=160)) is Role.BODY
    assert [role for role, _ in roles(line("Net sales", size=14, bold=True), text)] == [
        Role.HEADING,
        Role.BODY,
    ]


def test_heading_is_taken_off_the_paragraph_below_it() -> None:
    found = roles(line("1.1 背景", x1=130), line("西湖位于杭州市，", 115), line("水深2.27米。", 130, x1=200))
    assert found == [(Role.HEADING, ["1.1 背景"]), (Role.BODY, ["西湖位于杭州市，", "水深2.27米。"])]


def test_first_line_of_a_numbered_clause_is_not_torn_off_it() -> None:
    assert role_of(line("1.1 甲方应当按照约定的时间向乙方"), line("支付租金。", 115, x1=140)) is Role.BODY


def test_bold_words_inside_a_sentence_are_no_heading() -> None:
    lines = line("this sentence has one line"), line("of bold words", 115, bold=True), line("in it.", 130)
    assert role_of(*lines) is Role.BODY


def test_numbered_headings_below_each_other_are_apart_and_lines_of_one_are_together() -> None:
    lines = [
        line("第一章 总则", size=16),
        line("第一节 范围", 120, size=16),
        line("of a long title", 140, size=16),
    ]
    assert [texts for _, texts in roles(*lines)] == [["第一章 总则"], ["第一节 范围", "of a long title"]]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (line("and was given up"), line("in the end.", 115), Role.BODY),
        (line("The last words of it."), None, Role.BODY),
        (line("Results"), None, Role.HEADING),
        (line("Results of it.", bold=True), None, Role.HEADING),
        (line("Results of it.", size=14), None, Role.HEADING),
        (line("1.1 Is it so？"), None, Role.HEADING),
    ],
    ids=["goes on", "ends", "plain", "bold", "large", "numbered"],
)
def test_headings_of_the_model_are_believed_unless_they_are_the_end_of_a_paragraph(
    first: Line, last: Line | None, found: Role
) -> None:
    lines = [first] if last is None else [first, last]
    assert role_of(*lines, role=Role.HEADING, parser="layout") is found


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.BODY])
def test_what_running_matter_and_others_have_been_found_to_be_stays(role: Role) -> None:
    assert role_of(line("Large", size=20), role=role) is role


# -- contents


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Start … 1", "Middle … 5", "End … 12"], True),
        (["Contents", "Preface … iv", "一、概况……3", "二、业务...12", "三、其他 . . . . 15"], True),
        (["Start … 1", "Middle … 5"], False),
        (["Start … 1", "Middle … 5", "End … 9", *["prose"] * 4], False),
        (["Start 1", "Middle 5", "End 12"], False),
        (["and so on …", "more …", "end …"], False),
        ([], False),
    ],
    ids=["dots", "all kinds", "two", "mostly prose", "no dots", "no numbers", "nothing"],
)
def test_contents_are_titles_with_dots_that_lead_to_numbers(texts: list[str], found: bool) -> None:
    assert is_contents([line(text) for text in texts]) is found


def test_block_of_contents_stays_whole_though_it_is_large() -> None:
    lines = [line(f"Chapter {n} Start … {n}", 100 + 20 * n, size=16) for n in range(1, 5)]
    assert role_of(*lines) is Role.CONTENTS


@pytest.mark.parametrize("parser", ["fast", "layout"])
@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["1 概述2", "2 巡检3", "3 抢修4"], True),
        (["Overview 2", "Repairs 2", "Spare parts 14"], True),
        (["1 概述2", "2 巡检3"], False),
        (["1 概述2", "2 巡检9", "3 抢修4"], False),
        (["收入为118", "成本为9.7", "利润为21"], False),
        (["2", "3", "4"], False),
    ],
    ids=["Chinese", "English", "two", "downwards", "decimals", "numbers"],
)
def test_entries_below_the_title_of_the_contents_need_no_dots(
    parser: str, texts: list[str], found: bool
) -> None:
    title = Block(Role.HEADING, [line("目 录", 100, size=16)])
    entries = [Block(Role.BODY, [line(text, 130 + 30 * n)]) for n, text in enumerate(texts)]
    page = Page(1, 595, HEIGHT, parser, [title, *entries])
    assign_roles([page], SIZE)
    assert all((block.role is Role.CONTENTS) is found for block in page.blocks[1:])


def test_entries_that_the_layout_model_takes_for_a_table_are_contents() -> None:
    title = Block(Role.HEADING, [line("目录", 100, size=16)])
    lines = [line("第一节 概述 3", 130), line("释义 3", 160), line("第二节 业务 12", 190)]
    rows = [["第一节 概述", "3"], ["释义", "3"], ["第二节 业务", "12"]]
    taken = Block(Role.TABLE, lines, Table(rows, [(0, 0, 0, 0)] * 3, 0))
    page = Page(1, 595, HEIGHT, "layout", [title, taken])
    assign_roles([page], SIZE)
    assert (taken.role, taken.table) == (Role.CONTENTS, None)
    sales = [line("A 118", 130), line("B 97", 160), line("C 21", 190)]
    table = Block(Role.TABLE, sales, Table(rows, [(0, 0, 0, 0)] * 3, 0))
    assign_roles([Page(1, 595, HEIGHT, "layout", [title, table])], SIZE)
    assert table.role is Role.TABLE and table.table is not None


# -- footnotes and lists


@pytest.mark.parametrize(
    ("y", "size", "found"), [(700, 8, Role.FOOTNOTE), (100, 8, Role.BODY), (700, 10, Role.BODY)]
)
def test_small_print_in_the_lower_half_is_a_footnote(y: float, size: float, found: Role) -> None:
    assert role_of(line("1 See the annex.", y, size=size), line("And the rest", y + 10, size=size)) is found


@pytest.mark.parametrize(
    "text",
    [
        "• a",
        "- a",
        "1. a",
        "12) a",
        "(3) a",
        "a) x",
        "(iv) x",
        "（一）范围",
        "三、范围",
        "第三条 范围",
        "第12条",
    ],
)
def test_item_of_a_list_is_known_by_its_mark(text: str) -> None:
    assert LIST_ITEM.match(text)


@pytest.mark.parametrize(
    "text",
    ["2.5 trillion", "2020. The", "-5%", "a word", "I. x", "第三章", "(see there)", "1 Introduction", "•"],
)
def test_number_or_letter_at_the_start_of_a_line_is_no_mark_of_a_list(text: str) -> None:
    assert LIST_ITEM.match(text) is None


# -- the size of the body


def test_size_of_the_body_is_that_of_most_letters_running_matter_aside() -> None:
    blocks = [
        Block(Role.HEADING, [line("Title", size=20)]),
        Block(Role.BODY, [line("text " * 20, size=10.6), line("text " * 20, size=10.4)]),
        Block(Role.HEADER, [line("running " * 50, size=8)]),
    ]
    assert body_size([Page(1, 595, HEIGHT, "fast", blocks)]) == 10.5
    assert body_size([]) == 10.0


_texts = (
    st.text(st.sampled_from("第一章 1.2图表Table…。:;a•"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
_lines = st.builds(
    line, _texts, st.floats(60, 740), size=st.sampled_from([8.0, 11.0, 16.0]), bold=st.booleans()
)


@given(st.lists(_lines, min_size=1, max_size=10), st.sampled_from(["fast", "layout"]))
def test_no_line_is_lost_or_moved(lines: list[Line], parser: str) -> None:
    found = roles(*lines, parser=parser)
    assert [text for _, texts in found for text in texts] == [line.text for line in lines]
