"""What becomes of feedback: a person accepts it as a test question, or dismisses it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from qa_engine.server.access import Access
from qa_engine.server.asking.feedback import Expected
from qa_engine.server.database import ServerDatabase
from qa_engine.server.problems import ProblemError

_TABLE = """CREATE TABLE IF NOT EXISTS feedback_reviews (
    number INTEGER PRIMARY KEY REFERENCES feedback (number) ON DELETE CASCADE, state TEXT NOT NULL, reviewed REAL NOT NULL
) STRICT"""
_SELECT = (
    "SELECT feedback.*, COALESCE(feedback_reviews.state, 'waiting') AS state FROM feedback "
    "LEFT JOIN feedback_reviews ON feedback_reviews.number = feedback.number"
)
_PART = 100
_PREFIX = "feedback-"
ReviewState = Literal["waiting", "accepted", "dismissed"]


class Feedback(BaseModel):
    """What a reader said of an answer.

    Attributes:
        id: of the feedback.
        question: that was answered, as a question that stands alone.
        rating: ``up`` or ``down``.
        reason: in a word; null if none was given.
        comment: in sentences; null if none was given.
        expected: what is known about the right answer from it; null if nothing is.
        answer_id: of the answer.
        collections: that were asked.
        given_at: when it was given, in UTC.
        state: whether it waits for a decision, is accepted as a test question, or dismissed.
    """

    id: str
    question: str
    rating: Literal["up", "down"]
    reason: str | None
    comment: str | None
    expected: Expected | None
    answer_id: str
    collections: list[str]
    given_at: str
    state: ReviewState


class ReviewStore:
    """The table of decisions on feedback. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase) -> None:
        """
        Args:
            database: of the server, with the table of `FeedbackStore`.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        database.create(_TABLE)

    def latest(
        self, access: Access, state: ReviewState | None, limit: int, before: int | None
    ) -> tuple[list[Feedback], int | None]:
        """Feedback, the newest first, and the number that the next part begins before, or None.

        Args:
            access: sees the collections that were asked.
            state: of the feedback; None for all.
            limit: greatest number of them.
            before: such a number; None to begin with the newest.
        """
        found: list[Feedback] = []
        for row in self._rows(state, before):
            if not _seen(access, row):
                continue
            if len(found) == limit:
                return found, before
            found.append(_feedback(row))
            before = row["number"]
        return found, None

    def get(self, access: Access, identifier: str) -> Feedback:
        """One piece of feedback.

        Raises:
            ProblemError: ``not_found``: there is none, or it is about other collections.
        """
        number = identifier.removeprefix(_PREFIX)
        row = None
        if identifier.startswith(_PREFIX) and number.isascii() and number.isdigit() and len(number) < 19:
            with self._database.reading() as connection:
                row = connection.execute(f"{_SELECT} WHERE feedback.number = ?", (int(number),)).fetchone()
        if row is None or not _seen(access, row):
            raise ProblemError("not_found", f"There is no feedback {identifier!r}.")
        return _feedback(row)

    def decide(self, identifier: str, state: Literal["accepted", "dismissed"]) -> None:
        """Records a decision; a later one takes its place.

        Args:
            identifier: of feedback that `get` has found.
            state: the decision.

        Raises:
            ProblemError: ``not_found``: there is other feedback on the answer by now.
        """
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO feedback_reviews (number, state, reviewed) VALUES (?, ?, ?)",
                    (int(identifier.removeprefix(_PREFIX)), state, time.time()),
                )
        except sqlite3.IntegrityError:
            raise ProblemError("not_found", f"There is no feedback {identifier!r}.") from None

    def _rows(self, state: ReviewState | None, before: int | None) -> Iterator[sqlite3.Row]:
        query = (
            f"SELECT * FROM ({_SELECT}) WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR state = ?2) "
            "ORDER BY number DESC LIMIT ?3"
        )
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, (before, state, _PART)).fetchall()
            if not rows:
                return
            yield from rows
            before = rows[-1]["number"]


def _seen(access: Access, row: sqlite3.Row) -> bool:
    return all(map(access.sees, json.loads(row["collections"])))


def _feedback(row: sqlite3.Row) -> Feedback:
    said = json.loads(row["feedback"])
    return Feedback(
        id=f"{_PREFIX}{row['number']}",
        question=row["question"],
        **{name: said[name] for name in ("rating", "reason", "comment")},
        expected=None if row["labels"] is None else _expected(json.loads(row["labels"])),
        answer_id=row["answer"],
        collections=json.loads(row["collections"]),
        given_at=datetime.fromtimestamp(row["given"], UTC).isoformat(timespec="seconds"),
        state=row["state"],
    )


def _expected(labels: dict[str, Any]) -> Expected:
    """The same as labels of `LabelledQuestion` say."""
    if not labels["answerable"]:
        return Expected(unanswerable=True)
    return Expected.model_construct(
        file=labels.get("file"), page=labels.get("page"), text=labels.get("evidence"), unanswerable=False
    )
