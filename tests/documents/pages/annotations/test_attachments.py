"""Files inside a PDF file are reported by name, and so are forms that only Acrobat shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pdf_factory import CHINESE_FONT, LEFT, PdfBuilder

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import PageReport
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.errors import DocumentError
from qa_engine.ingestion.report import doubtful_pages

COVER = "请使用 Adobe Reader 打开此 PDF 包，以查看所含文件。"


def package(text: str = COVER) -> Any:
    return PdfBuilder(CHINESE_FONT).page().put(text, LEFT, 100).document


def reports(document: Any, path: Path) -> list[PageReport]:
    document.save(path)
    return read_pdf(path, ReadingOptions(ocr="never")).pages


def test_file_without_attachments_is_no_matter(tmp_path: Path) -> None:
    (page,) = reports(package(), tmp_path / "a.pdf")
    assert page.left_out == [] and page.doubts == []


def test_attached_files_are_named_in_the_report_of_a_run_and_of_the_page(tmp_path: Path) -> None:
    document = package()
    document.embfile_add("投标须知.pdf", b"%PDF", filename="投标须知.pdf")
    document.embfile_add("key", b"a,b", ufilename="报价\x1b[31m\u202e表.csv")
    document[0].add_file_annot((300, 300), b"abc", "图纸.dwg")
    pages = reports(document, tmp_path / "a.pdf")
    clause = "3 attached files are not read: 图纸.dwg, 投标须知.pdf, 报价\\u001b[31m\\u202e表.csv"
    assert pages[0].doubts == [clause]
    assert ("attachment", "投标须知.pdf") in pages[0].left_out
    assert list(doubtful_pages("a.pdf", pages)) == [f"a.pdf: {clause}."]


def test_a_long_list_of_long_names_is_cut(tmp_path: Path) -> None:
    document = package()
    for number in range(30):
        document.embfile_add(f"{number:02}", b"", ufilename=f"{number:02}{'长' * 500}.pdf")
    (doubt,) = reports(document, tmp_path / "a.pdf")[0].doubts
    assert doubt.startswith("30 attached files are not read: 00长") and doubt.endswith("… and 20 more")
    assert len(doubt) < 1000


def test_names_in_a_tree_of_several_levels(tmp_path: Path) -> None:
    document = package()
    document.embfile_add("a.pdf", b"%PDF")
    root = document.pdf_catalog()
    names = document.xref_get_key(root, "Names/EmbeddedFiles/Names")[1]
    kid = document.get_new_xref()
    document.update_object(kid, f"<</Limits[(a.pdf)(a.pdf)]/Names{names}>>")
    document.xref_set_key(root, "Names/EmbeddedFiles", f"<</Kids[{kid} 0 R]>>")
    assert reports(document, tmp_path / "a.pdf")[0].left_out == [("attachment", "a.pdf")]


def test_formulas_of_a_tagged_file_are_no_attachments(tmp_path: Path) -> None:
    document = package()
    xref = document.embfile_add("l3ef0001", b"<math/>", ufilename="mathml-1.xml")
    document.xref_set_key(xref, "Subtype", "/application#2Fmathml+xml")
    assert reports(document, tmp_path / "a.pdf")[0].left_out == []


def test_damaged_list_of_files_does_not_stop_the_pages(tmp_path: Path) -> None:
    document = package()
    document.xref_set_key(document.pdf_catalog(), "Names", "<</EmbeddedFiles 999 0 R>>")
    assert reports(document, tmp_path / "a.pdf")[0].left_out == []


def test_cover_without_text_names_the_attached_files(tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page()
    document.embfile_add("投标须知.pdf", b"%PDF")
    document.save(tmp_path / "a.pdf")
    with pytest.raises(DocumentError, match=r"1 attached file is not read: 投标须知\.pdf"):
        read_pdf(tmp_path / "a.pdf")


@pytest.mark.parametrize(("fields", "doubts"), [("[]", 1), ("[99 0 R]", 0)])
def test_form_that_only_acrobat_shows(fields: str, doubts: int, tmp_path: Path) -> None:
    document = package("Please wait... If this message is not eventually replaced, open it elsewhere.")
    document.xref_set_key(document.pdf_catalog(), "AcroForm", f"<</Fields{fields}/XFA(<xdp/>)>>")
    (page,) = reports(document, tmp_path / "a.pdf")
    assert len(page.doubts) == doubts
    assert not doubts or "XFA" in page.doubts[0]
