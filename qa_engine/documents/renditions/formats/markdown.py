"""Markdown: read by markdown-it, with tables, front matter and footnotes as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Cell, Content, Element, ElementTable
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.documents.renditions.typesetting import typeset

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FACT = re.compile(r"^(title|author|date)[ \t]*:[ \t]*(.+?)[ \t]*$", re.M | re.I)
_TAG = re.compile(r"<[^<>]*>")


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a Markdown file.

    Raises:
        DocumentError: it cannot be read.
    """
    text, doubts = decoded(read_all(path))
    content = content_of(text)
    content.doubts += doubts
    return typeset(content)


def content_of(text: str) -> Content:
    """What a Markdown text consists of. Its front matter gives title, author and date, and is no text."""
    from markdown_it import MarkdownIt

    facts: dict[str, str] = {}
    front = _FRONT_MATTER.match(text)
    if front is not None:
        facts = {name.lower(): value.strip("'\"") for name, value in _FACT.findall(front[1])}
        text = text[front.end() :]
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    elements = list(_elements(tokens))
    return Content(elements, facts.get("title", ""), facts.get("author", ""), facts.get("date", "")[:10])


def _elements(tokens: Sequence[Token]) -> Iterator[Element]:
    lists: list[int | None] = []
    """The number of the next entry of each list that is open; None for one without numbers."""
    entry = False
    heading = 0
    rows: list[list[Cell]] = []
    header_rows = 0
    in_table = False
    for token in tokens:
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            lists.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            lists.pop()
        elif token.type == "list_item_open":
            entry = True
        elif token.type == "table_open":
            rows, header_rows, in_table = [], 0, True
        elif token.type == "thead_close":
            header_rows = len(rows)
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "table_close":
            in_table = False
            yield Element(Role.TABLE, table=ElementTable(rows, header_rows))
        elif token.type in {"fence", "code_block"}:
            yield Element(Role.BODY, token.content.rstrip("\n"), preformatted=True)
        elif token.type == "html_block":
            if words := _TAG.sub(" ", token.content).strip():
                yield Element(Role.BODY, " ".join(words.split()))
        elif token.type == "inline":
            text = _plain(token)
            if in_table:
                rows[-1].append(Cell(text))
            elif heading:
                yield Element(Role.HEADING, text, heading)
                heading = 0
            elif lists:
                mark = ""
                if entry:
                    number = lists[-1]
                    mark = "• " if number is None else f"{number}. "
                    lists[-1] = number + 1 if number is not None else None
                    entry = False
                yield Element(Role.LIST, mark + text, len(lists))
            elif text:
                yield Element(Role.BODY, text)


def _plain(token: Token) -> str:
    """The words of a paragraph. What a picture or a link refers to is not fetched."""
    parts = []
    for child in token.children or ():
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type == "image":
            parts.append(child.content)
    return _without_breaks("".join(parts))


def _without_breaks(text: str) -> str:
    """A text on one line: without a blank between Chinese characters."""
    return (
        re.sub(
            r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\n(?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])",
            "",
            text,
        )
        .replace("\n", " ")
        .strip()
    )
