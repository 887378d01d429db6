"""Reads what people note about their files: a sidecar beside a PDF, or one CSV table for many."""

from __future__ import annotations

import csv
import errno
import json
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

from qa_engine.documents.files import path_text
from qa_engine.errors import DocumentError, InputError
from qa_engine.index.files.metadata import Metadata, Scalar, as_number, checked_metadata, normal

SUFFIX = ".meta.json"
FILE_COLUMN = "file"
_MAX_BYTES = 1_000_000
_NAMED = 5
"""Rows without a file that a warning names."""


def read_sidecar(pdf: Path) -> dict[str, Scalar]:
    """The metadata beside a PDF: in ``report.pdf.meta.json``, or else in ``report.meta.json``; empty without either.

    Raises:
        DocumentError: with the reason ``metadata``; there is one, and it is not a JSON object of scalars.
    """
    for path in (pdf.with_name(pdf.name + SUFFIX), pdf.with_name(pdf.stem + SUFFIX)):
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
                continue
            raise _refused(path, f"it cannot be read: {error.strerror or error}") from None
        if len(content) > _MAX_BYTES:
            raise _refused(path, f"it has more than {_MAX_BYTES:,} bytes")
        try:
            parsed = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise _refused(path, f"it is not JSON: {error}") from None
        if not isinstance(parsed, dict):
            raise _refused(path, 'it is not an object such as {"year": 2024}')
        try:
            return checked_metadata(parsed)
        except ValueError as error:
            raise _refused(path, str(error)) from None
    return {}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key that occurs twice must not be lost in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} occurs twice")
        found[key] = value
    return found


def _refused(path: Path, why: str) -> DocumentError:
    return DocumentError("metadata", f"The metadata in {path.name} cannot be used, {why}.")


class MetadataTable:
    """A CSV table with a column ``file``, a name or a relative path; every other column is a key.

    A row holds for the files whose path ends in what it names; a longer path has precedence over a shorter one.
    """

    def __init__(self, path: Path, rows: dict[tuple[str, ...], dict[str, Scalar]]) -> None:
        self._path = path
        self._rows = rows

    @classmethod
    def read(cls, path: Path) -> MetadataTable:
        """
        Args:
            path: of the CSV file: UTF-8, commas, a header line. Empty cells say nothing; what reads like a number is one.

        Raises:
            InputError: it cannot be read, or a column or a row cannot be used.
        """
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                lines = [(reader.line_num, row) for row in reader]
        except UnicodeDecodeError:
            raise _bad_table(path, "it is not UTF-8; save it as “CSV UTF-8”") from None
        except OSError as error:
            raise _bad_table(path, f"it cannot be read: {error.strerror or error}") from None
        except csv.Error as error:
            raise _bad_table(path, f"it is not CSV: {error}") from None
        lines = [(number, row) for number, row in lines if any(cell.strip() for cell in row)]
        header = [normal(cell).strip() for cell in lines[0][1]] if lines else []
        if header.count(FILE_COLUMN) != 1:
            raise _bad_table(
                path, f"it needs one column {FILE_COLUMN!r}, its first line has {', '.join(header) or 'none'}"
            )
        if len(set(header)) != len(header):
            raise _bad_table(path, "two of its columns have the same name")
        rows: dict[tuple[str, ...], dict[str, Scalar]] = {}
        for number, row in lines[1:]:
            if len(row) > len(header):
                raise _bad_table(path, f"line {number} has {len(row)} cells, the first line {len(header)}")
            cells = list(zip(header, row, strict=False))
            named = next((cell.strip() for name, cell in cells if name == FILE_COLUMN), "")
            if not named:
                raise _bad_table(path, f"line {number} names no file")
            key = _parts(named.replace("\\", "/"))
            if key in rows:
                raise _bad_table(path, f"line {number} names {named!r} again")
            try:
                rows[key] = checked_metadata(_told(cells))
            except ValueError as error:
                raise _bad_table(path, f"in line {number} {error}") from None
        return cls(path, rows)

    def row(self, file: Path) -> dict[str, Scalar]:
        """What the table says about a file; empty if it does not name it."""
        key = self._key(file)
        return self._rows[key] if key is not None else {}

    def unmatched(self, files: Iterable[Path]) -> str | None:
        """A sentence about the rows that none of the files fits, or None: likely misspelt."""
        used = {self._key(file) for file in files}
        unused = ["/".join(key) for key in self._rows if key not in used]
        if not unused:
            return None
        more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
        return f"{self._path.name}: no file of this run is {', '.join(unused[:_NAMED])}{more}."

    def _key(self, file: Path) -> tuple[str, ...] | None:
        parts = _parts(path_text(file))
        return next((parts[start:] for start in range(len(parts)) if parts[start:] in self._rows), None)


def _told(cells: Sequence[tuple[str, str]]) -> dict[str, Scalar]:
    """The cells of a row by column, less the file and the empty ones, numbers as numbers."""
    found: dict[str, Scalar] = {}
    for name, cell in cells:
        if name != FILE_COLUMN and (text := cell.strip()):
            number = as_number(text)
            found[name] = text if number is None else number
    return found


def _parts(file: str) -> tuple[str, ...]:
    return PurePath(posixpath.normpath(normal(file))).parts


def _bad_table(path: Path, why: str) -> InputError:
    return InputError(f"The metadata table {path} cannot be used, {why}.")


def noted(
    pdf: Path, table: MetadataTable | None, before: Metadata
) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """What the table and the sidecar say about a file.

    Args:
        pdf: the file.
        table: the one of this run; without one, what an earlier one said stays.
        before: what that was.

    Raises:
        DocumentError: the sidecar cannot be used.
    """
    return (dict(before) if table is None else table.row(pdf)), read_sidecar(pdf)
