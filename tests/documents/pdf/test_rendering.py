"""Pages with places marked: looked at pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import LEFT, PdfBuilder, broken_pdf, locked_pdf, not_a_pdf, zero_page_pdf

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.rendering import MARK, PageBox, render_boxes
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.reader import PdfReader
from qa_engine.documents.sentences.node_parser import SentenceNodeParser, lines_between
from qa_engine.errors import DocumentError

FIRST, SECOND, THIRD = "The first sentence is here.", "The second one is marked.", "A third one follows it."


def decoded(png: bytes) -> pymupdf.Pixmap:
    return pymupdf.Pixmap(png)


def boxes_of(document: PdfDocument, sentence: str) -> list[PageBox]:
    """Where a sentence of a document stands."""
    nodes = SentenceNodeParser().get_nodes_from_documents([document])
    (node,) = [node for node in nodes if node.get_content() == sentence]
    spans = lines_between(document.spans, node.start_char_idx, node.end_char_idx)  # type: ignore[attr-defined]
    return [PageBox(span.page, span.x0, span.y0, span.x1, span.y1) for span in spans]


def read(path: Path) -> PdfDocument:
    (document,) = PdfReader().load_data(path)
    assert isinstance(document, PdfDocument)
    return document


def marked(image: pymupdf.Pixmap, rect: pymupdf.Rect, zoom: float) -> tuple[float, int]:
    """The share of a rectangle (in points) that is in the colour of the mark, and its darkest pixel."""
    hits = total = 0
    darkest = 255
    for y in range(int(rect.y0 * zoom) + 2, int(rect.y1 * zoom) - 2):
        for x in range(int(rect.x0 * zoom) + 2, int(rect.x1 * zoom) - 2):
            red, green, blue = image.pixel(x, y)
            total += 1
            hits += red >= green > blue + 40
            darkest = min(darkest, red)
    return hits / total, darkest


def text_places(path: Path, page: int, *texts: str) -> list[pymupdf.Rect]:
    """Where PyMuPDF finds texts on a page as it is shown."""
    with pymupdf.open(path) as document:
        found = [document[page].search_for(text) for text in texts]
        matrix = document[page].rotation_matrix
        return [rects[0] * matrix if document[page].rotation else rects[0] for rects in found]


def test_only_the_sentence_is_marked_and_its_text_stays_dark(tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put(f"{FIRST} {SECOND} {THIRD}", LEFT, 100)
    builder.put("Another line stands below.", LEFT, 120)
    path = builder.save(tmp_path / "a.pdf")
    (png,) = render_boxes(path, boxes_of(read(path), SECOND), dpi=144).values()
    image = decoded(png)
    places = text_places(path, 0, FIRST, SECOND, THIRD, "Another line stands below.")
    shares = [marked(image, place, 2)[0] for place in places]
    assert shares[1] > 0.5
    assert max(shares[0], shares[2], shares[3]) < 0.05
    assert marked(image, places[1], 2)[1] < 60
    assert image.pixel(5, 5) == (255, 255, 255)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_mark_is_on_the_sentence_of_a_rotated_page(rotation: int, tmp_path: Path) -> None:
    builder = PdfBuilder().page()
    builder.put(SECOND, LEFT, 100)
    builder.put("Another line stands below.", LEFT, 140)
    builder.document[0].set_rotation(rotation)
    path = builder.save(tmp_path / "a.pdf")
    boxes = boxes_of(read(path), SECOND)
    (png,) = render_boxes(path, boxes, dpi=144).values()
    image = decoded(png)
    with pymupdf.open(path) as document:
        page = document[0]
        shown = page.rect
        upright = pymupdf.Rect(LEFT, 88, LEFT + pymupdf.get_text_length(SECOND, "helv", 11), 103)
        other = pymupdf.Rect(LEFT, 128, LEFT + 100, 143)
        place, elsewhere = upright * page.rotation_matrix, other * page.rotation_matrix
    assert (image.width, image.height) == (round(shown.width * 2), round(shown.height * 2))
    assert marked(image, place, 2)[0] > 0.5
    assert marked(image, place, 2)[1] < 60
    assert marked(image, elsewhere, 2)[0] == 0


def test_sentence_over_a_page_break_is_marked_on_both_pages(tmp_path: Path) -> None:
    builder = PdfBuilder()
    builder.page().put("A whole sentence. This one is cut by the end of", LEFT, 735)
    builder.page().put("the page and ends here.", LEFT, 90)
    path = builder.save(tmp_path / "a.pdf")
    boxes = boxes_of(read(path), "This one is cut by the end of the page and ends here.")
    images = render_boxes(path, boxes, dpi=144)
    assert sorted(images) == [1, 2]
    (whole, cut) = text_places(path, 0, "A whole sentence.", "This one is cut by the end of")
    assert marked(decoded(images[1]), cut, 2)[0] > 0.5
    assert marked(decoded(images[1]), whole, 2)[0] < 0.05
    (rest,) = text_places(path, 1, "the page and ends here.")
    assert marked(decoded(images[2]), rest, 2)[0] > 0.5
    assert marked(decoded(images[2]), rest, 2)[1] < 60


def test_boxes_over_each_other_are_no_darker(tmp_path: Path) -> None:
    path = PdfBuilder().page().save(tmp_path / "a.pdf")
    box = PageBox(1, 100, 100, 200, 200)
    (png,) = render_boxes(path, [box, box], dpi=72).values()
    assert decoded(png).pixel(150, 150) == MARK


def test_boxes_beyond_the_page_do_no_harm(tmp_path: Path) -> None:
    path = PdfBuilder().page().save(tmp_path / "a.pdf")
    (png,) = render_boxes(path, [PageBox(1, -50, -50, 9999, 20)], dpi=72).values()
    image = decoded(png)
    assert image.pixel(300, 10) == MARK
    assert image.pixel(300, 100) == (255, 255, 255)


def test_file_is_not_changed(tmp_path: Path) -> None:
    path = PdfBuilder().page().save(tmp_path / "a.pdf")
    before = path.read_bytes()
    render_boxes(path, [PageBox(1, 0, 0, 10, 10)])
    assert path.read_bytes() == before


def test_huge_page_is_rendered_small(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page(width=14_400, height=14_400)
    document.save(tmp_path / "a.pdf")
    (png,) = render_boxes(tmp_path / "a.pdf", [PageBox(1, 0, 0, 10, 10)], dpi=300).values()
    image = decoded(png)
    assert image.width * image.height <= 25_100_000


def test_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = PdfBuilder().page().save(tmp_path / "a.pdf")
    with pytest.raises(DocumentError, match=r"a\.pdf has 1 pages, and no page 3: .*ingest it again"):
        render_boxes(path, [PageBox(3, 0, 0, 10, 10)])


@pytest.mark.parametrize(
    ("make", "reason"),
    [(broken_pdf, "damaged"), (not_a_pdf, "not_pdf"), (zero_page_pdf, "empty"), (locked_pdf, "locked")],
)
def test_file_that_cannot_be_read(make: Callable[[Path], Path], reason: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        render_boxes(make(tmp_path / "a.pdf"), [PageBox(1, 0, 0, 10, 10)])
    assert raised.value.reason == reason


def test_password_opens_a_locked_file(tmp_path: Path) -> None:
    path = locked_pdf(tmp_path / "a.pdf", "geheim")
    options = ReadingOptions(passwords=("geheim",))
    assert list(render_boxes(path, [PageBox(1, 0, 0, 10, 10)], options=options)) == [1]
