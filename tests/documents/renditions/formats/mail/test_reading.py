"""Mails as documents."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf


def read(folder: Path, plain: str = "", html: str = "", **heads: str) -> ParsedPdf:
    message = EmailMessage()
    for name, value in heads.items():
        message[name.capitalize()] = value
    if plain:
        message.set_content(plain)
    if html and plain:
        message.add_alternative(html, subtype="html")
    elif html:
        message.set_content(html, subtype="html")
    path = folder / "信.eml"
    path.write_bytes(message.as_bytes())
    return read_pdf(path, ReadingOptions())


def test_the_head_comes_before_the_text_and_the_subject_is_its_section(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "各位：\n\n年假为十五天。\n\n> 去年是十天。\n> 前年也是。",
        subject="关于年假",
        to="全体 <all@example.com>",
        date="Tue, 5 Mar 2024 10:00:00 +0800",
        **{"from": "张三 <zhang@example.com>"},
    )
    lines = [line for line in found.text.split("\n") if line]
    assert lines[:4] == [
        "关于年假",
        "发件人：张三 <zhang@example.com>",
        "收件人：全体 <all@example.com>",
        "日期：2024-03-05 10:00",
    ]
    assert "年假为十五天。" in lines
    assert "去年是十天。" in lines[-2] + lines[-1]
    assert found.sections[-1] == ("关于年假",)
    assert tuple(found.facts) == ("关于年假", "张三 <zhang@example.com>", "2024-03-05")


def test_an_english_mail_has_an_english_head(tmp_path: Path) -> None:
    found = read(tmp_path, "The leave has ten days.", **{"from": "Ann <ann@example.com>"})
    assert found.text.startswith("No subject\nFrom: Ann <ann@example.com>\n")


def test_html_is_read_if_it_has_tables_or_stands_alone(tmp_path: Path) -> None:
    table = (
        "<h1>Prices</h1><table><tr><th>Part</th><th>Price</th></tr><tr><td>Pump</td><td>7</td></tr></table>"
    )
    for plain in ("", "Part Price Pump 7"):
        found = read(tmp_path, plain, table, subject="Offer")
        assert ("| Pump | 7 |" in found.text, found.sections[-1]) == (True, ("Offer", "Prices"))
    assert "bold" not in read(tmp_path, "plain words", "<p>bold words</p>", subject="x").text


def test_attachments_of_unknown_kinds_are_reported(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("text")
    for name in ("a.pdf", "b.exe"):
        message.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=name)
    path = tmp_path / "a.eml"
    path.write_bytes(message.as_bytes())
    assert read_pdf(path, ReadingOptions()).pages[0].left_out == [("attachment", "b.exe")]
