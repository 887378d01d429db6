"""Metadata of files: from a sidecar beside a PDF, from one CSV table for many files, or from a reader of the caller."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from qa_engine.documents.files import open_regular, path_text
from qa_engine.errors import DocumentError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.files.metadata import as_number, checked_metadata, normal
from qa_engine.index.records import Metadata, Scalar

SUFFIX = ".meta.json"
FILE_COLUMN = "file"
_MAX_BYTES = 1_000_000
_MAX_LISTED = 5
"""Rows without a file that a warning names."""
_TABLES = "metadata_tables"
"""Fact of the catalog with the paths of all tables that were given."""
_READER_METADATA = "reader_metadata"
"""Prefix of the facts of the catalog with the metadata that a reader of the caller gave to a document."""


def read_sidecar(pdf: Path) -> dict[str, Scalar]:
    """The metadata beside a PDF: in ``report.pdf.meta.json``, or else in ``report.meta.json``; empty without either.

    Raises:
        DocumentError: with the reason ``metadata``; there is one, and it is not a JSON object of scalars.
    """
    for path in (pdf.with_name(pdf.name + SUFFIX), pdf.with_name(pdf.stem + SUFFIX)):
        try:
            with open_regular(path) as file:
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
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} occurs twice")
        result[key] = value
    return result


def _refused(path: Path, why: str) -> DocumentError:
    return DocumentError("metadata", f"The metadata in {path.name} cannot be used, {why}.")


class MetadataTable:
    """A CSV table with a column ``file``, a name or a relative path; every other column is a key.

    A row holds for the files whose path ends in what it names; a longer path has precedence over a shorter one.
    """

    def __init__(self, path: Path, rows: dict[tuple[str, ...], dict[str, Scalar]]) -> None:
        self.path = path
        self._rows = rows

    @classmethod
    def read(cls, path: Path) -> MetadataTable:
        """
        Args:
            path: a CSV file in UTF-8 with commas and a header line. Empty cells are left out; numbers become numbers.

        Raises:
            InputError: it cannot be read, or a column or a row cannot be used.
        """
        try:
            with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
        except UnicodeDecodeError:
            raise _bad_table(path, "it is not UTF-8; save it as “CSV UTF-8”") from None
        except OSError as error:
            raise _bad_table(path, f"it cannot be read: {error.strerror or error}") from None
        except csv.Error as error:
            raise _bad_table(path, f"it is not CSV: {error}") from None
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
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
            named = cells.pop(FILE_COLUMN, "")
            if not named:
                raise _bad_table(path, f"line {number} names no file")
            key = _parts(named.replace("\\", "/"))
            if key in rows:
                raise _bad_table(path, f"line {number} names {named!r} again")
            try:
                rows[key] = checked_metadata(
                    {name: _number_or_text(cell) for name, cell in cells.items() if cell}
                )
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
        more = f" and {len(unused) - _MAX_LISTED} more" if len(unused) > _MAX_LISTED else ""
        return f"{self.path.name}: no file of this run is {', '.join(unused[:_MAX_LISTED])}{more}."

    def _key(self, file: Path) -> tuple[str, ...] | None:
        parts = _parts(path_text(file))
        return next((parts[start:] for start in range(len(parts)) if parts[start:] in self._rows), None)


def _number_or_text(cell: str) -> Scalar:
    number = as_number(cell)
    return cell if number is None else number


def _parts(file: str) -> tuple[str, ...]:
    return PurePath(posixpath.normpath(normal(file))).parts


def _bad_table(path: Path, why: str) -> InputError:
    return InputError(f"The metadata table {path} cannot be used, {why}.")


def without_tables(
    files: Iterable[Path], named: Iterable[Path | str], catalog: Catalog, table: MetadataTable | None
) -> list[Path]:
    """The files except tables of metadata: the one of this run, and in folders those of earlier runs too.

    Args:
        files: absolute paths of files.
        named: what was to be ingested: a table that it names itself is a document, unless it is that of this run.
        catalog: notes the table of this run.
        table: of this run, if any.
    """
    known: set[str] = set(json.loads(catalog.meta(_TABLES) or "[]"))
    absolute = os.path.abspath  # as `find_documents`: resolve() would follow links to files
    current = (
        {path_text(absolute(table.path)), path_text(table.path.resolve())} if table is not None else set()
    )
    if not current <= known:
        known |= current
        catalog.set_meta(**{_TABLES: json.dumps(sorted(known), ensure_ascii=False)})
    documents = {path_text(absolute(path)) for path in named} - current
    return [path for path in files if path_text(path) not in known or path_text(path) in documents]


def usable_metadata(metadata: Mapping[str, Any]) -> dict[str, Scalar]:
    """Those items of a LlamaIndex document's metadata that can be filtered by: scalars under keys that are not reserved."""
    usable: dict[str, Scalar] = {}
    for key, value in metadata.items():
        try:
            usable |= checked_metadata({key: value})
        except ValueError:
            continue  # such as file_name and page_label, or a list
    return usable


def reader_metadata(catalog: Catalog, document_id: str) -> dict[str, Scalar]:
    """The metadata that a reader of the caller gave to a document when it was read; empty without any."""
    stored: dict[str, Scalar] = json.loads(catalog.meta(f"{_READER_METADATA} {document_id}") or "{}")
    return stored


def store_reader_metadata(catalog: Catalog, document_id: str, metadata: Metadata) -> None:
    """Stores the metadata that a reader gave to a document: an unchanged file is not read again, and keeps it."""
    catalog.set_meta(**{f"{_READER_METADATA} {document_id}": json.dumps(metadata, ensure_ascii=False)})
