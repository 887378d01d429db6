"""Pages read from their picture: what was set is recognised, where it was set, whichever way the page lies."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from qa_engine.documents.pages import ocr, page_reader
from qa_engine.documents.pages.ocr import INSTALL, Recognition, ocr_available, recognise_page
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf import reading
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.errors import DocumentError, ModelUnavailableError

needs_ocr = pytest.mark.skipif(not ocr_available(), reason="needs the extra for OCR")

Text = tuple[str, float, float, float]
"""A line, its left edge, its baseline and its size, in points."""
CHINESE: list[Text] = [
    ("西湖的平均水深为2.27米。最深处约5米。", 72, 120, 14),
    ("每年接待的游客超过2000万人次。", 72, 150, 14),
]
ENGLISH: list[Text] = [
    ("Jupiter is the largest planet. It is far away.", 72, 120, 13),
    ("Saturn is best known for its rings.", 72, 145, 13),
]


def picture(lines: list[Text], turn: int = 0, width: float = 500, height: float = 300) -> Any:
    """A document of one page that is a picture of lines, turned clockwise by so many degrees."""
    with pymupdf.open() as source:
        page = source.new_page(width=width, height=height)
        for text, x, y, size in lines:
            font = "helv" if text.isascii() else "china-s"
            page.insert_text((x, y), text, fontname=font, fontsize=size)
        page.set_rotation(turn)
        image = page.get_pixmap(dpi=200)
    document = pymupdf.open()
    shown = (width, height) if turn % 180 == 0 else (height, width)
    page = document.new_page(width=shown[0], height=shown[1])
    page.insert_image(page.rect, pixmap=image)
    return document


def squash(text: str) -> str:
    return "".join(text.split()).replace("，", ",").replace(",", "，")


# -- without the extra


def test_missing_package_is_noticed_without_importing_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "rapidocr" else find(name, *rest)
    )
    assert not ocr_available()


def test_recognising_without_the_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "ocr_available", lambda: False)
    ocr._engine.cache_clear()
    with pytest.raises(ModelUnavailableError) as raised:
        recognise_page(picture(ENGLISH)[0], 1)
    assert INSTALL in str(raised.value)


def test_scan_without_the_extra_fails_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (page_reader, reading):
        monkeypatch.setattr(module, "ocr_available", lambda: False)
    picture(ENGLISH).save(tmp_path / "scan.pdf")
    with pytest.raises(DocumentError) as raised:
        read_pdf(tmp_path / "scan.pdf")
    assert raised.value.reason == "no_text"
    assert INSTALL in str(raised.value)


def test_package_without_its_models_is_not_made_up_for_by_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr")
    monkeypatch.setattr(ocr, "_MODELS", {"Det": "no_such_model.onnx"})
    ocr._engine.cache_clear()
    with pytest.raises(ModelUnavailableError) as raised:
        recognise_page(picture(ENGLISH)[0], 1)
    assert "no_such_model.onnx" in str(raised.value)
    assert INSTALL in str(raised.value)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            ValueError("Traceback\n  of a library\nthe session is broken"),
            RuntimeError("OCR failed: the session is broken"),
        ),
        (ValueError(), RuntimeError("OCR failed: ValueError")),
        (RuntimeError("std::bad_alloc"), MemoryError("OCR needs more memory")),
    ],
)
def test_errors_of_the_library_are_of_two_kinds(
    raised: Exception, expected: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cv2")

    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(ocr, "_engine", lambda: fail)
    with pytest.raises(type(expected)) as caught:
        recognise_page(picture(ENGLISH)[0], 1)
    assert str(caught.value) == str(expected)
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize("side", [1.0, 3.0])
def test_page_too_small_for_text_gives_nothing(side: float) -> None:
    assert recognise_page(pymupdf.open().new_page(width=side, height=side), 1) == Recognition()


def piece(text: str, x0: float, x1: float, y0: float = 100.0, y1: float = 120.0) -> ocr._Piece:
    """A line as it is found, in pixels, with as many places as characters."""
    return ocr._piece(text, 0.9, [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], ())


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([piece("西湖", 0, 40), piece("很深。", 50, 110)], ["西湖很深。"]),
        ([piece("The deep", 0, 90), piece("lake.", 100, 150)], ["The deep lake."]),
        ([piece("lake.", 100, 150), piece("The deep", 0, 90)], ["The deep lake."]),
        ([piece("left column", 0, 90), piece("right column", 109, 200)], ["left column", "right column"]),
        ([piece("above", 0, 60), piece("below", 62, 120, 114, 134)], ["above", "below"]),
    ],
    ids=["chinese", "english", "order", "columns", "lines"],
)
def test_pieces_of_one_line_are_joined(pieces: list[ocr._Piece], texts: list[str]) -> None:
    assert [line.text for line in ocr._join(pieces)] == texts


def test_end_of_a_sentence_at_the_seam_of_two_pieces_is_where_the_second_begins() -> None:
    (joined,) = ocr._join([piece("西湖很深。", 0, 100), piece("水很清", 110, 170)])
    assert ocr._line(joined, 1, 0.5).cuts == ((5, 55.0),)


def test_without_places_of_characters_they_are_taken_to_be_even() -> None:
    assert piece("西湖ab 的", 0, 465).edges == pytest.approx([0, 100, 200, 255, 365])


# -- with it


@needs_ocr
@pytest.mark.parametrize("lines", [CHINESE, ENGLISH], ids=["zh", "en"])
def test_text_and_places_of_a_scan(lines: list[Text]) -> None:
    recognition = recognise_page(picture(lines)[0], 7)
    assert [squash(line.text) for line in recognition.lines] == [squash(text) for text, *_ in lines]
    assert recognition.confidence > 0.9
    assert recognition.rotation == 0
    for line, (text, x, y, size) in zip(recognition.lines, lines, strict=True):
        font = "helv" if text.isascii() else "china-s"
        right = x + pymupdf.get_text_length(text, font, size)
        assert line.page == 7
        assert abs(line.x0 - x) < 5
        # The right half of a full stop is empty.
        assert abs(line.x1 - right) < 0.6 * size
        assert line.y0 < y - 0.4 * size < line.y1
        assert abs(line.size - size) < 0.25 * size


@needs_ocr
def test_blanks_between_english_words_are_kept() -> None:
    recognition = recognise_page(picture(ENGLISH)[0], 1)
    assert [line.text for line in recognition.lines] == [text for text, *_ in ENGLISH]


@needs_ocr
def test_place_where_a_sentence_ends_inside_a_line_is_known() -> None:
    first = "西湖的平均水深为2.27米。"
    line = recognise_page(picture(CHINESE)[0], 1).lines[0]
    ends = dict(line.cuts)
    assert len(first) in ends
    assert abs(ends[len(first)] - (72 + pymupdf.get_text_length(first, "china-s", 14))) < 8


@needs_ocr
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_page_that_lies_wrong_is_turned(turn: int) -> None:
    recognition = recognise_page(picture(ENGLISH, turn)[0], 1)
    assert [squash(line.text) for line in recognition.lines] == [squash(text) for text, *_ in ENGLISH]
    assert recognition.rotation == (360 - turn) % 360


@needs_ocr
def test_places_on_a_turned_page_are_those_on_the_page_as_shown(tmp_path: Path) -> None:
    picture(ENGLISH, 90).save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf")
    # Turned clockwise, a line 120 points from the top of 300 runs downwards 180 points from the left.
    (first, *_) = parsed.spans
    assert parsed.text.startswith("Jupiter")
    assert 170 < first.x0 < first.x1 < 200
    assert abs(first.y0 - 72) < 5
    assert parsed.pages[0].ocr


@needs_ocr
def test_columns_are_not_joined() -> None:
    left = [("Left column one", 40, 100, 11), ("Left column two", 40, 120, 11)]
    right = [("Right column one", 300, 100, 11), ("Right column two", 300, 120, 11)]
    found = {line.text for line in recognise_page(picture([*left, *right])[0], 1).lines}
    assert found == {text for text, *_ in [*left, *right]}


@needs_ocr
def test_narrow_columns_are_not_joined() -> None:
    # The gutter of 16 points is hardly wider than the boxes are high.
    width = pymupdf.get_text_length("Left column and one", "helv", 11)
    lines = [
        (text, x, y, 11.0)
        for y, word in ((100, "one"), (115, "two"))
        for x, text in ((40, f"Left column and {word}"), (56 + width, f"Right column and {word}"))
    ]
    assert {line.text for line in recognise_page(picture(lines)[0], 1).lines} == {text for text, *_ in lines}


@needs_ocr
def test_lines_come_from_top_to_bottom_and_each_is_a_block() -> None:
    lines = [("lower left", 40, 160, 12), ("upper right", 300, 101, 12), ("upper left", 40, 100, 12)]
    found = recognise_page(picture(lines)[0], 1).lines
    assert [(line.text, line.block) for line in found] == [
        ("upper left", 0),
        ("upper right", 1),
        ("lower left", 2),
    ]


@needs_ocr
def test_text_that_runs_upwards_beside_the_others_does_not_turn_the_page() -> None:
    document = picture(ENGLISH)
    stamp = pymupdf.open().new_page(width=20, height=200)
    stamp.insert_text((15, 190), "arXiv:2301.00001v1 cs.CL", fontsize=12, rotate=90)
    document[0].insert_image((20, 60, 40, 260), pixmap=stamp.get_pixmap(dpi=200))
    recognition = recognise_page(document[0], 1)
    assert recognition.rotation == 0
    assert [line.text for line in recognition.lines[:2]] == [text for text, *_ in ENGLISH]
    assert all(line.size < 20 for line in recognition.lines)


@needs_ocr
def test_ordinary_page_is_recognised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    recognise = ocr._recognise
    monkeypatch.setattr(ocr, "_recognise", lambda image: runs.append(image.shape) or recognise(image))
    recognise_page(picture(ENGLISH)[0], 1)
    assert len(runs) == 1


@needs_ocr
def test_blank_page_gives_nothing() -> None:
    assert recognise_page(picture([])[0], 1) == Recognition()


@needs_ocr
def test_strip_is_read_as_it_is() -> None:
    # Padded or enlarged to what the library holds for a page, it would take gigabytes.
    document = pymupdf.open()
    document.new_page(width=14_400, height=14).insert_text((2, 11), "A long strip", fontsize=11)
    (line,) = recognise_page(document[0], 1).lines
    assert line.text == "A long strip"
    assert line.x0 < 5 < 50 < line.x1 < 80


@needs_ocr
def test_page_in_another_colour_space_and_turned_by_its_own_rotation() -> None:
    document = picture(ENGLISH, 90)
    document[0].draw_rect((0, 0, 5, 5), fill=(0.1, 0.2, 0.3, 0.4))
    document[0].set_rotation(270)
    recognition = recognise_page(document[0], 1)
    assert [squash(line.text) for line in recognition.lines] == [squash(text) for text, *_ in ENGLISH]
    assert recognition.rotation == 0


@needs_ocr
def test_huge_page_is_rendered_small(monkeypatch: pytest.MonkeyPatch) -> None:
    page = pymupdf.open().new_page(width=14_400, height=14_400)
    page.insert_text((2000, 4000), "A word on a huge page", fontsize=600)
    image, scale = ocr._image(page, 200)
    assert image.shape[0] * image.shape[1] <= 3_100_000
    assert scale > 1
    monkeypatch.setattr(ocr, "_MAX_PIXELS", 1_000_000)  # as large as it has to be for the words
    (line,) = recognise_page(page, 1).lines
    assert line.text == "A word on a huge page"
    assert abs(line.x0 - 2000) < 0.25 * 600


_FRESH_PROCESS = """
import resource, socket, sys
import pymupdf, numpy
from qa_engine.documents.pages.ocr import recognise_page

