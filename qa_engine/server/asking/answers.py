"""Answers that were sent, kept for some time: a client whose stream was lost can fetch them, and say how good they were."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from qa_engine.server.asking.running import LoggedEvent, to_json
from qa_engine.server.database import ServerDatabase

_TABLES = (
    """CREATE TABLE IF NOT EXISTS answers (
        owner TEXT NOT NULL, id TEXT NOT NULL, created REAL NOT NULL, standalone TEXT NOT NULL,
        collections TEXT NOT NULL, event INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (owner, id)) STRICT""",
    "CREATE INDEX IF NOT EXISTS answers_by_time ON answers (created)",
)
_HOUR = 3600


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that was sent.

    Attributes:
        body: as it was sent.
        standalone: the question as it was searched for.
        collections: that were asked.
        event: number of its last event.
    """

    body: dict[str, Any]
    standalone: str
    collections: list[str]
    event: int

    @property
    def last_event(self) -> LoggedEvent:
        """The event ``done``, as it was sent."""
        return LoggedEvent(self.event, "done", to_json(self.body))


class AnswerStore:
    """The table of answers. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase, hours: float) -> None:
        """
        Args:
            database: of the server.
            hours: how long an answer is kept; 0 keeps none.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        self._seconds = hours * _HOUR
        database.create(*_TABLES)

    def put(self, owner: str, answer: KeptAnswer) -> None:
        """Keeps an answer, and drops those whose time is over.

        Args:
            owner: name of the key that asked.
            answer: its body has its ``answer_id``.
        """
        if self._seconds <= 0:
            return
        now = time.time()
        row = (
            *(owner, answer.body["answer_id"], now, answer.standalone, to_json(answer.collections)),
            *(answer.event, to_json(answer.body)),
        )
        with self._database.transaction(durable=False) as connection:
            connection.execute("DELETE FROM answers WHERE created < ?", (now - self._seconds,))
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, owner: str, answer_id: str) -> KeptAnswer | None:
        """An answer, or None: it was asked with another key, its time is over, or there never was one."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT * FROM answers WHERE owner = ? AND id = ? AND created >= ?",
                (owner, answer_id, time.time() - self._seconds),
            ).fetchone()
        if row is None:
            return None
        return KeptAnswer(
            json.loads(row["body"]), row["standalone"], json.loads(row["collections"]), row["event"]
        )
