"""What looks like a heading and is none gets the role that it has, and titles stay."""

from __future__ import annotations

import pytest

from qa_engine.documents.blocks import Block, Line, Page, Role
from qa_engine.documents.pages.false_headings import correct_headings

SIZE = 10.0


def block(role: Role, *texts: str, size: float = SIZE, bold: bool = False, y: float = 100) -> Block:
    lines = [
        Line(text, 1, 50, y + 12 * n, 300, y + 12 * n + 10, size, 0, bold) for n, text in enumerate(texts)
    ]
    return Block(role, lines)


def heading(text: str, *more: str, size: float = SIZE, bold: bool = False, y: float = 100) -> Block:
    return block(Role.HEADING, text, *more, size=size, bold=bold, y=y)


def corrected(*blocks: Block) -> list[tuple[Role, str]]:
    page = Page(1, 600, 800, "layout", list(blocks))
    correct_headings([page], SIZE)
    return [(one.role, " ".join(line.text for line in one.lines)) for one in page.blocks]


def test_no_pages_and_empty_pages_stay() -> None:
    correct_headings([], SIZE)
    assert corrected() == []


@pytest.mark.parametrize(
    ("one", "role"),
    [
        (heading("所以"), Role.BODY),
        (heading("由以上两个方程可以解得"), Role.BODY),
        (heading("where the drift is"), Role.BODY),
        (heading("• Batch size: 16, 32", bold=True), Role.LIST),
        (heading("□适用 √不适用"), Role.BODY),
        (heading("单位:元币种:人民币", bold=True), Role.BODY),
        (heading("[u, v] coloured by length"), Role.BODY),
        (heading("5.8 严禁用锚链固定浮标。不正确的固定会造成漂"), Role.BODY),
        (heading("6.3 如果用户不按本说明书使用，造成浮标丢失，并对航道造成影"), Role.BODY),
        (heading("5.1 Do not moor the buoy in a lane."), Role.BODY),
        (heading("浮标在大风中丢失。", bold=True), Role.BODY),
        (heading("研究报告", "2024年05月06日"), Role.BODY),
    ],
)
def test_body_text_items_and_marks_are_no_headings(one: Block, role: Role) -> None:
    assert corrected(one)[0][0] is role


@pytest.mark.parametrize(
    "one",
    [
        heading("浮标的回收", bold=True),
        heading("浮标的回收", size=14),
        heading("由浮标到航标", size=14),
        heading("Where buoys drift", bold=True),
        heading("• 浮标更轻，锚链更长", bold=True),
        heading("B.1 Descriptions of the Buoys.", bold=True),
        heading("十一、公司及其董事、监事、高级管理人员、控股股东、实际控制人、收购人受到处罚的情况"),
        heading("(三) 限售股份变动，及其原因"),
        heading("2024年05月06日的会议", size=16),
    ],
)
def test_titles_stay_headings(one: Block) -> None:
    assert corrected(one)[0][0] is Role.HEADING


def test_marks_above_a_heading_are_taken_off_it() -> None:
    found = corrected(heading("□适用 √不适用", "(2). 重要的债权投资", bold=True))
    assert found == [(Role.BODY, "□适用 √不适用"), (Role.HEADING, "(2). 重要的债权投资")]


def test_the_last_line_of_a_heading_is_no_heading_of_its_own() -> None:
    first = heading("1.6 Pulse current and", bold=True)
    assert corrected(first, heading("continuous time (BOL)", bold=True, y=112)) == [
        (Role.HEADING, "1.6 Pulse current and continuous time (BOL)")
    ]
    apart = heading("1.6 Pulse current", bold=True), heading("(a) Charge", bold=True, y=112)
    assert len(corrected(*apart)) == 2


def test_label_of_a_figure_is_no_heading() -> None:
    caption = block(Role.CAPTION, "Figure 2: Two buoys.")
    assert corrected(heading("Small Buoy Large Buoy"), caption)[0][0] is Role.CAPTION
    assert corrected(heading("Views of Buoys", bold=True), caption)[0][0] is Role.HEADING
    assert corrected(heading("Small Buoy"), block(Role.CAPTION, "Table 2: Buoys."))[0][0] is Role.HEADING


def test_entries_of_contents_over_two_lines_are_no_headings() -> None:
    entry = block(Role.CONTENTS, "1.5 Moorings … 9")
    found = corrected(
        entry, heading("1.6 Buoys that drift for a", bold=True), block(Role.BODY, "long time … 10")
    )
    assert [role for role, _ in found] == [Role.CONTENTS] * 3
    found = corrected(entry, heading("1 Moorings", bold=True), block(Role.BODY, "Buoys are moored."))
    assert [role for role, _ in found] == [Role.CONTENTS, Role.HEADING, Role.BODY]
