"""A Word file in, the XML of its parts out: found by what they are, since their names differ between programs."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from qa_engine.errors import DocumentError
from qa_engine.text.one_line import first_line, one_line

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_USUAL = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_OLE = b"\xd0\xcf\x11\xe0"
"""What files begin with that are no zip archive: those of Word before 2007, and those with a password."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What reading a broken archive raises."""


class WordFile:
    """The parts of a Word file that is open."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            DocumentError: it is no archive, or one with a password.
        """
        self._path = path
        with path.open("rb") as file:
            head = file.read(len(_OLE))
            if head == _OLE:
                locked = _ENCRYPTED in head + file.read()
                if locked:
                    raise DocumentError("locked", f"{path.name} needs a password.")
                raise DocumentError(
                    "unsupported", f"{path.name} is a file of Word before 2007: save it as .docx."
                )
        try:
            self._archive = zipfile.ZipFile(path)
        except BROKEN as error:
            raise self.damaged(error) from error
        self._names = set(self._archive.namelist())
        self.document = next(self._targets("_rels/.rels", "", "officeDocument"), "word/document.xml")
        folder, name = posixpath.split(self.document)
        self._relations = posixpath.join(folder, "_rels", f"{name}.rels")

    def __enter__(self) -> WordFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def damaged(self, error: BaseException) -> DocumentError:
        """What is raised if the file cannot be read."""
        return DocumentError(
            "damaged", f"{self._path.name} is no readable Word document ({first_line(error)})."
        )

    def body(self) -> Any:
        """The body of the document.

        Raises:
            DocumentError: there is none.
        """
        root = self._xml(self.document)
        body = root.find(f"{W}body") if root is not None else None
        if body is None:
            raise DocumentError("damaged", f"{self._path.name} is no Word document: it has no body.")
        return body

    def parts(self, kind: str) -> Iterator[Any]:
        """The roots of the parts of a kind, such as ``styles`` or ``footnotes``; those that are missing left out."""
        folder = posixpath.dirname(self.document)
        for name in self._targets(self._relations, folder, kind):
            root = self._xml(name)
            if root is not None:
                yield root

    def facts(self) -> tuple[str, str, str]:
        """Title, author and date of the document."""
        name = next(self._targets("_rels/.rels", "", "core-properties"), "docProps/core.xml")
        core = self._xml(name)
        if core is None:
            return "", "", ""
        title, author, created = (
            core.findtext(one) or "" for one in (f"{_DC}title", f"{_DC}creator", f"{_TERMS}created")
        )
        return one_line(title, 200), one_line(author, 200), created[:10]

    def _targets(self, relations: str, folder: str, kind: str) -> Iterator[str]:
        root = self._xml(relations)
        for relation in root if root is not None else ():
            if (relation.get("Type") or "").endswith(f"/{kind}") and relation.get("TargetMode") != "External":
                target = relation.get("Target") or ""
                yield target[1:] if target[:1] == "/" else posixpath.normpath(posixpath.join(folder, target))

    def _xml(self, name: str) -> Any:
        """The root of a part; None if the file has no such part. Entities are not resolved."""
        from lxml import etree

        if name not in self._names:
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
        )
        try:
            return etree.fromstring(self._archive.read(name).replace(_STRICT, _USUAL), parser)
        except (*BROKEN, etree.XMLSyntaxError) as error:
            raise self.damaged(error) from error
