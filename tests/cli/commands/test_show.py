"""``show`` as a user runs it: citations and files, and what is refused when something is in the way."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from cli.in_process import COLLECTION, output_of, refusal_of
from cli.indexed_files import CUT, ingest_pdfs, sentence_id, two_pages
from command_line import assert_refused, run
from hash_embedding import HashEmbedding
from pdf_factory import (
    broken_pdf,
    chinese_pdf,
    endless_pdf,
    english_pdf,
    locked_pdf,
    not_a_pdf,
    zero_page_pdf,
)

QUESTION = "西湖的平均水深是多少？"
LONG = "长" * 83 + ".pdf"
NOT_UTF8 = os.fsdecode(b"\xff\xfe planets.pdf")


class TestCitation:
    def test_citation_of_an_answer_is_shown_by_its_id(self, pages_of_lake: Path, cited_answer: dict) -> None:
        citation = cited_answer["citations"][0]
        done = run("show", citation["id"], "--out", "shown", "--json", cwd=pages_of_lake)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["file"] == "西湖.pdf"
        assert shown["text"] == citation["text"]
        assert "2.27米" in shown["text"]
        assert (shown["page"], shown["page_end"]) == (citation["page"], citation["page_end"])
        assert shown["boxes"] == citation["boxes"]
        for image in shown["images"]:
            assert pymupdf.Pixmap(pages_of_lake / image).width > 500

    def test_quote_of_several_sentences_is_shown_by_its_id(
        self, pages_of_lake: Path, model_cache: Path
    ) -> None:
        asked = run("ask", "西湖有哪些岛？", "--json", cwd=pages_of_lake, QA_ENGINE_CACHE=str(model_cache))
        assert asked.returncode == 0, asked.stderr
        citation = json.loads(asked.stdout)["citations"][0]
        assert ".." in citation["id"] != citation["node_id"]
        assert "三个小岛" in citation["text"]
        done = run("show", citation["id"], "--out", "several", "--json", cwd=pages_of_lake)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert "".join(shown["text"].split()) == "".join(citation["text"].split())
        assert (shown["page"], shown["page_end"]) == (citation["page"], citation["page_end"])
        assert shown["boxes"] == citation["boxes"]

    def test_whole_passage_is_shown_by_its_id(self, pages_of_lake: Path, cited_answer: dict) -> None:
        passage = cited_answer["citations"][0]["node_id"]
        assert ".." in passage
        done = run("show", passage, "--out", "passage", cwd=pages_of_lake)
        assert done.returncode == 0, done.stderr
        assert "2.27米" in done.stdout
        assert list((pages_of_lake / "passage").glob("西湖-p*.png"))

    def test_one_picture_may_be_named(self, pages_of_lake: Path, cited_answer: dict) -> None:
        done = run(
            "show", cited_answer["citations"][0]["id"], "--out", "here.png", "--dpi", "40", cwd=pages_of_lake
        )
        assert done.returncode == 0, done.stderr
        assert (pages_of_lake / "here.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize("identifier", ["", "nonsense", "3", "-", "0f3a-12..", "../../etc/passwd"])
    def test_what_is_no_id_is_refused_with_an_example(self, identifier: str, pages_of_lake: Path) -> None:
        assert_refused(
            run("show", "--", identifier, cwd=pages_of_lake), 2, "is not the id of a citation", "..15"
        )

    @pytest.mark.parametrize("change", ["unknown", "beyond", "backwards"])
    def test_id_that_is_not_in_the_collection_is_refused(
        self, change: str, pages_of_lake: Path, cited_answer: dict
    ) -> None:
        document = cited_answer["citations"][0]["id"].rpartition("-")[0]
        identifier = {
            "unknown": "0123456789-0000001",
            "beyond": f"{document}-0009999",
            "backwards": f"{document}-0000003..1",
        }[change]
        assert_refused(run("show", identifier, cwd=pages_of_lake), 2, "There is no sentence", identifier)

    def test_unknown_collection_is_refused(self, pages_of_lake: Path) -> None:
        assert_refused(run("show", "a-0000001", "-c", "nirgends", cwd=pages_of_lake), 2, "nirgends")

    def test_picture_that_cannot_be_written_is_refused(self, pages_of_lake: Path, cited_answer: dict) -> None:
        (pages_of_lake / "occupied").write_text("in the way")
        done = run("show", cited_answer["citations"][0]["id"], "--out", "occupied/x.png", cwd=pages_of_lake)
        assert_refused(done, 2, "occupied/x.png", "--out")

    def test_changed_file_is_shown_with_a_warning_and_a_file_that_is_gone_is_refused(
        self, tmp_path: Path, local_model: Path
    ) -> None:
        path = chinese_pdf(tmp_path / "a.pdf")
        assert run("ingest", "a.pdf", cwd=tmp_path).returncode == 0
        found = json.loads(run("ask", QUESTION, "--json", cwd=tmp_path).stdout)
        identifier = found["citations"][0]["id"]
        os.utime(path, (1, 1))
        changed = run("show", identifier, cwd=tmp_path)
        assert changed.returncode == 0
        assert "a.pdf has changed since it was ingested" in changed.stderr
        path.unlink()
        assert_refused(run("show", identifier, cwd=tmp_path), 2, str(path), "is gone")


def test_file(three_files: Path) -> None:
    shown = output_of("show", "old/年报.pdf", place=three_files)
    assert "100% Chinese" in shown
    assert str(three_files / "pdfs" / "年报.pdf") in shown
    facts = json.loads(output_of("show", "planets.pdf", "--json", place=three_files))
    assert (facts["collection"], facts["file"], facts["state"]) == (COLLECTION, "planets.pdf", "gone")
    several = refusal_of("show", "年报.pdf", place=three_files)
    assert "2 files" in several
    assert str(three_files / "pdfs" / "old" / "年报.pdf") in several
    assert "nor a file of the collection" in (none := refusal_of("show", "planet.pdf", place=three_files))
    assert none.endswith("Did you mean the file planets.pdf?")


def one_page(path: Path) -> Path:
    return chinese_pdf(path, ["现在只有一页了。"])


def folder_of_that_name(path: Path) -> Path:
    path.mkdir()
    return path


def link_to_itself(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


@pytest.fixture(scope="module")
def awkward_names(tmp_path_factory: pytest.TempPathFactory, hash_embedding: HashEmbedding) -> Path:
    """A working directory with a collection of files whose names, or pages, are awkward."""
    folder = tmp_path_factory.mktemp("show")
    two_pages(folder / "pdfs" / "手册.pdf")
    chinese_pdf(folder / "pdfs" / LONG)
    english_pdf(folder / "planets.pdf")
    shutil.move(folder / "planets.pdf", folder / "pdfs" / NOT_UTF8)
    return ingest_pdfs(folder, hash_embedding)


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
        self, make: Callable[[Path], Path], code: int, words: str, one_file: tuple[Path, str]
    ) -> None:
        folder, cited = one_file
        (folder / "pdfs" / "a.pdf").unlink()
        make(folder / "pdfs" / "a.pdf")
        assert_refused(run("show", cited, "--out", "shown", cwd=folder), code, words)
        assert not (folder / "shown").exists()

    def test_page_that_never_ends_is_given_up(self, one_file: tuple[Path, str]) -> None:
        folder, cited = one_file
        endless_pdf(folder / "pdfs" / "a.pdf")
        done = run("show", cited, cwd=folder, QA_ENGINE_DOCUMENTS__TIMEOUT_SECONDS="1")
        assert_refused(done, 1, "has changed", "documents.timeout_seconds = 1")

    def test_picture_beyond_the_limit_of_memory_is_given_up(self, one_file: tuple[Path, str]) -> None:
        folder, cited = one_file
        done = run("show", cited, "--dpi", "600", cwd=folder, QA_ENGINE_DOCUMENTS__MEMORY_MEGABYTES="256")
        assert_refused(done, 1, "a.pdf", "memory")

    def test_locked_file_needs_its_password(self, tmp_path: Path, hash_embedding: HashEmbedding) -> None:
        (tmp_path / "pdfs").mkdir()
        locked_pdf(tmp_path / "pdfs" / "a.pdf", "geheim")
        cited = sentence_id(ingest_pdfs(tmp_path, hash_embedding, ["geheim"]), "secret")
        assert_refused(run("show", cited, cwd=tmp_path), 1, "a.pdf", "--password")
        done = run("show", cited, "--password", "geheim", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "a-p1.png").is_file()
        assert "geheim" not in done.stdout + done.stderr


class TestNames:
    def test_name_that_is_too_long_for_a_picture_is_cut(self, awkward_names: Path) -> None:
        done = run("show", sentence_id(awkward_names, "2.27米"), "--json", cwd=awkward_names)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image.startswith("长长长")
        assert image.endswith("-p1.png")
        assert (awkward_names / image).is_file()

    def test_file_whose_name_is_not_utf8(self, awkward_names: Path) -> None:
        cited = sentence_id(awkward_names, "Saturn")
        done = run("show", cited, "--json", "--out", "bytes", cwd=awkward_names)
        assert done.returncode == 0, done.stderr
        (image,) = json.loads(done.stdout)["images"]
        assert image == r"bytes/\xff\xfe planets-p1.png"
        assert (awkward_names / image).is_file()

    def test_out_that_is_not_utf8_is_printed_all_the_same(self, awkward_names: Path) -> None:
        cited, out = sentence_id(awkward_names, "Saturn"), os.fsdecode(b"\xff.png")
        for arguments in (["--json"], []):
            done = run(
                "show", cited, "--out", out, *arguments, cwd=awkward_names, PYTHONIOENCODING="utf-8:strict"
            )
            assert done.returncode == 0, done.stderr
            printed = json.loads(done.stdout)["images"][0] if arguments else done.stdout.splitlines()[-1]
            assert printed == r"\xff.png"
        assert (awkward_names / out).is_file()

    def test_one_name_for_two_pages_is_refused_before_anything_is_written(self, awkward_names: Path) -> None:
        done = run("show", sentence_id(awkward_names, CUT), "--out", "both.png", cwd=awkward_names)
        assert_refused(done, 2, "2 pages", "both.png")
        assert not (awkward_names / "both.png").exists()
