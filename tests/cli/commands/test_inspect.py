"""``inspect`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import assert_refused, run
from pdf_factory import broken_pdf, chinese_pdf, image_only_pdf, llama_paper, locked_pdf


def test_each_page_has_its_parser_roles_sentences_and_label(tmp_path: Path) -> None:
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


def test_sections_and_layout(tmp_path: Path) -> None:
    llama_paper(tmp_path / "a.pdf")
    done = run("inspect", "a.pdf", "--parser", "layout", "--json", cwd=tmp_path)
    pages = json.loads(done.stdout)["pages"]
    assert {page["parser"] for page in pages} == {"layout"}
    sections = {sentence["section"] for page in pages for sentence in page["sentences"]}
    assert any(section.endswith("1 Introduction") for section in sections)


def test_table_for_people(tmp_path: Path) -> None:
    chinese_pdf(tmp_path / "a.pdf")
    done = run("inspect", "a.pdf", cwd=tmp_path)
    assert done.returncode == 0
    assert "a.pdf: 1 pages" in done.stdout
    assert "page number" in done.stdout
    assert "left out:" in done.stdout
    assert "第1页" in done.stdout


def test_one_page_for_people(tmp_path: Path) -> None:
    chinese_pdf(tmp_path / "a.pdf", lines_per_page=4)
    done = run("inspect", "a.pdf", "--page", "1", cwd=tmp_path)
    assert "[body] 西湖位于浙江省杭州市西部" in done.stdout
    assert "[header] 杭州风物志" in done.stdout


def test_page_that_needs_ocr_says_so(tmp_path: Path) -> None:
    image_only_pdf(tmp_path / "a.pdf", text_pages=1)
    done = run("inspect", "a.pdf", "--ocr", "never", "--json", cwd=tmp_path)
    pages = json.loads(done.stdout)["pages"]
    assert pages[1]["unread"] == "no_text"
    assert "OCR" in pages[1]["doubts"][0]


def test_file_that_cannot_be_read_has_a_reason(tmp_path: Path) -> None:
    broken_pdf(tmp_path / "a.pdf")
    assert_refused(run("inspect", "a.pdf", cwd=tmp_path), 1, "a.pdf", "damaged")
    done = run("inspect", "a.pdf", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (1, "damaged")


def test_password_is_an_option(tmp_path: Path) -> None:
    locked_pdf(tmp_path / "a.pdf", "geheim")
    assert_refused(run("inspect", "a.pdf", cwd=tmp_path), 1, "--password")
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
def test_wrong_usage_exits_2(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    chinese_pdf(tmp_path / "a.pdf")
    assert_refused(run("inspect", *arguments, cwd=tmp_path), 2, *words)
