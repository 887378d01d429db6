"""Makes the rendition of a file that is no PDF, once, and keeps its PDF by the content of the file."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from threading import Lock

from qa_engine.documents.files import read_head, write_whole
from qa_engine.documents.formats import PDF_HEAD, FileFormat, format_of, suffix_of
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.archives import checked_archive
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.errors import DocumentError
from qa_engine.extras import missing_package

RENDITIONS_FOLDER = "renditions"
"""The folder of the storage that holds renditions."""
_KEPT = 2
"""Renditions that a process keeps in memory if no folder is given."""
_recent: OrderedDict[str, bytes] = OrderedDict()
_recent_lock = Lock()


def rendered_format(path: Path, options: ReadingOptions) -> FileFormat | None:
    """The format of a file that needs a rendition; None for a file that is, or may be, a PDF, unless a converter reads it.

    Raises:
        DocumentError: the file cannot be read, is empty or too large.
        ConfigurationError: a converter is not there.
    """
    if options.converters:
        from qa_engine.documents.renditions.converters import converter_formats  # imports what sets pages

        if (converted := converter_formats(options.converters).get(suffix_of(path))) is not None:
            read_head(path, options.max_megabytes)
            return converted
    kind = format_of(path)
    if kind is None or PDF_HEAD in read_head(path, options.max_megabytes):
        return None
    return kind


def render(path: Path, kind: FileFormat, options: ReadingOptions) -> Rendition:
    """Makes the rendition of a file, and keeps its PDF.

    Args:
        path: of the file.
        kind: its format, by `rendered_format`.
        options: limits and passwords, and the folder that keeps renditions.

    Raises:
        DocumentError: the file cannot be read; ``reason`` says why.
    """
    for package in kind.packages:
        if (command := missing_package("office", package)) is not None:
            message = f"{path.name} needs a package that is not installed ({package}): {command}."
            raise DocumentError("unsupported", message)
    module, _, function = kind.reader.partition(":")
    try:
        rendition: Rendition
        if kind.converter:
            from qa_engine.documents.renditions.converters import convert

            rendition = convert(kind.converter, path, options)
        else:
            with checked_archive(path, kind.name, options) if kind.zipped else nullcontext(path) as content:
                rendition = getattr(import_module(module), function)(content, options)
    except OSError as error:
        raise DocumentError(
            "unreadable", f"{path.name} cannot be read: {error.strerror or error}."
        ) from error
    _keep(_key(path, kind), rendition.pdf, options)
    return rendition


def rendition_pdf(path: Path, kind: FileFormat, options: ReadingOptions) -> bytes:
    """The PDF of the rendition of a file: the one that is kept, or a new one.

    Args, Raises: as for `render`.
    """
    key = _key(path, kind)
    if options.renditions:
        try:
            return Path(options.renditions, key).read_bytes()
        except FileNotFoundError:
            pass  # it was made on another machine, or removed
    else:
        with _recent_lock:
            if key in _recent:
                return _recent[key]
    return render(path, kind, options).pdf


def rendition_name(sha256: str, kind: FileFormat) -> str:
    """The name of the rendition of a content: another version of what makes it makes another one."""
    return f"{sha256}-{kind.name}-{kind.version}.pdf"


def _key(path: Path, kind: FileFormat) -> str:
    try:
        with path.open("rb") as file:
            return rendition_name(hashlib.file_digest(file, "sha256").hexdigest(), kind)
    except OSError as error:
        raise DocumentError(
            "unreadable", f"{path.name} cannot be read: {error.strerror or error}."
        ) from error


def _keep(key: str, pdf: bytes, options: ReadingOptions) -> None:
    """Keeps a rendition: whole or not at all, whatever ends this process."""
    if not options.renditions:
        with _recent_lock:
            _recent[key] = pdf
            while len(_recent) > _KEPT:
                _recent.popitem(last=False)
        return
    folder = Path(options.renditions)
    try:
        write_whole(folder / key, pdf)
    except OSError as error:
        raise DocumentError(
            "unreadable", f"The rendition of a file cannot be stored in {folder}: {error.strerror or error}."
        ) from error
