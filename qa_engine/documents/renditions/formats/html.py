"""HTML pages: headings, paragraphs, lists and tables, without navigation, scripts and forms. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.files import read_all
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.tables.header_rows import count_header_rows
from qa_engine.documents.renditions.elements import Cell, Content, Element, ElementTable, grid_of
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.documents.renditions.typesetting import typeset
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import one_line

NAVIGATION = "navigation"
"""The role of what is left out because it leads to other pages."""
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_-]+)""", re.I)
_HEAD = 4096
_NO_TEXT = frozenset(
    {"script", "style", "noscript", "template", "head", "svg", "math", "canvas", "object", "embed", "iframe"}
    | {"video", "audio", "select", "button", "input", "textarea", "option", "datalist", "dialog", "map"}
)
_NAVIGATION = frozenset({"nav", "aside", "menu"})
_NAVIGATION_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar"}
)
_NAVIGATION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|sidebar|cookies?|advert\w*|pagination|share|toolbar)"
    r"(?:$|[\s_-])",
    re.I,
)
_NAMED = frozenset({"div", "ul", "ol", "section", "p"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_FLOW = frozenset(
    {"address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "section",
        "summary",
    }
    | {"table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "html"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_MOST = 0.5
"""The main part of a page is all that is read if it has this share of its text; what has more is no navigation."""
_MAX_SPAN = 1000
"""Columns and rows that a cell may reach over, as in browsers."""
_MAX_LEFT_OUT = 120


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of an HTML file.

    Raises:
        DocumentError: it cannot be read.
    """
    text, doubts = declared_text(read_all(path))
    content = content_of(text, path.name)
    content.doubts += doubts
    return typeset(content)


def declared_text(data: bytes) -> tuple[str, list[str]]:
    """The text of a page in the encoding that it names, and what may be wrong with it.

    Args:
        data: the bytes of the file.
    """
    declared = _CHARSET.search(data[:_HEAD])
    return decoded(data, declared[1].decode("ascii") if declared is not None else None)


def content_of(text: str, name: str) -> Content:
    """What a page of HTML consists of.

    Args:
        text: of the page.
        name: of its file, for messages.

    Raises:
        DocumentError: it is no HTML that can be parsed.
    """
    from lxml import etree, html

    # A declaration of an encoding is refused in text, and what it says was heeded already.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.replace("\0", ""))
    parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text or "<p></p>", parser=parser)
    except etree.ParserError:
        return Content()  # there is nothing but comments
    except (etree.LxmlError, ValueError) as error:
        raise DocumentError(
            "damaged", f"{name} cannot be parsed as HTML ({one_line(str(error), 100)})."
        ) from error
    content = Content(
        title=_first(root, "//title/text()"), author=_meta(root, "author"), created=_meta(root, "date")[:10]
    )
    content.left_out = [(NAVIGATION, part) for part in _without_navigation(root)]
    content.elements = list(_Flow(_main(root)).elements())
    return content


def _first(root: Any, query: str) -> str:
    found = root.xpath(query)
    return one_line(str(found[0])) if found else ""


def _meta(root: Any, name: str) -> str:
    return _first(root, f"//meta[@name='{name}']/@content")


def _words(element: Any) -> int:
    """How many visible characters an element has."""
    return sum(len(part) for text in element.itertext() for part in text.split())


def _without_navigation(root: Any) -> Iterator[str]:
    """Takes out of a page what is no text of it, and yields what of it leads elsewhere, as far as it has words."""
    for element in list(root.iter()):
        if isinstance(element.tag, str) and element.tag in _NO_TEXT and element.tag != "head":
            element.drop_tree()
    whole = max(_words(root), 1)
    for element in list(root.iter()):
        if element is root or not isinstance(element.tag, str) or element.getparent() is None:
            continue
        hidden = (
            element.get("hidden") is not None
            or element.get("aria-hidden") == "true"
            or _HIDDEN_STYLE.search(element.get("style") or "") is not None
        )
        named = _is_named_navigation(element) and _words(element) < _MOST * whole
        if not hidden and not named and not _is_navigation(element):
            continue
        words = one_line(" ".join(element.itertext()), _MAX_LEFT_OUT)
        element.drop_tree()
        if words and not hidden:
            yield words


def _is_navigation(element: Any) -> bool:
    """Whether an element says itself that it is no text of the page."""
    if element.tag in {"header", "footer"}:
        return element.getparent().tag == "body" and not element.xpath(".//h1")
    return element.tag in _NAVIGATION or element.get("role") in _NAVIGATION_ROLES


def _is_named_navigation(element: Any) -> bool:
    """Whether its author has named an element as if it led elsewhere."""
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return element.tag in _NAMED and _NAVIGATION_NAMES.search(names) is not None


def _main(root: Any) -> Any:
    """The part of a page that has most of its text, if the page names one; else its body."""
    body = root.find("body")
    body = root if body is None else body
    whole = _words(body)
    for query in (".//main", ".//article"):
        found = body.findall(query)
        if len(found) == 1 and _words(found[0]) >= _MOST * whole:
            return found[0]
    return body


class _Flow:
    """Goes through the elements of a page once, without recursion, whatever their depth."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._parts: list[str] = []
        self._lists: list[int | None] = []
        self._mark = ""
        self._roles: list[tuple[Any, Role]] = []
        self._pre: Any = None

    def elements(self) -> Iterator[Element]:
        """The elements in the order of the page."""
        from lxml import etree

        inside: Any = None
        walk = etree.iterwalk(self._root, events=("start", "end"))
        for event, node in walk:
            if event == "start":
                if inside is not None:
                    continue
                if node.tag == "table" and (table := _table(node)) is not None:
                    yield from self._flush()
                    caption = node.find("caption")
                    if caption is not None and (words := one_line("".join(caption.itertext()))):
                        yield Element(Role.CAPTION, words)
                    yield Element(Role.TABLE, table=table)
                    inside = node
                    continue
                yield from self._start(node)
            else:
                if inside is node:
                    inside = None
                elif inside is None:
                    yield from self._end(node)
                if inside is None and node is not self._root and node.tail:
                    self._parts.append(node.tail)
        yield from self._flush()

    def _start(self, node: Any) -> Iterator[Element]:
        tag = node.tag
        if tag in _HEADINGS or tag in _FLOW or tag == "pre":
            yield from self._flush()
        if tag == "pre" and self._pre is None:
            self._pre = node
        if tag in {"ul", "ol"}:
            start = str(node.get("start") or 1)
            self._lists.append(int(start) if tag == "ol" and start.isdecimal() and len(start) < 9 else None)
        elif tag == "li" and self._lists:
            number = self._lists[-1]
            self._mark = "• " if number is None else f"{number}. "
            self._lists[-1] = number + 1 if number is not None else None
        if role := _role_of(node):
            self._roles.append((node, role))
        if tag == "br":
            self._parts.append("\n")
        elif tag == "img" and node.get("alt"):
            self._parts.append(node.get("alt"))
        if node.text:
            self._parts.append(node.text)

    def _end(self, node: Any) -> Iterator[Element]:
        tag = node.tag
        if tag in _HEADINGS:
            yield from self._flush(_HEADINGS[tag])
        elif tag in _FLOW or tag == "pre":
            yield from self._flush()
        if tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        if self._pre is node:
            self._pre = None
        if self._roles and self._roles[-1][0] is node:
            self._roles.pop()

    def _flush(self, heading: int = 0) -> Iterator[Element]:
        """What was gathered, if it has words."""
        text = "".join(self._parts)
        self._parts = []
        if self._pre is not None:
            if text.strip():
                yield Element(Role.BODY, text.strip("\n"), preformatted=True)
            return
        for line in text.split("\n") if heading == 0 and not self._lists else [text]:
            words = one_line(line)
            if not words:
                continue
            if heading:
                yield Element(Role.HEADING, words, heading)
            elif self._roles:
                yield Element(self._roles[-1][1], words)
            elif self._lists:
                yield Element(Role.LIST, self._mark + words, len(self._lists))
                self._mark = ""
            else:
                yield Element(Role.BODY, words)


def _role_of(node: Any) -> Role | None:
    if node.tag in {"figcaption", "caption"}:
        return Role.CAPTION
    kind = node.get("data-role")
    return {"note": Role.NOTE, "footnote": Role.FOOTNOTE}.get(kind) if kind else None


def _table(node: Any) -> ElementTable | None:
    """A table of data; None for one that only places other things on the page."""
    if node.get("role") in {"presentation", "none"} or node.find(".//table") is not None:
        return None
    rows: list[list[Cell]] = []
    named = 0
    for row in node.iter("tr"):
        cells = [cell for cell in row if cell.tag in {"td", "th"}]
        if not cells:
            continue
        header = row.getparent().tag == "thead" or all(cell.tag == "th" for cell in cells)
        if header and named == len(rows):
            named += 1
        rows.append(
            [Cell(_cell_text(cell), _span(cell, "colspan"), _span(cell, "rowspan")) for cell in cells]
        )
    if len(rows) < 2 or max(len(row) for row in rows) < 2:
        return None
    if not named:
        named = count_header_rows(grid_of(ElementTable(rows, 0))[0])
    return ElementTable(rows, min(named, len(rows)))


def _cell_text(cell: Any) -> str:
    return one_line(" ".join(part for part in cell.itertext() if part.strip()))


def _span(cell: Any, name: str) -> int:
    value = str(cell.get(name) or "1").strip()
    return min(max(int(value), 1), _MAX_SPAN) if value.isdecimal() and len(value) < 10 else 1
