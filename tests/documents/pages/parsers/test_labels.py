"""Labels and values on one line, and on two."""

from __future__ import annotations

import pytest

from qa_engine.documents.blocks import Block, Line, Role
from qa_engine.documents.pages.parsers.labels import is_labelled_value, join_values, read_labels


def block(*texts: str, y: float = 100, x: float = 72, role: Role = Role.BODY) -> Block:
    lines = [
        Line(text, 1, x, y + 14 * number, x + 10 * len(text), y + 14 * number + 12, 10, 0)
        for number, text in enumerate(texts)
    ]
    return Block(role, lines)


@pytest.mark.parametrize(
    "text",
    [
        "第一条：价格",
        "投资评级",
        "投资评级：",
        "案例：某公司",
        "结论：评级为买入，理由如下",
        "• Weight: 3 kg",
        "Chapter: one",
    ],
)
def test_title_is_no_label_with_a_value(text: str) -> None:
    assert not is_labelled_value(text)


@pytest.mark.parametrize(
    "text", ["投资评级：买入（维持）", "目标价：21元", "Rating: Buy", "发布日期:2023.03"]
)
def test_usual_label_with_a_value_is_told(text: str) -> None:
    assert is_labelled_value(text)


@pytest.mark.parametrize(
    "blocks",
    [
        [block("投资评级"), block("我们维持买入评级。", y=114)],
        [block("投资评级"), block("买入（维持）", y=160)],
        [block("投资评级"), block("买入", y=114, x=300)],
        [block("本季度回顾"), block("39,700", y=114)],
        [block("投资评级"), block("买入", y=114, role=Role.LIST)],
        [block("本页", "目标价"), block("21.00", y=128)],
    ],
    ids=["sentence", "far", "beside", "no label", "list", "end of a paragraph"],
)
def test_what_is_below_a_label_is_not_always_its_value(blocks: list[Block]) -> None:
    assert join_values(blocks) == blocks


def test_label_above_its_value_is_a_field_with_the_box_of_both() -> None:
    heading, value = block("投资评级", role=Role.HEADING), block("买入（维持）", "后续文字", y=114)
    field, rest = join_values([heading, value])
    assert (field.role, field.lines[0].text) == (Role.FIELD, "投资评级：买入（维持）")
    assert (field.lines[0].y0, field.lines[0].y1) == (100, 126)
    assert [line.text for line in rest.lines] == ["后续文字"]
    assert join_values([block("Target price", "$ 21.00")])[0].lines[0].text == "Target price: $ 21.00"


@pytest.mark.parametrize(
    "unit",
    ["($ in millions, except per share data)", "(In millions, except par value)", "$ in millions (unaudited)",
     "Amounts in thousands of US dollars", "单位：万元 币种：人民币", "(除特别注明外，金额单位均为人民币元)", "(unaudited)"],
)  # fmt: skip
def test_unit_below_the_title_of_a_statement_is_no_title(unit: str) -> None:
    found = read_labels([block("Consolidated Balance Sheets", unit, role=Role.HEADING)])
    assert [(part.role, part.lines[0].text) for part in found] == [
        (Role.HEADING, "Consolidated Balance Sheets"),
        (Role.BODY, unit),
    ]


@pytest.mark.parametrize(
    "text",
    ["Net sales in millions", "Change in units", "单位工程", "单位：一个概念的历史，以及它在各国的地位"],
)
def test_title_that_speaks_of_units_stays_one(text: str) -> None:
    title = block(text, role=Role.HEADING)
    assert read_labels([title]) == [title]


def test_sentence_and_labelled_value_among_titles_are_none() -> None:
    found = read_labels([block("风险提示：原料涨价等。", "投资评级：买入", "财务摘要", role=Role.HEADING)])
    assert [part.role for part in found] == [Role.BODY, Role.FIELD, Role.HEADING]
