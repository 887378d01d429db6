"""The parts of mails, also of those that keep to no rule."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.renditions.formats.mail.message import MAX_PARTS, Mail, parse_mail
from qa_engine.errors import DocumentError

HEAD = b"From: =?gb2312?B?1cXI/Q==?= <zhang@example.com>\r\nTo: li@example.com\r\n"


def mail(**heads: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {"Subject": "年假", "From": "张三 <zhang@example.com>", **heads}.items():
        message[name] = value
    message.set_content("年假为十五天。")
    return message


def parsed(message: EmailMessage | bytes) -> Mail:
    return parse_mail(message if isinstance(message, bytes) else message.as_bytes(), "信.eml")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "damaged"),
        (b"just text\nwithout any head\n", "damaged"),
        (b"%PDF-1.7 \x00\xff", "damaged"),
        (HEAD + b"Content-Type: multipart/encrypted; boundary=x\r\n\r\n--x--\r\n", "locked"),
        (HEAD + b"Content-Type: application/pkcs7-mime\r\n\r\nMIIB\r\n", "locked"),
        (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
            + b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n" * (MAX_PARTS + 1)
            + b"--x--\r\n",
            "too_large",
        ),
        (
            HEAD
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (number, number)
                for number in range(5000)
            ),
            "damaged",
        ),
    ],
)
def test_what_is_no_readable_mail_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parsed(data)
    assert (caught.value.reason, "信.eml" in str(caught.value)) == (reason, True)


@given(st.binary(max_size=400), st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=x\r\n"]))
def test_any_bytes_are_a_mail_or_say_why_not(body: bytes, head: bytes) -> None:
    try:
        found = parsed(HEAD + head + b"\r\n--x\r\n" + body)
    except DocumentError:
        return
    assert found.sender == "张三 <zhang@example.com>"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"=?gbk?B?xOq82dX+st8=?=", "年假政策"),
        (b"=?utf-8?Q?=E5=B9=B4=E5=81=87?=", "年假"),
        ("年假政策".encode("gbk"), "年假政策"),
        ("年假政策".encode(), "年假政策"),
        (b"=?no-such-charset?B?QUJD?=", "ABC"),
        (b"=?utf-8?B?broken", "=?utf-8?B?broken"),
        (b"", ""),
    ],
)
def test_subjects_in_any_encoding(subject: bytes, expected: str) -> None:
    assert parsed(b"Subject: " + subject + b"\r\n" + HEAD + b"\r\ntext").subject == expected


def test_dates_that_are_none_are_left_out() -> None:
    assert parsed(b"Date: soon\r\n" + HEAD + b"\r\ntext").date is None
    date = parsed(b"Date: Tue, 5 Mar 2024 10:00:00 +0800\r\n" + HEAD + b"\r\ntext").date
    assert date is not None
    assert date.isoformat() == "2024-03-05T10:00:00+08:00"


def test_a_text_in_gbk_is_read() -> None:
    head = b"Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    assert parsed(HEAD + head + "年假为十五天。".encode("gbk")).plain == "年假为十五天。"


def test_a_group_without_bounds_is_text() -> None:
    found = parsed(HEAD + b"Content-Type: multipart/mixed\r\n\r\nThe leave has ten days.\r\n")
    assert "The leave has ten days." in found.plain


def test_attachments_have_distinct_and_harmless_names() -> None:
    message = mail()
    for name in (
        "../../etc/passwd",
        "C:\\a\\报告.pdf",
        "报告.pdf",
        "报告.pdf",
        "x\x00y.txt",
        "长" * 300 + ".docx",
    ):
        message.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=name)
    names = [one.name for one in parsed(message).attachments]
    assert names[:5] == ["_.._etc_passwd", "C:_a_报告.pdf", "报告.pdf", "报告 (2).pdf", "x_y.txt"]
    assert names[5].endswith("长.docx")
    assert all(len(name.encode()) <= 150 and "/" not in name for name in names)


def test_attached_mails_are_named_by_their_subject() -> None:
    message = mail()
    message.add_attachment(mail(Subject="附 件"))
    (attached,) = parsed(message).attachments
    assert attached.name == "附 件.eml"
    assert parse_mail(attached.content, attached.name).plain.strip() == "年假为十五天。"


def test_pictures_of_the_text_are_no_files_and_signatures_are_nothing() -> None:
    message = mail()
    message.add_alternative("<p>年假为<img src='cid:1'>十五天。</p>", subtype="html")
    message.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<1>")  # type: ignore[index, union-attr]
    message.add_attachment(b"x", maintype="application", subtype="pgp-signature", filename="a.asc")
    found = parsed(message)
    assert (found.attachments, found.left_out) == ([], [("figure", "image/png")])
    assert "十五天" in found.html
