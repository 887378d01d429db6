"""Data sets and tables of questions, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.errors import InputError
from qa_engine.evaluation.questions.datasets import import_questions

CONTEXT = "雷峰塔始建于975年。现在的塔于2002年重建完成，高71.679米。"


def squad(*asked: dict[str, Any], context: str = CONTEXT) -> dict[str, Any]:
    return {"data": [{"title": "塔", "paragraphs": [{"context": context, "qas": list(asked)}]}]}


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    text = content if isinstance(content, str | bytes) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "has to end in .json, .jsonl, .csv or .tsv"),
        ("a.json", "{", "it is not JSON"),
        ("a.json", "[" * 100_000, "it is not JSON"),
        ("a.json", {"data": [{}]}, "there is no paragraphs"),
        ("a.json", {"data": [{"paragraphs": [{"context": "甲"}]}]}, "there is no qas"),
        ("a.json", {"data": 3}, "not SQuAD-style JSON"),
        ("a.json", "3", "not SQuAD-style JSON"),
        ("a.json", {"data": []}, "There is no question in"),
        ("a.json", squad({"id": "1", "question": " "}), "There is no question in"),
        ("a.csv", "", "has no column question (or 问题), but none"),
        ("a.csv", "q,a\n甲,乙\n", "has no column question (or 问题), but q, a"),
        ("a.csv", "question,answer\n", "There is no question in"),
        ("a.csv", "question,answer,page\n甲,乙,first\n", "Line 2 of"),
        ("a.csv", 'question,answer\n"甲,乙\n', "cannot be read"),
        ("a.csv", "question,answer\n,乙\n", "Line 2 of"),
        ("a.csv", b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
        ("a.jsonl", "{}", "Line 1 of"),
    ],
)
def test_what_is_no_file_of_questions_is_refused(
    tmp_path: Path, name: str, content: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        import_questions(written(tmp_path, name, content))
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        import_questions(tmp_path / "a.json")


def test_squad_gives_answers_and_the_sentence_they_are_in(tmp_path: Path) -> None:
    known = {"id": "1", "question": "塔有多高？", "answers": [{"text": "71.679米", "answer_start": 26}] * 3}
    unknown = {"id": "2", "question": "谁建的？", "answers": [], "is_impossible": True}
    as_text = {"id": "3", "question": "多宽？", "answers": [{"text": "甲"}], "is_impossible": "true"}
    first, second, third = import_questions(written(tmp_path, "a.json", squad(known, unknown, as_text)))
    assert (first.answers, first.id, first.answerable) == (("71.679米",), "1", True)
    assert first.evidence == "现在的塔于2002年重建完成，高71.679米。"
    assert (second.answerable, second.answers, second.evidence) == (False, (), "")
    assert third.answerable is False


def test_a_wrong_place_of_an_answer_is_looked_up(tmp_path: Path) -> None:
    lost = {"id": "1", "question": "塔？", "answers": [{"text": "975年", "answer_start": 999}]}
    gone = {"id": "2", "question": "山？", "answers": [{"text": "没有", "answer_start": 0}]}
    first, second = import_questions(written(tmp_path, "a.json", squad(lost, gone)))
    assert first.evidence == "雷峰塔始建于975年。"
    assert second.evidence == ""


def test_cmrc_in_its_own_form(tmp_path: Path) -> None:
    asked = {"query_id": "T_0", "query_text": "塔有多高？", "answers": ["71.679米", "71.679米", "高71.679米"]}
    content = [{"context_id": "T", "context_text": CONTEXT, "qas": [asked]}]
    (question,) = import_questions(written(tmp_path, "a.json", content))
    assert (question.id, question.answers) == ("T_0", ("71.679米", "高71.679米"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "question,answer,file,page\n塔高？,71米|七十一米,塔.pdf,3\n谁建？,,,\n"),
        ("a.csv", "\ufeff问题;答案;文件;页码\r\n塔高？;71米|七十一米;塔.pdf;3\r\n谁建？;;;\r\n"),
        ("a.csv", "问题,答案,文件,页码\n塔高？,71米|七十一米,塔.pdf,3\n谁建？,,,\n".encode("gb18030")),
        ("a.tsv", "Question\tAnswers\tFile\tPage\n塔高？\t71米|七十一米\t塔.pdf\t3\n\n谁建？\t\t\t\n"),
    ],
)
def test_tables_as_people_make_them(tmp_path: Path, name: str, content: str | bytes) -> None:
    first, second = import_questions(written(tmp_path, name, content))
    assert (first.question, first.answers, first.file, first.page) == (
        "塔高？",
        ("71米", "七十一米"),
        "塔.pdf",
        3,
    )
    assert (second.question, second.answerable) == ("谁建？", False)


def test_a_table_says_what_is_answerable(tmp_path: Path) -> None:
    content = "问题,可回答,依据\n甲？,否,\n乙？,是,\n丙？,,乙是丙。\n甲？,否,\n"
    found = import_questions(written(tmp_path, "a.csv", content))
    assert [question.answerable for question in found] == [False, True, True]


@given(st.binary(max_size=60), st.sampled_from(["json", "csv", "tsv", "jsonl"]))
def test_any_bytes_are_questions_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), f"any.{ending}", content)
    try:
        assert import_questions(path)
    except InputError as error:
        assert str(path) in str(error)
