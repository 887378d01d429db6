"""Citations by their ids: marks over the ink of exactly the cited sentences, and what is left of versions that are gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pymupdf
import pytest
from cli.indexed_files import CUT, two_pages
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import LEFT, PdfBuilder, chinese_pdf
from served import ServedApp, served
from served_files import (
    COLLECTION,
    FILES,
    get,
    ingest_files,
    ink_within,
    record_of,
    sentence_with,
    whole_text,
)

from qa_engine.answering.answer import Box, Citation
from qa_engine.index.collection import collection_paths
from qa_engine.server.admission.keys import KeyStore

EXAMPLES = Path(__file__).parents[3] / "examples"
CITED, OTHER = "The cited sentence stands here.", "Nothing of this one is marked."


@pytest.fixture(autouse=True, scope="module")
def parsing_in_place() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        yield


def turned(path: Path, rotation: int, crop: tuple[int, ...] | None) -> None:
    """A page of two sentences on one line, and two more lines, turned and cropped."""
    builder = PdfBuilder().page().put(f"{CITED} {OTHER}", LEFT, 200)
    builder.put("A line above it all.", LEFT, 160).put("A line below it all.", LEFT, 240).save(path)
    with pymupdf.open(path) as document:
        if crop is not None:
            document[0].set_cropbox(pymupdf.Rect(crop))
        document[0].set_rotation(rotation)
        document.saveIncr()


TURNED = {
    "upright.pdf": (0, None),
    "right.pdf": (90, None),
    "upside-down.pdf": (180, None),
    "left.pdf": (270, None),
    "cropped.pdf": (0, (40, 120, 500, 400)),
    "right-cropped.pdf": (90, (40, 120, 500, 400)),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection of pages that are turned and cropped, of a sentence on two pages, and of an example."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "files").mkdir()
    for name, (rotation, crop) in TURNED.items():
        turned(folder / "files" / name, rotation, crop)
    two_pages(folder / "files" / "手册.pdf")
    shutil.copy(EXAMPLES / "员工手册.pdf", folder / "files")
    return ingest_files(folder)


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedApp]:
    with served(shelf / "storage", COLLECTION) as one:
        yield one


class Marks(HTMLParser):
    """The images of a page of a citation, each with its marks: left, top, width and height in percent."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.images: list[tuple[str, list[tuple[float, float, float, float]]]] = []
        self.links: dict[str, str] = {}
        self._link = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append((values["src"], []))
        elif tag == "rect":
            x, y, width, height = (float(values[name].rstrip("%")) for name in ("x", "y", "width", "height"))
            self.images[-1][1].append((x, y, width, height))
        elif tag == "a":
            self._link = values["href"]

    def handle_data(self, data: str) -> None:
        if self._link:
            self.links[data] = self._link
            self._link = ""


def words_under(path: Path, number: int, marks: list[tuple[float, float, float, float]]) -> str:
    """The words of a page whose middle is under a mark."""
    found = []
    with pymupdf.open(path) as document:
        page = document[number - 1]
        for *place, word, _block, _line, _number in page.get_text("words"):
            middle = (
                pymupdf.Point((place[0] + place[2]) / 2, (place[1] + place[3]) / 2) * page.rotation_matrix
            )
            x, y = middle.x / page.rect.width * 100, middle.y / page.rect.height * 100
            if any(left <= x <= left + wide and top <= y <= top + high for left, top, wide, high in marks):
                found.append(word)
    return " ".join(found)


def place_of(shelf: Path, number: int, text: str) -> tuple[float, float, float, float]:
    """Where MuPDF finds a text on a page of 手册.pdf: left, top, width and height in percent."""
    with pymupdf.open(shelf / "files" / "手册.pdf") as document:
        page = document[number]
        place = page.search_for(text)[0] * page.rect.torect(pymupdf.Rect(0, 0, 100, 100))
        return place.x0, place.y0, place.width, place.height


