"""Questions to the catalog about files: which there are, and which satisfy a condition, asked in SQL.

The metadata of a file is JSON in two columns, of which ``sidecar`` has the last word. Numbers are compared by SQLite
itself; texts by the functions of `metadata`, which SQLite calls, so that a filter means the same everywhere.
"""

from __future__ import annotations

import fnmatch
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from qa_engine.index.disk.sqlite_file import SqliteFile
from qa_engine.index.files.metadata import ORDERS, as_number, as_text, normal, ordered, same
from qa_engine.index.records import FileRecord, Scalar

FILE_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, file_name TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, pipeline TEXT NOT NULL, document_id TEXT NOT NULL,
    ingested_at TEXT NOT NULL, listed TEXT NOT NULL, sidecar TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS former_files AS SELECT * FROM files WHERE 0;
CREATE INDEX IF NOT EXISTS files_by_document ON files (document_id);
CREATE INDEX IF NOT EXISTS former_files_by_document ON former_files (document_id);
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256);
"""
_FILE_COLUMNS = [column.name for column in fields(FileRecord)][:11]
_DOCUMENT_COLUMNS = ("nodes", "pages", "chinese_nodes", "awaits_ocr")
_COLUMNS = ", ".join(
    [f"files.{name}" for name in _FILE_COLUMNS] + [f"documents.{name}" for name in _DOCUMENT_COLUMNS]
)
FILES = f"SELECT {_COLUMNS} FROM files JOIN documents USING (document_id)"
"""Rows of files as `read_record` reads them."""
_FORMER_FILES = f"SELECT {_COLUMNS} FROM former_files AS files JOIN documents USING (document_id)"
"""Files whose document is stale: readers of the published state know them still."""
_ALL_FILES = "(SELECT * FROM files UNION ALL SELECT * FROM former_files) AS files"
_METADATA = "json_each(json_patch(files.listed, files.sidecar)) AS metadata"
_ENTRY = f"SELECT 1 FROM {_METADATA} WHERE metadata.key = ?"
_VALUE = "CASE WHEN metadata.type = 'text' THEN CAST(metadata.value AS BLOB) ELSE metadata.value END"
"""A value of the metadata. As bytes, because JSON can hold texts that are not valid UTF-8."""
FILE_CHECKSUM = "file_checksum"
"""Prefix of the facts of the catalog with the checksums of the rows of files."""
_INTEGERS = 2**63
"""SQLite's whole numbers are smaller than this."""
CONTAINS, CONTAINS_CASELESS = "contains", "contains, whatever the case"
_COMPARISONS: dict[str, Callable[[Scalar, Scalar], bool]] = {
    "=": same,
    CONTAINS: lambda value, part: as_text(part) in as_text(value),
    CONTAINS_CASELESS: lambda value, part: as_text(part).casefold() in as_text(value).casefold(),
    **{order: lambda value, bound, order=order: ordered(order, value, bound) for order in ORDERS},  # type: ignore[misc]
}


@dataclass(frozen=True)
class FileCondition:
    """A condition on a file.

    Attributes:
        sql: an expression over a row of ``files`` that is 1 or 0.
        values: those that it is to be bound to.
    """

    sql: str
    values: tuple[str | int | float, ...] = ()

    @classmethod
    def joined(cls, word: str, conditions: Iterable[FileCondition]) -> FileCondition:
        """Several conditions joined by ``AND`` or ``OR``; without any, all of them hold, and none does."""
        parts = list(conditions)
        nothing = "1" if word == "AND" else "0"
        return cls(
            f"({f' {word} '.join(part.sql for part in parts) or nothing})",
            tuple(value for part in parts for value in part.values),
        )

    def negation(self) -> FileCondition:
        """Holds if, and only if, this one does not."""
        return FileCondition(f"NOT {self.sql}", self.values)


def metadata_condition(key: str, operator: str, value: Scalar) -> FileCondition:
    """A file has the key, as `normal` writes it, and its value compares with the given one.

    The operator is ``=``, one of `ORDERS`, `CONTAINS` or `CONTAINS_CASELESS`.
    """
    number = as_number(value) if operator == "=" or operator in ORDERS else None
    compares = f"compares(?, metadata.type, {_VALUE}, ?)"
    arguments = (operator, json.dumps(value))
    if number is None or abs(number) >= _INTEGERS:
        return FileCondition(f"EXISTS ({_ENTRY} AND {compares})", (key, *arguments))
    native = (
        f"CASE WHEN metadata.type IN ('integer', 'real') THEN metadata.value {operator} ? ELSE {compares} END"
    )
    return FileCondition(f"EXISTS ({_ENTRY} AND {native})", (key, number, *arguments))


def no_metadata_condition(key: str) -> FileCondition:
    """A file does not have the key, or an empty text for it."""
    return FileCondition(
        f"NOT EXISTS ({_ENTRY} AND (metadata.type != 'text' OR metadata.value != ''))", (key,)
    )


def pattern_condition(pattern: str) -> FileCondition:
    """A file has a name that is, or fits, the pattern; with a slash in it, a path that ends in what fits.

    In the pattern, as `normal` writes it, ``*`` and ``?`` stand for any characters.
    """
    return FileCondition("fits(files.path, files.file_name, ?)", (pattern,))


def name_condition(operator: str, part: Scalar) -> FileCondition:
    """A file has a name that contains a text, by `CONTAINS` or `CONTAINS_CASELESS`."""
    return FileCondition("compares(?, 'name', files.file_name, ?)", (operator, json.dumps(part)))


