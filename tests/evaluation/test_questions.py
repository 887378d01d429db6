"""Files of labelled questions, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.errors import InputError
from qa_engine.evaluation.questions import read_questions


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "There is no question in"),
        ("\n  \n", "There is no question in"),
        ("not json", "Line 1 of"),
        ("[]", "it is not an object"),
        ('{"question": "高度？"}', "neither answers nor answerable"),
        ('{"question": "高度？", "answers": "三米"}', "at answers"),
        ('{"question": " ", "answers": []}', "at question"),
        ('{"answers": []}', "at question"),
        ('{"question": "a", "answerable": true}\n\n{"question": 3, "answers": []}', "Line 3 of"),
        (b"\xff\xfe", "it is not UTF-8"),
    ],
)
def test_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_questions(written(tmp_path, content))
    assert told in str(caught.value)
    assert "questions.jsonl" in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_questions(tmp_path / "questions.jsonl")


def test_answers_make_a_question_answerable(tmp_path: Path) -> None:
    lines = (
        '\ufeff{"question": " 塔高？ ", "answers": ["71.679米", ""], "file": "塔.pdf", "id": 7}\n'
        '{"question": "谁？", "answers": []}\r\n'
        '{"question": "何时？", "answerable": true}\n'
        '{"question": "哪里？", "answerable": false}\n'
        '{"question": "多深？", "answer": "2.27米"}\n'
        '{"question": "多宽？", "answer": "我无法回答您的问题", "file": null, "answerable": false}\n'
    )
    first, *others = read_questions(written(tmp_path, lines))
    assert (first.question, first.answers, first.answerable, first.file) == (
        "塔高？",
        ("71.679米",),
        True,
        "塔.pdf",
    )
    assert [other.answerable for other in others] == [False, True, False, True, False]
    assert [other.answers for other in others] == [(), (), (), ("2.27米",), ()]


@given(st.text())
def test_any_line_is_a_question_or_refused(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    path = written(tmp_path_factory.mktemp("any"), line.encode("utf-8", "replace"))
    try:
        assert read_questions(path)
    except InputError as error:
        assert str(path) in str(error)
