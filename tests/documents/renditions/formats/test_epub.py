"""Electronic books that are made by the tests: both versions, and those that lack what they need."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.errors import DocumentError

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = (
    '<package xmlns="http://www.idpf.org/2007/opf" version="{version}"><metadata '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>员工手册</dc:title><dc:creator>人事部</dc:creator>'
    "<dc:date>2024-03-05T00:00:00Z</dc:date></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
)
ITEM = '<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
PAGE = (
    '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>'
    "<body>{}</body></html>"
)
NAV = (
    '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
    PAGE.format('<nav><ol><li><a href="two.xhtml">第二章 休假</a></li></ol></nav>'),
)
NCX = (
    '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint id="a"><navLabel><text>第二章 休假</text>'
    '</navLabel><content src="two.xhtml#a"/></navPoint></navMap></ncx>',
)
ENCRYPTED = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData '
    'xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{}"/></EncryptedData></encryption>'
)


def book(folder: Path, **changes: str | None) -> Path:
    """A book of two chapters; ``changes`` replace parts, or leave them out."""
    items = "".join(ITEM.format(name=name) for name in ("one", "two"))
    spine = '<itemref idref="two"/><itemref idref="one"/>'
    parts: dict[str, str | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE.format(version="3.0", items=items, spine=spine),
        "OEBPS/one.xhtml": PAGE.format("<h1>第三章 薪酬</h1><p>薪酬每月十日发放。</p>"),
        "OEBPS/two.xhtml": PAGE.format("<p>年假为十五天。</p>"),
        **changes,
    }
    path = folder / "手册.epub"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def read(path: Path) -> ParsedPdf:
    return read_pdf(path, ReadingOptions())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"META-INF/container.xml": None, "OEBPS/book.opf": None}, "damaged"),
        ({"OEBPS/book.opf": None}, "damaged"),
        ({"OEBPS/book.opf": "<package"}, "damaged"),
        ({"OEBPS/book.opf": PACKAGE.format(version="3.0", items="", spine="")}, "no_text"),
        ({"META-INF/container.xml": CONTAINER.replace("OEBPS", "../../..")}, "damaged"),
        (
            {"META-INF/encryption.xml": ENCRYPTED.format("http://www.w3.org/2001/04/xmlenc#aes256-cbc")},
            "locked",
        ),
        ({"OEBPS/two.xhtml": '<!DOCTYPE html [<!ENTITY a "b">]><html><p>&a;</p></html>'}, "damaged"),
    ],
)
def test_books_that_cannot_be_read_say_why(
    tmp_path: Path, changes: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        read(book(tmp_path, **changes))
    assert caught.value.reason == reason


def test_what_is_no_archive_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    path.write_bytes(b"no archive")
    with pytest.raises(DocumentError) as caught:
        read(path)
    assert caught.value.reason == "damaged"


def test_a_missing_part_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    found = read(book(tmp_path, **{"OEBPS/two.xhtml": None}))
    assert "薪酬每月十日发放。" in found.text
    assert found.pages[0].doubts == ["its part OEBPS/two.xhtml is missing"]


def test_fonts_that_are_obfuscated_lock_nothing(tmp_path: Path) -> None:
    fonts = ENCRYPTED.format("http://www.idpf.org/2008/embedding")
    assert "年假为十五天。" in read(book(tmp_path, **{"META-INF/encryption.xml": fonts})).text


@pytest.mark.parametrize(("version", "contents"), [("3.0", NAV), ("2.0", NCX)])
def test_chapters_come_in_the_order_of_the_book_with_their_titles(
    tmp_path: Path, version: str, contents: tuple[str, str]
) -> None:
    items = "".join(ITEM.format(name=name) for name in ("one", "two")) + contents[0]
    spine = '<itemref idref="two"/><itemref idref="one"/>'
    package = PACKAGE.format(version=version, items=items, spine=spine)
    name = "OEBPS/nav.xhtml" if contents is NAV else "OEBPS/toc.ncx"
    found = read(book(tmp_path, **{"OEBPS/book.opf": package, name: contents[1]}))
    assert [line for line in found.text.split("\n") if line] == [
        "第二章 休假",
        "年假为十五天。",
        "第三章 薪酬",
        "薪酬每月十日发放。",
    ]
    assert found.sections == [(), ("第二章 休假",), ("第三章 薪酬",)]
    assert tuple(found.facts) == ("员工手册", "人事部", "2024-03-05")
    assert len(found.pages) == 2
