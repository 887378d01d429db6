"""Word documents: what is read of them, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qa_engine.documents.blocks import Role
from qa_engine.documents.formats import format_of
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats.word.reading import content_of_word
from qa_engine.errors import DocumentError

docx = pytest.importorskip("docx", reason="python-docx makes the files: pip install 'qa-engine[dev]'")
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Any, folder: Path) -> Path:
    path = folder / "手册.docx"
    document.save(path)
    return path


def change(paragraph: Any, kind: str, text: str) -> None:
    from docx.oxml import parse_xml

    tag = "delText" if kind == "del" else "t"
    xml = f'<w:{kind} {_W} w:id="1" w:author="甲"><w:r><w:{tag}>{text}</w:{tag}></w:r></w:{kind}>'
    paragraph._p.append(parse_xml(xml))


@pytest.mark.parametrize("data", [b"PK\x03\x04cut off", b"not a zip at all", b"<html></html>"])
def test_file_that_is_no_word_document_is_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "坏.docx"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=r"坏\.docx") as found:
        read_pdf(path, ReadingOptions())
    assert found.value.reason in {"damaged", "locked"}


def test_document_without_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as found:
        read_pdf(saved(docx.Document(), tmp_path), ReadingOptions())
    assert found.value.reason == "no_text"


def test_accepted_text_is_read_and_deletions_are_reported(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("年假十天。")
    change(paragraph, "ins", "可以结转。")
    change(paragraph, "del", "不可结转。")
    content = content_of_word(saved(document, tmp_path))
    assert [element.text for element in content.elements] == ["年假十天。可以结转。"]
    assert content.left_out == [("deleted", "不可结转。")]


def test_headings_of_any_style_with_an_outline_level_make_sections(tmp_path: Path) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml import parse_xml

    document = docx.Document()
    own = document.styles.add_style("公司二级", WD_STYLE_TYPE.PARAGRAPH)
    own.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {_W} w:val="1"/>'))
    document.add_heading("休假", 1)
    document.add_paragraph("年假", own)
    document.add_paragraph("十天。")
    parsed = read_pdf(saved(document, tmp_path), ReadingOptions())
    assert parsed.sections == [(), ("休假",), ("休假", "年假")]
    assert parsed.text == "休假\n年假\n十天。"


def test_merged_cells_are_in_each_of_their_rows(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(3, 2)
    for row, cells in enumerate([("部门", "人数"), ("研发", "20"), ("", "30")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    parsed = read_pdf(saved(document, tmp_path), ReadingOptions())
    rows = [text for paragraph in parsed.paragraphs for text in paragraph.row_texts]
    assert rows == ["部门：研发；人数：20", "部门：研发；人数：30"]


def test_title_author_and_date_are_facts_of_the_file(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("正文。")
    document.core_properties.title, document.core_properties.author = "员工手册", "人事部"
    parsed = read_pdf(saved(document, tmp_path), ReadingOptions())
    assert (parsed.facts.title, parsed.facts.author) == ("员工手册", "人事部")
    assert parsed.pages[0].parser == "source"


def test_comments_are_notes(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("年假十天。")
    document.add_comment(paragraph.runs, text="试用期除外。", author="甲", initials="甲")
    content = content_of_word(saved(document, tmp_path))
    assert [(element.role, element.text) for element in content.elements] == [
        (Role.BODY, "年假十天。"),
        (Role.NOTE, "试用期除外。"),
    ]


def test_ending_decides() -> None:
    kind = format_of("手册.DOCX")
    assert kind is not None
    assert kind.name == "docx"
