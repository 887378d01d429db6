"""Questions from data sets and spreadsheets: SQuAD-style JSON (SQuAD 1 and 2, CMRC 2018, DRCD) and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qa_engine.documents.files import open_regular
from qa_engine.documents.sentences.splitting import split_sentences
from qa_engine.errors import InputError
from qa_engine.evaluation.questions.labelled import LabelledQuestion, read_questions
from qa_engine.evaluation.record_files import validation_message

_COLUMNS = {
    "question": ("question", "问题", "提问"),
    "answers": ("answers", "answer", "答案", "回答"),
    "answerable": ("answerable", "可回答"),
    "file": ("file", "文件", "文件名"),
    "page": ("page", "页码", "页"),
    "evidence": ("evidence", "依据", "原文", "证据"),
    "id": ("id", "编号"),
}
_ANSWER_SEPARATOR = "|"
_NO = {"0", "false", "no", "n", "否", "不"}


def import_questions(path: Path) -> list[LabelledQuestion]:
    """The questions of a file in another form, in its order, without duplicates.

    - ``.json``: SQuAD-style, ``data[].paragraphs[].qas[]``, or that of CMRC 2018, a list of paragraphs with ``qas``. The
      evidence is the sentence of the paragraph that the answer is in.
    - ``.csv`` and ``.tsv``: with a row of column names, of ``question``, ``answer`` (several divided by ``|``),
      ``answerable``, ``file``, ``page``, ``evidence`` and ``id``, or 问题, 答案, 文件, 页码, 依据. UTF-8 or GB 18030.
    - ``.jsonl``: as `read_questions` reads it.

    Raises:
        InputError: the file cannot be read, or is none of these; the message names what is wrong where.
    """
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        questions = read_questions(path)
    elif suffix == ".json":
        questions = list(_from_json(path))
    elif suffix in {".csv", ".tsv"}:
        questions = list(_from_csv(path))
    else:
        raise InputError(
            f"{path} is no file of questions: its name has to end in .json, .jsonl, .csv or .tsv."
        )
    if not questions:
        raise InputError(f"There is no question in {path}.")
    return list({question.model_dump_json(): question for question in questions}.values())


def _from_json(path: Path) -> Iterator[LabelledQuestion]:
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"The questions in {path} cannot be read: it is not JSON ({error}).") from None
    try:
        for paragraph in _paragraphs(content):
            context = str(paragraph.get("context") or paragraph.get("context_text") or "")
            for item in paragraph["qas"]:
                if question := _from_squad(item, context):
                    yield question
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise InputError(
            f"{path} is not SQuAD-style JSON (data[].paragraphs[].qas[]), nor that of CMRC 2018: {_reason(error)}."
        ) from None


def _paragraphs(content: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(content, list):
        return content
    return (paragraph for article in content["data"] for paragraph in article["paragraphs"])


def _from_squad(item: Mapping[str, Any], context: str) -> LabelledQuestion | None:
    """One question of a data set; None for one without words."""
    question = str(item.get("question") or item.get("query_text") or "").strip()
    if not question:
        return None
    answers = [
        answer if isinstance(answer, Mapping) else {"text": answer} for answer in item.get("answers") or ()
    ]
    texts = list(dict.fromkeys(str(answer["text"]) for answer in answers if answer.get("text")))
    # Some data sets write the flag as a string.
    impossible = str(item.get("is_impossible")).lower() == "true" or not texts
    evidence = "" if impossible else _sentence_of(context, texts[0], answers[0].get("answer_start"))
    return LabelledQuestion(
        question=question,
        answers=() if impossible else tuple(texts),
        answerable=not impossible,
        evidence=evidence,
        id=str(item.get("id") or item.get("query_id") or ""),
    )


def _sentence_of(context: str, answer: str, start: Any) -> str:
    """The sentences that an answer is in; empty if the paragraph does not hold it."""
    if not isinstance(start, int) or context[start : start + len(answer)] != answer:
        start = context.find(answer)
    if start < 0:
        return ""
    end = start + len(answer)
    sentences = [span for span in split_sentences(context) if span.start < end and span.end > start]
    return context[sentences[0].start : sentences[-1].end] if sentences else ""


def _from_csv(path: Path) -> Iterator[LabelledQuestion]:
    text = _text(path)
    head = text.split("\n", 1)[0]
    delimiter = max("\t;,", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _columns(rows.fieldnames or ())
        if "question" not in names:
            raise InputError(
                f"{path} has no column question (or 问题), but {', '.join(rows.fieldnames or ()) or 'none'}: name its "
                "columns in the first row."
            )
        for row in rows:
            values = {key: (row.get(column) or "").strip() for key, column in names.items()}
            if any(values.values()):
                yield _from_row(values, path, rows.line_num)
    except csv.Error as error:
        raise InputError(f"Line {rows.line_num} of {path} cannot be read: {error}.") from None


def _columns(header: Any) -> dict[str, str]:
    """The columns of a table by the field that they hold."""
    folded = {str(column).strip().casefold(): str(column) for column in header if column}
    return {key: folded[name] for key, names in _COLUMNS.items() for name in names if name in folded}


def _from_row(values: Mapping[str, str], path: Path, line: int) -> LabelledQuestion:
    content: dict[str, Any] = {key: value for key, value in values.items() if value}
    answers = values.get("answers", "").split(_ANSWER_SEPARATOR)
    content["answers"] = [answer.strip() for answer in answers if answer.strip()]
    if "answerable" in content:
        content["answerable"] = content["answerable"].casefold() not in _NO
    try:
        return LabelledQuestion.model_validate(content)
    except ValidationError as error:
        raise InputError(f"Line {line} of {path} is no labelled question: {_reason(error)}.") from None


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"The questions in {path} cannot be read: {error.strerror or error}.") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"The questions in {path} cannot be read: it is neither UTF-8 nor GB 18030.")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return validation_message(error)
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]}"
    return str(error)
