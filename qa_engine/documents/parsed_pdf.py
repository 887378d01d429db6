"""A PDF file as it was read: its text, how each page was read, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from qa_engine.documents.blocks import NO_FACTS, FileFacts, LeftOutPlace, Role, RunningText
from qa_engine.text.one_line import one_line

_DIGITS = re.compile(r"\d+")
_MAX_TEXTS, _MAX_CHARS = 50, 120
"""Bounds of what is said about a file, whatever was left out of it."""


@dataclass(frozen=True)
class PageReport:
    """How one page was read.

    Attributes:
        number, parser, ocr, doubts, unread, suspect: as of a `Page`.
        label: the number that is printed on it, or that the file gives it; None without one.
        roles: how many blocks of each role it has.
        left_out: role and text of headers, footers, page numbers and figures, which are not in the text of the file; turned
            lines that are no sentences (``turned``), text that is ``hidden``, ``struck`` or a ``watermark``, and names of
            attached files (``attachment``).
        places: of those of them that stand on the page as it is shown.
    """

    number: int
    label: str | None
    parser: str
    ocr: bool = False
    roles: dict[str, int] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    unread: str | None = None
    suspect: bool = False
    places: list[LeftOutPlace] = field(default_factory=list)


@dataclass(frozen=True)
class LeftOut:
    """Text of a file that is not read, such as a header.

    Attributes:
        role: what it is: ``header``, ``footer``, ``page_number``, ``line_number``, ``figure`` and so on.
        text: on the first of its pages, at most 120 characters of it.
        page: the first of its pages.
        pages: how many pages have it, with other digits perhaps.
    """

    role: str
    text: str
    page: int
    pages: int


def left_out(reports: Sequence[PageReport]) -> list[LeftOut]:
    """What was left out of the pages of a file, each text once, the first fifty of them."""
    found: dict[tuple[str, str], tuple[int, str, set[int]]] = {}
    for report in reports:
        for role, text in report.left_out:
            words = "" if role == Role.PAGE_NUMBER else _DIGITS.sub("#", text)
            found.setdefault((role, words), (report.number, text, set()))[2].add(report.number)
    return [
        LeftOut(role, one_line(text, _MAX_CHARS), page, len(pages))
        for (role, _), (page, text, pages) in islice(found.items(), _MAX_TEXTS)
    ]


@dataclass(frozen=True)
class ParsedPdf(RunningText):
    """The running text of one file, how each of its pages was read, and what its own metadata say of it."""

    pages: list[PageReport] = field(default_factory=list)
    facts: FileFacts = NO_FACTS
