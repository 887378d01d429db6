"""Forms: each value with its label, ticks as such, and what is not filled as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pdf_factory import CHINESE_FONT, ENGLISH_FONT

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf

TEXT, COMBO, LIST = (
    pymupdf.PDF_WIDGET_TYPE_TEXT,
    pymupdf.PDF_WIDGET_TYPE_COMBOBOX,
    pymupdf.PDF_WIDGET_TYPE_LISTBOX,
)
BOX, RADIO = pymupdf.PDF_WIDGET_TYPE_CHECKBOX, pymupdf.PDF_WIDGET_TYPE_RADIOBUTTON
MULTILINE, PASSWORD = 1 << 12, 1 << 13


class Form:
    """A page on which texts and fields are put."""

    def __init__(self, path: Path, font: str = ENGLISH_FONT) -> None:
        self.document: Any = pymupdf.open()
        self.page: Any = self.document.new_page(width=595, height=842)
        self._font = font
        self._path = path
        self._count = 0

    def text(self, text: str, x: float, y: float, size: float = 11) -> Form:
        self.page.insert_text((x, y), text, fontname=self._font, fontsize=size)
        return self

    def field(
        self,
        value: Any,
        x: float,
        y: float,
        width: float = 120,
        height: float = 16,
        kind: int = TEXT,
        **properties: Any,
    ) -> Form:
        """A field on the line with its baseline at ``y``."""
        self._count += 1
        widget = pymupdf.Widget()
        widget.field_name = properties.pop("field_name", f"field{self._count}")
        widget.field_type = kind
        widget.rect = pymupdf.Rect(x, y - 12, x + width, y - 12 + height)
        for name, content in properties.items():
            setattr(widget, name, content)
        widget.field_value = value
        self.page.add_widget(widget)
        return self

    def box(self, on: bool, x: float, y: float, **properties: Any) -> Form:
        return self.field(on, x, y, 12, 12, BOX, **properties)

    def lines(self, parser: str = "auto") -> list[str]:
        """The paragraphs of the text."""
        self.document.save(self._path)
        self.parsed = read_pdf(self._path, ReadingOptions(ocr="never", parser=parser))  # type: ignore[arg-type]
        return self.parsed.text.split("\n")


@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(tmp_path / "a.pdf")


@pytest.fixture
def chinese(tmp_path: Path) -> Form:
    return Form(tmp_path / "a.pdf", CHINESE_FONT)


def test_form_that_is_not_filled_stays_as_it_is(form: Form) -> None:
    form.text("Name:", 72, 100).field("", 150, 100).text("Smoker:", 72, 140)
    form.box(False, 150, 140).text("Yes", 166, 140).box(False, 200, 140).text("No", 216, 140)
    assert " ".join(form.lines()) == "Name: Smoker: Yes No"


def test_hidden_fields_and_passwords_are_not_read(form: Form) -> None:
    form.text("Name:", 72, 100).field("Ada", 150, 100)
    form.text("Password:", 72, 140).field("hunter2", 150, 140, field_flags=PASSWORD)
    form.text("Thank you for your visit.", 72, 180).field("secret", 150, 220, field_display=1)
    assert form.lines() == ["Name: Ada", "Password:", "Thank you for your visit."]


@pytest.mark.parametrize("parser", ["auto", "fast", "layout"])
def test_label_before_the_field(parser: str, form: Form) -> None:
    form.text("Visitor form", 72, 70, 16)
    for y, label, value in (
        (110, "Full name:", "Ingrid Solheim"),
        (140, "Badge number", "VB-40917"),
        (170, "Fax:", ""),
    ):
        form.text(label, 72, y).field(value, 200, y)
    form.text("Visitors must wear the badge at all times.", 72, 220)
    lines = form.lines(parser)
    assert lines == [
        "Visitor form",
        "Full name: Ingrid Solheim",
        "Badge number: VB-40917",
        "Fax:",
        "Visitors must wear the badge at all times.",
    ]


def test_two_columns_of_fields(chinese: Form) -> None:
    for y, row in ((100, ("姓名：", "王伟", "工号", "K-3381")), (130, ("部门：", "设备部", "电话", "6623"))):
        for x, label, value in ((72, *row[:2]), (300, *row[2:])):
            chinese.text(label, x, y).field(value, x + 60, y)
    assert sorted(chinese.lines()) == sorted(["姓名：王伟", "工号：K-3381", "部门：设备部", "电话：6623"])


def test_label_above_the_field(form: Form) -> None:
    for x, label, value in ((72, "First name", "Ada"), (220, "Last name", "Byron"), (370, "City", "")):
        form.text(label, x, 100).field(value, x, 118, 130)
    assert sorted(form.lines()) == ["City", "First name: Ada", "Last name: Byron"]


@pytest.mark.parametrize(("tooltip", "label"), [("Signing date", "Signing date"), ("", "date")])
def test_field_without_a_label_has_its_tooltip_or_its_name(tooltip: str, label: str, form: Form) -> None:
    form.text("This sentence is far away from the field.", 72, 100)
    form.field("2024-11-08", 300, 400, field_label=tooltip, field_name="date[0]")
    assert form.lines()[-1] == f"{label}: 2024-11-08"


def test_lines_to_write_on_and_units(form: Form) -> None:
    form.text("Weight: __________ kg", 72, 100).field("70", 114, 100, 56)
    form.text("Height:______________", 72, 130).field("1.75 m", 112, 130, 76)
    assert form.lines() == ["Weight: 70 kg", "Height: 1.75 m"]


def test_fields_in_a_sentence(chinese: Form) -> None:
    chinese.text("租期自", 72, 100).field("2024年1月", 108, 100, 60).text("起至", 170, 100)
    chinese.field("2025年6月", 195, 100, 60).text("止，月租金为", 258, 100).field("3200", 328, 100, 40).text(
        "元。", 370, 100
    )
    assert chinese.lines() == ["租期自2024年1月起至2025年6月止，月租金为3200元。"]


def test_span_of_time_is_one_value(chinese: Form) -> None:
    chinese.text("起止时间：", 72, 100).field("6月3日", 130, 100, 80).text("至", 214, 100).field(
        "6月5日", 228, 100, 80
    )
    assert chinese.lines() == ["起止时间：6月3日至6月5日"]


def test_field_of_several_lines(form: Form) -> None:
    form.text("Remarks:", 72, 100)
    form.field("Uses the north gate.\rNeeds a ramp.", 150, 100, 200, 60, field_flags=MULTILINE)
    form.text("Car:", 72, 190).field("none", 150, 190)
    assert form.lines() == ["Remarks: Uses the north gate. Needs a ramp.", "Car: none"]


def test_lists_show_their_texts(form: Form) -> None:
    form.text("Country:", 72, 100).field(
        "NO", 150, 100, kind=COMBO, choice_values=[("NO", "Norway"), ("SE", "Sweden")]
    )
    form.text("Size:", 72, 140).field("L", 150, 140, height=40, kind=LIST, choice_values=["M", "L"])
    assert form.lines() == ["Country: Norway", "Size: L"]


def test_boxes_of_a_row_with_their_question(form: Form) -> None:
    form.text("Parking needed:", 72, 100)
    form.box(True, 170, 100).text("Yes", 186, 100).box(False, 230, 100).text("No", 246, 100)
    assert form.lines() == ["Parking needed: Yes ☑, No ☐"]


def test_boxes_behind_their_labels(chinese: Form) -> None:
    chinese.text("性别：", 72, 100).text("男", 120, 100).box(False, 134, 100).text("女", 170, 100).box(
        True, 184, 100
    )
    assert chinese.lines() == ["性别：男 ☐，女 ☑"]


def test_boxes_below_their_question(form: Form) -> None:
    form.text("Which gate do you use?", 72, 100)
    for y, label, on in ((120, "North", False), (138, "South, with a car", True), (156, "Pier", False)):
        form.box(on, 80, y).text(label, 98, y)
    form.text("Guests wait at the desk.", 72, 200)
    assert form.lines() == [
        "Which gate do you use? North ☐, South, with a car ☑, Pier ☐",
        "Guests wait at the desk.",
    ]


def test_ticked_sentence_goes_on_in_the_next_line(form: Form) -> None:
    form.box(True, 72, 100).text(
        "I have read the rules for visitors, and I shall wear the badge at all", 90, 100
    )
    form.text("times and return it at the gate.", 90, 114)
    form.box(False, 72, 150).text("Send me the newsletter.", 90, 150)
    assert form.lines()[0] == (
        "☑ I have read the rules for visitors, and I shall wear the badge at all times and return it at the gate."
    )
    assert "☑ Send" not in form.parsed.text


def test_ticked_sentences_are_not_joined(form: Form) -> None:
    for y, text, on in (
        (100, "I have read the rules. I agree to them.", True),
        (118, "Send me the newsletter.", False),
    ):
        form.box(on, 72, y).text(text, 90, y)
    assert form.lines() == ["☑ I have read the rules. I agree to them.", "☐ Send me the newsletter."]


def test_ruled_form_is_no_table(chinese: Form) -> None:
    chinese.text("设备报修登记表", 200, 70, 18)
    for row, cells in enumerate(
        (("报修部门", "注塑二车间", "报修人", "何晓岚"), ("设备编号", "ZS-2207", "紧急程度", ""))
    ):
        for column, cell in enumerate(cells):
            x, y = 60 + 118 * column, 100 + 30 * row
            chinese.page.draw_rect((x, y, x + 118, y + 30))
            if column % 2:
                chinese.field(cell, x + 2, y + 15, 114, 24)
            else:
                chinese.text(cell, x + 10, y + 20)
    expected = ["设备报修登记表", "报修部门：注塑二车间", "报修人：何晓岚", "设备编号：ZS-2207", "紧急程度"]
    assert sorted(chinese.lines()) == sorted(expected)


def test_table_of_fields(chinese: Form) -> None:
    for x, name in ((72, "品名"), (192, "数量"), (312, "单价")):
        chinese.text(name, x + 4, 100)
        for row, values in enumerate((("螺栓", "40", "2.5"), ("垫片", "", "0.3"), ("", "", ""))):
            chinese.field(values[(x - 72) // 120], x, 118 + 20 * row, 120, 20)
    lines = chinese.lines()
    assert lines[-2:] == ["品名：螺栓；数量：40；单价：2.5", "品名：垫片；单价：0.3"]
    assert lines[:-2] == ["品名 数量 单价"]


def test_value_that_is_printed_below_its_field_is_read_once(form: Form) -> None:
    form.text("Name:", 72, 100).text("Ada Byron", 152, 100).field("Ada Byron", 150, 100)
    assert form.lines() == ["Name: Ada Byron"]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_form_on_a_turned_page(turn: int, form: Form) -> None:
    form.text("Name:", 72, 100).field("Ada", 150, 100)
    form.page.set_rotation(turn)
    assert form.lines() == ["Name: Ada"]
    (span,) = form.parsed.spans
    shown = pymupdf.Rect(72, 88, 270, 104) * form.page.rotation_matrix
    assert abs(span.x0 - shown.x0) < 4 and abs(span.y1 - shown.y1) < 4


def test_box_far_behind_its_label_and_label_under_a_box(form: Form) -> None:
    form.text("Delivery to the site", 72, 100).box(True, 210, 100)
    form.text("Kurs:", 72, 150).field("Radierung", 120, 150)
    form.box(True, 72, 190).text("Vegetarian", 72, 204)
    assert form.lines() == ["Delivery to the site: ☑", "Kurs: Radierung", "☑ Vegetarian"]


def test_damaged_form_does_not_stop_the_page(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("code=7: no such field")

    form.text("Name:", 72, 100).field("Ada", 150, 100)
    monkeypatch.setattr(pymupdf.mupdf, "pdf_first_widget", fails)
    assert "".join(form.lines()) in {"Name: Ada", "Name:Ada"}
    assert form.parsed.pages[0].doubts == ["its form cannot be read (code=7: no such field)"]
