"""Sessions of browsers: a random id in a cookie, which stands for a key until it expires or the key is removed."""

from __future__ import annotations

import secrets
import time

from qa_engine.server.admission.keys import Key, KeyStore, hash_of
from qa_engine.server.database import ServerDatabase

COOKIE = "qa_engine_session"
SESSION_SECONDS = 30 * 24 * 3600
_MOST = 100
"""Sessions of one key; the oldest makes room."""
_TABLE = """CREATE TABLE IF NOT EXISTS sessions (
    hash BLOB PRIMARY KEY, key TEXT NOT NULL REFERENCES keys(name) ON DELETE CASCADE, expires REAL NOT NULL
) STRICT"""
_OLDEST = """DELETE FROM sessions WHERE key = ?1 AND hash NOT IN
    (SELECT hash FROM sessions WHERE key = ?1 ORDER BY expires DESC LIMIT ?2)"""


class SessionStore:
    """The sessions in the database of the server; of their ids, hashes alone. Thread-safe."""

    def __init__(self, database: ServerDatabase, keys: KeyStore) -> None:
        """
        Args:
            database: it.
            keys: those that sessions stand for.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        self._keys = keys
        database.create(_TABLE, "CREATE INDEX IF NOT EXISTS sessions_by_key ON sessions (key, expires)")

    def open(self, key: Key) -> str:
        """Opens a session for a key.

        Returns:
            Its id, for the cookie.
        """
        session = secrets.token_urlsafe(32)
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE expires < ?", (now,))
            connection.execute(
                "INSERT INTO sessions (hash, key, expires) VALUES (?, ?, ?)",
                (hash_of(session), key.name, now + SESSION_SECONDS),
            )
            connection.execute(_OLDEST, (key.name, _MOST))
        return session

    def find(self, session: str) -> Key | None:
        """The key that a session stands for, or None. The use of the key is noted."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT key FROM sessions WHERE hash = ? AND expires > ?", (hash_of(session), time.time())
            ).fetchone()
        key = None if row is None else self._keys.named(row["key"])
        if key is not None:
            self._keys.note_use(key)
        return key

    def end(self, session: str) -> None:
        """Ends a session; one that is over already too."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE hash = ?", (hash_of(session),))
