"""Vertical Chinese, turned lines beside upright ones, and what only looks like either."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pdf_factory import CHINESE_FONT, ENGLISH_FONT

from qa_engine.documents.pages.lines.text_layer import read_page_lines
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.parsers.directions import vertical_columns
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf

COLUMNS = [
    "古道起於普洱，經大理、麗江，至",
    "中甸而入藏地，全程約三千八百里，",
    "馬幫行走須九十日。每幫領頭之馬",
    "稱為頭騾。",
]
TEXT = (
    "古道起於普洱，經大理、麗江，至中甸而入藏地，全程約三千八百里，馬幫行走須九十日。每幫領頭之馬稱為頭騾。"
)
WIDTH, HEIGHT = 595, 842


class Page:
    """A page on which text is placed."""

    def __init__(self, path: Path) -> None:
        self.document: Any = pymupdf.open()
        self.page: Any = self.document.new_page(width=WIDTH, height=HEIGHT)
        self._path = path

    def column(self, text: str, x: float, y: float = 100, pitch: float = 17, size: float = 13) -> Page:
        """Characters below one another."""
        for index, character in enumerate(text):
            self.page.insert_text((x, y + index * pitch), character, fontname=CHINESE_FONT, fontsize=size)
        return self

    def columns(self, texts: Sequence[str], x: float = 480, pitch: float = 26, **options: float) -> Page:
        for index, text in enumerate(texts):
            self.column(text, x - index * pitch, **options)
        return self

    def text(self, text: str, x: float, y: float, size: float = 11, turn: int = 0) -> Page:
        font = ENGLISH_FONT if text.isascii() else CHINESE_FONT
        self.page.insert_text((x, y), text, fontname=font, fontsize=size, rotate=turn)
        return self

    def read(self, parser: str = "auto") -> ParsedPdf:
        self.document.save(self._path)
        return read_pdf(self._path, ReadingOptions(ocr="never", parser=parser))  # type: ignore[arg-type]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path / "a.pdf")


# -- vertical Chinese


@pytest.mark.parametrize("parser", ["auto", "fast", "layout"])
def test_columns_of_characters_are_read_from_the_right(parser: str, page: Page) -> None:
    parsed = page.columns(COLUMNS).read(parser)
    assert parsed.text.replace("\n", "") == TEXT
    assert parsed.pages[0].parser == "fast"
    assert {(round(span.x0 / 26), span.y0 > 80) for span in parsed.spans} == {
        (18, True),
        (17, True),
        (16, True),
        (15, True),
    }


def test_title_and_page_number_stay_what_they_are(page: Page) -> None:
    page.text("茶馬古道志", 72, 60, 16).columns(COLUMNS).text("12", 290, 810)
    parsed = page.read()
    assert parsed.text.replace("\n", "") == "茶馬古道志" + TEXT
    assert parsed.sections[1] == ("茶馬古道志",) and parsed.pages[0].label == "12"


def test_vertical_title_is_a_heading(page: Page) -> None:
    parsed = page.column("茶馬古道志略", 510, size=18, pitch=24).columns(COLUMNS, x=470).read()
    assert parsed.sections[1] == ("茶馬古道志略",)
    assert parsed.text.replace("\n", "") == "茶馬古道志略" + TEXT


def test_numbers_lie_in_their_column(page: Page) -> None:
    page.columns(COLUMNS).column("自民國", 376).text("12", 377, 152, 13).column("年通行汽車", 376, y=168)
    assert page.read().text.replace("\n", "") == TEXT + "自民國12年通行汽車"


def test_long_number_lies_turned_in_its_column(page: Page) -> None:
    page.columns(COLUMNS).column("電話", 376).text("88003377", 379, 126, 13, turn=270).column(
        "轉三號", 376, y=196
    )
    assert page.read().text.replace("\n", "") == TEXT + "電話88003377轉三號"


def test_two_tiers_of_columns(page: Page) -> None:
    page.columns(COLUMNS).columns(["鹽與茶為大宗，一馱載重一百二", "十斤，日行六十里。"], y=480)
    assert page.read().text.replace("\n", "") == TEXT + "鹽與茶為大宗，一馱載重一百二十斤，日行六十里。"


def test_marks_for_vertical_text_are_ordinary_marks(page: Page) -> None:
    page.columns(["馬幫自稱︽趕馬人︾︐沿途住店", "名曰︿開亮﹀︒夜宿須四處︵含渡口︶"])
    assert (
        page.read().text.replace("\n", "") == "馬幫自稱《趕馬人》，沿途住店名曰〈開亮〉。夜宿須四處（含渡口）"
    )


def vertical_font_pdf(path: Path, columns: Sequence[str]) -> Path:
    """Vertical text by a font with a vertical encoding, as page makers write it."""
    document: Any = pymupdf.open()
    page = document.new_page(width=WIDTH, height=HEIGHT)
    descriptor, cid, font, contents = (document.get_new_xref() for _ in range(4))
    name = "/BaseFont/STSong-Light"
    document.update_object(
        descriptor, "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/Ascent 880/Descent -120>>"
    )
    order = "/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>"
    document.update_object(
        cid, f"<</Type/Font/Subtype/CIDFontType0{name}{order}/FontDescriptor {descriptor} 0 R/DW 1000>>"
    )
    document.update_object(
        font, f"<</Type/Font/Subtype/Type0{name}/Encoding/UniGB-UTF16-V/DescendantFonts[{cid} 0 R]>>"
    )
    document.xref_set_key(page.xref, "Resources", f"<</Font<</F0 {font} 0 R>>>>")
    text = [
        f"BT /F0 14 Tf {500 - 25 * index} 760 Td <{column.encode('utf-16-be').hex()}> Tj ET"
        for index, column in enumerate(columns)
    ]
    document.update_object(contents, "<<>>")
    document.update_stream(contents, "\n".join(text).encode())
    document.xref_set_key(page.xref, "Contents", f"{contents} 0 R")
    document.save(path)
    return path


def test_font_for_vertical_text(tmp_path: Path) -> None:
    parsed = read_pdf(vertical_font_pdf(tmp_path / "a.pdf", COLUMNS), ReadingOptions(ocr="never"))
    assert parsed.text.replace("\n", "") == TEXT


def test_vertical_note_beside_horizontal_text_is_read_after_it(tmp_path: Path) -> None:
    path = vertical_font_pdf(tmp_path / "a.pdf", ["本頁圖片由渡口檔案室提供，", "未經許可不得翻印。"])
    document: Any = pymupdf.open(path)
    text = ["這一段文字從左到右排，講的是渡口的船隻。", "船身長三丈六尺，底用柏木，可載二十人。"]
    for y, line in zip((200, 220), text, strict=True):
        document[0].insert_text((72, y), line, fontname=CHINESE_FONT)
    document.save(tmp_path / "b.pdf")
    parsed = read_pdf(tmp_path / "b.pdf", ReadingOptions(ocr="never"))
    assert parsed.text.replace("\n", "") == "".join(text) + "本頁圖片由渡口檔案室提供，未經許可不得翻印。"


def test_spaced_rows_are_no_columns(page: Page) -> None:
    rows = ["合同编号甲方单位", "签订日期乙方单位", "付款方式质量标准"]
    for y, row in zip((100, 140, 180), rows, strict=True):
        for index, character in enumerate(row):
            page.text(character, 72 + 30 * index, y, 13)
    lines = read_page_lines(page.page, 1)
    assert vertical_columns(lines.lines, lines.turned) is None


def test_label_below_one_another_in_a_table_is_no_vertical_page(page: Page) -> None:
    page.column("固定资产投资项目", 80, y=110, size=11, pitch=14)
    for index in range(8):
        page.text(f"第{index + 1}项工程的投资额为{index}百万元，已经全部完成。", 140, 110 + 14 * index)
    parsed = page.read("fast")
    assert "第8项工程的投资额为7百万元，已经全部完成。" in parsed.text
    assert parsed.pages[0].doubts == []


def test_vertical_text_beside_more_horizontal_text_is_doubted(page: Page) -> None:
    page.columns(["春眠不覺曉處處", "聞啼鳥夜來風雨", "聲花落知多少年"], x=480)
    for index in range(20):
        page.text("这一段文字从左到右排，占了这一页的大部分，讲的是别的事情。", 40, 300 + 20 * index)
    assert page.read("fast").pages[0].doubts == ["some of its text may be vertical, and is read in rows"]


# -- turned lines


def test_turned_caption_is_read_after_the_text_and_an_axis_is_left_out(page: Page) -> None:
    page.text("The pump is inspected twice a year by the workshop, which keeps a list", 72, 100)
    page.text("of the parts.", 72, 114)
    page.text("Figure 2: Pressure of the pump in bar over the whole year.", 540, 700, turn=90)
    page.text("pressure (bar)", 30, 500, turn=90)
    parsed = page.read("fast")
    assert parsed.text.split("\n") == [
        "The pump is inspected twice a year by the workshop, which keeps a list of the parts.",
        "Figure 2: Pressure of the pump in bar over the whole year.",
    ]
    assert parsed.pages[0].left_out == [("turned", "pressure (bar)")]


def test_turned_table_with_an_upright_title(page: Page) -> None:
    page.text("附表三 各站水质监测结果", 200, 60)
    for row, cells in enumerate(
        (("站点", "溶解氧", "氨氮"), ("青石桥", "7.8", "0.21"), ("柳叶渡", "5.1", "0.88"))
    ):
        for column, cell in enumerate(cells):
            page.text(cell, 150 + 40 * row, 700 - 160 * column, turn=90)
    page.text("本表由水质监测中心每季度发布一次，数据以盖章文件为准。", 450, 700, turn=90)
    lines = page.read("fast").text.split("\n")
    assert lines[:3] == ["站点 溶解氧 氨氮", "青石桥 7.8 0.21", "柳叶渡 5.1 0.88"]
    assert lines[-1] == "附表三各站水质监测结果"


@pytest.mark.parametrize(("turn", "x", "y"), [(180, 500, 600), (90, 300, 700), (270, 300, 150)])
def test_turned_sentence_is_read_and_placed(turn: int, x: float, y: float, page: Page) -> None:
    page.text("The text of this page goes from left to right, as a rule.", 72, 100)
    page.text("This part of the sheet is read after it was folded.", x, y, turn=turn)
    parsed = page.read("fast")
    assert parsed.text.split("\n")[1] == "This part of the sheet is read after it was folded."
    (found,) = page.page.search_for("This part of the sheet is read after it was folded.")
    span = parsed.spans[-1]
    assert pymupdf.Rect(span.x0, span.y0, span.x1, span.y1) in pymupdf.Rect(
        found.x0 - 4, found.y0 - 4, found.x1 + 4, found.y1 + 4
    )


def test_notice_along_the_margin_of_every_page_is_left_out(tmp_path: Path) -> None:
    page = Page(tmp_path / "a.pdf")
    notice = "请务必阅读正文之后的免责条款部分，本报告版权属于本公司。"
    for number in range(2):
        page.text(
            f"第{number + 1}项研究的结论是需求平稳增长，价格保持稳定，而全年的产量没有明显变化。", 72, 100
        ).text(notice, 30, 700, turn=90)
        page.page = page.document.new_page(width=WIDTH, height=HEIGHT)
    parsed = page.read("fast")
    assert notice not in parsed.text
    assert [report.left_out for report in parsed.pages[:2]] == [[("turned", notice)]] * 2
