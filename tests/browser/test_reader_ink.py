"""Marks in the browser over the ink of exactly the cited sentence, which is found in the PDF by its characters alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf
import pytest
from cli.indexed_files import CUT, two_pages
from ink import characters_of, places_of, verdict
from pdf_factory import (
    CHINESE_FONT,
    KEY_SENTENCE,
    LEFT,
    SOLAR_SYSTEM,
    PdfBuilder,
    chinese_pdf,
    english_pdf,
    llama_paper,
)
from screens import SCALE, VIEWPORT, marks_on_screen, open_citation
from served import ServedApp, served
from served_files import COLLECTION, get, ingest_files_in_place, sentence_with
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
CITED, OTHER = "The cited sentence stands here.", "Nothing of this one is marked."


def turned(rotation: int, crop: tuple[int, ...] | None = None) -> Callable[[Path], object]:
    """A page of two sentences on one line, and lines around them, turned and cropped."""

    def make(path: Path) -> None:
        builder = PdfBuilder().page().put(f"{CITED} {OTHER}", LEFT, 200)
        builder.put("A line above it all, gypsy queue.", LEFT, 186)
        builder.put("A line below it all, TALL BIG.", LEFT, 214).save(path)
        with pymupdf.open(path) as document:
            if crop is not None:
                document[0].set_cropbox(pymupdf.Rect(crop))
            document[0].set_rotation(rotation)
            document.saveIncr()

    return make


def mixed(path: Path) -> None:
    """A sentence whose words are of several sizes and fonts, between others."""
    builder = PdfBuilder().page()
    builder.put("The line before.", LEFT, 180)
    x = LEFT
    for word, size, font in (
        ("Profit ", 11, "helv"),
        ("rose ", 18, "hebo"),
        ("by ", 7, "helv"),
        ("12,5 ", 14, "tibo"),
        ("percent.", 11, "heit"),
    ):
        builder.put(word, x, 210, size, font)
        x += pymupdf.get_text_length(word, font, size)
    builder.put(" Costs fell.", x, 210)
    builder.put("The line behind.", LEFT, 240)
    builder.save(path)


def table(path: Path) -> None:
    """Rows of a ruled table below a sentence."""
    builder = PdfBuilder(CHINESE_FONT).page().put("下表列出各年的收入。", LEFT, 100)
    page = builder.document[0]
    rows = [
        ("项目", "2023年", "2024年"),
        ("营业收入", "1,204", "1,377"),
        ("净利润", "88", "95"),
        ("研发费用", "61", "70"),
    ]
    for number, row in enumerate(rows):
        top = 130 + 24 * number
        for column, cell in enumerate(row):
            left = LEFT + 120 * column
            page.draw_rect((left, top, left + 120, top + 24), width=0.5)
            builder.put(cell, left + 8, top + 16)
    builder.put("以上数据未经审计。", LEFT, 260).save(path)


FILES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "upright.pdf": (turned(0), (CITED, OTHER)),
    "right.pdf": (turned(90), (CITED, OTHER)),
    "upside down.pdf": (turned(180), (CITED, OTHER)),
    "left.pdf": (turned(270), (CITED, OTHER)),
    "cropped.pdf": (turned(0, (40, 120, 500, 400)), (CITED, OTHER)),
    "right, cropped.pdf": (turned(90, (40, 120, 500, 400)), (CITED, OTHER)),
    "columns.pdf": (
        lambda path: english_pdf(path, SOLAR_SYSTEM, columns=2, lines_per_page=9),
        ("It takes 11.86 years", "Its moon Titan"),
    ),
    "手册.pdf": (two_pages, (CUT, "前一句在这里结束。")),
    "llama.pdf": (llama_paper, (KEY_SENTENCE, "We trained on 2 trillion tokens")),
    "西湖.pdf": (chinese_pdf, ("苏堤和白堤越过湖面", "最深处约5米", "雷峰塔始建于公元975年")),
    "太阳系.pdf": (english_pdf, ("Its mass is 2.5 times", "Dr. Huygens described")),
    "sizes.pdf": (mixed, ("Profit rose", "Costs fell.")),
}
CASES = [(name, text) for name, (_, texts) in FILES.items() for text in texts]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ink")
    (folder / "files").mkdir()
    for name, (make, _) in FILES.items():
        make(folder / "files" / name)
    table(folder / "files" / "表.pdf")
    return ingest_files_in_place(folder)


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


@pytest.fixture
def reader(browser: Browser, library: ServedApp) -> Iterator[Visitor]:
    context = browser.new_context(viewport=VIEWPORT, device_scale_factor=SCALE)
    one = Visitor(context, library.url)
    yield one
    context.close()
    one.watch.check()


def require_exact(reader: Visitor, path: Path, identifier: str, texts: list[str], numbers: list[int]) -> None:
    """The marks of a citation lie over the ink of the texts on its pages, and over no other."""
    page = reader.open()
    page.get_by_role("heading", level=1).wait_for()
    open_citation(page, identifier)
    masks = marks_on_screen(page)
    with pymupdf.open(path) as document:
        pages = [document[number - 1] for number in numbers]
        characters = [characters_of(one) for one in pages]
        cited: list[set[int]] = [set() for _ in pages]
        for text in texts:
            (place,) = places_of(text, characters)
            cited = [known | new for known, new in zip(cited, place, strict=True)]
        assert len(masks) == len(pages)
        for one, known, place, mask in zip(pages, characters, cited, masks, strict=True):
            found = verdict(one, known, place, mask)
            assert found.holds, found


@pytest.mark.parametrize(("name", "text"), CASES)
def test_mark_lies_over_the_ink_of_the_cited_sentence_and_over_no_other(
    reader: Visitor, library: ServedApp, shelf: Path, name: str, text: str
) -> None:
    identifier = sentence_with(shelf, name, text)
    found = get(library, f"/api/v1/citations/{identifier}")
    numbers = [page["page"] for page in found["pages"]]
    require_exact(reader, shelf / "files" / name, identifier, [found["text"]], numbers)


def test_row_of_a_table_is_marked_and_no_other(reader: Visitor, shelf: Path) -> None:
    identifier = sentence_with(shelf, "表.pdf", "1,377")
    require_exact(reader, shelf / "files" / "表.pdf", identifier, ["营业收入", "1,204", "1,377"], [1])


def test_mark_over_another_sentence_is_told(reader: Visitor, shelf: Path) -> None:
    identifier = sentence_with(shelf, "upright.pdf", OTHER)
    with pytest.raises(AssertionError, match="Verdict"):
        require_exact(reader, shelf / "files" / "upright.pdf", identifier, [CITED], [1])
