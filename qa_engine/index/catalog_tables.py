"""The tables of the catalog, and a row of them as a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from qa_engine.index.records import FileRecord
from qa_engine.index.sentence_texts import SCHEMA

FORMAT = 5
TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    nodes INTEGER NOT NULL, pages INTEGER NOT NULL DEFAULT 0, chinese_nodes INTEGER NOT NULL DEFAULT 0,
    awaits_ocr INTEGER NOT NULL DEFAULT 0, spans BLOB, tables BLOB, sections BLOB, terms BLOB);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, file_name TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, pipeline TEXT NOT NULL, document_id TEXT NOT NULL,
    ingested_at TEXT NOT NULL, listed TEXT NOT NULL, sidecar TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rebuilt (document_id TEXT PRIMARY KEY, nodes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS former_files AS SELECT * FROM files WHERE 0;
CREATE INDEX IF NOT EXISTS files_by_document ON files (document_id);
CREATE INDEX IF NOT EXISTS former_files_by_document ON former_files (document_id);
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256);
{SCHEMA}"""
"""The number of a document is never given again: it stands for the document in the keys of its sentences."""
OF_FILES = [column.name for column in fields(FileRecord)][:11]
COLUMNS = ", ".join(
    [f"files.{name}" for name in OF_FILES]
    + [f"documents.{name}" for name in ("nodes", "pages", "chinese_nodes", "awaits_ocr")]
)
FILES = f"SELECT {COLUMNS} FROM files JOIN documents USING (document_id)"
FORMER_FILES = f"SELECT {COLUMNS} FROM former_files AS files JOIN documents USING (document_id)"
"""Files whose document is stale: readers of the published state know them still."""


def file_record(row: Sequence[Any]) -> FileRecord:
    """A row of `FILES` or `FORMER_FILES`."""
    values = dict(zip((*OF_FILES, "nodes", "pages", "chinese_nodes", "awaits_ocr"), row, strict=True))
    return FileRecord(**values | {key: json.loads(values[key]) for key in ("listed", "sidecar")})
