"""What readers say of answers, kept as questions whose answers are known, for ``qa-engine evaluate``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.server.access import Access
from qa_engine.server.asking.answers import KeptAnswer
from qa_engine.server.asking.requests import Body
from qa_engine.server.asking.running import to_json
from qa_engine.server.database import ServerDatabase

_TABLE = """CREATE TABLE IF NOT EXISTS feedback (
    number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, answer TEXT NOT NULL, given REAL NOT NULL,
    collections TEXT NOT NULL, question TEXT NOT NULL, feedback TEXT NOT NULL, labels TEXT, UNIQUE (owner, answer)) STRICT"""


class Expected(Body):
    """What the answer should have been.

    Attributes:
        file: name of the file that answers.
        page: page of that file, from 1.
        text: the words of the document that answer.
        unanswerable: whether the documents do not answer the question.
    """

    file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    text: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    unanswerable: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Expected:
        placed = self.file is not None or self.text is not None
        if self.unanswerable and (placed or self.page is not None):
            raise ValueError("an unanswerable question has no file, page or text")
        if self.page is not None and self.file is None:
            raise ValueError("a page needs the file that it is of")
        return self

    @property
    def labels(self) -> dict[str, Any] | None:
        """What is known about the answer, as `LabelledQuestion` takes it; None if nothing is."""
        if self.unanswerable:
            return {"answerable": False}
        known = {"file": self.file, "page": self.page, "evidence": self.text}
        said = {name: value for name, value in known.items() if value is not None}
        return {**said, "answerable": True} if said else None


class FeedbackRequest(Body):
    """What a reader says of an answer.

    Attributes:
        rating: whether it was good.
        reason: in a word, such as ``wrong_page``.
        comment: in sentences.
        expected: what it should have been.
    """

    rating: Literal["up", "down"]
    reason: Annotated[str, Field(max_length=200)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None
    expected: Expected | None = None

    def labels(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """What is known now about the answer to the question, as `LabelledQuestion` takes it; None if nothing is.

        Args:
            answer: its body. If it is rated up, its first citation is right, or its refusal.
        """
        if self.expected is not None:
            return self.expected.labels
        if self.rating == "down":
            return None
        if answer["refused"]:
            return {"answerable": False}
        citation = next((one for one in answer["citations"] if one["page"]), None)
        if citation is None:
            return None
        labels = {"answerable": True, "file": citation["file"], "page": citation["page"]}
        # A whole passage has other bounds with other settings: its words are no label.
        is_quote = citation["id"] != citation["node_id"]
        return {**labels, "evidence": citation["text"]} if is_quote else labels


class FeedbackStore:
    """The table of feedback. Thread-safe; its methods block, so call them from threads."""

    def __init__(self, database: ServerDatabase) -> None:
        """
        Args:
            database: of the server.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        database.create(_TABLE)

    def put(self, owner: str, answer: KeptAnswer, feedback: FeedbackRequest) -> None:
        """Keeps feedback; later feedback on the same answer takes its place.

        Args:
            owner: name of the key.
            answer: that it is about.
            feedback: it.
        """
        labels = feedback.labels(answer.body)
        row = (
            *(owner, answer.body["answer_id"], time.time(), to_json(answer.collections), answer.standalone),
            *(to_json(feedback.model_dump()), None if labels is None else to_json(labels)),
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO feedback (owner, answer, given, collections, question, feedback, labels) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def lines(self, access: Access) -> Iterator[str]:
        """The questions with labels, a JSON object each, as `qa_engine.evaluation.questions` reads them.

        Args:
            access: sees the collections that were asked.
        """
        number = 0
        while rows := self._rows(number):
            for row in rows:
                number = row["number"]
                collections = json.loads(row["collections"])
                if all(map(access.sees, collections)):
                    feedback = json.loads(row["feedback"])
                    question = LabelledQuestion(
                        question=row["question"],
                        id=f"feedback-{number}",
                        **json.loads(row["labels"]),
                        **{name: feedback[name] for name in ("rating", "reason", "comment")},
                        collections=collections,
                    )
                    content = question.model_dump(exclude_defaults=True, exclude_none=True)
                    yield to_json({**content, "answerable": question.answerable}) + "\n"

    def _rows(self, after: int) -> list[Any]:
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT * FROM feedback WHERE number > ? AND labels IS NOT NULL ORDER BY number LIMIT 100",
                (after,),
            ).fetchall()
