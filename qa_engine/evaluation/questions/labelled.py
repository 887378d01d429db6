"""Questions whose answers are known, and the JSON lines file that people label them in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qa_engine.errors import InputError
from qa_engine.evaluation.record_files import content_hash, text_lines, validation_message
from qa_engine.index.disk.atomic_file import make_folder, open_private


class LabelledQuestion(BaseModel):
    """A question and what is known about its answer.

    Attributes:
        question: as it would be asked.
        answers: texts of which the documents hold at least one, word for word; empty if none is known.
        answerable: whether the documents answer it; True if there are ``answers``.
        file: name of the PDF file that answers it; empty if it is not known.
        page: page of that file, from 1; None if it is not known.
        evidence: the words of the document that answer it; empty if they are not known.
        id: names the question within its set; see `question_ids` for questions without one.
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
    def _complete(cls, data: Any) -> Any:
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
        return {**data, **{key: "" for key in ("file", "evidence", "id") if data.get(key) is None}}

    @field_validator("answers")
    @classmethod
    def _without_empty(cls, answers: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(answer for answer in answers if answer)


def read_questions(path: Path) -> list[LabelledQuestion]:
    """The questions of a file, a JSON object a line; blank lines are skipped.

    ``{"question": "…", "answers": ["…"]}``, ``{"question": "…", "answerable": false}``; ``answer`` stands for a list of one
    text; further keys are kept.

    Raises:
        InputError: it cannot be read, a line is no such object, or there is no line; the message names the line.
    """
    questions = []
    for number, line in text_lines(path, "questions"):
        try:
            questions.append(LabelledQuestion.model_validate_json(line))
        except ValidationError as error:
            raise InputError(
                f"Line {number} of {path} is no labelled question: {validation_message(error)}. "
                'Write {"question": "…", "answers": ["…"]} or {"question": "…", "answerable": false}.'
            ) from None
    if not questions:
        raise InputError(f"There is no question in {path}.")
    return questions


def write_questions(path: Path, questions: Sequence[LabelledQuestion]) -> None:
    """Writes a file that `read_questions` reads, one object a line, for people to check.

    Raises:
        InputError: it cannot be written.
    """
    contents = (
        {**question.model_dump(exclude_defaults=True), "answerable": question.answerable}
        for question in questions
    )
    lines = (json.dumps(content, ensure_ascii=False) + "\n" for content in contents)
    try:
        make_folder(path.parent)
        with open_private(path, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(lines)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}): name another place with --out."
        ) from error


def question_ids(questions: Sequence[LabelledQuestion]) -> list[str]:
    """An id for each question: its own, or one made of its words and answers, the same in every file.

    Raises:
        InputError: two questions bear the same id.
    """
    named = Counter(question.id for question in questions if question.id)
    for identifier, count in named.items():
        if count > 1:
            raise InputError(f"{count} questions have the id {identifier!r}: give each its own, or none.")
    seen: Counter[str] = Counter()
    ids = []
    for question in questions:
        identifier = question.id
        if not identifier:
            content = [question.question, list(question.answers), question.file, question.page]
            identifier = content_hash(content)[:12]
            seen[identifier] += 1
            if seen[identifier] > 1 or identifier in named:
                identifier = f"{identifier}-{seen[identifier] + (identifier in named)}"
        ids.append(identifier)
    return ids
