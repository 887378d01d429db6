"""Pages over HTTP: their sentences, and images of exactly the version that was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import LEFT, PdfBuilder, image_only_pdf
from served import ServedApp, served
from served_files import COLLECTION, FILES, get, ingest_files_in_place, pixels, record_of

SENTENCE = "The cited sentence stands here."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection of three files: two pages, a scan with a page of text, and broken contents."""
    folder = tmp_path_factory.mktemp("shelf")
    builder = PdfBuilder().page().put(SENTENCE, LEFT, 100)
    builder.page().put("Another page follows.", LEFT, 200)
    builder.save(folder / "files" / "two.pdf")
    image_only_pdf(folder / "files" / "scan.pdf", text_pages=1)
    return ingest_files_in_place(folder)


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


@pytest.fixture(scope="module")
def pages(shelf: Path) -> str:
    """The address of the pages of the file of two pages."""
    return f"{FILES}/{record_of(shelf, 'two.pdf').file_id}/pages"


def scanned_page(shelf: Path) -> str:
    """The address of the scanned page."""
    with pymupdf.open(shelf / "files" / "scan.pdf") as document:
        number = next(page.number + 1 for page in document if page.get_images())
    return f"{FILES}/{record_of(shelf, 'scan.pdf').file_id}/pages/{number}"


class TestSentences:
    def test_page_has_its_size_its_sentences_and_its_image(self, library: ServedApp, pages: str) -> None:
        page = get(library, f"{pages}/1")
        assert (page["page"], page["label"], page["width"], page["height"]) == (1, None, 595.0, 842.0)
        (sentence,) = page["sentences"]
        assert (sentence["text"], sentence["role"], sentence["page"], sentence["page_end"]) == (
            SENTENCE,
            "body",
            1,
            1,
        )
        (box,) = sentence["boxes"]
        assert 60 < box["x0"] < box["x1"] < 300
        assert 80 < box["y0"] < 100 < box["y1"] < 110
        assert library.client.get(page["image"]).headers["content-type"] == "image/svg+xml"
        assert library.client.get(page["png"]).headers["content-type"] == "image/png"

    def test_other_page_has_other_sentences(self, library: ServedApp, pages: str) -> None:
        assert [one["text"] for one in get(library, f"{pages}/2")["sentences"]] == ["Another page follows."]

    @pytest.mark.parametrize("number", ["3", "999999"])
    @pytest.mark.parametrize("end", ["", ".svg", ".png"])
    def test_page_that_is_not_there(self, number: str, end: str, library: ServedApp, pages: str) -> None:
        problem = get(library, f"{pages}/{number}{end}", 404)
        assert problem["detail"] == f"'two.pdf' has 2 pages, and no page {number}."

    @pytest.mark.parametrize("number", ["0", "-1", "x", "1.gif", "9" * 5000, "1e3"])
    def test_what_is_no_number_of_a_page(self, number: str, library: ServedApp, pages: str) -> None:
        for end in ("", ".svg", ".png"):
            assert get(library, f"{pages}/{number}{end}", 422)["code"] == "invalid_request"

    def test_scan_names_its_png_and_its_svg_leads_there(self, library: ServedApp, shelf: Path) -> None:
        path = scanned_page(shelf)
        assert ".png?v=" in get(library, path)["image"]
        response = library.client.get(f"{path}.svg", follow_redirects=False)
        assert response.status_code == 307
        image = library.client.get(response.headers["location"])
        assert image.headers["content-type"] == "image/png"


