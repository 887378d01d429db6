"""Presentations: a page a slide, what is read of it and in which order."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions import typesetting
from qa_engine.errors import DocumentError

pptx = pytest.importorskip("pptx")
from lxml import etree  # noqa: E402
from pptx.chart.data import CategoryChartData, XyChartData  # noqa: E402
from pptx.enum.chart import XL_CHART_TYPE  # noqa: E402
from pptx.util import Inches  # noqa: E402

TITLE_ONLY, TITLE_AND_BODY, BLANK = 5, 1, 6


class Deck:
    """A presentation that is made by a test."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "汇报.pptx"
        self._deck = pptx.Presentation()

    def slide(self, title: str = "", layout: int = TITLE_ONLY) -> Any:
        slide = self._deck.slides.add_slide(self._deck.slide_layouts[layout])
        if title:
            slide.shapes.title.text = title
        return slide

    def save(self) -> Path:
        self._deck.save(self.path)
        return self.path

    def read(self) -> ParsedPdf:
        return read_pdf(self.save(), ReadingOptions())


@pytest.fixture
def deck(tmp_path: Path) -> Deck:
    return Deck(tmp_path)


def box(slide: Any, text: str, left: float, top: float, height: float = 0.5) -> Any:
    shape = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(height))
    shape.text_frame.text = text
    return shape


def lines(parsed: ParsedPdf) -> list[str]:
    return [line for line in parsed.text.split("\n") if line]


def reason(path: Path) -> str:
    with pytest.raises(DocumentError) as caught:
        read_pdf(path, ReadingOptions())
    return caught.value.reason


@pytest.mark.parametrize("data", [b"no archive", b"PK\x03\x04 cut off", b"\xd0\xcf\x11\xe0" * 100])
def test_what_is_no_presentation_says_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.pptx"
    path.write_bytes(data)
    assert reason(path) == "damaged"


def test_an_archive_without_slides_says_so(tmp_path: Path, deck: Deck) -> None:
    assert reason(deck.save()) == "empty"
    path = tmp_path / "b.pptx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert reason(path) == "damaged"


def test_slides_are_pages_whatever_they_hold(deck: Deck) -> None:
    deck.slide()
    box(deck.slide("长"), "一句很长的话，" * 3000 + "完。", 1, 2)
    deck.slide("末页")
    box(deck.slide("又一页"), "收入为七千万元。", 1, 2)
    found = deck.read()
    assert len(found.pages) == 4
    (span,) = [span for span in found.spans if found.text[span.start : span.end] == "收入为七千万元。"]
    assert span.page == 4


def test_too_much_for_any_page_says_so(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "_LARGEST", 1000.0)
    box(deck.slide("长"), "\n".join(f"第{number}行。" for number in range(300)), 1, 2)
    assert reason(deck.save()) == "too_large"


def test_text_is_read_from_the_top_and_from_the_left(deck: Deck) -> None:
    slide = deck.slide("标题")
    box(slide, "下面。", 1, 5)
    box(slide, "右边。", 5, 2)
    box(slide, "左边。", 1, 2.1)
    assert lines(deck.read()) == ["标题", "左边。", "右边。", "下面。"]


def test_the_title_is_the_section_of_its_slide_alone(deck: Deck) -> None:
    box(deck.slide("甲"), "一。", 1, 2)
    box(deck.slide("乙"), "二。", 1, 2)
    assert deck.read().sections == [(), ("甲",), ("乙",)]


def test_lists_have_levels_and_notes_stand_at_the_end(deck: Deck) -> None:
    slide = deck.slide("标题", TITLE_AND_BODY)
    frame = slide.placeholders[1].text_frame
    frame.text = "外层"
    inner = frame.add_paragraph()
    inner.text, inner.level = "内层\v第二行", 1
    slide.notes_slide.notes_text_frame.text = "讲者的话。"
    found = deck.read()
    assert lines(found) == ["标题", "外层", "内层 第二行", "讲者的话。"]
    assert found.pages[0].roles["note"] == 1


def test_tables_have_names_of_columns_and_merged_cells(deck: Deck) -> None:
    table = deck.slide("价格").shapes.add_table(3, 2, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, texts in enumerate((("部件", "价格"), ("水泵", "71"), ("合计", ""))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(2, 0).merge(table.cell(2, 1))
    text = deck.read().text
    assert "| 水泵 | 71 |" in text
    assert text.count("合计") == 1


def test_charts_are_tables_of_their_values(deck: Deck) -> None:
    data = CategoryChartData()
    data.categories = ["2023年", "2024年"]
    data.add_series("收入", (71.5, None))
    place = Inches(1), Inches(2), Inches(5), Inches(3)
    chart = deck.slide("业绩").shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "各年收入"
    text = deck.read().text
    assert "各年收入" in text
    assert "| 2023年 | 71.5 |" in text


def test_charts_without_categories_are_reported(deck: Deck) -> None:
    data = XyChartData()
    data.add_series("点").add_data_point(1.5, 2.5)
    place = Inches(1), Inches(2), Inches(5), Inches(3)
    deck.slide("散点").shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *place, data)
    assert deck.read().pages[0].doubts == ["has a chart without categories, whose values are not read"]


def test_of_alternatives_the_newer_one_is_read_once(deck: Deck) -> None:
    slide = deck.slide("标题")
    space = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    alternatives = etree.SubElement(slide.shapes._spTree, f"{{{space}}}AlternateContent")
    for name, text in (("Choice", "新的。"), ("Fallback", "旧的。")):
        shape = box(slide, text, 1, 2)
        etree.SubElement(alternatives, f"{{{space}}}{name}").append(shape._element)
    assert lines(deck.read()) == ["标题", "新的。"]


def test_groups_are_looked_into_but_not_for_ever(deck: Deck) -> None:
    slide = deck.slide("组")
    group = slide.shapes
    for _ in range(60):
        group = group.add_group_shape().shapes
        group.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "在组里。"
    found = deck.read()
    assert found.text.count("在组里。") == 50
    assert any("groups in groups" in doubt for doubt in found.pages[0].doubts)


def test_hidden_slides_keep_their_page_and_say_that_they_are_hidden(deck: Deck) -> None:
    deck.slide("甲").element.set("show", "0")
    deck.slide("乙")
    found = deck.read()
    assert [page.doubts for page in found.pages] == [["is a hidden slide"], []]


def test_a_slide_show_is_a_presentation(deck: Deck) -> None:
    box(deck.slide("标题"), "正文。", 1, 2)
    target = deck.path.with_suffix(".ppsx")
    with zipfile.ZipFile(deck.save()) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "[Content_Types].xml":
                content = content.replace(
                    b"presentationml.presentation.main", b"presentationml.slideshow.main"
                )
            archive.writestr(name, content)
    assert lines(read_pdf(target, ReadingOptions())) == ["标题", "正文。"]


def test_linked_pictures_and_external_parts_are_not_opened(deck: Deck) -> None:
    slide = deck.slide("外链")
    slide.part.rels.get_or_add_ext_rel(
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image", "file:///etc/passwd"
    )
    assert lines(deck.read()) == ["外链"]
