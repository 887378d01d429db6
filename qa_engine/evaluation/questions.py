"""Reads questions whose answers are known: JSON lines, as people label them."""

from __future__ import annotations

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
    """

    model_config = ConfigDict(extra="allow", frozen=True, str_strip_whitespace=True)

    question: str = Field(min_length=1)
    answers: tuple[str, ...] = ()
    answerable: bool = True
    file: str = ""

    @model_validator(mode="before")
    @classmethod
    def _told(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("it is not an object")
        if "answers" not in data and isinstance(data.get("answer"), str):
            data = {**data, "answers": [data["answer"]]}
        if "answerable" not in data:
            if "answers" not in data:
                raise ValueError("it has neither answers nor answerable")
            data = {**data, "answerable": any(data["answers"])}
        if data["answerable"] is False:
            data = {**data, "answers": []}
        return data if data.get("file") is not None else {**data, "file": ""}

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
