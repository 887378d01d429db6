"""Reading one file: what comes out, and the reason when nothing does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import (
    WEST_LAKE,
    broken_pdf,
    chinese_pdf,
    empty_pages_pdf,
    english_pdf,
    image_only_pdf,
    locked_pdf,
    not_a_pdf,
    zero_byte_pdf,
    zero_page_pdf,
)

from qa_engine.documents.blocks import Page
from qa_engine.documents.files import path_text
from qa_engine.documents.pages import page_reader
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf import reading
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.reader import PdfReader
from qa_engine.errors import DocumentError

NO_OCR = ReadingOptions(ocr="never")


def truncated_pdf(path: Path) -> Path:
    """The first half of a file: its table of contents is at the end, and gone."""
    content = chinese_pdf(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def refusal(path: Path, options: ReadingOptions = NO_OCR) -> DocumentError:
    with pytest.raises(DocumentError) as raised:
        read_pdf(path, options)
    text = str(raised.value)
    assert path.name in text
    assert "\n" not in text
    assert text.endswith(".")
    return raised.value


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (locked_pdf, "locked"),
        (zero_byte_pdf, "empty"),
        (zero_page_pdf, "empty"),
        (broken_pdf, "damaged"),
        (not_a_pdf, "not_pdf"),
        (image_only_pdf, "no_text"),
        (empty_pages_pdf, "no_text"),
    ],
)
def test_reason(make: Callable[[Path], Path], reason: str, tmp_path: Path) -> None:
    assert refusal(make(tmp_path / "文件.pdf")).reason == reason


def test_missing_file_is_unreadable(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.pdf").reason == "unreadable"


def test_folder_is_unreadable(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "unreadable"


def test_link_that_leads_nowhere_is_unreadable(tmp_path: Path) -> None:
    link = tmp_path / "link.pdf"
    link.symlink_to(tmp_path / "gone.pdf")
    assert refusal(link).reason == "unreadable"


def test_file_above_the_limit_is_too_large_and_the_limit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        os.truncate(path, 2_500_000)
    error = refusal(path, ReadingOptions(max_megabytes=1))
    assert error.reason == "too_large"
    assert "documents.max_file_megabytes = 1" in str(error)


def test_truncated_file_is_read_or_refused_but_never_crashes(tmp_path: Path) -> None:
    path = truncated_pdf(tmp_path / "half.pdf")
    try:
        assert len(read_pdf(path).pages) >= 1
    except DocumentError as error:
        assert error.reason in {"damaged", "no_text", "empty"}


@pytest.mark.parametrize("seed", range(12))
def test_damage_anywhere_in_the_file_ends_in_text_or_a_reason(seed: int, tmp_path: Path) -> None:
    import random

    chance = random.Random(seed)
    content = bytearray(english_pdf(tmp_path / "a.pdf").read_bytes())
    for _ in range(40):
        content[chance.randrange(20, len(content))] = chance.randrange(256)
    path = tmp_path / "a.pdf"
    path.write_bytes(bytes(content))
    try:
        read_pdf(path)
    except DocumentError as error:
        assert error.reason in {"damaged", "no_text", "empty", "locked"}


def test_password_opens_a_locked_file(tmp_path: Path) -> None:
    path = locked_pdf(tmp_path / "a.pdf", password="geheim")
    assert read_pdf(path, ReadingOptions(passwords=("a", "geheim"))).text == "This text is secret."
    error = refusal(path, ReadingOptions(passwords=("wrong",)))
    assert error.reason == "locked"
    assert "wrong" not in str(error)


def test_damaged_page_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_page(page: object, number: int, *arguments: object) -> Page:
        if number == 2:
            raise RuntimeError("code=7: syntax error in content stream\nmore")
        return page_reader.read_page(page, number, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "read_page", read_page)
    parsed = read_pdf(english_pdf(tmp_path / "a.pdf", lines_per_page=2, header=None, page_numbers=None))
    assert [page.unread for page in parsed.pages[:3]] == [None, "damaged", None]
    assert parsed.pages[1].doubts == ["cannot be read (code=7: syntax error in content stream)"]
    assert "Jupiter is the largest planet" in parsed.text


def test_tree_of_pages_without_end_is_damaged(tmp_path: Path) -> None:
    path = english_pdf(tmp_path / "a.pdf", lines_per_page=2)
    with pymupdf.open(path) as document:
        root = document.xref_get_key(document.pdf_catalog(), "Pages")[1]
        document.xref_set_key(int(root.split()[0]), "Kids", f"[{root}]")
        document.save(tmp_path / "b.pdf")
    assert refusal(tmp_path / "b.pdf").reason == "damaged"


def test_file_that_is_cut_off_is_damaged_and_not_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.5\n1 0 obj<</Linearized 1/L 63022/O 3/E 40328/N 4>>endobj\n")
    error = refusal(path)
    assert error.reason == "damaged"
    assert "63,022" in str(error)


def test_junk_before_the_header_is_no_obstacle(tmp_path: Path) -> None:
    path = chinese_pdf(tmp_path / "a.pdf")
    path.write_bytes(b"\n\n" + path.read_bytes())
    assert WEST_LAKE[0][:20] in read_pdf(path).text


def test_pages_without_a_text_layer_are_named(tmp_path: Path) -> None:
    parsed = read_pdf(image_only_pdf(tmp_path / "a.pdf", text_pages=2), NO_OCR)
    assert [page.unread for page in parsed.pages] == [None, None, "no_text"]
    assert "OCR" in parsed.pages[2].doubts[-1]
    assert "Page 2 has a text layer." in parsed.text


def test_reader_gives_one_document_a_file(tmp_path: Path) -> None:
    path = chinese_pdf(tmp_path / "西湖.pdf", lines_per_page=3)
    (document,) = PdfReader().load_data(path)
    assert isinstance(document, PdfDocument)
    assert document.pages > 1
    assert document.metadata["file_name"] == "西湖.pdf"
    assert document.metadata["file_path"] == str(path)
    assert document.text.split("\n") == WEST_LAKE
    assert all(document.text[span.start : span.end].strip() for span in document.spans)


def test_reader_takes_text_paths_and_extra_metadata(tmp_path: Path) -> None:
    path = chinese_pdf(tmp_path / "a.pdf")
    (document,) = PdfReader().load_data(str(path), extra_info={"department": "legal"})
    assert document.metadata["department"] == "legal"


def test_reader_passes_limits_and_password_on(tmp_path: Path) -> None:
    path = locked_pdf(tmp_path / "a.pdf", password="geheim")
    assert PdfReader(password="geheim").load_data(path)[0].text == "This text is secret."
    with pytest.raises(DocumentError, match=r"locked|password"):
        PdfReader().load_data(path)


def test_document_survives_a_round_trip_without_its_places() -> None:
    document = PdfDocument(text="a", metadata={"file_name": "a.pdf"}, pages=3)
    assert "spans" not in document.to_dict()
    assert PdfDocument.from_dict(document.to_dict()).pages == 3


def test_path_that_is_not_utf8_becomes_text() -> None:
    path = Path(os.fsdecode(b"/tmp/caf\xe9.pdf"))
    assert path_text(path) == "/tmp/caf\\xe9.pdf"
    path_text(path).encode("utf-8")