class TestSvg:
    def test_client_is_told_what_may_run_in_it(self, library: ServedApp, pages: str) -> None:
        headers = library.client.get(f"{pages}/1.svg").headers
        assert (
            headers["content-security-policy"]
            == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        )
        assert headers["x-content-type-options"] == "nosniff"

    def test_address_with_a_version_is_cached_for_ever_and_others_are_checked(
        self, library: ServedApp, shelf: Path, pages: str
    ) -> None:
        version = record_of(shelf, "two.pdf").document_id
        for end in ("svg", "png"):
            for_ever = library.client.get(f"{pages}/1.{end}", params={"v": version}).headers["cache-control"]
            assert for_ever == "private, max-age=31536000, immutable"
            assert library.client.get(f"{pages}/1.{end}").headers["cache-control"] == "private, no-cache"
            assert get(library, f"{pages}/1.{end}", 410, params={"v": "0" * 20})["code"] == "gone"

    def test_client_that_has_it_gets_no_body(self, library: ServedApp, pages: str) -> None:
        for end in ("1.svg", "1.png", "1.png?dpi=60"):
            first = library.client.get(f"{pages}/{end}")
            again = library.client.get(f"{pages}/{end}", headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["cache-control"] == first.headers["cache-control"]

    def test_compressed_and_plain_images_are_the_same_and_have_tags_of_their_own(
        self, library: ServedApp, pages: str
    ) -> None:
        zipped = library.client.get(f"{pages}/1.svg", headers={"Accept-Encoding": "gzip"})
        plain = library.client.get(f"{pages}/1.svg", headers={"Accept-Encoding": "identity"})
        assert zipped.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert zipped.content == plain.content
        assert zipped.headers["etag"] != plain.headers["etag"]
        assert zipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"

    def test_images_have_tags_of_their_own(self, library: ServedApp, pages: str) -> None:
        ends = ("1.svg", "2.svg", "1.png", "2.png", "1.png?dpi=60")
        tags = {library.client.get(f"{pages}/{end}").headers["etag"] for end in ends}
        assert len(tags) == len(ends)


class TestPng:
    def test_resolution(self, library: ServedApp, pages: str) -> None:
        assert pixels(library.client.get(f"{pages}/1.png", params={"dpi": 36}).content).shape == (421, 298, 3)
        assert pixels(library.client.get(f"{pages}/1.png").content).shape == (1684, 1190, 3)

    @pytest.mark.parametrize("dpi", [29, 301, "x"])
    def test_resolution_out_of_range_is_refused(self, dpi: object, library: ServedApp, pages: str) -> None:
        assert get(library, f"{pages}/1.png", 422, params={"dpi": dpi})["errors"][0]["pointer"] == "query:dpi"


def test_page_that_cannot_be_drawn_still_has_its_sentences(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that no page keeps stands for a page that takes for ever."""
    with served(
        shelf / "storage", COLLECTION, server={"page_seconds": 0.0001, "page_cache_megabytes": 0}
    ) as server:
        path = f"{FILES}/{record_of(shelf, 'two.pdf').file_id}/pages/1"
        page = get(server, path)
        assert page["image"] is page["png"] is page["width"] is None
        assert page["sentences"][0]["text"] == SENTENCE
        problem = get(server, f"{path}.svg", 422)
        assert problem["code"] == "page_not_drawn"
        assert str(tmp_path) not in str(problem)
        cited = page["sentences"][0]["id"]
        assert get(server, f"/api/v1/citations/{cited}")["pages"][0]["image"] is None
        assert "这一页无法显示" in server.client.get(f"/c/{cited}").text


class TestLines:
    def test_lines_lie_where_the_sentences_do(self, library: ServedApp, pages: str) -> None:
        (box,) = get(library, f"{pages}/1")["sentences"][0]["boxes"]
        (line,) = get(library, f"{pages}/1/lines")["lines"]
        assert (line["text"], line["turn"]) == (SENTENCE, 0)
        assert all(abs(line[side] - box[side]) < 0.1 for side in ("x0", "y0", "x1", "y1"))

    def test_address_is_that_of_the_page_and_is_cached_for_ever(self, library: ServedApp, pages: str) -> None:
        address = get(library, f"{pages}/2")["lines"]
        response = library.client.get(address)
        assert [line["text"] for line in response.json()["lines"]] == ["Another page follows."]
        assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert library.client.get(f"{pages}/2/lines").headers["cache-control"] == "private, no-cache"
        assert get(library, f"{pages}/2/lines", 410, params={"v": "0" * 20})["code"] == "gone"

    def test_scan_without_a_text_layer_has_the_lines_of_its_sentences(
        self, library: ServedApp, shelf: Path
    ) -> None:
        page = get(library, scanned_page(shelf))
        lines = get(library, f"{scanned_page(shelf)}/lines")["lines"]
        assert len(lines) == sum(len(one["boxes"]) for one in page["sentences"])

    def test_page_that_is_not_there(self, library: ServedApp, pages: str) -> None:
        assert get(library, f"{pages}/3/lines", 404)["code"] == "not_found"


class TestFind:
    def test_sentence_is_found_with_its_place_and_its_boxes(self, library: ServedApp, shelf: Path) -> None:
        file = f"{FILES}/{record_of(shelf, 'two.pdf').file_id}"
        found = get(library, f"{file}/find", params={"q": "ＣＩＴＥＤ  sentence"})
        (hit,) = found["data"]
        assert hit["text"][hit["start"] : hit["end"]] == "cited sentence"
        assert (hit["page"], hit["page_end"], found["more"]) == (1, 1, False)
        assert hit["boxes"] == get(library, f"{file}/pages/1")["sentences"][0]["boxes"]

    def test_no_more_than_were_asked_for(self, library: ServedApp, shelf: Path) -> None:
        file = f"{FILES}/{record_of(shelf, 'two.pdf').file_id}"
        found = get(library, f"{file}/find", params={"q": "e", "limit": 1})
        assert (len(found["data"]), found["more"]) == (1, True)
        assert get(library, f"{file}/find", params={"q": "nowhere"}) == {"data": [], "more": False}
        assert get(library, f"{file}/find", params={"q": "  "}) == {"data": [], "more": False}

    @pytest.mark.parametrize("values", [{}, {"q": ""}, {"q": "x" * 201}, {"q": "x", "limit": 501}])
    def test_what_cannot_be_looked_for(
        self, values: dict[str, object], library: ServedApp, shelf: Path
    ) -> None:
        file = f"{FILES}/{record_of(shelf, 'two.pdf').file_id}"
        assert get(library, f"{file}/find", 422, params=values)["code"] == "invalid_request"
