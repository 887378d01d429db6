"""``show``, ``ask --images`` and ``inspect`` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pymupdf
import pytest
from command_line import run
from pdf_factory import broken_pdf, chinese_pdf, image_only_pdf, llama_paper, locked_pdf

QUESTION = "西湖的平均水深是多少？"


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory with a collection of one Chinese file."""
    folder = tmp_path_factory.mktemp("show")
    (folder / "pdfs").mkdir()
    chinese_pdf(folder / "pdfs" / "西湖.pdf", lines_per_page=4)
    done = run("ingest", "pdfs", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def answer(place: Path, model_cache: Path) -> dict:
    done = run("ask", QUESTION, "--json", "--images", "cited", cwd=place, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestShow:
    def test_citation_of_an_answer_is_shown_by_its_id(self, place: Path, answer: dict) -> None:
        citation = answer["citations"][0]
        done = run("show", citation["id"], "--out", "shown", "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["file"] == "西湖.pdf"
        assert shown["text"] == citation["text"]
        assert "2.27米" in shown["text"]
        assert (shown["page"], shown["page_end"]) == (citation["page"], citation["page_end"])
        assert shown["boxes"] == citation["boxes"]
        for image in shown["images"]:
            assert pymupdf.Pixmap(place / image).width > 500

    def test_quote_of_several_sentences_is_shown_by_its_id(self, place: Path, model_cache: Path) -> None:
        asked = run("ask", "西湖有哪些岛？", "--json", cwd=place, QA_ENGINE_CACHE=str(model_cache))
        assert asked.returncode == 0, asked.stderr
        citation = json.loads(asked.stdout)["citations"][0]
        assert ".." in citation["id"] != citation["node_id"]
        assert "三个小岛" in citation["text"]
        done = run("show", citation["id"], "--out", "several", "--json", cwd=place)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert "".join(shown["text"].split()) == "".join(citation["text"].split())
        assert (shown["page"], shown["page_end"]) == (citation["page"], citation["page_end"])
        assert shown["boxes"] == citation["boxes"]

    def test_whole_passage_is_shown_by_its_id(self, place: Path, answer: dict) -> None:
        passage = answer["citations"][0]["node_id"]
        assert ".." in passage
        done = run("show", passage, "--out", "passage", cwd=place)
        assert done.returncode == 0, done.stderr
        assert "2.27米" in done.stdout
        assert list((place / "passage").glob("西湖-p*.png"))

    def test_one_picture_may_be_named(self, place: Path, answer: dict) -> None:
        done = run("show", answer["citations"][0]["id"], "--out", "here.png", "--dpi", "40", cwd=place)
        assert done.returncode == 0, done.stderr
        assert (place / "here.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize("identifier", ["", "nonsense", "3", "-", "0f3a-12..", "../../etc/passwd"])
    def test_what_is_no_id_is_refused_with_an_example(self, identifier: str, place: Path) -> None:
        refused(run("show", "--", identifier, cwd=place), 2, "is not the id of a citation", "..15")

    @pytest.mark.parametrize("change", ["unknown", "beyond", "backwards"])
    def test_id_that_is_not_in_the_collection_is_refused(
        self, change: str, place: Path, answer: dict
    ) -> None:
        document = answer["citations"][0]["id"].rpartition("-")[0]
        identifier = {
            "unknown": "0123456789-0000001",
            "beyond": f"{document}-0009999",
            "backwards": f"{document}-0000003..1",
        }[change]
        refused(run("show", identifier, cwd=place), 2, "There is no sentence", identifier)

    def test_unknown_collection_is_refused(self, place: Path) -> None:
        refused(run("show", "a-0000001", "-c", "nirgends", cwd=place), 2, "nirgends")

    def test_picture_that_cannot_be_written_is_refused(self, place: Path, answer: dict) -> None:
        (place / "occupied").write_text("in the way")
        done = run("show", answer["citations"][0]["id"], "--out", "occupied/x.png", cwd=place)
        refused(done, 2, "occupied/x.png", "--out")

    def test_file_that_has_changed_or_gone_is_said(self, tmp_path: Path, local_model: Path) -> None:
        path = chinese_pdf(tmp_path / "a.pdf")
        assert run("ingest", "a.pdf", cwd=tmp_path).returncode == 0
        found = json.loads(run("ask", QUESTION, "--json", cwd=tmp_path).stdout)
        identifier = found["citations"][0]["id"]
        os.utime(path, (1, 1))
        changed = run("show", identifier, cwd=tmp_path)
        assert changed.returncode == 0
        assert "a.pdf has changed since it was ingested" in changed.stderr
        path.unlink()
        refused(run("show", identifier, cwd=tmp_path), 2, str(path), "is gone")


class TestImages:
    def test_pictures_of_the_citations_are_written(self, place: Path, answer: dict) -> None:
        for citation in answer["citations"]:
            pages = {box["page"] for box in citation["boxes"]}
            assert len(citation["images"]) == len(pages)
            for image in citation["images"]:
                assert Path(image).name.startswith(f"{citation['number']}-")
                assert (place / image).read_bytes().startswith(b"\x89PNG")

    def test_refusal_writes_none(self, place: Path, model_cache: Path) -> None:
        arguments = ("ask", "谁发明了电话？", "--images", "none")
        done = run(*arguments, cwd=place, QA_ENGINE_CACHE=str(model_cache))
        assert done.stdout.strip() == "我无法回答您的问题"
        assert not (place / "none").exists()

    def test_id_for_show_is_printed(self, place: Path, answer: dict, model_cache: Path) -> None:
        done = run("ask", QUESTION, cwd=place, QA_ENGINE_CACHE=str(model_cache))
        assert answer["citations"][0]["id"] in done.stdout


class TestInspect:
    def test_each_page_has_its_parser_roles_sentences_and_label(self, tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "a.pdf", lines_per_page=4)
        done = run("inspect", "a.pdf", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        pages = json.loads(done.stdout)["pages"]
        assert [page["label"] for page in pages] == [str(page["number"]) for page in pages]
        assert len(pages) == 2
        for page in pages:
            assert page["parser"] == "fast"
            assert ["header", "杭州风物志"] in page["left_out"]
            assert page["roles"]["body"] >= 1
            for sentence in page["sentences"]:
                assert sentence["text"]
                assert sentence["boxes"][0]["page"] == sentence["page"] == page["number"]

    def test_sections_and_layout(self, tmp_path: Path) -> None:
        llama_paper(tmp_path / "a.pdf")
        done = run("inspect", "a.pdf", "--parser", "layout", "--json", cwd=tmp_path)
        pages = json.loads(done.stdout)["pages"]
        assert {page["parser"] for page in pages} == {"layout"}
        sections = {sentence["section"] for page in pages for sentence in page["sentences"]}
        assert any(section.endswith("1 Introduction") for section in sections)

    def test_table_for_people(self, tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "a.pdf")
        done = run("inspect", "a.pdf", cwd=tmp_path)
        assert done.returncode == 0
        assert "a.pdf: 1 pages" in done.stdout
        assert "page number" in done.stdout

    def test_one_page_for_people(self, tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "a.pdf", lines_per_page=4)
        done = run("inspect", "a.pdf", "--page", "1", cwd=tmp_path)
        assert "[body] 西湖位于浙江省杭州市西部" in done.stdout
        assert "[header] 杭州风物志" in done.stdout

    def test_page_that_needs_ocr_says_so(self, tmp_path: Path) -> None:
        image_only_pdf(tmp_path / "a.pdf", text_pages=1)
        done = run("inspect", "a.pdf", "--ocr", "never", "--json", cwd=tmp_path)
        pages = json.loads(done.stdout)["pages"]
        assert pages[1]["unread"] == "no_text"
        assert "OCR" in pages[1]["doubts"][0]

    def test_file_that_cannot_be_read_has_a_reason(self, tmp_path: Path) -> None:
        broken_pdf(tmp_path / "a.pdf")
        refused(run("inspect", "a.pdf", cwd=tmp_path), 1, "a.pdf", "damaged")
        done = run("inspect", "a.pdf", "--json", cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "damaged")

    def test_password_is_an_option(self, tmp_path: Path) -> None:
        locked_pdf(tmp_path / "a.pdf", "geheim")
        refused(run("inspect", "a.pdf", cwd=tmp_path), 1, "--password")
        done = run("inspect", "a.pdf", "--password", "falsch", "--password", "geheim", cwd=tmp_path)
        assert done.returncode == 0
        assert "geheim" not in done.stderr + done.stdout

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["nowhere.pdf"], ["nowhere.pdf does not exist"]),
            (["a.pdf", "--page", "9"], ["there is no page 9"]),
            (["a.pdf", "--parser", "quick"], ["quick", "documents.parser"]),
            (["a.pdf", "--ocr", "maybe"], ["maybe", "documents.ocr"]),
        ],
    )
    def test_wrong_usage_exits_2(self, arguments: list[str], words: list[str], tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "a.pdf")
        refused(run("inspect", *arguments, cwd=tmp_path), 2, *words)
