"""Requests that may be sent twice: the second gets the answer of the first, and nothing is done twice."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from qa_engine.ingestion.report import utc_now
from qa_engine.server.database import ServerDatabase
from qa_engine.server.problems import ProblemError

_HOURS = 24
_TABLE = """CREATE TABLE IF NOT EXISTS idempotency_keys (
    owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    created_at TEXT NOT NULL, PRIMARY KEY (owner, key))"""


@dataclass(frozen=True)
class IdempotentRequest:
    """A request with a key by which it is known.

    Attributes:
        owner: the name of the access key of the client.
        key: what the client sent as ``Idempotency-Key``.
        fingerprint: a digest of all that the request asks for.
    """

    owner: str
    key: str
    fingerprint: str


def create_table(database: ServerDatabase) -> None:
    """Makes the table, if it is missing."""
    database.create(_TABLE)


def earlier_response(connection: sqlite3.Connection, request: IdempotentRequest) -> tuple[int, str] | None:
    """Status and body of the response to the same request, if it was answered within the last day.

    Raises:
        ProblemError: ``idempotency_mismatch``; the key was used for another request.
    """
    limit = (datetime.now(UTC) - timedelta(hours=_HOURS)).isoformat(timespec="seconds")
    connection.execute("DELETE FROM idempotency_keys WHERE created_at < ?", (limit,))
    row = connection.execute(
        "SELECT fingerprint, status, body FROM idempotency_keys WHERE owner = ? AND key = ?",
        (request.owner, request.key),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != request.fingerprint:
        raise ProblemError(
            "idempotency_mismatch", f"The Idempotency-Key {request.key!r} came with another request before."
        )
    return row["status"], row["body"]


def remember(connection: sqlite3.Connection, request: IdempotentRequest, status: int, body: str) -> None:
    """Notes the response to a request, in the transaction that does what it says."""
    connection.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
        (request.owner, request.key, request.fingerprint, status, body, utc_now()),
    )
