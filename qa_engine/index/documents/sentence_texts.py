"""The texts of the sentences and what stands with them, in the file of the catalog.

Nodes are complete in Chroma, for whoever opens it with stock LlamaIndex. But a question reads some 300 sentences, the
hits of both retrievers and their neighbours, and Chroma's ``get`` takes 15 to 20 ms for what SQLite gives in one. Written in
the transaction that commits a document, the texts of a document are there exactly as long as the document is.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from qa_engine.documents.sentences.node_ids import ORDINAL_DIGITS, node_id, split_node_id
from qa_engine.errors import StorageError
from qa_engine.forks import follow_forks, keep
from qa_engine.index.disk.sqlite_file import select_in
from qa_engine.index.records import StoredSentence

_BITS = 24
"""Bits of a key that hold the ordinal of a sentence, which has seven digits; the bits above them hold the number of its
document."""
_FILE_NAME = "file_name"
SENTENCE_TABLES = """
CREATE TABLE IF NOT EXISTS sentences (
    key INTEGER PRIMARY KEY, text TEXT NOT NULL, start INTEGER, stop INTEGER, place INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS places (key INTEGER PRIMARY KEY, metadata TEXT NOT NULL);
"""
"""One row a sentence under one whole number: half the bytes and the time of a key of two columns. The sentences of a
paragraph mostly have the same metadata, which stand once in ``places``."""
_SELECT = (
    "SELECT sentences.key, text, start, stop, metadata FROM sentences "
    f"JOIN places ON places.key = (sentences.key >> {_BITS} << {_BITS}) | place"
)
_BY_IDS = (
    "SELECT json_group_array(json_array(asked.key, text, start, stop, metadata)) FROM json_each(?) AS asked "
    f"CROSS JOIN documents ON document_id = substr(asked.value, 1, length(asked.value) - {ORDINAL_DIGITS + 1}) "
    f"CROSS JOIN sentences ON sentences.key = number << {_BITS} | CAST(substr(asked.value, -{ORDINAL_DIGITS}) AS INTEGER) "
    f"CROSS JOIN places ON places.key = number << {_BITS} | place"
)
"""One row: the sentences with the ids of a JSON array, in its order, each with its place there instead of its key.

Python's sqlite3 gives up the interpreter lock for each row and each of its columns. That was 2,600 times a question, and
threads waited for one another as often.
"""


def write_sentences(
    connection: sqlite3.Connection, document_id: str, sentences: Sequence[StoredSentence]
) -> None:
    """Stores the sentences of a document, which has a row in ``documents`` and no sentences yet."""
    if not sentences:
        return
    [(_, number)] = _numbers(connection, [document_id])
    base = number << _BITS
    places: dict[str, int] = {}
    connection.executemany(
        "INSERT INTO sentences VALUES (?, ?, ?, ?, ?)",
        (
            (
                base | split_node_id(sentence.node_id)[1],
                sentence.text,
                sentence.start_char_idx,
                sentence.end_char_idx,
                places.setdefault(_packed(sentence.metadata), len(places)),
            )
            for sentence in sentences
        ),
    )
    connection.executemany(
        "INSERT INTO places VALUES (?, ?)", ((base | place, metadata) for metadata, place in places.items())
    )


def drop_sentences(connection: sqlite3.Connection, document_id: str) -> None:
    """Deletes the sentences of a document, which still has its row in ``documents``, if it has any."""
    for _, number in list(_numbers(connection, [document_id])):
        for table in ("sentences", "places"):
            span = (number << _BITS, (number + 1) << _BITS)
            connection.execute(f"DELETE FROM {table} WHERE key >= ? AND key < ?", span)


def misnamed_documents(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """The live documents whose sentences name a file that none of their files is, with the number of their sentences."""
    return connection.execute(
        f"SELECT document_id, nodes FROM documents JOIN places ON places.key = number << {_BITS} "
        "WHERE state = 'live' AND NOT EXISTS (SELECT 1 FROM files WHERE files.document_id = documents.document_id "
        f"AND file_name = json_extract(metadata, '$.{_FILE_NAME}'))"
    ).fetchall()


def rename_sentences(connection: sqlite3.Connection, document_id: str, file_name: str) -> None:
    """Has the sentences of a document name another file."""
    for _, number in list(_numbers(connection, [document_id])):
        places = connection.execute(
            "SELECT metadata, key FROM places WHERE key >= ? AND key < ?",
            (number << _BITS, (number + 1) << _BITS),
        ).fetchall()
        connection.executemany(
            "UPDATE places SET metadata = ? WHERE key = ?",
            [(_packed({**json.loads(metadata), _FILE_NAME: file_name}), key) for metadata, key in places],
        )


def read_document(connection: sqlite3.Connection, document_id: str) -> list[StoredSentence]:
    """All sentences of a document, in order."""
    number = dict(_numbers(connection, [document_id])).get(document_id)
    if number is None:
        return []
    rows = connection.execute(
        f"{_SELECT} WHERE sentences.key >= ? AND sentences.key < ? ORDER BY sentences.key",
        (number << _BITS, (number + 1) << _BITS),
    )
    return list(_sentences(rows, lambda key: node_id(document_id, key & ((1 << _BITS) - 1))))


def read_page(connection: sqlite3.Connection, document_id: str, page: int) -> list[StoredSentence]:
    """The sentences of a document that are on a page, from 1, in order."""
    number = dict(_numbers(connection, [document_id])).get(document_id)
    if number is None:
        return []
    rows = connection.execute(
        f"{_SELECT} WHERE sentences.key >= ? AND sentences.key < ? "
        "AND json_extract(metadata, '$.page') <= ? "
        "AND json_extract(metadata, '$.page_end') >= ? ORDER BY sentences.key",
        (number << _BITS, (number + 1) << _BITS, page, page),
    )
    return list(_sentences(rows, lambda key: node_id(document_id, key & ((1 << _BITS) - 1))))


def stored_ids(connection: sqlite3.Connection) -> set[str]:
    """The ids of all sentences whose document is known."""
    rows = connection.execute(
        f"SELECT document_id, sentences.key & {(1 << _BITS) - 1} FROM sentences "
        f"JOIN documents ON number = sentences.key >> {_BITS} "
        f"JOIN places ON places.key = (sentences.key >> {_BITS} << {_BITS}) | place"
    )
    return {node_id(document_id, ordinal) for document_id, ordinal in rows}


def document_checksum(connection: sqlite3.Connection, document_id: str) -> str:
    """A checksum of the sentences of a document and of its numbers, as they are stored."""
    value = 0
    facts = connection.execute(
        "SELECT number, nodes, pages, chinese_nodes, awaits_ocr FROM documents WHERE document_id = ?",
        (document_id,),
    )
    for number, *counts in facts.fetchall():
        value = zlib.crc32(repr(counts).encode())
        rows = connection.execute(
            f"SELECT sentences.key & {(1 << _BITS) - 1}, CAST(text AS BLOB), start, stop, CAST(metadata AS BLOB) "
            f"FROM sentences JOIN places ON places.key = (sentences.key >> {_BITS} << {_BITS}) | place "
            "WHERE sentences.key >= ? AND sentences.key < ? ORDER BY sentences.key",
            (number << _BITS, (number + 1) << _BITS),
        )
        for row in rows:
            value = zlib.crc32(repr(row).encode(), value)
    return str(value)


class SentenceTextSource(Protocol):
    """Where sentences are read by their ids."""

    def get(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The sentences that are stored, by id, in the order of ``ids``."""

    def close(self) -> None:
        """Releases what it uses."""


class SentenceTexts:
    """Reads sentences by their ids from the file of a catalog.

    Any number of threads may use it: each call has a connection of its own.

    Raises:
        StorageError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        weakref.finalize(self, _close_all, self._idle).atexit = False
        follow_forks(self)

    def after_fork(self) -> None:
        """In a forked child, the connections are the parent's."""
        keep(*self._idle)
        self._idle.clear()

    def get(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        """The sentences that are stored, by id, in the order of ``ids``."""
        if not ids:
            return {}
        with self._connection() as connection:
            [(packed,)] = connection.execute(_BY_IDS, (json.dumps(list(ids)),))
        return {sentence.node_id: sentence for sentence in _sentences(json.loads(packed), ids.__getitem__)}

    def close(self) -> None:
        """Closes the connections; those that threads are using, when these are done."""
        self._closed = True
        _close_all(self._idle)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other thread has; a new one if all are in use. One that failed is not used again."""
        if self._closed:
            raise StorageError(
                f"The sentences in {self._path} cannot be used: they were closed, open the collection again."
            )
        connection: sqlite3.Connection | None = None
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                # Not read-only: after a writer was killed in a commit, whoever reads first has to take that back.
                uri = f"{self._path.absolute().as_uri()}?mode=rw"
                connection = sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)
            yield connection
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise StorageError(
                f"The sentences in {self._path} cannot be read ({error}): check permissions and free space."
            ) from error
        self._idle.append(connection)
        if self._closed:
            _close_all(self._idle)


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _numbers(connection: sqlite3.Connection, document_ids: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Documents with their numbers. No number is ever given twice, so it means the same in the next statement."""
    return select_in(
        connection, "SELECT document_id, number FROM documents WHERE document_id IN ({})", list(document_ids)
    )


def _sentences(rows: Iterable[Sequence[Any]], name: Callable[[int], str]) -> Iterator[StoredSentence]:
    """Rows of `_SELECT` or `_BY_IDS`, whose keys stand for the ids that ``name`` gives."""
    for key, text, start, stop, packed in rows:
        yield StoredSentence(name(key), text, dict(_metadata(packed)), start, stop)


@lru_cache(maxsize=4096)
def _metadata(packed: str) -> dict[str, Any]:
    """What `_packed` packed, not to be changed. Cached: several stages read the sentences of one place."""
    content: dict[str, Any] = json.loads(packed)
    return content


def _packed(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
