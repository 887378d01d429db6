"""The pictures of citations: what is marked on them, and what happens when something is in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pymupdf
import pytest
from cli.indexed_files import CUT, ingest_pdfs, sentence_id, two_pages
from command_line import run
from hash_embedding import HashEmbedding

from qa_engine.answering.answer import Box, Citation
from qa_engine.cli.display.pictures import citation_pictures
from qa_engine.config import Config


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory, hash_embedding: HashEmbedding) -> Path:
    """A working directory with a collection of one file, whose second sentence is on two pages."""
    folder = tmp_path_factory.mktemp("pictures")
    two_pages(folder / "pdfs" / "手册.pdf")
    return ingest_pdfs(folder, hash_embedding)


class TestPictures:
    def test_sentence_over_a_page_break_is_marked_on_both_pages_and_nothing_else(
        self, handbook: Path
    ) -> None:
        before = (handbook / "pdfs" / "手册.pdf").read_bytes()
        done = run(
            "show",
            sentence_id(handbook, CUT),
            "--out",
            "cut",
            "--dpi",
            "144",
            "--json",
            cwd=handbook,
        )
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["text"] == CUT
        assert (shown["file"], shown["page"], shown["page_end"]) == ("手册.pdf", 1, 2)
        assert shown["images"] == ["cut/手册-p1.png", "cut/手册-p2.png"]
        first, second = (pymupdf.Pixmap(handbook / image) for image in shown["images"])
        with pymupdf.open(handbook / "pdfs" / "手册.pdf") as document:
            for image, page, cited, others in (
                (first, document[0], CUT[:14], ["上面的一行不应当有颜色", "前一句在这里结束"]),
                (second, document[1], CUT[14:], ["后一句在这里开始"]),
            ):
                assert yellow(image, page.search_for(cited)[0]) > 0.5
                assert dark(image, page.search_for(cited)[0])
                assert all(yellow(image, page.search_for(other)[0]) < 0.05 for other in others)
        assert (handbook / "pdfs" / "手册.pdf").read_bytes() == before


def pixels(image: pymupdf.Pixmap, place: pymupdf.Rect) -> list[tuple[int, ...]]:
    """The pixels of a place (in points) on a picture of 144 dpi, less its rim."""
    left, top, right, bottom = (round(2 * value) for value in place)
    return [image.pixel(x, y) for y in range(top + 3, bottom - 3) for x in range(left + 3, right - 3)]


def yellow(image: pymupdf.Pixmap, place: pymupdf.Rect) -> float:
    """The share of a place that has the colour of the mark."""
    found = pixels(image, place)
    return sum(red >= green > blue + 40 for red, green, blue in found) / len(found)


def dark(image: pymupdf.Pixmap, place: pymupdf.Rect) -> bool:
    """Whether there are nearly black pixels in a place, as those of text."""
    return min(max(pixel) for pixel in pixels(image, place)) < 60


class TestCitationImages:
    """The function behind ``ask --images``, with citations of several files."""

    def images(
        self, folder: Path, *documents: str, out: str = "cited"
    ) -> tuple[dict[int, list[str]], list[str]]:
        citations = [
            Citation(number, "x.pdf", 1, 1, "", [Box(1, 72, 80, 200, 95)], node_id=f"{document}-0000000..3")
            for number, document in enumerate(documents, 1)
        ]
        return citation_pictures(citations, Config(), folder / "storage", folder / out)

    def test_one_failure_takes_no_other_picture_with_it(self, one_file: tuple[Path, str]) -> None:
        folder, cited = one_file
        document = cited.rpartition("-")[0]
        images, failures = self.images(folder, "unknown", document)
        assert images == {2: [str(folder / "cited" / "2-a-p1.png")]}
        assert failures == ["x.pdf is no longer in the collection: ask again."]

    def test_changed_file_is_named_once(
        self, one_file: tuple[Path, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder, cited = one_file
        document = cited.rpartition("-")[0]
        os.utime(folder / "pdfs" / "a.pdf", (1, 1))
        images, failures = self.images(folder, document, document)
        assert (list(images), failures) == ([1, 2], [])
        assert capsys.readouterr().err.count("a.pdf has changed") == 1

    def test_folder_that_cannot_be_made_is_named_once_with_its_option(
        self, one_file: tuple[Path, str]
    ) -> None:
        folder, cited = one_file
        document = cited.rpartition("-")[0]
        (folder / "occupied").write_text("in the way")
        images, failures = self.images(folder, document, out="occupied/below")
        assert images == {}
        assert len(failures) == 1
        assert failures[0].endswith("name another place with --images.")

    def test_folder_may_be_called_png(self, one_file: tuple[Path, str]) -> None:
        folder, cited = one_file
        document = cited.rpartition("-")[0]
        images, failures = self.images(folder, document, document, out="cited.png")
        assert failures == []
        assert len({path for paths in images.values() for path in paths}) == 2

    def test_collection_that_is_gone_costs_the_pictures_only(self, tmp_path: Path) -> None:
        images, failures = self.images(tmp_path, "unknown")
        assert images == {}
        assert "There is no collection 'default'" in failures[0]
