"""Converters of users: packages that make the pages of a file, in place of ours or for further formats.

A package offers one as an entry point of the group ``qa_engine.converters``; ``documents.converters`` names those that are
used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from qa_engine.documents.formats import FileFormat
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.renditions.rendition import Rendition
from qa_engine.documents.renditions.typesetting import PARSER
from qa_engine.errors import ConfigurationError, DocumentError, QAEngineError
from qa_engine.text.one_line import first_line

GROUP = "qa_engine.converters"


@runtime_checkable
class Converter(Protocol):
    """What an entry point of the group ``qa_engine.converters`` names.

    Attributes:
        suffixes: the endings of the files that it converts, in small letters with the dot; ``.pdf`` may be among them.
        version: another one has its files read again by the next run.
    """

    suffixes: Sequence[str]
    version: int | str

    def convert(self, path: Path, options: ReadingOptions) -> Rendition:
        """The pages of a file. Runs in a process of its own, with limits of time and memory.

        Args:
            path: of the file.
            options: how files are read.

        Returns:
            A PDF, and what stands on its pages; or the PDF alone, which is then read as any other PDF.

        Raises:
            DocumentError: the file cannot be read; ``reason`` says why.
        """


@cache
def converter_formats(names: tuple[str, ...]) -> dict[str, FileFormat]:
    """The formats that converters read, by ending. Of several for one ending, the first counts.

    Args:
        names: of entry points, from ``documents.converters``.

    Raises:
        ConfigurationError: there is no such entry point, or it is no `Converter`.
    """
    formats: dict[str, FileFormat] = {}
    for name in names:
        converter = load_converter(name)
        suffixes = tuple(suffix.lower() for suffix in converter.suffixes)
        kind = FileFormat(f"{name}-{converter.version}", suffixes, "", converter=name)
        formats = {**dict.fromkeys(suffixes, kind), **formats}
    return formats


@cache
def load_converter(name: str) -> Converter:
    """The converter that an entry point names; of a class, an instance.

    Raises:
        ConfigurationError: there is no such entry point, or it is no `Converter`.
    """
    offered = {one.name: one for one in entry_points(group=GROUP)}
    if name not in offered:
        known = ", ".join(sorted(offered)) or "none"
        raise ConfigurationError(
            f"documents.converters: no installed package offers the converter {name!r}; there is {known}."
        )
    try:
        loaded = offered[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"documents.converters: the converter {name!r} cannot be loaded ({first_line(error)})."
        ) from error
    converter = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(converter, Converter):
        raise ConfigurationError(
            f"documents.converters: {name!r} is no converter: it needs suffixes, version and convert(path, options)."
        )
    return converter


def convert(name: str, path: Path, options: ReadingOptions) -> Rendition:
    """Has a converter make the pages of a file.

    Raises:
        DocumentError: it could not, or what it made is no rendition.
    """
    try:
        made = load_converter(name).convert(path, options)
    except QAEngineError:
        raise
    except Exception as error:  # code of others may raise anything, and its file alone must fail
        message = (
            f"{path.name} could not be converted by {name} ({type(error).__name__}: {first_line(error)})."
        )
        raise DocumentError("damaged", message) from error
    if not isinstance(made, Rendition):
        message = f"{path.name} could not be converted by {name}: it returned no Rendition, but {type(made).__name__}."
        raise DocumentError("damaged", message)
    for page in made.pages or ():
        page.parser = PARSER  # their blocks have the roles that the converter gave them
    return made
