"""``show`` and ``ask --images`` when something is in the way, and what is on the pictures that they write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pymupdf
import pytest
from command_line import run
from hash_embedding import HashEmbedding
from pdf_factory import (
    CHINESE_FONT,
    LEFT,
    PdfBuilder,
    broken_pdf,
    chinese_pdf,
    english_pdf,
    locked_pdf,
    not_a_pdf,
    zero_page_pdf,
)

from qa_engine import ingest
from qa_engine.answering.answer import Box, Citation
from qa_engine.cli.commands.show import citation_images
from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.chroma_folder import open_chroma
from qa_engine.index.vectors.vector_store import SentenceVectorStore

QUESTION = "西湖的平均水深是多少？"
CUT = "这一句从第一页的末尾开始，到第二页的开头才结束。"
LONG = "长" * 83 + ".pdf"
NOT_UTF8 = os.fsdecode(b"\xff\xfe planets.pdf")


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def identifier(folder: Path, text: str) -> str:
    """The id of the first sentence in a collection that holds a text."""
    paths = collection_paths(folder / "storage", "default")
    catalog = Catalog(paths.catalog)
    try:
        store = SentenceVectorStore(open_chroma(paths.chroma, catalog.published))
        files = catalog.files().values()
        ids = [node_id(file.document_id, ordinal) for file in files for ordinal in range(file.nodes)]
    finally:
        catalog.close()
    return next(name for name, node in store.sentences(ids).items() if text in node.text)


def collection(folder: Path, embedding: HashEmbedding, passwords: Sequence[str] = ()) -> Path:
    """Ingests the files in ``pdfs`` of a folder, and returns the folder."""
    settings = {"documents": {"passwords": list(passwords)}}
    report = ingest(folder / "pdfs", storage=folder / "storage", config=settings, embed_model=embedding)
    assert not report.failures
    return folder


def two_pages(path: Path) -> Path:
    """A Chinese file with a sentence that a page break cuts."""
    builder = PdfBuilder(CHINESE_FONT)
    builder.page().put("上面的一行不应当有颜色。", LEFT, 90)
    builder.put("前一句在这里结束。" + CUT[:14], LEFT, 735)
    builder.page().put(CUT[14:] + "后一句在这里开始。", LEFT, 90)
    return builder.save(path)


def one_page(path: Path) -> Path:
    return chinese_pdf(path, ["现在只有一页了。"])


def endless_pdf(path: Path) -> Path:
    """A page whose contents draw one another, eight times each, thirty levels deep."""
    document = pymupdf.open()
    page = document.new_page()
    form = 0
    for level in range(30):
        below, form = form, document.get_new_xref()
        resources = f"/Resources<</XObject<</A {below} 0 R>>>>" if level else ""
        document.update_object(form, f"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]{resources}>>")
        document.update_stream(form, b"/A Do " * 8 if level else b"0 0 10 10 re f ")
    contents = document.get_new_xref()
    document.update_object(contents, "<<>>")
    document.update_stream(contents, b"/A Do")
    document.xref_set_key(page.xref, "Contents", f"{contents} 0 R")
    document.xref_set_key(page.xref, "Resources", f"<</XObject<</A {form} 0 R>>>>")
    document.save(path)
    document.close()
    return path


def folder_of_that_name(path: Path) -> Path:
    path.mkdir()
    return path


def link_to_itself(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, hash_embedding: HashEmbedding) -> Path:
    """A working directory with a collection of files whose names, or pages, are awkward."""
    folder = tmp_path_factory.mktemp("show")
    two_pages(folder / "pdfs" / "手册.pdf")
    chinese_pdf(folder / "pdfs" / LONG)
    english_pdf(folder / "planets.pdf")
    shutil.move(folder / "planets.pdf", folder / "pdfs" / NOT_UTF8)
    return collection(folder, hash_embedding)


@pytest.fixture
def one(tmp_path: Path, hash_embedding: HashEmbedding) -> tuple[Path, str]:
    """A working directory with a collection of one file, ``pdfs/a.pdf``, and the id of a sentence on two pages."""
    two_pages(tmp_path / "pdfs" / "a.pdf")
    folder = collection(tmp_path, hash_embedding)
    return folder, identifier(folder, CUT)


class TestFileIsNotWhatItWas:
    @pytest.mark.parametrize(
        ("make", "code", "words"),
        [
            (broken_pdf, 1, "a.pdf is"),
            (not_a_pdf, 1, "does not begin like a PDF"),
            (zero_page_pdf, 1, "a.pdf has no pages"),
            (locked_pdf, 1, "--password"),
            (one_page, 1, "no page 2: it has changed, ingest it again"),
            (folder_of_that_name, 1, "a.pdf cannot be read"),
            (link_to_itself, 2, "pdfs/a.pdf cannot be read"),
        ],
    )
    def test_what_stands_in_its_place_is_refused_in_one_sentence(
        self, make: Callable[[Path], Path], code: int, words: str, one: tuple[Path, str]
    ) -> None:
        folder, cited = one
        (folder / "pdfs" / "a.pdf").unlink()
        make(folder / "pdfs" / "a.pdf")
        refused(run("show", cited, "--out", "shown", cwd=folder), code, words)
        assert not (folder / "shown").exists()

    def test_page_that_never_ends_is_given_up(self, one: tuple[Path, str]) -> None:
        folder, cited = one
        endless_pdf(folder / "pdfs" / "a.pdf")
        done = run("show", cited, cwd=folder, QA_ENGINE_DOCUMENTS__TIMEOUT_SECONDS="1")
        refused(done, 1, "has changed", "documents.timeout_seconds = 1")

    def test_picture_beyond_the_limit_of_memory_is_given_up(self, one: tuple[Path, str]) -> None:
        folder, cited = one
        done = run("show", cited, "--dpi", "600", cwd=folder, QA_ENGINE_DOCUMENTS__MEMORY_MEGABYTES="256")
        refused(done, 1, "a.pdf", "memory")

    def test_locked_file_needs_its_password(self, tmp_path: Path, hash_embedding: HashEmbedding) -> None:
        (tmp_path / "pdfs").mkdir()
        locked_pdf(tmp_path / "pdfs" / "a.pdf", "geheim")
        cited = identifier(collection(tmp_path, hash_embedding, ["geheim"]), "secret")
        refused(run("show", cited, cwd=tmp_path), 1, "a.pdf", "--password")
        done = run("show", cited, "--password", "geheim", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "a-p1.png").is_file()
        assert "geheim" not in done.stdout + done.stderr


class TestNames:
    def test_name_that_is_too_long_for_a_picture_is_cut(self, made: Path) -> None:
        done = run("show", identifier(made, "2.27米"), "--json", cwd=made)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image.startswith("长长长")
        assert image.endswith("-p1.png")
        assert (made / image).is_file()

    def test_file_whose_name_is_not_utf8(self, made: Path) -> None:
        cited = identifier(made, "Saturn")
        done = run("show", cited, "--json", "--out", "bytes", cwd=made)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image == r"bytes/\xff\xfe planets-p1.png"
        assert (made / image).is_file()

    def test_out_that_is_not_utf8_is_printed_all_the_same(self, made: Path) -> None:
        cited, out = identifier(made, "Saturn"), os.fsdecode(b"\xff.png")
        for arguments in (["--json"], []):
            done = run("show", cited, "--out", out, *arguments, cwd=made, PYTHONIOENCODING="utf-8:strict")
            assert done.returncode == 0, done.stderr
            printed = json.loads(done.stdout)["images"][0] if arguments else done.stdout.splitlines()[-1]
            assert printed == r"\xff.png"
        assert (made / out).is_file()

    def test_one_name_for_two_pages_is_refused_before_anything_is_written(self, made: Path) -> None:
        done = run("show", identifier(made, CUT), "--out", "both.png", cwd=made)
        refused(done, 2, "2 pages", "both.png")
        assert not (made / "both.png").exists()


class TestPictures:
    def test_sentence_over_a_page_break_is_marked_on_both_pages_and_nothing_else(self, made: Path) -> None:
        before = (made / "pdfs" / "手册.pdf").read_bytes()
        done = run("show", identifier(made, CUT), "--out", "cut", "--dpi", "144", "--json", cwd=made)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["text"] == CUT
        assert (shown["file"], shown["page"], shown["page_end"]) == ("手册.pdf", 1, 2)
        assert shown["images"] == ["cut/手册-p1.png", "cut/手册-p2.png"]
        first, second = (pymupdf.Pixmap(made / image) for image in shown["images"])
        with pymupdf.open(made / "pdfs" / "手册.pdf") as document:
            for image, page, cited, others in (
                (first, document[0], CUT[:14], ["上面的一行不应当有颜色", "前一句在这里结束"]),
                (second, document[1], CUT[14:], ["后一句在这里开始"]),
            ):
                assert yellow(image, page.search_for(cited)[0]) > 0.5
                assert dark(image, page.search_for(cited)[0])
                assert all(yellow(image, page.search_for(other)[0]) < 0.05 for other in others)
        assert (made / "pdfs" / "手册.pdf").read_bytes() == before


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


class TestImagesOfAnAnswer:
    @pytest.fixture(scope="class")
    def asked(self, tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
        """A working directory whose one file is gone since it was ingested."""
        folder = tmp_path_factory.mktemp("asked")
        chinese_pdf(folder / "pdfs" / "西湖.pdf")
        done = run("ingest", "pdfs", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 0, done.stderr
        (folder / "pdfs" / "西湖.pdf").unlink()
        return folder

    def test_answer_is_printed_although_there_is_no_picture(self, asked: Path, model_cache: Path) -> None:
        done = run("ask", QUESTION, "--images", "cited", cwd=asked, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 1
        assert "2.27米" in done.stdout
        assert done.stderr.count("西湖.pdf is gone") == 1
        assert "Traceback" not in done.stderr
        assert not (asked / "cited").exists()

    def test_json_is_whole_although_there_is_no_picture(self, asked: Path, model_cache: Path) -> None:
        arguments = ("ask", QUESTION, "--images", "cited", "--json")
        done = run(*arguments, cwd=asked, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 1
        content = json.loads(done.stdout)
        assert "2.27米" in content["answer"]
        assert [citation["images"] for citation in content["citations"]] == [[]] * len(content["citations"])

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--images", "occupied"], ["occupied is no folder", "--images"]),
            (["--images", "x" * 300], ["x" * 300, "--images"]),
            (["--images", "fine", "--search-only"], ["--images", "--search-only"]),
        ],
    )
    def test_wrong_usage_is_refused_before_the_question_is_asked(
        self, arguments: list[str], words: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "occupied").write_text("in the way")
        refused(run("ask", QUESTION, *arguments, cwd=tmp_path), 2, *words)


class TestCitationImages:
    """The function behind ``ask --images``, with citations of several files."""

    def images(
        self, folder: Path, *documents: str, out: str = "cited"
    ) -> tuple[dict[int, list[str]], list[str]]:
        citations = [
            Citation(number, "x.pdf", 1, 1, "", [Box(1, 72, 80, 200, 95)], node_id=f"{document}-0000000..3")
            for number, document in enumerate(documents, 1)
        ]
        return citation_images(citations, Config(), folder / "storage", folder / out)

    def test_one_failure_takes_no_other_picture_with_it(self, one: tuple[Path, str]) -> None:
        folder, cited = one
        document = cited.rpartition("-")[0]
        images, failures = self.images(folder, "unknown", document)
        assert images == {2: [str(folder / "cited" / "2-a-p1.png")]}
        assert failures == ["x.pdf is no longer in the collection: ask again."]

    def test_changed_file_is_named_once(
        self, one: tuple[Path, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder, cited = one
        document = cited.rpartition("-")[0]
        os.utime(folder / "pdfs" / "a.pdf", (1, 1))
        images, failures = self.images(folder, document, document)
        assert (list(images), failures) == ([1, 2], [])
        assert capsys.readouterr().err.count("a.pdf has changed") == 1

    def test_folder_that_cannot_be_made_is_named_once_with_its_option(self, one: tuple[Path, str]) -> None:
        folder, cited = one
        document = cited.rpartition("-")[0]
        (folder / "occupied").write_text("in the way")
        images, failures = self.images(folder, document, out="occupied/below")
        assert images == {}
        assert len(failures) == 1
        assert failures[0].endswith("name another place with --images.")

    def test_folder_may_be_called_png(self, one: tuple[Path, str]) -> None:
        folder, cited = one
        document = cited.rpartition("-")[0]
        images, failures = self.images(folder, document, document, out="cited.png")
        assert failures == []
        assert len({path for paths in images.values() for path in paths}) == 2

    def test_collection_that_is_gone_costs_the_pictures_only(self, tmp_path: Path) -> None:
        images, failures = self.images(tmp_path, "unknown")
        assert images == {}
        assert "There is no collection 'default'" in failures[0]
