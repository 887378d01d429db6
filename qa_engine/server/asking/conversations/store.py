"""Conversations that the server keeps: their questions with the answers, for the key that began them."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from qa_engine.conversation.turns import Turn
from qa_engine.server.database import ServerDatabase
from qa_engine.server.problems import ProblemError
from qa_engine.text.one_line import one_line

_TABLES = (
    """CREATE TABLE IF NOT EXISTS conversations (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, title TEXT NOT NULL,
        collections TEXT NOT NULL, created REAL NOT NULL, used REAL NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS turns (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,
        question TEXT NOT NULL, standalone TEXT NOT NULL, answer TEXT NOT NULL, said TEXT NOT NULL, refused INTEGER NOT NULL,
        files TEXT NOT NULL, remembered INTEGER NOT NULL, answer_id TEXT NOT NULL, asked REAL NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS conversations_by_owner ON conversations (owner, number)",
    "CREATE INDEX IF NOT EXISTS conversations_by_use ON conversations (used)",
    "CREATE INDEX IF NOT EXISTS turns_by_conversation ON turns (conversation, number)",
)
_DAY = 86_400
_TITLE_CHARS = 60
_MOST_REMEMBERED = 1000


class Conversation(BaseModel):
    """A conversation.

    Attributes:
        id: of the conversation.
        title: its own, or else its first question; empty before that.
        collections: that are asked if a question names none; empty for those of the server.
        created_at: when it was begun, in UTC.
        used_at: when it was asked last, in UTC.
    """

    id: str
    title: str
    collections: list[str]
    created_at: str
    used_at: str


class ConversationTurn(BaseModel):
    """A question of a conversation, and its answer.

    Attributes:
        question: as it was asked.
        standalone: as it was searched for.
        answer: the text.
        refused: whether it is the refusal.
        files: names of the files that it cites.
        answer_id: of the answer, which is kept for a shorter time.
        asked_at: when it was asked, in UTC.
    """

    question: str
    standalone: str
    answer: str
    refused: bool
    files: list[str]
    answer_id: str
    asked_at: str


class WholeConversation(Conversation):
    """A conversation with its last turns.

    Attributes:
        turns: the turns, the oldest first.
        earlier: number of turns before those.
    """

    turns: list[ConversationTurn]
    earlier: int


class ConversationStore:
    """The tables of conversations. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase, days: float) -> None:
        """
        Args:
            database: of the server.
            days: how long a conversation is kept after its last question; 0 keeps it for ever.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        self._seconds = days * _DAY
        database.create(*_TABLES)

    def begin(self, owner: str, title: str, collections: Sequence[str]) -> Conversation:
        """Begins a conversation, and drops those that have been left for too long."""
        now = time.time()
        row = (secrets.token_urlsafe(12), owner, title, json.dumps(list(collections)), now, now)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM conversations WHERE used < ?", (self._oldest(now),))
            connection.execute(
                "INSERT INTO conversations (id, owner, title, collections, created, used) VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        return Conversation(
            id=row[0], title=title, collections=list(collections), created_at=_time(now), used_at=_time(now)
        )

    def latest(self, owner: str, limit: int, before: int | None) -> tuple[list[Conversation], int | None]:
        """Conversations of a key, the newest first, and the number that the next part begins before, or None.

        Args:
            owner: name of the key.
            limit: greatest number of them.
            before: such a number; None to begin with the newest.
        """
        query = (
            "SELECT * FROM conversations WHERE owner = ?1 AND used >= ?2 AND (?3 IS NULL OR number < ?3) "
            "ORDER BY number DESC LIMIT ?4"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (owner, self._oldest(), before, limit + 1)).fetchall()
        shown = rows[:limit]
        return [_conversation(row) for row in shown], shown[-1]["number"] if len(rows) > limit else None

    def show(self, owner: str, identifier: str, limit: int) -> WholeConversation:
        """A conversation with its last turns.

        Raises:
            ProblemError: ``not_found``: there is none, or it is that of another key.
        """
        with self._database.reading() as connection:
            row = self._row(connection, owner, identifier)
            count, turns = _turns(connection, row["number"], "1", limit)
        return WholeConversation(
            **_conversation(row).model_dump(),
            turns=[
                ConversationTurn(
                    question=turn["question"],
                    standalone=turn["standalone"],
                    answer=turn["answer"],
                    refused=bool(turn["refused"]),
                    files=json.loads(turn["files"]),
                    answer_id=turn["answer_id"],
                    asked_at=_time(turn["asked"]),
                )
                for turn in turns
            ],
            earlier=count - len(turns),
        )

    def history(self, owner: str, identifier: str) -> tuple[list[str], list[Turn]]:
        """The collections of a conversation, and the turns that its next question may lean on.

        Raises:
            ProblemError: as `show`.
        """
        with self._database.reading() as connection:
            row = self._row(connection, owner, identifier)
            _, turns = _turns(connection, row["number"], "remembered", _MOST_REMEMBERED)
        return json.loads(row["collections"]), [
            Turn(
                turn["question"],
                turn["standalone"],
                turn["said"],
                bool(turn["refused"]),
                tuple(json.loads(turn["files"])),
            )
            for turn in turns
        ]

    def add(self, owner: str, identifier: str, turn: Turn | None, body: dict[str, Any]) -> None:
        """Adds an answer to a conversation.

        Args:
            owner: name of the key.
            identifier: of the conversation.
            turn: what later questions may lean on; None if they may not.
            body: the answer as it is sent.
        """
        now, question = time.time(), body["question"]
        shown = turn or Turn(question, question, body["answer"], body["refused"])
        with self._database.transaction(durable=False) as connection:
            number = self._row(connection, owner, identifier)["number"]
            connection.execute(
                "UPDATE conversations SET used = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE number = ?",
                (now, one_line(question, _TITLE_CHARS), number),
            )
            connection.execute(
                "INSERT INTO turns (conversation, question, standalone, answer, said, refused, files, remembered, "
                "answer_id, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(number, question, shown.standalone, body["answer"], shown.response, shown.refused),
                    *(json.dumps(shown.files), turn is not None, body["answer_id"], now),
                ),
            )

    def delete(self, owner: str, identifier: str) -> None:
        """Deletes a conversation.

        Raises:
            ProblemError: as `show`.
        """
        with self._database.transaction() as connection:
            number = self._row(connection, owner, identifier)["number"]
            connection.execute("DELETE FROM conversations WHERE number = ?", (number,))

    def _row(self, connection: sqlite3.Connection, owner: str, identifier: str) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(
            "SELECT * FROM conversations WHERE id = ? AND owner = ? AND used >= ?",
            (identifier, owner, self._oldest()),
        ).fetchone()
        if row is None:
            raise ProblemError("not_found", f"There is no conversation {identifier!r}.")
        return row

    def _oldest(self, now: float | None = None) -> float:
        """Since when a conversation must have been used."""
        return (time.time() if now is None else now) - self._seconds if self._seconds > 0 else 0.0


def _turns(
    connection: sqlite3.Connection, conversation: int, condition: str, limit: int
) -> tuple[int, list[sqlite3.Row]]:
    """How many turns fulfil a condition, and the last of them, the oldest first."""
    where = f"FROM turns WHERE conversation = ? AND {condition}"
    count = connection.execute(f"SELECT COUNT(*) {where}", (conversation,)).fetchone()[0]
    rows = connection.execute(f"SELECT * {where} ORDER BY number DESC LIMIT ?", (conversation, limit))
    return count, rows.fetchall()[::-1]


def _conversation(row: sqlite3.Row) -> Conversation:
    return Conversation(
        id=row["id"],
        title=row["title"],
        collections=json.loads(row["collections"]),
        created_at=_time(row["created"]),
        used_at=_time(row["used"]),
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
