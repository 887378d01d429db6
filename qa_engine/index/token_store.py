"""The token vectors of the sentences of a collection, quantised, in a SQLite file of their own.

They come out of the pass that embeds the sentences, so keeping them costs disk and no computing; late interaction
then needs no model for the passages of a question.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa_engine.documents.node_parser import split_node_id
from qa_engine.errors import StorageError
from qa_engine.models.token_codes import TokenCodec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS codec (bits INTEGER NOT NULL, centre BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS documents (number INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS sentences (
    document INTEGER NOT NULL, ordinal INTEGER NOT NULL, codes BLOB NOT NULL, PRIMARY KEY (document, ordinal));
"""
_AT_ONCE = 400
TOKEN_BITS = "token_bits"
"""Fact of the catalog: bits a dimension of the token vectors that the collection keeps, 0 for none."""


class StoredTokens(Protocol):
    """Where a reader finds token vectors."""

    codec: TokenCodec

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there."""


class TokenStore:
    """Quantised token vectors by sentence. Thread-safe.

    Raises:
        StorageError: the file cannot be opened, read or written.
    """

    def __init__(self, path: Path, codec: TokenCodec | None = None) -> None:
        """
        Args:
            path: the file.
            codec: for a writer, which makes the file if there is none. A reader takes the one that is recorded.
        """
        self._path = path
        self._lock = RLock()
        with self._guarded():
            mode = "rw" if codec is None else "rwc"
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, check_same_thread=False
            )
            if codec is not None:
                self._connection.executescript(_SCHEMA)
                if not self._connection.execute("SELECT 1 FROM codec").fetchone():
                    centre = codec.centre.astype("<f4").tobytes()
                    self._connection.execute("INSERT INTO codec VALUES (?, ?)", (codec.bits, centre))
                self._connection.commit()
            bits, centre = self._connection.execute("SELECT bits, centre FROM codec").fetchone()
        self.codec = TokenCodec(bits, np.frombuffer(centre, "<f4"))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise StorageError(
                f"The token vectors in {self._path} cannot be used ({error}): check permissions and free space."
            ) from error

    def put(self, node_ids: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Stores the token vectors, (tokens, 384) with rows of length 1, of sentences; known ones are replaced."""
        with self._guarded(), self._connection:
            for node_id, tokens in zip(node_ids, vectors, strict=True):
                document_id, ordinal = split_node_id(node_id)
                self._connection.execute(
                    "INSERT OR IGNORE INTO documents (document_id) VALUES (?)", (document_id,)
                )
                self._connection.execute(
                    "INSERT OR REPLACE INTO sentences SELECT number, ?, ? FROM documents WHERE document_id = ?",
                    (ordinal, self.codec.encode(tokens), document_id),
                )

    def delete(self, document_id: str) -> None:
        """Deletes the token vectors of a document; one that is not there is passed over."""
        with self._guarded(), self._connection:
            self._connection.execute(
                "DELETE FROM sentences WHERE document = (SELECT number FROM documents WHERE document_id = ?)",
                (document_id,),
            )
            self._connection.execute("DELETE FROM documents WHERE document_id = ?", (document_id,))

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there."""
        by_document: dict[str, list[int]] = {}
        for node_id in node_ids:
            document_id, ordinal = split_node_id(node_id)
            by_document.setdefault(document_id, []).append(ordinal)
        names = {split_node_id(node_id): node_id for node_id in node_ids}
        found: dict[str, bytes] = {}
        with self._guarded():
            for document_id, ordinals in by_document.items():
                for start in range(0, len(ordinals), _AT_ONCE):
                    part = ordinals[start : start + _AT_ONCE]
                    rows = self._connection.execute(
                        "SELECT ordinal, codes FROM sentences JOIN documents ON document = number "
                        f"WHERE document_id = ? AND ordinal IN ({', '.join('?' * len(part))})",
                        (document_id, *part),
                    )
                    found.update({names[document_id, ordinal]: codes for ordinal, codes in rows})
        return found

    def count(self) -> int:
        """Number of sentences whose token vectors are stored."""
        with self._guarded():
            return int(self._connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0])
