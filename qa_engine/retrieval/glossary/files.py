"""Reads glossaries: CSV files whose rows name a term, and what documents write for it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from qa_engine.errors import ConfigurationError
from qa_engine.text.one_line import one_line

STATEMENT = "@"
"""Begins a cell that names a kind of statement instead of a word."""
_NAMES = "|"
_COMMENT = "#"
_ENCODINGS = ("utf-8-sig", "gb18030")
_MAX_BYTES = 10_000_000
_MAX_CELL_CHARS = 200
_WRONG_COMMAS = ("，", ";", "；", "\t")


@dataclass(frozen=True)
class GlossaryEntry:
    """A row of a glossary.

    Attributes:
        names: what questions call it; for the titles of a kind of statement, that kind with `STATEMENT`.
        words: what documents write: synonyms, translations, the line items that it is computed from.
        statements: kinds of the statements in which these stand, such as ``balance_sheet``.
    """

    names: tuple[str, ...]
    words: tuple[str, ...]
    statements: tuple[str, ...] = ()


def read_glossary(path: Path) -> list[GlossaryEntry]:
    """The rows of a CSV file in UTF-8 or GBK, without comments and empty rows.

    The first cell is the term, or several names of it with ``|`` between them; each further cell is a word for it, or
    `STATEMENT` with a kind of statement. A row whose first cell is a kind has the titles of such statements.

    Raises:
        ConfigurationError: the file cannot be read, or a row is none of a glossary; the message has its line number.
    """
    entries = []
    for line, cells in _rows(path, _text(path)):
        if not cells[0]:
            raise _fault(path, line, "the first cell, which is the term, is empty")
        if long := next((cell for cell in cells if len(cell) > _MAX_CELL_CHARS), None):
            raise _fault(
                path,
                line,
                f"the cell {one_line(long, 40)!r} has {len(long)} characters, more than {_MAX_CELL_CHARS}; check the quotes",
            )
        words = dict.fromkeys(cell for cell in cells[1:] if cell and not cell.startswith(STATEMENT))
        kinds = dict.fromkeys(cell[1:].strip() for cell in cells[1:] if cell.startswith(STATEMENT))
        if not words:
            mark = next((mark for mark in _WRONG_COMMAS if mark in cells[0]), None)
            way_out = f": separate the cells by commas, not by {mark!r}" if mark else ""
            raise _fault(
                path, line, f"{one_line(cells[0], 40)!r} stands alone, without a word for it{way_out}"
            )
        names = tuple(name.strip() for name in cells[0].split(_NAMES) if name.strip())
        entries.append(GlossaryEntry(names, tuple(words), tuple(kinds)))
    return entries


def _rows(path: Path, text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows with their line numbers, cells without blanks around them."""
    # Strict, because a quote that is not closed would swallow the rest of the file in silence.
    reader = csv.reader(StringIO(text, newline=""), strict=True, skipinitialspace=True)
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not cells[0].startswith(_COMMENT):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _fault(path, line, f"it is no valid CSV ({error})") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(
            f"The glossary {path} does not exist: correct retrieval.glossary, or leave it out."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"The glossary {path} cannot be read: {error}.") from None
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(f"The glossary {path} is larger than {_MAX_BYTES:,} bytes: divide it.")
    if b"\0" not in content:
        for encoding in _ENCODINGS:
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
    raise ConfigurationError(f"The glossary {path} is neither UTF-8 nor GBK text: save it as CSV in UTF-8.")


def _fault(path: Path, line: int, fault: str) -> ConfigurationError:
    return ConfigurationError(f"The glossary {path}, line {line}: {fault}.")
