"""What a page shows is read; what nobody sees, what is struck and what is a watermark is not, and is listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from qa_engine.documents.blocks import Page
from qa_engine.documents.pages.page_reader import ReadingOptions, read_page
from qa_engine.documents.pdf.reading import read_pdf

CHINESE, ENGLISH = "china-s", "helv"
BODY = "一、本合同总价为人民币四十八万五千元整，含税。"
FALSE = "合同总价应为人民币一元整，以此为准。"
Draw = Callable[[Any], Any]


def write(page: Any, y: float, text: str = FALSE, size: float = 12, x: float = 72, **style: Any) -> None:
    font = ENGLISH if text.isascii() else CHINESE
    page.insert_text((x, y), text, fontname=font, fontsize=size, **style)


def read(*draw: Draw, rotation: int = 0) -> Page:
    document: Any = pymupdf.open()
    page = document.new_page()
    write(page, 100, BODY)
    write(page, 300, "二、质保期为自验收之日起二十四个月。")
    for step in draw:
        step(page)
    page.set_rotation(rotation)
    saved = pymupdf.open("pdf", document.tobytes())
    return read_page(saved[0], 1, ReadingOptions(parser="fast", ocr="never"))


def texts(page: Page) -> str:
    return "\n".join(line.text for block in page.blocks for line in block.lines)


def picture(color: int = 128, striped: bool = False, alpha: bool = False) -> bytes:
    pixmap = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 60, 60), alpha)
    pixmap.clear_with(color)
    if alpha:
        pixmap.set_alpha(bytes([90]) * 3600)
    if striped:
        for x in range(0, 60, 4):
            pixmap.set_rect(pymupdf.IRect(x, 0, x + 2, 60), (10, 10, 10))
    data: bytes = pixmap.tobytes("png")
    return data


def white_out(page: Any) -> None:
    write(page, 200)
    page.draw_rect((66, 185, 420, 206), color=(1, 1, 1), fill=(1, 1, 1))


def ground_color(page: Any) -> None:
    page.draw_rect((66, 185, 420, 206), color=None, fill=(0.1, 0.2, 0.5))
    write(page, 200, color=(0.1, 0.2, 0.5))


def annotation_over(page: Any) -> None:
    write(page, 200)
    page.add_rect_annot((66, 185, 420, 206)).set_colors(fill=(0, 0, 0))
    annotation = next(page.annots())
    annotation.set_colors(stroke=(0, 0, 0), fill=(0, 0, 0))
    annotation.update()


def clipped(page: Any) -> None:
    write(page, 200)
    xref = page.get_contents()[-1]
    content = page.parent.xref_stream(xref)
    page.parent.update_stream(xref, b"q 0 0 5 5 re W n " + content + b" Q")


def other_actual_text(page: Any) -> None:
    write(page, 200, "Rent is 100 dollars a month")
    xref = page.get_contents()[-1]
    content = page.parent.xref_stream(xref)
    tagged = b"/Span <</ActualText (Rent is 999 dollars a month)>> BDC " + content + b" EMC"
    page.parent.update_stream(xref, tagged)


HIDDEN: dict[str, Draw] = {
    "render mode 3": lambda page: write(page, 200, render_mode=3),
    "opacity 0": lambda page: write(page, 200, fill_opacity=0, stroke_opacity=0),
    "white": lambda page: write(page, 200, color=(1, 1, 1)),
    "nearly white": lambda page: write(page, 200, color=(0.97, 0.98, 0.97)),
    "half a point": lambda page: write(page, 200, size=0.5),
    "ground colour": ground_color,
    "under white paint": white_out,
    "under an annotation": annotation_over,
    "under an image": lambda page: (
        write(page, 200),
        page.insert_image((66, 185, 420, 206), stream=picture(0), keep_proportion=False),
    ),
    "clipped away": clipped,
}


@pytest.mark.parametrize("draw", HIDDEN.values(), ids=HIDDEN.keys())
@pytest.mark.parametrize("rotation", [0, 90])
def test_hidden_text_is_left_out_and_listed(draw: Draw, rotation: int) -> None:
    page = read(draw, rotation=rotation)
    assert BODY in texts(page)
    assert "一元整" not in texts(page)
    if draw is not clipped:
        assert ("hidden", FALSE) in page.left_out


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_left_out_text_has_its_place_on_the_page_as_it_is_shown(rotation: int, tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=500, height=700)
    page.insert_text((72, 100), "This sentence is shown to all readers of the page.")
    page.insert_text((72, 200), "Nobody sees this sentence.", color=(1, 1, 1))
    page.set_rotation(rotation)
    expected = page.search_for("Nobody sees this sentence.")[0] * page.rotation_matrix
    document.save(tmp_path / "a.pdf")
    (report,) = read_pdf(tmp_path / "a.pdf").pages
    (place,) = [place for place in report.places if place.role == "hidden"]
    assert place.text == "Nobody sees this sentence."
    assert place.boxes[0] == pytest.approx(tuple(expected), abs=4)


def test_text_written_over_a_correction_is_read_without_what_it_corrects() -> None:
    page = read(white_out, lambda page: write(page, 200, "合同总价为九十万元整。"))
    assert "合同总价为九十万元整。" in texts(page).splitlines()
    assert ("hidden", FALSE) in page.left_out


def test_only_the_covered_part_of_a_line_is_left_out() -> None:
    page = read(
        lambda page: write(page, 200, "The rent is 7200 dollars a month."),
        lambda page: page.draw_rect((131.5, 188, 159, 204), color=None, fill=(0, 0, 0)),
    )
    assert "The rent is dollars a month." in texts(page)
    assert page.left_out == [("hidden", "7200")]
    assert page.doubts == ["a part of a line is covered and left out"]


def test_part_of_a_line_in_the_colour_of_its_ground_is_left_out() -> None:
    page = read(
        lambda page: page.draw_rect((131.5, 188, 159, 204), color=None, fill=(0, 0, 0)),
        lambda page: write(page, 200, "The rent is 7200 dollars a month."),
    )
    assert "The rent is dollars a month." in texts(page)


def test_highlighted_and_shaded_text_and_text_under_a_seal_is_read() -> None:
    def highlight(page: Any) -> None:
        write(page, 200)
        page.add_highlight_annot(page.search_for(FALSE))

    def shade(page: Any) -> None:
        page.draw_rect((66, 235, 420, 256), color=None, fill=(0.05, 0.1, 0.3))
        write(page, 250, "三、表头是深底白字。", color=(1, 1, 1))

    def seal(page: Any) -> None:
        write(page, 400, "四、甲方盖章处。")
        page.insert_image((72, 370, 172, 420), stream=picture(200, alpha=True), keep_proportion=False)

    def marked(page: Any) -> None:
        write(page, 450, "五、半透明的底色不遮挡。")
        page.draw_rect((66, 435, 420, 456), color=None, fill=(1, 1, 0), fill_opacity=0.4)

    page = read(highlight, shade, seal, marked)
    assert page.left_out == []
    assert all(text in texts(page) for text in (FALSE, "深底白字", "盖章处", "不遮挡"))


def test_white_text_on_a_picture_is_read() -> None:
    page = read(
        lambda page: page.insert_image((60, 180, 430, 215), stream=picture(90), keep_proportion=False),
        lambda page: write(page, 200, color=(1, 1, 1)),
    )
    assert FALSE in texts(page)


@pytest.mark.parametrize("first", ["image", "text"])
def test_text_of_a_scan_is_read(first: str) -> None:
    def scan(page: Any) -> None:
        page.insert_image(page.rect, stream=picture(striped=True), keep_proportion=False)

    def ocr(page: Any) -> None:
        for y in range(120, 700, 20):
            write(page, y, render_mode=3 if first == "image" else 0)

    document: Any = pymupdf.open()
    page = document.new_page()
    for step in (scan, ocr) if first == "image" else (ocr, scan):
        step(page)
    found = read_page(page, 1, ReadingOptions(parser="fast", ocr="never"))
    assert FALSE in texts(found)
    assert found.left_out == []


def test_hidden_text_on_the_background_image_of_a_letter_is_left_out() -> None:
    page = read(
        lambda page: page.insert_image(page.rect, stream=picture(250), keep_proportion=False, overlay=False),
        lambda page: write(page, 200, render_mode=3),
    )
    assert "一元整" not in texts(page)


def test_page_of_hidden_text_says_so() -> None:
    page = read(lambda page: [write(page, y, color=(1, 1, 1)) for y in range(400, 800, 20)])
    assert BODY in texts(page)
    assert "most of its text does not show and is left out" in page.doubts


def test_glyphs_count_and_not_another_text_given_for_them() -> None:
    page = read(other_actual_text)
    assert "Rent is 100 dollars a month" in texts(page)
    assert "999" not in texts(page)
    assert any(reason == "hidden" and "999" in text for reason, text in page.left_out)


def test_stop_that_is_not_covered_is_no_sentence() -> None:
    def draw(page: Any) -> None:
        write(page, 200)
        width = pymupdf.get_text_length(FALSE[:-1], CHINESE, 12)
        page.draw_rect((66, 185, 72 + width, 206), color=(0, 0, 0), fill=(0, 0, 0))

    page = read(draw)
    assert texts(page).startswith(BODY)
    assert len(texts(page).splitlines()) == 2


def test_text_given_for_a_hyphen_is_used() -> None:
    def tagged(page: Any) -> None:
        write(page, 200, "The agree- ment")
        xref = page.get_contents()[-1]
        content = page.parent.xref_stream(xref)
        page.parent.update_stream(xref, b"/Span <</ActualText (The agreement)>> BDC " + content + b" EMC")

    assert "agree-" not in texts(read(tagged))


def test_text_given_for_a_radical_hides_nothing() -> None:
    """Browsers map a glyph that two characters share to the radical, and give the character."""

    def tagged(page: Any) -> None:
        write(page, 200, "⻔")
        xref = page.get_contents()[-1]
        content = page.parent.xref_stream(xref)
        given = b"<FEFF" + "门".encode("utf-16-be").hex().encode() + b">"
        page.parent.update_stream(xref, b"/Span <</ActualText " + given + b">> BDC " + content + b" EMC")

    page = read(tagged)
    assert "门" in texts(page)
    assert page.left_out == []


# -- struck


def strike(kind: str) -> Draw:
    def draw(page: Any) -> None:
        write(page, 200, "月租金为七千二百元六千五百元，按季支付。")
        if kind == "line":
            page.draw_line((120, 195.8), (180, 195.8), width=0.8)
        elif kind == "box":
            page.draw_rect((120, 195.2, 180, 196.2), color=None, fill=(1, 0, 0))
        elif kind == "annotation":
            page.add_strikeout_annot(pymupdf.Rect(120, 188, 180, 203).quad)

    return draw


@pytest.mark.parametrize("kind", ["line", "box", "annotation"])
def test_struck_characters_are_left_out_and_the_rest_is_joined(kind: str) -> None:
    page = read(strike(kind))
    assert "月租金为六千五百元，按季支付。" in texts(page)
    assert page.left_out == [("struck", "七千二百元")]


def test_a_strike_that_ends_within_a_word_takes_the_word() -> None:
    def draw(page: Any) -> None:
        write(page, 200, "Keys are in the second drawer.")
        page.draw_line(
            (72, 196), (70 + pymupdf.get_text_length("Keys are in the second draw", ENGLISH, 12), 196)
        )

    page = read(draw)
    assert page.left_out == [("struck", "Keys are in the second drawer.")]


def test_underlines_fractions_and_rules_of_tables_strike_nothing() -> None:
    def draw(page: Any) -> None:
        write(page, 200)
        page.draw_line((72, 202), (300, 202), width=0.8)
        write(page, 230, "a+b", x=300)
        page.draw_line((298, 233), (325, 233), width=0.5)
        write(page, 245, "2c", x=304)
        for y in (400, 430):
            page.draw_line((72, y), (500, y), width=0.5)
        write(page, 404, "合并的行标签")
        write(page, 420, "单元格")

    page = read(draw)
    assert page.left_out == []
    assert all(text in texts(page) for text in (FALSE, "a+b", "2c", "合并的行标签"))


def test_symbol_of_a_note_strikes_nothing() -> None:
    page = read(lambda page: page.add_text_annot((150, 88), "Ask them."))
    assert BODY in texts(page)


# -- watermarks


def slanted(
    page: Any, degrees: float, x: float, y: float, text: str, size: float = 20, grey: float = 0.8
) -> None:
    turn = pymupdf.Matrix(1, 1).prerotate(degrees)
    page.insert_text(
        (x, y), text, fontname=CHINESE, fontsize=size, color=(grey,) * 3, morph=(pymupdf.Point(x, y), turn)
    )


@pytest.mark.parametrize("degrees", [15, 30, 45, 60])
def test_tiled_watermark_is_left_out(degrees: float) -> None:
    def tile(page: Any) -> None:
        for x in (80, 260, 440):
            for y in (160, 320, 480, 640):
                slanted(page, degrees, x, y, "内部资料 20240518")

    page = read(tile)
    assert "内部资料" not in texts(page)
    assert {reason for reason, _ in page.left_out} == {"watermark"}
    assert BODY in texts(page).splitlines()


def test_large_pale_text_behind_the_page_is_left_out() -> None:
    page = read(
        lambda page: write(page, 115, "样本 仅供内部", size=60, color=(0.85,) * 3, overlay=False),
        lambda page: write(page, 330, "草稿 DRAFT", size=50, fill_opacity=0.3),
    )
    assert texts(page).splitlines() == [BODY, "二、质保期为自验收之日起二十四个月。"]
    assert [reason for reason, _ in page.left_out] == ["watermark", "watermark"]


def test_pale_captions_and_titles_are_read() -> None:
    page = read(
        lambda page: write(page, 200, "图一 厂区平面", size=8, color=(0.6,) * 3),
        lambda page: write(page, 420, "第二章 验收", size=40, color=(0.7,) * 3),
    )
    assert "图一厂区平面" in texts(page)
    assert "第二章 验收" in texts(page)


def test_label_that_lies_askew_is_listed() -> None:
    page = read(lambda page: slanted(page, 30, 200, 500, "北门", grey=0))
    assert page.left_out == [("turned", "北门")]


def test_scan_that_lies_askew_is_read() -> None:
    document: Any = pymupdf.open()
    page = document.new_page()
    for y in range(200, 500, 25):
        slanted(page, 4, 72, y, f"第{y}行的文字。", size=12)
    found = read_page(page, 1, ReadingOptions(parser="fast", ocr="never"))
    assert "第200行的文字。" in texts(found)
