"""Workbooks and delimited text: rows, their names and their ranges."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.renditions import render, rendered_format
from qa_engine.errors import DocumentError

openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl: pip install 'qa-engine[office]'")


def book(folder: Path, *sheets: tuple[str, list[list[Any]]], merged: tuple[str, ...] = ()) -> Any:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets:
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for reference in merged:
        workbook.worksheets[0].merge_cells(reference)
    return workbook


def read(workbook: Any, folder: Path) -> ParsedPdf:
    path = folder / "表.xlsx"
    workbook.save(path)
    return read_pdf(path, ReadingOptions())


def rows_of(parsed: ParsedPdf) -> list[tuple[str, str]]:
    return [(part.label, text) for part in parsed.paragraphs for text in part.row_texts]


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"no workbook", b"\xd0\xcf\x11\xe0" + b"\0" * 600])
def test_file_that_is_no_workbook_is_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "坏.xlsx"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=r"坏\.xlsx") as found:
        read_pdf(path, ReadingOptions())
    assert found.value.reason in {"damaged", "locked"}


def test_workbook_of_hidden_or_empty_sheets_says_so(tmp_path: Path) -> None:
    workbook = book(tmp_path, ("空", []))
    with pytest.raises(DocumentError, match="no cell that shows anything"):
        read(workbook, tmp_path)


def test_too_many_cells_are_refused_before_they_are_read(tmp_path: Path) -> None:
    workbook = book(tmp_path, ("甲", [["一"]]))
    workbook.save(tmp_path / "表.xlsx")
    import zipfile

    with zipfile.ZipFile(tmp_path / "表.xlsx") as old, zipfile.ZipFile(tmp_path / "大.xlsx", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                merged = b'<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
                data = data.replace(b"</worksheet>", merged)
            new.writestr(name, data)
    with pytest.raises(DocumentError, match="more than 500,000 cells") as found:
        read_pdf(tmp_path / "大.xlsx", ReadingOptions())
    assert found.value.reason == "too_large"


def test_headers_over_columns_and_rows_name_the_cells_with_their_unit(tmp_path: Path) -> None:
    rows = [
        ["2024年销售汇总"],
        ["单位：万元"],
        ["部门", "一季度", None, "二季度", None],
        [None, "收入", "成本", "收入", "成本"],
        ["研发", 100, 20.5, 110, 30],
        ["注：未经审计。"],
    ]
    parsed = read(book(tmp_path, ("销售", rows), merged=("A1:E1", "A3:A4", "B3:C3", "D3:E3")), tmp_path)
    assert rows_of(parsed) == [
        (
            "销售!A5:E5",
            "部门：研发；一季度 收入（万元）：100；一季度 成本（万元）：20.5；"
            "二季度 收入（万元）：110；二季度 成本（万元）：30",
        )
    ]
    labels = {parsed.text[part.start : part.end]: part.label for part in parsed.paragraphs}
    assert labels["注：未经审计。"] == "销售!A6"
    assert labels["2024年销售汇总"] == "销售!A1"


def test_label_over_rows_is_that_of_each_row(tmp_path: Path) -> None:
    rows = [["区域", "店", "人数"], ["华东", "上海", 5], [None, "杭州", 6], ["华北", "北京", 7]]
    parsed = read(book(tmp_path, ("店", rows), merged=("A2:A3",)), tmp_path)
    assert [text for _, text in rows_of(parsed)] == [
        "区域：华东；店：上海；人数：5",
        "区域：华东；店：杭州；人数：6",
        "区域：华北；店：北京；人数：7",
    ]


def test_tables_below_and_beside_each_other_are_apart(tmp_path: Path) -> None:
    rows = [
        ["姓名", "年龄", None, "城市", "人口"],
        ["张三", 30, None, "上海", 2487],
        [],
        ["型号", "价格"],
        ["甲", 9],
    ]
    parsed = read(book(tmp_path, ("a b", rows)), tmp_path)
    assert rows_of(parsed) == [
        ("'a b'!A2:B2", "姓名：张三；年龄：30"),
        ("'a b'!D2:E2", "城市：上海；人口：2487"),
        ("'a b'!A5:B5", "型号：甲；价格：9"),
    ]


def test_values_are_as_the_spreadsheet_shows_them(tmp_path: Path) -> None:
    workbook = book(tmp_path, ("值", [["项", "率", "额", "日", "真"], ["甲", 0.125, 1234.5, None, True]]))
    sheet = workbook["值"]
    sheet["B2"].number_format, sheet["C2"].number_format = "0.0%", "#,##0.00"
    sheet["D2"], sheet["D2"].number_format = datetime.datetime(2024, 3, 5), 'yyyy"年"m"月"d"日"'
    assert (
        rows_of(read(workbook, tmp_path))[0][1]
        == "项：甲；率：12.5%；额：1,234.50；日：2024年3月5日；真：TRUE"
    )


def test_hidden_sheets_rows_and_columns_are_left_out_and_reported(tmp_path: Path) -> None:
    workbook = book(
        tmp_path, ("明", [["名", "密", "数"], ["甲", "秘", 1], ["乙", "秘", 2]]), ("暗", [["秘密"]])
    )
    workbook["暗"].sheet_state = "veryHidden"
    workbook["明"].column_dimensions["B"].hidden = True
    workbook["明"].row_dimensions[3].hidden = True
    parsed = read(workbook, tmp_path)
    assert "秘" not in parsed.text
    assert rows_of(parsed) == [("明!A2:C2", "名：甲；数：1")]
    assert parsed.pages[0].left_out == [("hidden", "工作表 暗"), ("hidden", "明 第3行"), ("hidden", "明 B列")]


def test_formula_without_a_value_is_reported(tmp_path: Path) -> None:
    parsed = read(book(tmp_path, ("式", [["名", "数"], ["甲", 1], ["和", "=B2*2"]])), tmp_path)
    assert "1 formulas have no value" in parsed.pages[0].doubts[0]
    assert "=B2" not in parsed.text


def test_table_over_pages_keeps_names_and_ranges(tmp_path: Path) -> None:
    parsed = read(book(tmp_path, ("长", [["名", "数"], *([f"第{n}", n] for n in range(300))])), tmp_path)
    assert rows_of(parsed) == [(f"长!A{n + 2}:B{n + 2}", f"名：第{n}；数：{n}") for n in range(300)]
    assert len(parsed.pages) > 3
    assert len(parsed.tables) == 1


def test_box_of_a_row_holds_its_words(tmp_path: Path) -> None:
    path = tmp_path / "表.xlsx"
    book(tmp_path, ("框", [["名", "说明"], ["甲", "很长的说明" * 30], ["乙", "短"]])).save(path)
    kind = rendered_format(path, ReadingOptions())
    assert kind is not None
    rendition = render(path, kind, ReadingOptions())
    document = pymupdf.open(stream=rendition.pdf, filetype="pdf")
    parsed = read_pdf(path, ReadingOptions())
    for part in parsed.paragraphs:
        if part.row_texts:
            (span,) = (span for span in parsed.spans if span.start == part.start)
            words = document[span.page - 1].get_textbox(pymupdf.Rect(span.x0, span.y0, span.x1, span.y1))
            assert "".join(words.split()) == "".join(parsed.text[span.start : span.end].split()).replace(
                "|", ""
            )


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("a.csv", "部门,人数\n研发,20\n", "gbk"),
        ("a.csv", "部门;人数\n研发;20\n", "utf-8-sig"),
        ("a.csv", '"部门","人数"\r\n"研发","20"\r\n', "utf-16"),
        ("a.tsv", "部门\t人数\n研发\t20\n", "utf-8"),
    ],
)
def test_delimited_text(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    assert rows_of(read_pdf(path, ReadingOptions())) == [("A2:B2", "部门：研发；人数：20")]
