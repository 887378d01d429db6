"""The token vectors of the sentences of a collection, quantised, in a SQLite file of their own.

The model returns them when it embeds the sentences, so keeping them costs disk and no computing; late interaction
then needs no model for the passages of a question.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from qa_engine.documents.sentences.node_ids import ORDINAL_DIGITS, split_node_id
from qa_engine.errors import StorageError
from qa_engine.index.disk.sqlite_file import SqliteFile
from qa_engine.models.token_codes import DIMENSION, TokenCodec

if TYPE_CHECKING:
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import CollectionPaths

_SCHEMA = """
CREATE TABLE codec (bits INTEGER NOT NULL, centre BLOB NOT NULL);
CREATE TABLE documents (number INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE);
CREATE TABLE sentences (
    document INTEGER NOT NULL, ordinal INTEGER NOT NULL, codes BLOB NOT NULL, PRIMARY KEY (document, ordinal));
"""
_CODES = (
    "SELECT codes FROM json_each(?) AS asked "
    f"LEFT JOIN documents ON document_id = substr(asked.value, 1, length(asked.value) - {ORDINAL_DIGITS + 1}) "
    "LEFT JOIN sentences ON document = number "
    f"AND ordinal = CAST(substr(asked.value, -{ORDINAL_DIGITS}) AS INTEGER) ORDER BY asked.key"
)
"""A row for each id of a JSON array, in its order, and NULL where there is nothing. It has a single column, since Python's
sqlite3 gives up the interpreter lock for each."""
_SEAL = 4
"""Bytes of a checksum."""
_PAGE_BYTES = 512
"""Size of a page of the file. The codes of a sentence, some 5 KB, end in a page of their own: with SQLite's 4,096 bytes, 725
were lost a sentence, with these 165. A hundred sentences are read in 2.0 ms instead of 1.4."""
TOKEN_BITS = "token_bits"
"""Fact of the catalog: bits a dimension of the token vectors that the collection keeps, 0 for none."""
TOKEN_FILE = "token_file"
"""Fact of the catalog: the name of the file that they are in."""


def token_file(catalog: Catalog, paths: CollectionPaths) -> Path | None:
    """The file with the token vectors of a collection; None if it keeps none."""
    bits = int(catalog.meta(TOKEN_BITS) or 0)
    if not bits:
        return None
    path = paths.root / (catalog.meta(TOKEN_FILE) or paths.tokens(bits).name)
    return path if path.is_file() else None


def sealed(content: bytes) -> bytes:
    """Content with its checksum behind it."""
    return content + zlib.crc32(content).to_bytes(_SEAL, "little")


def unsealed(content: bytes, unit: int) -> bytes | None:
    """Content that `sealed` made, or None if it is damaged; it was some units long, 8 bytes or more each.

    What an earlier version stored without a checksum is some units long as it is, and counts as sound.
    """
    if len(content) % unit == 0:
        return content
    inner, seal = content[:-_SEAL], content[-_SEAL:]
    sound = len(inner) % unit == 0 and zlib.crc32(inner).to_bytes(_SEAL, "little") == seal
    return inner if sound else None


class StoredTokens(Protocol):
    """Where a reader finds token vectors."""

    codec: TokenCodec

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there."""

    def close(self) -> None:
        """Releases what it uses."""


class _EmptyTokenStore(SqliteFile):
    """A new file, with a codec and no sentences."""

    _what = "The token vectors in"

    def __init__(self, path: Path, codec: TokenCodec) -> None:
        path.unlink(missing_ok=True)
        super().__init__(path, create=True)
        with self._guarded():
            self._connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            self._connection.executescript(_SCHEMA)
            centre = codec.centre.astype("<f4").tobytes()
            self._connection.execute("INSERT INTO codec VALUES (?, ?)", (codec.bits, sealed(centre)))
            self._connection.commit()


class TokenStore(SqliteFile):
    """Quantised token vectors by sentence. Thread-safe.

    A writer, which gives a codec, makes the file if there is none. A reader uses the recorded codec.

    Raises:
        StorageError: the file cannot be opened, read or written.
    """

    _what = "The token vectors in"

    def __init__(self, path: Path, codec: TokenCodec | None = None) -> None:
        if codec is not None and not path.exists():
            # A file without its codec would be of no use: it appears complete or not at all.
            scratch = path.with_name(f"{path.name}.new")
            _EmptyTokenStore(scratch, codec).close()
            scratch.replace(path)
        super().__init__(path, create=False)
        [(bits, stored)] = self._rows("SELECT bits, centre FROM codec")
        centre = unsealed(stored, DIMENSION * np.dtype(np.float32).itemsize)
        if centre is None or len(centre) != DIMENSION * np.dtype(np.float32).itemsize:
            raise StorageError(
                f"{self._what} {path} are damaged: qa-engine doctor prints the command that makes them anew."
            )
        self.codec = TokenCodec(bits, np.frombuffer(centre, "<f4"))

    def put(self, node_ids: Sequence[str], tokens: Sequence[NDArray[np.float32] | bytes]) -> None:
        """Stores the token vectors of each sentence, (tokens, 384) with rows of length 1, or its codes by this codec.

        Those of known sentences are replaced.
        """
        codes = [vectors if isinstance(vectors, bytes) else self.codec.encode(vectors) for vectors in tokens]
        rows = [
            (*split_node_id(node_id), sealed(code)) for node_id, code in zip(node_ids, codes, strict=True)
        ]
        documents = [(document_id,) for document_id in dict.fromkeys(row[0] for row in rows)]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO documents (document_id) VALUES (?)", documents)
            connection.executemany(
                "INSERT OR REPLACE INTO sentences SELECT number, ?, ? FROM documents WHERE document_id = ?",
                [(ordinal, code, document_id) for document_id, ordinal, code in rows],
            )

    def delete(self, document_id: str) -> None:
        """Deletes the token vectors of a document; one that is not there is passed over."""
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM sentences WHERE document = (SELECT number FROM documents WHERE document_id = ?)",
                (document_id,),
            )
            connection.execute("DELETE FROM documents WHERE document_id = ?", (document_id,))

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there; damaged ones count as lost, so that they are made again."""
        codes: dict[str, bytes] = {}
        for name, (stored,) in zip(node_ids, self._rows(_CODES, [json.dumps(list(node_ids))]), strict=True):
            code = unsealed(stored, self.codec.bytes_per_token) if stored is not None else None
            if code is not None:
                codes[name] = code
        return codes

    def damaged(self) -> int:
        """Number of sentences whose token vectors are not as they were stored."""
        unit = self.codec.bytes_per_token
        with self._guarded():
            rows = self._connection.execute("SELECT codes FROM sentences")
            return sum(unsealed(row[0], unit) is None for row in rows)

    def count(self) -> int:
        """Number of sentences whose token vectors are stored."""
        return int(self._rows("SELECT COUNT(*) FROM sentences")[0][0])
