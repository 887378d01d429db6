"""What a whole table is about: title, columns and labels, no figures, however long and over however many pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pdf_factory import CHINESE_FONT, PdfBuilder

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.whole.summaries import TableSummary
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.sentences.node_parser import SentenceNodeParser


def table(rows: Sequence[Sequence[str]], header_rows: int = 1, **facts: bool) -> Table:
    return Table(rows, [(0, 0, 0, 0)] * len(rows), header_rows, **facts)


def summary(title: str, *parts: Table) -> TableSummary:
    made = TableSummary(title, list(parts[0].rows[0]) if parts[0].header_rows else [])
    for part in parts:
        made.add(part)
    return made


def test_table_of_few_rows_has_none() -> None:
    assert summary("标题", table([["项目", "金额"], ["甲", "1"], ["乙", "2"]])).text == ""


def test_figures_are_left_out_and_labels_stand_once() -> None:
    rows = [["项目", "2021年"], ["收入", "39,700"], ["成本", "¥1,200"], ["收入", "5"], ["应付（含$21）", "6"]]
    text = summary("经营情况 单位：万元", table(rows)).text
    assert text == "经营情况 单位：万元。列：项目、2021年。行：收入、成本、应付（含）"


def test_statement_is_named_in_both_languages() -> None:
    rows = [
        ["", "2022"],
        ["Net sales", "1"],
        ["Cost of sales", "2"],
        ["Gross profit", "3"],
        ["Net income", "4"],
    ]
    made = summary("Consolidated Statements of Earnings (Millions)", table(rows))
    assert made.statement == "income_statement"
    assert "利润表" in made.text
    assert made.text.endswith("Columns: 2022. Rows: Net sales; Cost of sales; Gross profit; Net income")


def test_title_inside_the_table_counts() -> None:
    rows = [
        ["Balance sheet", ""],
        ["Total current assets", "1"],
        ["Total assets", "2"],
        ["Total liabilities", "3"],
    ]
    assert summary("", table(rows, 0)).statement == "balance_sheet"


def test_number_before_a_label_is_none() -> None:
    rows = [["序号", "名称"], ["1", "泵"], ["2", "阀"], ["3", "管"]]
    assert summary("清单", table(rows)).text.endswith("行：泵、阀、管")


def test_keys_of_pairs_are_labels() -> None:
    rows = [["名称", "甲公司", "电话", "1"], ["地址", "杭州", "邮编", "2"], ["法人", "张三", "网址", "3"]]
    text = summary("", table(rows, 0, key_value=True)).text
    assert text == "行：名称、电话、地址、邮编、法人、网址"


@pytest.mark.parametrize(("label", "limit"), [("很长的项目名称", 450), ("a rather long name of a row", 1200)])
def test_text_is_cut_between_labels(label: str, limit: int) -> None:
    rows = [["", "2020"], *([f"{label} {number}x", "1"] for number in range(400))]
    text = summary("T" * 2000, table(rows)).text
    assert limit - 60 < len(text) <= limit + 10
    assert text.endswith("x")


def ruled(builder: PdfBuilder, rows: Sequence[Sequence[str]], top: float) -> None:
    """Draws a table with rules."""
    height, width = 20, 150
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            builder.put(cell, 74 + width * column, top + height * number + 14, size=10)
    page = builder.document[-1]
    for number in range(len(rows) + 1):
        page.draw_line((72, top + height * number), (72 + width * len(rows[0]), top + height * number))
    for column in range(len(rows[0]) + 1):
        page.draw_line((72 + width * column, top), (72 + width * column, top + height * len(rows)))


def test_table_over_two_pages_is_one_and_its_title_is_above_it(tmp_path: Path) -> None:
    labels = [
        "Total current assets",
        "Goodwill",
        "Total assets",
        "Payables",
        "Total liabilities",
        "Total equity",
    ]
    builder = PdfBuilder().page()
    builder.put("Consolidated Balance Sheet", 72, 80, size=16)
    builder.put("(in millions)", 72, 100)
    ruled(builder, [["", "2022", "2021"], *([label, "12", "11"] for label in labels[:3])], 110)
    ruled(builder.page(), [[label, "12", "11"] for label in labels[3:]], 72)
    path = builder.save(tmp_path / "a.pdf")
    document = PdfDocument.of(read_pdf(path), path)
    nodes = SentenceNodeParser().get_nodes_from_documents([document])
    about, *rows = [node for node in nodes if "table" in node.metadata]
    assert about.metadata["role"] == "table_summary"
    assert about.get_content().startswith("Consolidated Balance Sheet (in millions) (资产负债表")
    assert about.get_content().endswith("Rows: " + "; ".join(labels))
    assert {node.metadata["table"] for node in (about, *rows)} == {0}
    assert {node.metadata["statement"] for node in (about, *rows)} == {"balance_sheet"}
    assert [node.metadata["page"] for node in rows] == [1, 1, 1, 2, 2, 2]
    assert all(node.metadata["role"] == "table" for node in rows)
    (markdown,) = document.tables
    assert markdown.count("| 12 | 11 |") == 6
    assert markdown.count("---") == 3


def test_part_in_other_columns_is_the_statement_that_it_goes_on_with() -> None:
    made = TableSummary("合并利润表", ["项目", "2020"], continues="income_statement")
    made.add(table([["（1）其他", "1"], ["（2）折算差额", "2"], ["（3）其他", "3"]], 0))
    assert made.statement == "income_statement"
    assert "income statement" in made.text


def test_line_of_signatures_and_ticks_are_no_title(tmp_path: Path) -> None:
    builder = PdfBuilder(font=CHINESE_FONT).page()
    builder.lines(["法定代表人：甲 主管会计工作负责人：乙", "母公司利润表 □适用 √不适用", "单位：元"], 72, 80)
    ruled(builder, [["项目", "2020年"], ["营业收入", "12"], ["营业成本", "7"], ["净利润", "3"]], 140)
    path = builder.save(tmp_path / "a.pdf")
    document = PdfDocument.of(read_pdf(path), path)
    about = next(paragraph.summary for paragraph in document.paragraphs if paragraph.summary)
    assert "法定代表人" not in about
    assert "适用" not in about
    assert about.startswith("母公司利润表 单位：元 (利润表")
