"""Test questions: questions whose answers people have named, kept for evaluations."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.record_files import content_hash
from qa_engine.server.access import Access
from qa_engine.server.asking.feedback import Expected
from qa_engine.server.asking.running import to_json
from qa_engine.server.database import ServerDatabase
from qa_engine.server.problems import ProblemError

_TABLE = """CREATE TABLE IF NOT EXISTS test_questions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, question TEXT NOT NULL, collections TEXT NOT NULL,
    expected TEXT NOT NULL, added REAL NOT NULL) STRICT"""
_PART = 100


class KeptQuestion(BaseModel):
    """A test question.

    Attributes:
        id: of the question, made of all that it says.
        question: as it is asked.
        collections: that it is asked of.
        expected: where they answer it, or that they do not.
        added_at: when it was added, in UTC.
    """

    id: str
    question: str
    collections: list[str]
    expected: Expected
    added_at: str


class QuestionSet(BaseModel):
    """Test questions that are asked of the same collections: one evaluation measures them together.

    Attributes:
        collections: the collections.
        questions: number of the questions.
    """

    collections: list[str]
    questions: int


class QuestionStore:
    """The table of test questions. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase) -> None:
        """
        Args:
            database: of the server.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        database.create(_TABLE)

    def add(self, question: str, collections: Iterable[str], expected: Expected) -> tuple[KeptQuestion, bool]:
        """Keeps a question.

        Args:
            question: its words.
            collections: that it is asked of.
            expected: what is known about the answer.

        Returns:
            The question, and whether it is new: one that says the same is kept once.
        """
        names, label = sorted(set(collections)), to_json(expected.model_dump(exclude_defaults=True))
        identifier = content_hash([question, names, json.loads(label)])[:16]
        with self._database.transaction() as connection:
            added = connection.execute(
                "INSERT INTO test_questions (id, question, collections, expected, added) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (id) DO NOTHING",
                (identifier, question, to_json(names), label, time.time()),
            ).rowcount
            row = connection.execute("SELECT * FROM test_questions WHERE id = ?", (identifier,)).fetchone()
        return _question(row), bool(added)

    def latest(self, access: Access, limit: int, before: int | None) -> tuple[list[KeptQuestion], int | None]:
        """Questions, the newest first, and the number that the next part begins before, or None.

        Args:
            access: sees the collections that they are asked of.
            limit: greatest number of them.
            before: such a number; None to begin with the newest.
        """
        found: list[KeptQuestion] = []
        for row in self._rows(access, before):
            if len(found) == limit:
                return found, before
            found.append(_question(row))
            before = row["number"]
        return found, None

    def sets(self, access: Access) -> list[QuestionSet]:
        """How many questions are asked of which collections, the largest set first.

        Args:
            access: sees the collections.
        """
        query = "SELECT collections, COUNT(*) AS questions FROM test_questions GROUP BY collections"
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY questions DESC, collections").fetchall()
        sets = [
            QuestionSet(collections=json.loads(row["collections"]), questions=row["questions"])
            for row in rows
        ]
        return [one for one in sets if all(map(access.sees, one.collections))]

    def delete(self, access: Access, identifier: str) -> None:
        """Deletes a question.

        Args:
            access: sees the collections that it is asked of.
            identifier: its id.

        Raises:
            ProblemError: ``not_found``: there is none, or it is asked of other collections.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT * FROM test_questions WHERE id = ?", (identifier,)).fetchone()
            if row is None or not _seen(access, row):
                raise ProblemError("not_found", f"There is no test question {identifier!r}.")
            connection.execute("DELETE FROM test_questions WHERE id = ?", (identifier,))

    def lines(self, access: Access, collections: Iterable[str] = ()) -> Iterator[str]:
        """The questions as JSON lines that `qa_engine.evaluation.questions` reads, the newest first.

        Args:
            access: sees the collections that they are asked of.
            collections: only the questions that are asked of exactly these; none for all.
        """
        wanted = sorted(set(collections))
        for row in self._rows(access, None):
            names = json.loads(row["collections"])
            if wanted and names != wanted:
                continue
            labels: dict[str, Any] = Expected.model_validate_json(row["expected"]).labels or {}
            question = LabelledQuestion(question=row["question"], id=row["id"], **labels, collections=names)
            content = question.model_dump(exclude_defaults=True, exclude_none=True)
            yield to_json({**content, "answerable": question.answerable}) + "\n"

    def _rows(self, access: Access, before: int | None) -> Iterator[sqlite3.Row]:
        """The rows that an access may see, the newest first."""
        query = "SELECT * FROM test_questions WHERE (?1 IS NULL OR number < ?1) ORDER BY number DESC LIMIT ?2"
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, (before, _PART)).fetchall()
            if not rows:
                return
            yield from (row for row in rows if _seen(access, row))
            before = rows[-1]["number"]


def _seen(access: Access, row: sqlite3.Row) -> bool:
    return all(map(access.sees, json.loads(row["collections"])))


def _question(row: sqlite3.Row) -> KeptQuestion:
    return KeptQuestion(
        id=row["id"],
        question=row["question"],
        collections=json.loads(row["collections"]),
        expected=Expected.model_validate_json(row["expected"]),
        added_at=datetime.fromtimestamp(row["added"], UTC).isoformat(timespec="seconds"),
    )
