"""Word documents: what programs write that python-docx does not, such as automatic numbers, text boxes and broken files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from qa_engine.documents.blocks import Role
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats.word.numbering import formatted
from qa_engine.documents.renditions.formats.word.reading import content_of_word
from qa_engine.errors import DocumentError

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = (
    f'xmlns:w="{_W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def word_file(folder: Path, body: str, *, head: str = "", name: str = "document.xml", **parts: str) -> Path:
    """A Word file with a body, and with parts by their kind."""
    path = folder / "制度.docx"
    relations = "".join(
        f'<Relationship Id="r{number}" Type="{_TYPES}/{kind.rstrip("12")}" Target="{kind}.xml"/>'
        for number, kind in enumerate(parts)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships><Relationship Id="r" Type="{_TYPES}/officeDocument" Target="word/{name}"/></Relationships>',
        )
        archive.writestr(f"word/_rels/{name}.rels", f"<Relationships>{relations}</Relationships>")
        archive.writestr(f"word/{name}", f"{head}<w:document {_NAMES}><w:body>{body}</w:body></w:document>")
        for kind, xml in parts.items():
            archive.writestr(
                f"word/{kind}.xml", f"<w:{kind.rstrip('12')} {_NAMES}>{xml}</w:{kind.rstrip('12')}>"
            )
    return path


def p(text: str, properties: str = "", run: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def found(path: Path) -> list[tuple[str, str, int]]:
    return [(one.role.value, one.text, one.level) for one in content_of_word(path).elements]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "locked"),
        (b"\xd0\xcf\x11\xe0" + b"Word.Document.8", "unsupported"),
    ],
)
def test_files_that_are_no_archive_say_what_they_are(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "旧.docx"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        content_of_word(path)
    assert caught.value.reason == reason


@pytest.mark.parametrize("body", ["<w:p>", "<w:p></w:q>", "<w:r>" * 500 + "</w:r>" * 500])
def test_broken_or_too_deep_xml_is_damaged(tmp_path: Path, body: str) -> None:
    with pytest.raises(DocumentError, match=r"制度\.docx is no readable Word document") as caught:
        content_of_word(word_file(tmp_path, body))
    assert caught.value.reason == "damaged"


def test_archive_without_a_document_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "空.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DocumentError, match="has no body"):
        content_of_word(path)


def test_entities_are_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    head = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY y "yyyyyy">]>'
    assert found(word_file(tmp_path, p("甲&x;&y;") + p("乙"), head=head)) == [
        ("body", "甲", 0),
        ("body", "乙", 0),
    ]


def test_document_is_found_by_its_relation(tmp_path: Path) -> None:
    assert found(word_file(tmp_path, p("年假十天。"), name="document2.xml")) == [("body", "年假十天。", 0)]


_NUMBERING = (
    '<w:abstractNum w:abstractNumId="0">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:pStyle w:val="1"/>'
    '<w:lvlText w:val="第%1章"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="2"/><w:isLgl/>'
    '<w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="(%1)"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/><w:lvlText w:val="&#xF0B7;"/></w:lvl>'
    "</w:abstractNum>"
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/>'
    "</w:lvlOverride></w:num>"
)
_STYLES = (
    '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/>'
    '</w:numPr></w:pPr></w:style><w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/>'
    '<w:basedOn w:val="1"/></w:style><w:style w:type="paragraph" w:styleId="3"><w:name w:val="标题 3"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="T"><w:name w:val="toc 1"/></w:style>'
)


def test_automatic_numbers_of_headings_are_text(tmp_path: Path) -> None:
    style = '<w:pStyle w:val="{}"/>'
    body = "".join(
        p(text, style.format(one))
        for text, one in [("总则", 1), ("目的", 2), ("范围", 2), ("休假", 1), ("年假", 2), ("附则", 3)]
    )
    assert found(word_file(tmp_path, body, styles=_STYLES, numbering=_NUMBERING)) == [
        ("heading", "第一章 总则", 1),
        ("heading", "1.1 目的", 2),
        ("heading", "1.2 范围", 2),
        ("heading", "第二章 休假", 1),
        ("heading", "2.1 年假", 2),
        ("heading", "附则", 3),
    ]


def test_lists_count_on_and_begin_anew(tmp_path: Path) -> None:
    def entry(text: str, place: int, number: int) -> str:
        return p(text, f'<w:numPr><w:ilvl w:val="{place}"/><w:numId w:val="{number}"/></w:numPr>')

    body = entry("甲", 0, 2) + entry("细", 1, 2) + entry("乙", 0, 2) + entry("丙", 0, 3) + entry("丁", 0, 0)
    assert found(word_file(tmp_path, body, numbering=_NUMBERING)) == [
        ("list", "(1) 甲", 1),
        ("list", "• 细", 2),
        ("list", "(2) 乙", 1),
        ("list", "(1) 丙", 1),
        ("body", "丁", 0),
    ]


@pytest.mark.parametrize(
    ("count", "form", "text"),
    [
        (12, "chineseCountingThousand", "十二"),
        (3, "chineseLegalSimplified", "叁"),
        (4, "upperRoman", "IV"),
        (28, "lowerLetter", "bb"),
        (7, "decimalEnclosedCircle", "⑦"),
        (2, "ideographTraditional", "乙"),
        (5, "decimalZero", "05"),
        (5, "none", ""),
        (0, "upperLetter", "0"),
    ],
)
def test_forms_of_numbers(count: int, form: str, text: str) -> None:
    assert formatted(count, form) == text


def test_what_is_hidden_and_margins_are_left_out_and_reported(tmp_path: Path) -> None:
    body = p("藏", run="<w:vanish/>") + p("见", run='<w:vanish w:val="0"/>')
    content = content_of_word(word_file(tmp_path, body, header1=p("内部资料"), footer1=p("第 1 页")))
    assert [one.text for one in content.elements] == ["见"]
    assert content.left_out == [("hidden", "藏"), ("header", "内部资料"), ("footer", "第 1 页")]


def test_text_box_is_read_once_and_behind_its_paragraph(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{p('提示')}</w:txbxContent>"
    body = (
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:drawing>"
        f"{box}</w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        f"<w:r><w:t>正文</w:t></w:r></w:p>{p('下文')}"
    )
    assert [text for _, text, _ in found(word_file(tmp_path, body))] == ["正文", "提示", "下文"]


def test_footnotes_are_behind_their_paragraph_and_endnotes_last(tmp_path: Path) -> None:
    body = (
        '<w:p><w:r><w:t>甲</w:t><w:footnoteReference w:id="2"/><w:endnoteReference w:id="2"/></w:r></w:p>'
        + p("乙")
    )
    path = word_file(
        tmp_path,
        body,
        footnotes=f'<w:footnote w:id="2">{p("脚注")}</w:footnote>',
        endnotes=f'<w:endnote w:id="2">{p("尾注")}</w:endnote>',
    )
    assert found(path) == [
        ("body", "甲", 0),
        ("footnote", "脚注", 0),
        ("body", "乙", 0),
        ("footnote", "尾注", 0),
    ]


def test_header_rows_merged_cells_and_deleted_rows(tmp_path: Path) -> None:
    def row(*cells: str, properties: str = "") -> str:
        return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"

    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"

    restart, on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="2"/>'
    head = "<w:tblHeader/>"
    body = (
        "<w:tbl>"
        + row(cell("部门", restart), cell("人数", wide), properties=head)
        + row(cell("", on), cell("2023"), cell("2024"), properties=head)
        + row(cell("旧部"), cell("1"), cell("2"), properties='<w:del w:id="1"/>')
        + row(cell("研发", restart), cell("20"), cell("30"))
        + row(cell("", on), cell("40"), cell("50"))
        + "</w:tbl>"
    )
    path = word_file(tmp_path, body)
    parsed = read_pdf(path, ReadingOptions())
    assert [text for paragraph in parsed.paragraphs for text in paragraph.row_texts] == [
        "部门：研发；人数 2023：20；人数 2024：30",
        "部门：研发；人数 2023：40；人数 2024：50",
    ]
    assert content_of_word(path).left_out == [("deleted", "旧部12")]


def test_table_that_only_places_text_is_no_table(tmp_path: Path) -> None:
    body = f"<w:tbl><w:tr><w:tc>{p('左')}{p('下')}</w:tc><w:tc>{p('右')}</w:tc></w:tr></w:tbl>"
    assert [text for _, text, _ in found(word_file(tmp_path, body))] == ["左", "下", "右"]


def test_contents_fields_symbols_and_formulas(tmp_path: Path) -> None:
    body = (
        p("总则 1", '<w:pStyle w:val="T"/>')
        + '<w:p><w:r><w:fldChar w:fldCharType="begin"/><w:instrText>PAGE</w:instrText></w:r><w:r><w:t>页</w:t></w:r>'
        '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/><w:t>同意</w:t></w:r><m:oMath><m:f><m:num><m:r><m:t>a+b</m:t></m:r>'
        "</m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f></m:oMath></w:p>"
    )
    elements = content_of_word(word_file(tmp_path, body, styles=_STYLES)).elements
    assert [(one.role, one.text) for one in elements] == [
        (Role.CONTENTS, "总则 1"),
        (Role.BODY, "页☑同意(a+b)/c"),
    ]
