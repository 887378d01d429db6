"""The keys that let clients in. Only their SHA-256 is kept, so that nobody who reads the database can use them."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qa_engine.errors import InputError, StorageError
from qa_engine.server.access import INCLUDED_SCOPES, Access, Scope
from qa_engine.server.database import ServerDatabase

logger = logging.getLogger("qa_engine.server")

PREFIX = "qae_"
_BYTES = 32
_NAME = re.compile(r"\w(?:[\w .@:+-]{0,62}[\w.@+-])?")
_LAST_USE_SECONDS = 60
_TABLE = """CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, scope TEXT NOT NULL, collections TEXT, created TEXT NOT NULL, used TEXT
) STRICT"""


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes:
        name: of the key.
        scope: what it allows: ``read``, ``write`` (with read) or ``admin`` (with both).
        collections: the collections that it is limited to; None for all, those to come included.
        created: when it was made, in UTC, as ISO 8601.
        used: when it was used last, to a minute; None if never.
    """

    name: str
    scope: Scope
    collections: frozenset[str] | None
    created: str
    used: str | None

    @property
    def access(self) -> Access:
        """What it allows."""
        return Access(self.name, INCLUDED_SCOPES[self.scope], self.collections)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "scope": self.scope,
            "collections": None if self.collections is None else sorted(self.collections),
            "created": self.created,
            "used": self.used,
        }


def hash_of(secret: str) -> bytes:
    """What is kept of a secret. It is random, so that nothing slower than SHA-256 is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class KeyStore:
    """The keys in the database of the server. Thread-safe; other processes may change them at any time."""

    def __init__(self, database: ServerDatabase) -> None:
        """
        Args:
            database: it.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        database.create(_TABLE)

    def add(self, name: str, scope: Scope, collections: Iterable[str] = ()) -> str:
        """Makes a key.

        Args:
            name: of the key; no other has it.
            scope: what it allows.
            collections: the collections that it is limited to; none for all.

        Returns:
            The secret, which cannot be had again.

        Raises:
            InputError: the name is taken, or is not one.
        """
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is no name of a key: use up to 64 letters, digits, blanks and . @ : + - _, such as 'open-webui'."
            )
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        limit = sorted(set(collections))
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO keys (name, hash, scope, collections, created) VALUES (?, ?, ?, ?, ?)",
                    (name, hash_of(secret), scope, json.dumps(limit) if limit else None, _now()),
                )
        except sqlite3.IntegrityError:
            raise InputError(
                f"There is a key {name!r} already: choose another name, or remove it first (qa-engine keys remove)."
            ) from None
        return secret

    def remove(self, name: str) -> None:
        """Removes a key: it lets nobody in any more, nor do the sessions that were opened with it.

        Raises:
            InputError: there is no such key.
        """
        with self._database.transaction() as connection:
            removed = connection.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount
        if not removed:
            names = ", ".join(key.name for key in self.all()) or "none"
            raise InputError(f"There is no key {name!r}; there are: {names}.")

    def all(self) -> list[Key]:
        """All keys, by name."""
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute("SELECT * FROM keys ORDER BY name")]

    def any(self) -> bool:
        """Whether there is a key."""
        with self._database.reading() as connection:
            return connection.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None

    def find(self, secret: str) -> Key | None:
        """The key with a secret, or None. Its use is noted."""
        hashed = hash_of(secret)
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM keys WHERE hash = ?", (hashed,)).fetchone()
        if row is None or not hmac.compare_digest(row["hash"], hashed):
            return None
        key = _key(row)
        self.note_use(key)
        return key

    def named(self, name: str) -> Key | None:
        """The key with a name, or None."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM keys WHERE name = ?", (name,)).fetchone()
        return None if row is None else _key(row)

    def note_use(self, key: Key) -> None:
        """Writes when a key was used, at most once a minute."""
        now = datetime.now(UTC)
        if key.used is not None:
            age = (now - datetime.fromisoformat(key.used)).total_seconds()
            if 0 <= age < _LAST_USE_SECONDS:
                return
        try:
            with self._database.transaction() as connection:
                connection.execute("UPDATE keys SET used = ? WHERE name = ?", (_now(), key.name))
        except StorageError as error:  # such as a full disk: those who only read are let in all the same
            logger.warning("the last use of the key %r cannot be noted: %s", key.name, error)


def _key(row: sqlite3.Row) -> Key:
    limit = None if row["collections"] is None else frozenset(json.loads(row["collections"]))
    return Key(row["name"], row["scope"], limit, row["created"], row["used"])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
