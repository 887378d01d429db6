"""Files of labelled questions, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.errors import InputError
from qa_engine.evaluation.questions.labelled import (
    LabelledQuestion,
    question_ids,
    read_questions,
    write_questions,
)


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "message"),
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
        ('{"question": "a", "answers": ["b"], "page": 0}', "at page"),
        ('{"question": "a", "page": 3}', "neither answers nor answerable"),
    ],
)
def test_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_questions(written(tmp_path, content))
    assert message in str(caught.value)
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


def test_a_place_or_evidence_makes_a_question_answerable(tmp_path: Path) -> None:
    lines = (
        '{"question": "a", "file": "塔.pdf", "page": 2}\n{"question": "b", "evidence": "塔高三米。", "id": null}\n'
        '{"question": "c", "answerable": false, "evidence": "塔高三米。", "file": null, "page": null}\n'
    )
    placed, quoted, unknown = read_questions(written(tmp_path, lines))
    assert (placed.answerable, placed.page, placed.answers) == (True, 2, ())
    assert (quoted.answerable, quoted.evidence, quoted.id) == (True, "塔高三米。", "")
    assert (unknown.answerable, unknown.evidence, unknown.page) == (False, "", None)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    questions = [
        LabelledQuestion(
            question="甲？", answers=("乙",), file="a.pdf", page=3, evidence="甲是乙。", id="1", kind="llm"
        ),
        LabelledQuestion(question="丙？", answerable=True),
        LabelledQuestion(question="丁？", answerable=False),
    ]
    path = tmp_path / "new" / "questions.jsonl"
    write_questions(path, questions)
    assert read_questions(path) == questions
    with pytest.raises(InputError, match="cannot be written"):
        write_questions(path / "below-a-file.jsonl", questions)


def test_ids_are_given_or_made_and_never_twice() -> None:
    def asked(question: str, **known: str) -> LabelledQuestion:
        return LabelledQuestion(question=question, answers=("答",), **known)

    made = question_ids(
        [asked("甲"), asked("乙"), asked("甲"), asked("甲", id="mine"), asked("甲", file="a.pdf")]
    )
    assert len(set(made)) == 5
    assert made[3] == "mine"
    assert question_ids([asked("乙"), asked("甲")]) == [made[1], made[0]]
    assert len(set(question_ids([asked("甲", id=made[0]), asked("甲")]))) == 2
    with pytest.raises(InputError, match="2 questions have the id 'x'"):
        question_ids([asked("甲", id="x"), asked("乙", id="x")])


@given(st.text())
def test_any_line_is_a_question_or_refused(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    path = written(tmp_path_factory.mktemp("any"), line.encode("utf-8", "replace"))
    try:
        assert read_questions(path)
    except InputError as error:
        assert str(path) in str(error)