def document_condition(document_ids: Sequence[str]) -> FileCondition:
    """A file has one of the documents."""
    return FileCondition(
        "files.document_id IN (SELECT value FROM json_each(?))", (json.dumps(list(document_ids)),)
    )


class FileQueries(SqliteFile):
    """The part of the catalog that is about files: the tables ``files`` and ``former_files``."""

    def _set_up(self) -> None:
        self._connection.create_function("compares", 4, _compares, deterministic=True)
        self._connection.create_function("fits", 3, _fits, deterministic=True)

    def files(self) -> dict[str, FileRecord]:
        """The files of the collection by path."""
        return {row[0]: read_record(row) for row in self._rows(f"{FILES} ORDER BY path")}

    def files_of(self, document_ids: Sequence[str]) -> dict[str, list[FileRecord]]:
        """The files of some documents, by path; of documents that have just been replaced, as they were."""
        condition = document_condition(document_ids)
        within = f"WHERE {condition.sql}"
        rows = self._rows(
            f"{FILES} {within} UNION ALL {_FORMER_FILES} {within} ORDER BY 1", condition.values * 2
        )
        records: dict[str, list[FileRecord]] = {}
        for record in map(read_record, rows):
            records.setdefault(record.document_id, []).append(record)
        return records

    def files_with_content(self, sha256: str) -> list[FileRecord]:
        """The files of the same content, by path."""
        return [read_record(row) for row in self._rows(f"{FILES} WHERE sha256 = ? ORDER BY path", (sha256,))]

    def matching_files(
        self, where: FileCondition, conditions: Sequence[FileCondition] = (), former: bool = False
    ) -> list[tuple[Any, ...]]:
        """Path and document of the files that satisfy a condition, by path.

        Each further condition gives a further column, 1 or 0. With ``former``, files that a writer has just replaced count
        as well, as they were.
        """
        columns = "".join(f", {condition.sql}" for condition in conditions)
        values = [value for condition in (*conditions, where) for value in condition.values]
        source = _ALL_FILES if former else "files"
        return self._rows(
            f"SELECT files.path, files.document_id{columns} FROM {source} WHERE {where.sql} ORDER BY files.path",
            values,
        )

    def file_document_count(self) -> int:
        """The number of documents that files have."""
        return int(self._rows("SELECT COUNT(DISTINCT document_id) FROM files")[0][0])

    def has_metadata_key(self, key: str) -> bool:
        """Whether any file has a key in its metadata."""
        return bool(self._rows(f"SELECT 1 FROM {_ALL_FILES} WHERE EXISTS ({_ENTRY}) LIMIT 1", (key,)))

    def metadata_keys(self) -> list[str]:
        """The keys of the metadata of all files."""
        return [row[0] for row in self._rows(f"SELECT DISTINCT metadata.key FROM {_ALL_FILES}, {_METADATA}")]

    @staticmethod
    def _put_file(connection: sqlite3.Connection, record: FileRecord) -> None:
        values = [getattr(record, name) for name in _FILE_COLUMNS]
        marks = ", ".join("?" * len(values))
        connection.execute(
            f"INSERT OR REPLACE INTO files ({', '.join(_FILE_COLUMNS)}) VALUES ({marks})",
            [json.dumps(value) if isinstance(value, dict) else value for value in values],
        )
        FileQueries._seal_file(connection, record.path)

    @staticmethod
    def _seal_file(connection: sqlite3.Connection, path: str) -> None:
        """Notes the checksum of the row of a file."""
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (f"{FILE_CHECKSUM} {path}", file_checksum(connection, path)),
        )

    @staticmethod
    def _take_out(connection: sqlite3.Connection, path: str) -> str | None:
        """Moves the record of a file to the former ones, and returns the document that the file had."""
        rows = connection.execute("SELECT document_id FROM files WHERE path = ?", (path,)).fetchall()
        connection.execute("INSERT INTO former_files SELECT * FROM files WHERE path = ?", (path,))
        connection.execute("DELETE FROM files WHERE path = ?", (path,))
        connection.execute("DELETE FROM meta WHERE key = ?", (f"{FILE_CHECKSUM} {path}",))
        return rows[0][0] if rows else None


def file_checksum(connection: sqlite3.Connection, path: str) -> str:
    """A checksum of the row of a file, as it is stored."""
    columns = ", ".join(f"CAST({name} AS BLOB)" for name in _FILE_COLUMNS)
    rows = connection.execute(f"SELECT {columns} FROM files WHERE path = ?", (path,)).fetchall()
    return str(zlib.crc32(repr(rows).encode()))


def read_record(row: Sequence[Any]) -> FileRecord:
    """A row of `FILES` or `_FORMER_FILES`."""
    values = dict(zip((*_FILE_COLUMNS, *_DOCUMENT_COLUMNS), row, strict=True))
    return FileRecord(**values | {key: json.loads(values[key]) for key in ("listed", "sidecar")})


def _compares(operator: str, kind: str, value: Any, argument: str) -> bool:
    """The SQL function of this name: compares a file's value, of a JSON type, with one in JSON; see `metadata_condition`."""
    if kind in {"true", "false"}:
        value = bool(value)
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "surrogatepass")
    return _COMPARISONS[operator](value, _parsed(argument))


@lru_cache(maxsize=256)
def _parsed(argument: str) -> Any:
    return json.loads(argument)


def _fits(path: str, file_name: str, pattern: str) -> bool:
    """The SQL function of this name, see `pattern_condition`."""
    if "/" in pattern:
        whole, end = normal(path), pattern.lstrip("/")
        return whole.endswith("/" + end) or fnmatch.fnmatchcase(whole, "*/" + end)
    name = normal(file_name)
    return name == pattern or fnmatch.fnmatchcase(name, pattern)