def refuse(*arguments, **keywords):
    raise AssertionError("something is looked up on the network")

socket.getaddrinfo = socket.socket.connect = refuse
pages = int(open("/proc/self/statm").read().split()[0]) if sys.platform == "linux" else 0
if pages:
    limit = pages * resource.getpagesize() + 2_048_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
page = pymupdf.open(sys.argv[1])[0]
assert len(recognise_page(page, 1, 300).lines) == 6
"""


@needs_ocr
def test_fresh_process_recognises_a_full_page_without_network_in_2_gigabytes_and_silently(
    tmp_path: Path,
) -> None:
    lines = [(f"{n} {ENGLISH[0][0]}"[:30], 72, 120 * n - 1140, 13) for n in range(10, 16)]
    picture(lines, width=595, height=842).save(tmp_path / "a.pdf")
    command = [sys.executable, "-c", _FRESH_PROCESS, str(tmp_path / "a.pdf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_ocr
def test_threads_share_one_engine() -> None:
    pages = [picture(lines)[0] for lines in (CHINESE, ENGLISH)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda page: recognise_page(page, 1).lines[0].text, pages))
    assert [squash(text)[:4] for text in found] == ["西湖的平", "Jupi"]


@needs_ocr
def test_scan_is_read_and_a_text_layer_beside_it_is_left_as_it_is(tmp_path: Path) -> None:
    document = picture(CHINESE)
    document.new_page().insert_text((72, 100), "This page has a text layer.")
    document.save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf")
    assert [page.ocr for page in parsed.pages] == [True, False]
    assert "每年接待的游客超过2000万人次。" in parsed.text
    assert "This page has a text layer." in parsed.text


@needs_ocr
def test_every_page_is_recognised_on_demand(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page(width=500, height=200).insert_text((72, 100), "This page has a text layer.")
    document.save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf", ReadingOptions(ocr="always"))
    assert parsed.pages[0].ocr
    assert parsed.text == "This page has a text layer."


def garbled_pdf(path: Path) -> Path:
    """A page that looks right, and whose characters are mapped to private-use ones."""
    document = pymupdf.open()
    page = document.new_page(width=500, height=300)
    page.insert_font(fontname="F0", fontbuffer=pymupdf.Font("cjk").buffer)
    for text, x, y, size in CHINESE:
        page.insert_text((x, y), text, fontname="F0", fontsize=size)
    document.subset_fonts()
    for xref in range(1, document.xref_length()):
        stream = document.xref_stream(xref) if document.xref_is_stream(xref) else b""
        if b"begincmap" in stream:
            wrong = re.sub(rb"<([0-9a-fA-F]{4})>(\s*\n|\s*$)", rb"<E0\1>\2", stream)
            wrong = re.sub(rb"<E0[0-9a-fA-F]{2}([0-9a-fA-F]{2})>", rb"<E0\1>", wrong)
            document.update_stream(xref, wrong)
    document.save(path)
    return path


def test_garbled_page_is_left_out_without_ocr(tmp_path: Path) -> None:
    path = garbled_pdf(tmp_path / "a.pdf")
    with pytest.raises(DocumentError) as raised:
        read_pdf(path, ReadingOptions(ocr="never"))
    assert raised.value.reason == "garbled"
    assert "a.pdf" in str(raised.value)


@needs_ocr
def test_garbled_text_layer_is_replaced(tmp_path: Path) -> None:
    parsed = read_pdf(garbled_pdf(tmp_path / "a.pdf"))
    assert parsed.pages[0].ocr
    assert "private-use" in parsed.pages[0].doubts[0]
    assert "每年接待的游客超过2000万人次。" in parsed.text
