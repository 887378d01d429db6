"""Reads questions whose answers are known: JSON lines, as people label them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qa_engine.errors import InputError

_MAX_BYTES = 200_000_000


class LabelledQuestion(BaseModel):
    """A question and what is known about its answer.

    Attributes:
        question: as it would be asked.
        answers: texts of which the documents hold at least one, word for word; empty if that is not known.
        answerable: whether the documents answer it; True if ``answers`` are given.
        file: name of the PDF file that answers it; empty if that is not known.
        page: of that file, from 1; None if that is not known.
        evidence: the words of the document that answer it; empty if they are not known.
        id: names the question within its set; see `question_ids` for those without.
    """

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True)

    question: str = Field(min_length=1)
    answers: tuple[str, ...] = ()
    answerable: bool = True
    file: str = ""
    page: int | None = Field(default=None, ge=1)
    evidence: str = ""
    id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _told(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("it is not an object")
        if "answers" not in data and isinstance(data.get("answer"), str):
            data = {**data, "answers": [data["answer"]]}
        if "answerable" not in data:
            placed = bool(data.get("evidence") or (data.get("file") and data.get("page")))
            if "answers" not in data and not placed:
                raise ValueError("it has neither answers nor answerable")
            data = {**data, "answerable": any(data.get("answers", ())) or placed}
        if data["answerable"] is False:
            data = {**data, "answers": [], "evidence": ""}
        if isinstance(data.get("id"), int):
            data = {**data, "id": str(data["id"])}
        unknown = {key: "" for key in ("file", "evidence", "id") if data.get(key) is None}
        return {**data, **unknown}

    @field_validator("answers")
    @classmethod
    def _said(cls, answers: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(answer for answer in answers if answer)


def read_questions(path: Path) -> list[LabelledQuestion]:
    """The questions of a file, a JSON object a line; blank lines are skipped.

    ``{"question": "…", "answers": ["…"]}``, ``{"question": "…", "answerable": false}``; ``answer`` stands for a list of one
    text; further keys are kept.

    Raises:
        InputError: it cannot be read, a line is no such object, or there is no line; the message names the line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"The questions in {path} cannot be read: {error.strerror or error}.") from None
    if len(content) > _MAX_BYTES:
        raise InputError(f"The questions in {path} cannot be read: it has more than {_MAX_BYTES:,} bytes.")
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The questions in {path} cannot be read: it is not UTF-8 ({error.reason})."
        ) from None
    questions = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            questions.append(LabelledQuestion.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"Line {number} of {path} is no labelled question{f', at {where}' if where else ''}: {first['msg']}. "
                'Write {"question": "…", "answers": ["…"]} or {"question": "…", "answerable": false}.'
            ) from None
    if not questions:
        raise InputError(f"There is no question in {path}.")
    return questions


def write_questions(path: Path, questions: Sequence[LabelledQuestion]) -> None:
    """Writes a file that `read_questions` reads, one object a line, for people to go over.

    Raises:
        InputError: it cannot be written.
    """
    kept = [
        {**question.model_dump(exclude_defaults=True), "answerable": question.answerable}
        for question in questions
    ]
    lines = (json.dumps(content, ensure_ascii=False) + "\n" for content in kept)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}): name another place with --out."
        ) from error


def question_ids(questions: Sequence[LabelledQuestion]) -> list[str]:
    """An id for each question: its own, or else one made of its words and its answers, the same in every file.

    Raises:
        InputError: two questions bear the same id.
    """
    given = Counter(question.id for question in questions if question.id)
    for identifier, count in given.items():
        if count > 1:
            raise InputError(f"{count} questions have the id {identifier!r}: give each its own, or none.")
    seen: Counter[str] = Counter()
    ids = []
    for question in questions:
        identifier = question.id
        if not identifier:
            known = [question.question, list(question.answers), question.file, question.page]
            digest = hashlib.sha256(json.dumps(known, ensure_ascii=False).encode("utf-8", "replace"))
            identifier = digest.hexdigest()[:12]
            seen[identifier] += 1
            if seen[identifier] > 1 or identifier in given:
                identifier = f"{identifier}-{seen[identifier] + (identifier in given)}"
        ids.append(identifier)
    return ids
