"""The parts of a mail (RFC 5322, MIME): its head, its text, and the files that are attached to it."""

from __future__ import annotations

import email
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import PurePath
from typing import NamedTuple

from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line, one_line

MAX_PARTS = 2_000
"""A mail with more parts is refused."""
_MAX_NAME = 150
"""Bytes of the name of an attachment, of which 255 fit in a file system."""
_MAX_HEAD = 500
_ENCRYPTED = frozenset({"multipart/encrypted"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_HEAD_LINE = re.compile(rb"^[!-9;-~]+[ \t]*:", re.M)
_BROKEN = (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError)
"""What the parser of the standard library raises for mails that keep to no rule."""


class Attachment(NamedTuple):
    """A file that is attached to a mail.

    Attributes:
        name: without slashes and control characters, and another one than that of each other file of the mail.
        content: its bytes.
    """

    name: str
    content: bytes


class Mail(NamedTuple):
    """A mail.

    Attributes:
        subject, sender, recipients: as its head says, on one line each; empty if it does not.
        date: when it was sent; None if that is not known.
        plain, html: its text in one form or the other; empty if it has it in the other form alone.
        attachments: in their order.
        left_out: role and text of parts that are not read.
        doubts: what may be wrong with the text, one clause each.
    """

    subject: str
    sender: str
    recipients: str
    date: datetime | None
    plain: str
    html: str
    attachments: list[Attachment]
    left_out: list[tuple[str, str]]
    doubts: list[str]


def parse_mail(data: bytes, name: str) -> Mail:
    """The parts of a mail. Nothing that it refers to is fetched.

    Args:
        data: the bytes of the file.
        name: of the file, for messages.

    Raises:
        DocumentError: it is no mail (``damaged``), is encrypted (``locked``) or has too many parts (``too_large``).
    """
    if not _HEAD_LINE.search(data[:4096]):
        raise DocumentError("damaged", f"{name} is no mail: it has no head.")
    try:
        message = email.message_from_bytes(data, policy=policy.default)
        return _mail(message, name)
    except _BROKEN as error:
        raise DocumentError(
            "damaged", f"{name} is no mail that can be read ({first_line(error)})."
        ) from error


def _mail(message: EmailMessage, name: str) -> Mail:
    parts: list[EmailMessage] = []
    for part in _leaves(message, name):
        parts.append(part)
        if len(parts) > MAX_PARTS:
            raise DocumentError("too_large", f"{name} has more than {MAX_PARTS:,} parts.")
    plain: list[str] = []
    html: list[str] = []
    doubts: list[str] = []
    left_out: list[tuple[str, str]] = []
    files: list[tuple[str, bytes]] = []
    for part in parts:
        kind, file = part.get_content_type(), _file_name(part)
        if kind in _SIGNATURES:
            continue
        if (
            kind in {"text/plain", "text/html"}
            and part.get_content_disposition() != "attachment"
            and not file
        ):
            text, found = decoded(_bytes(part), part.get_content_charset())
            (plain if kind == "text/plain" else html).append(text)
            doubts += [doubt for doubt in found if doubt not in doubts]
        elif (
            kind.startswith("image/")
            and part.get("Content-ID")
            and part.get_content_disposition() != "attachment"
        ):
            left_out.append(("figure", file or kind))  # a picture within the text, most often a logo
        else:
            files.append((file or _invented_name(part), _bytes(part)))
    return Mail(
        _head(message, "subject"),
        _head(message, "from"),
        _head(message, "to"),
        _date(message),
        "\n\n".join(plain),
        "\n".join(html),
        list(_with_distinct_names(files)),
        left_out,
        doubts,
    )


def _leaves(message: EmailMessage, name: str) -> Iterator[EmailMessage]:
    """The parts that are no groups of parts, in their order; attached mails whole."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.get_content_type()
        if kind in _ENCRYPTED or kind in _SEALED:
            raise DocumentError("locked", f"{name} is an encrypted mail: save it without its encryption.")
        if kind.startswith("multipart/"):
            inner = part.get_payload()
            if isinstance(inner, list):
                waiting += reversed(inner)  # type: ignore[arg-type]
            else:  # its parts have no bounds: what it has is text
                part.set_type("text/plain")
                yield part
        else:
            yield part


def _bytes(part: EmailMessage) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        mails = inner if isinstance(inner, list) else []
        return b"".join(one.as_bytes() for one in mails if isinstance(one, EmailMessage))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: EmailMessage) -> str:
    return _safe_name(_decoded_head(part.get_filename() or ""))


def _invented_name(part: EmailMessage) -> str:
    """A name for a part without one."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        subject = _head(inner[0], "subject") if isinstance(inner, list) and inner else ""  # type: ignore[arg-type]
        return _safe_name(f"{subject or 'mail'}.eml")
    endings = {"application/pdf": ".pdf", "text/html": ".html", "text/plain": ".txt", "text/csv": ".csv"}
    return f"attachment{endings.get(part.get_content_type(), '')}"


def _safe_name(name: str) -> str:
    """The name of a file in no folder, that a file system can have."""
    name = "".join("_" if unicodedata.category(one)[0] == "C" else one for one in name)
    path = PurePath(one_line(re.sub(r"[/\\]", "_", name)).lstrip(". "))
    stem, suffix = path.stem, path.suffix
    while stem and len(f"{stem}{suffix}".encode("utf-8", "replace")) > _MAX_NAME:
        stem = stem[:-1]
    return f"{stem}{suffix}" if len(suffix) < _MAX_NAME // 4 else stem


def _with_distinct_names(files: list[tuple[str, bytes]]) -> Iterator[Attachment]:
    taken: set[str] = set()
    for name, content in files:
        path, number, distinct = PurePath(name), 1, name
        while distinct.lower() in taken:
            number += 1
            distinct = f"{path.stem} ({number}){path.suffix}"
        taken.add(distinct.lower())
        yield Attachment(distinct, content)


def _head(message: EmailMessage, name: str) -> str:
    # Raw, since the policy makes lost characters of bytes that are no ASCII.
    found = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    return one_line(_decoded_head(found), _MAX_HEAD)


def _decoded_head(text: str) -> str:
    """A line of the head as people read it, though it was written against the rules: as bytes, or quoted in a quotation."""
    if any("\udc80" <= one <= "\udcff" for one in text):
        text = decoded(text.encode("utf-8", "surrogateescape"))[0]
    if "=?" in text:
        parts = decode_header(text)
        text = "".join(
            decoded(part, encoding)[0] if isinstance(part, bytes) else part for part, encoding in parts
        )
    return text.encode("utf-8", "replace").decode()


def _date(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(_head(message, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
