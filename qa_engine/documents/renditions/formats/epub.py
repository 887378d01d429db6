"""Electronic books (EPUB 2 and 3): their chapters in the order of the book, each of which begins a page."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from qa_engine.documents.blocks import Role
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.elements import Content, Element
from qa_engine.documents.renditions.formats.html import content_of, declared_text
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import typeset_pages
from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line, one_line

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
"""Ways to encrypt that obfuscate fonts alone: the text is readable."""
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_CONTENTS = "application/x-dtbncx+xml"
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)


def read(path: Path, options: ReadingOptions) -> Rendition:
    """The pages of an electronic book.

    Raises:
        DocumentError: it cannot be read, or is protected against copying (``locked``).
    """
    return typeset_pages(chapters(path))


def chapters(path: Path) -> list[Content]:
    """What each part of a book consists of, in reading order; parts without text, such as the cover, left out.

    A part without any heading has its title in the table of contents as its heading.

    Raises:
        DocumentError: it cannot be read, or is protected against copying (``locked``).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return list(_Book(archive, path.name).chapters())
    except _BROKEN as error:
        raise DocumentError("damaged", f"{path.name} is no readable book ({first_line(error)}).") from error


class _Book:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        self._names = set(archive.namelist())

    def chapters(self) -> Iterator[Content]:
        if self._is_locked():
            raise DocumentError(
                "locked", f"{self._name} is protected against copying (DRM): its text is encrypted."
            )
        package_name = self._package_name()
        package = self._xml(package_name)
        if package is None:
            raise self._incomplete(package_name)
        folder = posixpath.dirname(package_name)
        items = {item.get("id"): item for item in _all(package, "item")}
        spine = [items.get(one.get("idref")) for one in _all(package, "itemref") if one.get("linear") != "no"]
        titles = dict(self._titles(items.values(), folder))
        facts = [one_line(_text(package, name), 200) for name in ("title", "creator", "date")]
        found = []
        for item in spine:
            if item is None or item.get("media-type") not in _PAGES or _is_navigation(item):
                continue
            name = _resolved(folder, item.get("href") or "")
            content = self._chapter(name, titles.get(name, ""))
            if content.elements or content.doubts:
                found.append(content)
        first, *others = found or [Content()]
        first.title, first.author, first.created = facts[0], facts[1], facts[2][:10]
        yield from (first, *others)

    def _chapter(self, name: str, title: str) -> Content:
        if name not in self._names:
            return Content(doubts=[f"its part {name} is missing"])
        text, doubts = declared_text(self._archive.read(name))
        content = content_of(text, f"{self._name}/{name}")
        content.doubts += doubts
        if title and content.elements and all(one.role is not Role.HEADING for one in content.elements):
            content.elements.insert(0, Element(Role.HEADING, title, 1))
        return content

    def _package_name(self) -> str:
        container = self._xml(_CONTAINER)
        roots = _all(container, "rootfile") if container is not None else []
        if roots:
            return _resolved("", roots[0].get("full-path") or "")
        packages = sorted(name for name in self._names if name.endswith(".opf"))
        if not packages:
            raise self._incomplete(_CONTAINER)
        return packages[0]

    def _is_locked(self) -> bool:
        """Whether something other than fonts is encrypted."""
        encryption = self._xml(_ENCRYPTION)
        ways = _all(encryption, "EncryptionMethod") if encryption is not None else []
        return any(
            way.get("Algorithm") not in _FONTS
            for way in ways
            if way.getparent().tag.endswith("}EncryptedData")
        )

    def _titles(self, items: Any, folder: str) -> Iterator[tuple[str, str]]:
        """The title of each part in the table of contents: its first one there."""
        found: dict[str, str] = {}
        for item in items:
            name = _resolved(folder, item.get("href") or "")
            if not _is_navigation(item) and item.get("media-type") != _CONTENTS:
                continue
            root = self._xml(name, repair=True)
            for entry in _all(root, "navPoint") if root is not None else []:
                links = _all(entry, "content")
                target = links[0].get("src") if links else ""
                found.setdefault(_target(name, target), one_line(_text(entry, "text"), 200))
            for link in _all(root, "a") if root is not None else []:
                found.setdefault(_target(name, link.get("href")), one_line("".join(link.itertext()), 200))
        yield from found.items()

    def _incomplete(self, name: str) -> DocumentError:
        return DocumentError("damaged", f"{self._name} is no readable book: it has no {name}.")

    def _xml(self, name: str, *, repair: bool = False) -> Any:
        """The root of a part; None if it is missing, or, with ``repair``, if nothing of it can be parsed."""
        from lxml import etree

        if name not in self._names:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, recover=repair
        )
        try:
            return etree.fromstring(self._archive.read(name), parser)
        except etree.XMLSyntaxError as error:
            if repair:
                return None
            raise DocumentError(
                "damaged", f"{self._name} is no readable book: {name} is no XML ({first_line(error)})."
            ) from error


def _all(root: Any, name: str) -> list[Any]:
    """All elements of a name, whatever their namespace."""
    return list(root.iter(name, f"{{*}}{name}"))


def _text(root: Any, name: str) -> str:
    found = _all(root, name)
    return "".join(found[0].itertext()) if found else ""


def _is_navigation(item: Any) -> bool:
    return "nav" in (item.get("properties") or "").split()


def _resolved(folder: str, reference: str) -> str:
    """The name of a member of the archive; one that leaves the archive is the name of none."""
    return posixpath.normpath(posixpath.join(folder, unquote(reference.partition("#")[0])))


def _target(name: str, reference: str | None) -> str:
    return _resolved(posixpath.dirname(name), reference or "")