def painted(server: ServedApp, image: str) -> bytes:
    """The page of the address of an image as PNG."""
    response = server.client.get(image.replace(".svg?", ".png?"), params={"dpi": 144})
    assert response.status_code == 200
    return response.content


class TestMarks:
    @pytest.mark.parametrize("name", TURNED)
    def test_marks_lie_over_the_ink_of_the_cited_sentence_alone(
        self, name: str, library: ServedApp, shelf: Path
    ) -> None:
        page = Marks(library.client.get(f"/c/{sentence_with(shelf, name, CITED)}").text)
        ((image, marks),) = page.images
        assert words_under(shelf / "files" / name, 1, marks) == CITED
        ink = painted(library, image)
        everything = ink_within(ink, [(0, 0, 100, 100)]).sum()
        other = Marks(library.client.get(f"/c/{sentence_with(shelf, name, OTHER)}").text)
        share = ink_within(ink, marks).sum() / everything
        assert 0.2 < share < 0.5
        # Two sentences on a line share no ink, but for the pixels at the border of their boxes.
        both = ink_within(ink, marks) & ink_within(ink, other.images[0][1])
        assert both.sum() < 0.02 * everything

    def test_all_sentences_together_cover_the_ink_of_a_real_page(
        self, library: ServedApp, shelf: Path
    ) -> None:
        record = record_of(shelf, "员工手册.pdf")
        cited = get(library, f"/api/v1/citations/{whole_text(record)}")
        page = Marks(library.client.get(f"/c/{whole_text(record)}").text)
        assert [one["page"] for one in cited["pages"]] == [1, 2, 3]
        for image, marks in page.images:
            ink = painted(library, image)
            inside, everything = ink_within(ink, marks).sum(), ink_within(ink, [(0, 0, 100, 100)]).sum()
            assert inside > 0.9 * everything  # headers and footers are no sentences

    def test_sentence_over_a_page_break_is_marked_on_both_pages(
        self, library: ServedApp, shelf: Path
    ) -> None:
        text = library.client.get(f"/c/{sentence_with(shelf, '手册.pdf', CUT)}").text
        page = Marks(text)
        assert "第 1–2 页" in text
        assert len(page.images) == 2
        for number, part in enumerate((CUT[:14], CUT[14:])):
            image, marks = page.images[number]
            ink = painted(library, image)
            marked, expected = ink_within(ink, marks), ink_within(ink, [place_of(shelf, number, part)])
            assert expected.any()
            assert (marked & expected).sum() > 0.9 * (marked | expected).sum()


