"""Mails: subject, sender, recipients and date, and the text. Attached files are files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.formats import is_readable
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content, Element
from qa_engine.documents.renditions.formats.html import content_of
from qa_engine.documents.renditions.formats.mail.message import Mail, parse_mail
from qa_engine.documents.renditions.formats.plain_text import paragraphs
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import typeset

_HAN = re.compile(r"[\u4e00-\u9fff]")
_QUOTED = re.compile(r"^(?:> ?)+", re.M)
_TABLE = re.compile(r"<t[hd][\s>]", re.I)
_LABELS = {"zh": ("发件人：", "收件人：", "日期："), "en": ("From: ", "To: ", "Date: ")}
_NO_SUBJECT = {"zh": "无主题", "en": "No subject"}


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a mail.

    Raises:
        DocumentError: it is no mail, or is encrypted.
    """
    ocr = options.ocr != "never" and ocr_available()
    return typeset(content_of_mail(parse_mail(read_all(path), path.name), path.name, ocr))


def content_of_mail(mail: Mail, name: str, ocr: bool) -> Content:
    """What a mail consists of: its subject as the heading of all, a line each of its head, then its text.

    Args:
        mail: by `parse_mail`.
        name: of its file, for messages.
        ocr: whether attached pictures are documents.
    """
    body = _html_content(mail, name) if _prefers_html(mail) else Content(list(_plain_elements(mail.plain)))
    language = "zh" if _HAN.search(mail.subject + mail.plain + mail.html) else "en"
    head = [Element(Role.HEADING, mail.subject or _NO_SUBJECT[language], 1)]
    date = mail.date.strftime("%Y-%m-%d %H:%M") if mail.date is not None else ""
    facts = (mail.sender, mail.recipients, date)
    head += [
        Element(Role.BODY, f"{label}{fact}")
        for label, fact in zip(_LABELS[language], facts, strict=True)
        if fact
    ]
    unread = [("attachment", one.name) for one in mail.attachments if not is_readable(one.name, ocr=ocr)]
    return Content(
        head + [one for one in body.elements if one.text or one.table is not None],
        mail.subject,
        mail.sender,
        date[:10],
        mail.left_out + unread + body.left_out,
        mail.doubts + body.doubts,
    )


def _prefers_html(mail: Mail) -> bool:
    """Whether the text is read in its form with tags: it has tables there, or no other form."""
    return bool(mail.html) and (not mail.plain.strip() or _TABLE.search(mail.html) is not None)


def _html_content(mail: Mail, name: str) -> Content:
    content = content_of(mail.html, name)
    for place, one in enumerate(content.elements):
        if one.role is Role.HEADING:  # below the subject
            content.elements[place] = Element(one.role, one.text, one.level + 1 if one.level else 0)
    return content


def _plain_elements(text: str) -> Iterator[Element]:
    """The paragraphs of a text; those of a mail that it answers too, without the marks before their lines."""
    for one in paragraphs(_QUOTED.sub("", text)):
        yield Element(Role.BODY, one.text)
