"""Markdown: read by markdown-it, with tables, footnotes, formulas, HTML in it, and front matter (YAML or TOML)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Cell, Content, Element, ElementTable
from qa_engine.documents.renditions.formats.html import content_of as html_content
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.documents.renditions.typesetting import typeset

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\A(?:---[ \t]*\n(.*?\n)?(?:---|\.\.\.)|\+\+\+[ \t]*\n(.*?\n)?\+\+\+)[ \t]*(?:\n|\Z)", re.DOTALL
)
_FACT = re.compile(r"^(title|author|date)[ \t]*[:=][ \t]*(.+?)[ \t]*$", re.M | re.I)
_BREAK = re.compile(r"<br\s*/?>", re.I)
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}$")
"""What some programs write behind a heading: ``{#id .class}``."""
_MAX_NESTING = 60
"""Depth of lists and quotations; what is deeper is not read."""


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a Markdown file.

    Raises:
        DocumentError: it cannot be read.
    """
    text, doubts = decoded(read_all(path))
    content = content_of(text, path.name)
    content.doubts += doubts
    return typeset(content)


def content_of(text: str, name: str = "the file") -> Content:
    """What a Markdown text consists of. Its front matter gives title, author and date, and is no text.

    Args:
        text: of the file.
        name: of the file, for messages.
    """
    facts: dict[str, str] = {}
    front = _FRONT_MATTER.match(text)
    if front is not None:
        matter = front[1] or front[2] or ""
        facts = {key.lower(): value.strip("'\"") for key, value in _FACT.findall(matter)}
        text = text[front.end() :]
    elements = list(_elements(_tokens(text), name))
    return Content(elements, facts.get("title", ""), facts.get("author", ""), facts.get("date", "")[:10])


def _tokens(text: str) -> Sequence[Token]:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(dollarmath_plugin, allow_space=False, allow_digits=False)
    environment: dict[str, Any] = {}
    tokens = parser.parse(text, environment)
    notes = environment.get("footnotes", {}).get("refs", {})
    unused = [label.removeprefix(":") for label, number in notes.items() if number < 0]
    if unused:
        # Footnotes that nothing refers to would be dropped.
        tokens = parser.parse(f"{text}\n\n{''.join(f'[^{label}]' for label in unused)}\n", {})
    return tokens


def _elements(tokens: Sequence[Token], name: str) -> Iterator[Element]:
    lists: list[int | None] = []
    """The number of the next entry of each list that is open; None for one without numbers."""
    entry = False
    heading = 0
    rows: list[list[Cell]] = []
    header_rows = 0
    in_table = in_note = False
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
            yield from html_content(token.content, name).elements
        elif token.type in {"math_block", "math_block_label"}:
            yield Element(Role.FORMULA, " ".join(token.content.split()))
        elif token.type in {"footnote_open", "footnote_close"}:
            in_note = token.type == "footnote_open"
        elif token.type == "inline":
            text = _plain(token)
            if in_table:
                rows[-1].append(Cell(text))
            elif heading:
                if text := _ATTRIBUTES.sub("", text):
                    yield Element(Role.HEADING, text, heading)
                heading = 0
            elif in_note:
                yield Element(Role.FOOTNOTE, text)
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
        if child.type in {"text", "code_inline", "math_inline", "math_inline_double"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type == "html_inline" and _BREAK.fullmatch(child.content):
            parts.append(" ")
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