class TestObject:
    def test_object_has_the_text_the_places_and_the_links(self, library: ServedApp, shelf: Path) -> None:
        identifier = sentence_with(shelf, "手册.pdf", CUT)
        cited = get(library, f"/api/v1/citations/{identifier}")
        assert (cited["id"], cited["collection"], cited["file"]) == (identifier, COLLECTION, "手册.pdf")
        assert (cited["text"], cited["page"], cited["page_end"]) == (CUT, 1, 2)
        assert cited["url"] == f"{library.url}/c/{identifier}"
        assert cited["file_id"] == record_of(shelf, "手册.pdf").file_id
        assert [(page["page"], page["width"]) for page in cited["pages"]] == [(1, 595.0), (2, 595.0)]
        assert [box for page in cited["pages"] for box in page["boxes"]] == cited["boxes"]
        assert library.client.get(cited["content"]).content == (shelf / "files" / "手册.pdf").read_bytes()
        assert str(shelf) not in str(cited)

    @pytest.mark.parametrize(
        "identifier",
        ["nonsense", "0" * 20 + "-0000001", "..-1", "%00-1", "a%2Fb-1", "x-99999999999", "'-1", "中文-1"],
    )
    def test_unknown_citation(self, identifier: str, library: ServedApp) -> None:
        response = library.client.get(f"/api/v1/citations/{identifier}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        page = library.client.get(f"/c/{identifier}")
        assert page.status_code == 404

    def test_range_that_is_no_citation_but_a_way_to_read_all_is_not_found(
        self, library: ServedApp, shelf: Path
    ) -> None:
        document = record_of(shelf, "员工手册.pdf").document_id
        assert get(library, f"/api/v1/citations/{document}-0000000..1000", 404)["code"] == "not_found"

    def test_address_for_people_is_the_public_one(self, shelf: Path) -> None:
        identifier = sentence_with(shelf, "手册.pdf", CUT)
        settings = {"public_url": "https://example.com/docs/qa"}
        with served(shelf / "storage", COLLECTION, server=settings, no_auth=True) as server:
            cited = get(server, f"/api/v1/citations/{identifier}")
            assert cited["url"] == f"https://example.com/docs/qa/c/{identifier}"
            assert cited["pages"][0]["image"].startswith("/docs/qa/api/v1/collections/")
            page = Marks(server.client.get(f"/c/{identifier}").text)
            addresses = {page.images[0][0], *page.links.values()} - {"#mark"}
            assert all(address.startswith("/docs/qa/") for address in addresses)
            assert server.client.get(page.images[0][0]).status_code == 200


def test_link_in_an_answer_leads_to_the_marked_sentence(server: ServedApp) -> None:
    answer = server.client.post(
        "/api/v1/ask", json={"question": "西湖的平均水深是多少？", "collections": ["西湖"]}
    ).json()
    (cited,) = answer["citations"]
    page = server.client.get(cited["url"])
    assert page.status_code == 200
    assert cited["text"] in page.text
    ((image, marks),) = Marks(page.text).images
    assert image == cited["pages"][0]["image"]
    assert ink_within(painted(server, image), marks).any()
    sent = server.app.state.server.citations._store.find(cited["id"])
    assert [(one.collection, one.text) for one in sent] == [("西湖", cited["text"])]


class TestPage:
    def test_response_is_a_strict_page_in_the_language_of_the_reader(
        self, library: ServedApp, shelf: Path
    ) -> None:
        path = f"/c/{sentence_with(shelf, '手册.pdf', CUT)}"
        response = library.client.get(path)
        policy = response.headers["content-security-policy"]
        for kind in ("default-src", "base-uri", "frame-ancestors"):
            assert f"{kind} 'none'" in policy
        assert "form-action 'self'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert "img-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["cache-control"] == "private, no-cache"
        assert '<html lang="zh-CN">' in response.text
        assert '<html lang="en">' in library.client.get(path, headers={"Accept-Language": "en-GB"}).text
        assert "Accept-Language" in response.headers["vary"]

    def test_links_lead_to_neighbouring_pages_and_to_the_file(self, library: ServedApp, shelf: Path) -> None:
        identifier = sentence_with(shelf, "员工手册.pdf", "年假")
        page = Marks(library.client.get(f"/c/{identifier}").text)
        original = page.links["在这一页打开原文件"]
        assert "inline=true#page=" in original
        response = library.client.get(original)
        assert response.headers["content-disposition"].startswith("inline")
        assert (
            library.client.get(page.links["下载原文件"])
            .headers["content-disposition"]
            .startswith("attachment")
        )
        other = library.client.get(page.links["下一页"])
        assert other.status_code == 200
        next_page = Marks(other.text)
        assert next_page.images != page.images
        assert Marks(library.client.get(next_page.links["回到引用的页"]).text).images == page.images

    def test_first_and_last_page_have_one_neighbour(self, library: ServedApp, shelf: Path) -> None:
        path = f"/c/{sentence_with(shelf, '员工手册.pdf', '年假')}"
        first, last = (Marks(library.client.get(f"{path}?page={number}").text) for number in (1, 3))
        assert "上一页" not in first.links
        assert "下一页" in first.links
        assert "下一页" not in last.links
        assert "上一页" in last.links

    @pytest.mark.parametrize(("query", "status"), [("page=4", 404), ("page=0", 422), ("page=x", 422)])
    def test_page_that_is_not_there(self, query: str, status: int, library: ServedApp, shelf: Path) -> None:
        path = f"/c/{sentence_with(shelf, '员工手册.pdf', '年假')}?{query}"
        assert library.client.get(path).status_code == status


@pytest.fixture
def one_file(tmp_path: Path) -> Iterator[tuple[ServedApp, Path, str]]:
    """A server over a collection of ``a.pdf``, the folder of it, and the id of a citation that was sent."""
    chinese_pdf(tmp_path / "files" / "a.pdf")
    folder = ingest_files(tmp_path)
    identifier = sentence_with(folder, "a.pdf", "2.27米")
    with served(folder / "storage", COLLECTION) as server:
        found = get(server, f"/api/v1/citations/{identifier}")
        boxes = [Box(**box) for box in found["boxes"]]
        sent = Citation(
            1, "a.pdf", 1, 1, found["text"], boxes, id=identifier, collection=COLLECTION, section="西湖"
        )
        server.app.state.server.citations.remember([sent])
        yield server, folder, identifier


def read_again(folder: Path) -> None:
    chinese_pdf(folder / "files" / "a.pdf", ["另一个版本。"])
    ingest_files(folder)


def removed_from_the_collection(folder: Path) -> None:
    (folder / "files" / "a.pdf").unlink()
    chinese_pdf(folder / "files" / "b.pdf", ["别的文件。"])
    ingest_files(folder)


def changed_on_the_disk(folder: Path) -> None:
    chinese_pdf(folder / "files" / "a.pdf", ["另一个版本。"])


def removed_from_the_disk(folder: Path) -> None:
    (folder / "files" / "a.pdf").unlink()


def collection_deleted(folder: Path) -> None:
    shutil.rmtree(collection_paths(folder / "storage", COLLECTION).root)


class TestGone:
    @pytest.mark.parametrize(
        "change",
        [
            read_again,
            removed_from_the_collection,
            changed_on_the_disk,
            removed_from_the_disk,
            collection_deleted,
        ],
    )
    def test_what_was_cited_is_told_of_a_version_that_is_gone(
        self, change: Callable[[Path], None], one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        before = get(server, f"/api/v1/citations/{identifier}")
        change(folder)
        problem = get(server, f"/api/v1/citations/{identifier}", 410)
        assert problem["code"] == "gone"
        cited = problem["citation"]
        assert (cited["id"], cited["file"], cited["text"]) == (identifier, "a.pdf", before["text"])
        assert cited["boxes"] == before["boxes"]
        assert str(folder) not in str(problem)
        page = server.client.get(f"/c/{identifier}")
        assert page.status_code == 410
        assert "这个版本的文件已经不在了" in page.text
        assert "2.27米" in page.text
        assert "<img" not in page.text

    def test_citation_that_was_never_sent_is_not_found_once_its_version_is_gone(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        document = identifier.rpartition("-")[0]
        assert get(server, f"/api/v1/citations/{document}-0000001")["file"] == "a.pdf"
        read_again(folder)
        assert get(server, f"/api/v1/citations/{document}-0000001", 404)["code"] == "not_found"

    def test_file_that_comes_back_is_shown_again(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, folder, identifier = one_file
        content = (folder / "files" / "a.pdf").read_bytes()
        removed_from_the_disk(folder)
        assert server.client.get(f"/c/{identifier}").status_code == 410
        (folder / "files" / "a.pdf").write_bytes(content)
        os.utime(folder / "files" / "a.pdf", (1, 1))
        assert server.client.get(f"/c/{identifier}").status_code == 200

    def test_citation_survives_a_restart(self, one_file: tuple[ServedApp, Path, str]) -> None:
        _, folder, identifier = one_file
        removed_from_the_collection(folder)
        with served(folder / "storage", COLLECTION) as again:
            assert get(again, f"/api/v1/citations/{identifier}", 410)["citation"]["id"] == identifier

    def test_deleted_file_leaves_what_was_cited_and_no_images(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        kept = server.app.state.server.folder / "pages"
        assert list(kept.iterdir())
        file = f"{FILES}/{record_of(folder, 'a.pdf').file_id}"
        assert server.client.delete(file, headers={"Origin": server.url}).status_code == 200
        assert list(kept.iterdir()) == []
        assert get(server, f"/api/v1/citations/{identifier}", 410)["citation"]["file"] == "a.pdf"

    def test_deleted_collection_leaves_nothing(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, _, identifier = one_file
        collection = FILES.removesuffix("/files")
        assert server.client.delete(collection, headers={"Origin": server.url}).status_code == 204
        assert list((server.app.state.server.folder / "pages").iterdir()) == []
        assert server.client.get(f"/api/v1/citations/{identifier}").status_code == 404

    def test_copy_that_is_still_there_is_shown(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, folder, identifier = one_file
        shutil.copy(folder / "files" / "a.pdf", folder / "files" / "z.pdf")
        ingest_files(folder)
        removed_from_the_disk(folder)
        cited = get(server, f"/api/v1/citations/{identifier}")
        assert cited["file_id"] == record_of(folder, "z.pdf").file_id
        assert server.client.get(cited["pages"][0]["image"]).status_code == 200
        assert server.client.get(f"/c/{identifier}").status_code == 200

    def test_other_collection_that_still_has_the_file_is_shown(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        (folder / "more").mkdir()
        shutil.copy(folder / "files" / "a.pdf", folder / "more")
        ingest(folder / "more", folder / "storage", collection="more")
        removed_from_the_disk(folder)
        assert get(server, f"/api/v1/citations/{identifier}")["collection"] == "more"

    def test_what_was_sent_is_shown_of_a_passage_that_was_cited_in_part(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        passage = whole_text(record_of(folder, "a.pdf"))
        assert len(get(server, f"/api/v1/citations/{passage}")["boxes"]) > 3
        (box,) = get(server, f"/api/v1/citations/{identifier}")["boxes"]
        part = Citation(1, "a.pdf", 1, 1, "平均水深", [Box(**box)], id=passage, collection=COLLECTION)
        server.app.state.server.citations.remember([part])
        cited = get(server, f"/api/v1/citations/{passage}")
        assert (cited["text"], cited["boxes"]) == ("平均水深", [box])
        assert len(Marks(server.client.get(f"/c/{passage}").text).images[0][1]) == 1


class TestCollections:
    def test_citation_of_a_collection_that_is_not_asked_is_found(self, tmp_path: Path, shelf: Path) -> None:
        with served(shelf / "storage", "nirgends") as server:
            identifier = sentence_with(shelf, "手册.pdf", CUT)
            assert get(server, f"/api/v1/citations/{identifier}")["collection"] == COLLECTION

    def test_damaged_collection_does_not_hide_the_others(self, one_file: tuple[ServedApp, Path, str]) -> None:
        server, folder, identifier = one_file
        broken = collection_paths(folder / "storage", "aaa")
        broken.root.mkdir()
        broken.catalog.write_bytes(b"no database")
        assert get(server, f"/api/v1/citations/{identifier}")["file"] == "a.pdf"

    def test_key_of_another_collection_finds_neither_the_citation_nor_what_was_sent(
        self, one_file: tuple[ServedApp, Path, str]
    ) -> None:
        server, folder, identifier = one_file
        keys = KeyStore(server.app.state.server.database)
        headers = [
            {"Authorization": f"Bearer {keys.add(name, 'read', collections)}"}
            for name, collections in (("all", []), ("other", ["other"]))
        ]
        for status in (200, 410):
            found, hidden = (
                server.client.get(f"/api/v1/citations/{identifier}", headers=one) for one in headers
            )
            assert (found.status_code, hidden.status_code) == (status, 404)
            assert server.client.get(f"/c/{identifier}", headers=headers[1]).status_code == 404
            if status == 200:
                removed_from_the_collection(folder)
