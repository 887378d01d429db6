"""Documents of other formats over HTTP: uploaded, asked, drawn, and given back as they were."""

from __future__ import annotations

import io
from typing import Any

import pytest
from upload_server import UploadServer

from qa_engine.documents.content_types import accepted_suffixes, is_accepted
from qa_engine.documents.formats import FORMATS

_NAMES = ("休假.docx", "部件.xlsx", "报销.md", "食堂.html")


def content(name: str) -> bytes:
    """A file of the format that its name says."""
    buffer = io.BytesIO()
    if name.endswith(".docx"):
        document: Any = pytest.importorskip("docx").Document()
        document.add_heading("年假", 1)
        document.add_paragraph("工作满一年的员工，年假为十五天。")
        document.save(buffer)
    elif name.endswith(".xlsx"):
        book: Any = pytest.importorskip("openpyxl").Workbook()
        for row in (["名称", "单价（元）"], ["球阀", 120], ["离心水泵", 7100]):
            book.active.append(row)
        book.save(buffer)
    else:
        text = {
            "报销.md": "# 报销\n\n住宿每晚最多报销600元。\n",
            "食堂.html": "<h1>食堂</h1><p>食堂二十点关门。</p>",
        }[name]
        buffer.write(text.encode())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.docx", b"PK\x03\x04", True),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", True),
        ("a.docx", b"<html>", False),
        ("a.md", b"# Title", True),
        ("a.md", b"PK\x03\x04", False),
        ("a.csv", b"\x89PNG\r\n\x1a\n", False),
        ("a.exe", b"MZ", False),
        ("a", b"text", False),
        ("a.exe", b"%PDF-1.7", True),
        ("a.png", b"\xff\xd8\xff", True),
        ("a.rtf", b"{\\rtf1", True),
        ("a.EML", b"From: a", True),
    ],
)
def test_what_a_name_says_and_the_content_does_not_contradict_is_accepted(
    name: str, head: bytes, expected: bool
) -> None:
    assert is_accepted(name, head) is expected


def test_the_server_tells_what_can_be_uploaded(uploading: UploadServer) -> None:
    told = uploading.client.get("/api/v1/info").json()
    assert told["suffixes"] == accepted_suffixes(told["features"]["ocr"])
    assert set(accepted_suffixes(ocr=True)) == {
        ".pdf",
        *(suffix for kind in FORMATS for suffix in kind.suffixes),
    }


@pytest.mark.parametrize("name", _NAMES)
def test_it_is_ingested_drawn_and_given_back(name: str, uploading: UploadServer) -> None:
    body = content(name)
    job = uploading.client.put(f"{uploading.files()}/{name}", content=body).json()
    assert uploading.over(job["id"])["state"] == "succeeded"
    files = uploading.client.get(uploading.files()).json()["data"]
    (file,) = (one for one in files if one["file"] == name)
    path = f"{uploading.files()}/{file['file_id']}"
    picture = uploading.client.get(f"{path}/pages/1.svg", follow_redirects=True)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    lines = uploading.client.get(f"{path}/pages/1/lines").json()["lines"]
    assert len(lines) >= 2
    given = uploading.client.get(f"{path}/content?inline=true")
    assert given.content == body
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"].startswith("attachment")
    assert given.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in given.headers["content-security-policy"]
    assert uploading.client.put(f"{uploading.files()}/{name}", content=body).status_code == 200
