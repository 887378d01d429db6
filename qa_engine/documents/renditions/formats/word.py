"""Word documents: their text as it is accepted, with headings, lists, tables, notes and comments, by mammoth."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content
from qa_engine.documents.renditions.formats.html import content_of
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import typeset
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line, one_line

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_MAX_LEVEL = 6
_DELETED = "deleted"
"""The role of what is left out because a tracked change deletes it."""
_STYLES = "\n".join(
    [
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='标题'] => h1:fresh",
        *(f"p[style-name='标题 {level}'] => h{level}:fresh" for level in range(1, 7)),
        "comment-reference => sup",
    ]
)
_REFERENCE = re.compile(r"<sup>\s*(?:<a [^>]*>\[[^<\]]*\]</a>\s*)+</sup>")
_BACK = re.compile(r'<a href="#(?:footnote|endnote|comment)-ref-[^"]*">\s*↑\s*</a>')
_NOTES = re.compile(r"<ol>(?=<li id=\"(?:footnote|endnote)-)(.*)</ol>", re.DOTALL)
_NOTE = re.compile(
    r'<li id="(?:footnote|endnote)-[^"]*">(.*?)</li>(?=<li id="(?:footnote|endnote)-|$)', re.DOTALL
)
_COMMENT = re.compile(r"<dt[^>]*>.*?</dt>\s*<dd[^>]*>(.*?)</dd>", re.DOTALL)


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of a Word document.

    Raises:
        DocumentError: it cannot be read.
    """
    return typeset(content_of_word(path))


def content_of_word(path: Path) -> Content:
    """What a Word document consists of: insertions are in, deletions out, notes and comments behind the text.

    Raises:
        DocumentError: it cannot be read.
    """
    import mammoth

    try:
        with zipfile.ZipFile(path) as archive:
            styles = _STYLES + "\n" + "\n".join(_outline_styles(archive))
            deleted = list(_deleted(archive))
            facts = _facts(archive)
        with path.open("rb") as file:
            html = mammoth.convert_to_html(
                file, style_map=styles, convert_image=mammoth.images.img_element(lambda image: {})
            ).value
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        AttributeError,
        IndexError,
        ElementTree.ParseError,
    ) as error:
        raise DocumentError(
            "damaged", f"{path.name} is no readable Word document ({first_line(error)})."
        ) from error
    content = content_of(f"<html><body>{_marked_notes(html)}</body></html>", path.name)
    content.title, content.author, content.created = facts
    content.left_out += [(_DELETED, text) for text in deleted]
    return content


def _marked_notes(html: str) -> str:
    """The HTML of mammoth with notes and comments marked as what they are, and without the marks that lead to them."""
    html = _BACK.sub("", _REFERENCE.sub("", html))
    html = _NOTES.sub(lambda found: _NOTE.sub(r'<div data-role="footnote">\1</div>', found[1]), html)
    return _COMMENT.sub(r'<div data-role="note">\1</div>', html)


def _xml(archive: zipfile.ZipFile, name: str) -> Any:
    return ElementTree.fromstring(archive.read(name)) if name in archive.namelist() else None


def _outline_styles(archive: zipfile.ZipFile) -> Iterator[str]:
    """A rule for each style of paragraphs that has an outline level, whatever its name."""
    styles = _xml(archive, "word/styles.xml")
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        name, level = style.find(f"{_W}name"), style.find(f"{_W}pPr/{_W}outlineLvl")
        if name is None or level is None or "'" in (name.get(f"{_W}val") or "'"):
            continue
        value = level.get(f"{_W}val") or ""
        if value.isdecimal() and int(value) < _MAX_LEVEL:
            yield f"p[style-name='{name.get(f'{_W}val')}'] => h{int(value) + 1}:fresh"


def _deleted(archive: zipfile.ZipFile) -> Iterator[str]:
    """The text of each tracked deletion."""
    document = _xml(archive, "word/document.xml")
    for deletion in document.iter(f"{_W}del") if document is not None else ():
        if text := one_line("".join(part.text or "" for part in deletion.iter(f"{_W}delText")), 120):
            yield text


def _facts(archive: zipfile.ZipFile) -> tuple[str, str, str]:
    """Title, author and date of the document."""
    core = _xml(archive, "docProps/core.xml")
    if core is None:
        return "", "", ""
    title, author, created = (
        core.findtext(name) or "" for name in (f"{_DC}title", f"{_DC}creator", f"{_TERMS}created")
    )
    return one_line(title, 200), one_line(author, 200), created[:10]
