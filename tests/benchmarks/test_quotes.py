"""What is quoted, measured: the whole script, and its parts on made-up sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import quotes
import typer
from corpus import Question
from pdf_factory import chinese_pdf
from typer.testing import CliRunner

from qa_engine import Answer
from qa_engine.answering.extractive.sentence_choice import FEATURES, WEIGHTS, Candidate

app = typer.Typer()
app.command()(quotes.main)


def asked(question: str, answer: str, *candidates: Candidate) -> quotes.Asked:
    return quotes.Asked(Question("q", question, (answer,), False, "a.pdf", ""), Answer(None), candidates)


def test_whole_script_with_a_fit(squad: Path, tmp_path: Path, local_model: Path) -> None:
    arguments = [str(squad), "--fit", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "quotes-places.json").read_text(encoding="utf-8"))
    assert list(content["quotes"]) == ["quoted", "best support"]
    assert list(content["weights"]) == list(FEATURES)
    assert content["quotes"]["quoted"]["holds_answer"] == 1 - content["refused"] / 4
    written = (tmp_path / "out" / "quotes-places.md").read_text(encoding="utf-8")
    assert "1 PDFs, 1 pages, 4 paragraphs, 4 questions, seed 7." in written


def test_nothing_but_refusals_quotes_nothing() -> None:
    refused = [asked("塔有多高？", "71米")] * 2
    assert set(quotes.summary(refused, [[], []]).values()) == {0.0}
    assert quotes.best_support([]) == []


def test_summary_counts_refusals_as_not_quoted_and_leaves_them_out_of_lengths() -> None:
    both = [asked("塔有多高？", "71米"), asked("湖有多深？", "2米")]
    found = quotes.summary(both, [["高71米"], []])
    assert (found["holds_answer"], found["chars_mean"], found["quotes_mean"]) == (0.5, 4, 1)
    assert found["f1"] == 2 * 2 / (3 + 2) / 2  # 71米 is two units, 高71米 three


def test_best_support_takes_a_second_sentence_only_if_it_is_close() -> None:
    one, close, far = Candidate("甲", 0, 0.9), Candidate("乙", 1, 0.895), Candidate("丙", 0, 0.8)
    assert quotes.best_support([far, close, one]) == ["甲", "乙"]
    assert quotes.best_support([far, one]) == ["甲"]
    assert quotes.best_support([one, one, Candidate("丁", 0, 0.99, quotable=False)]) == ["甲"]


def test_fit_finds_the_sign_that_tells() -> None:
    told = Candidate("这座塔高71.679米。", 0, 0.7)
    others = [Candidate("这座塔在西湖边上。", 0, 0.7), Candidate("这座塔是木头的。", 0, 0.7)]
    weights = quotes.fitted_weights(quotes.choices([asked("塔有多高？", "71.679米", *others, told)] * 20))
    assert weights["number"] > 1
    assert all(abs(weights[sign]) < 1e-6 for sign in ("rank", "time", "place", "reason"))


def test_questions_whose_answer_no_sentence_holds_say_nothing() -> None:
    missing = asked("塔有多高？", "没有的", Candidate("塔高71.679米。", 0, 0.9))
    assert set(quotes.fitted_weights(quotes.choices([missing])).values()) == {0.0}
    assert quotes.right_in_folds(quotes.choices([missing])) == 0.0


def test_few_questions_hardly_change_the_weights_that_they_start_from() -> None:
    told = asked(
        "塔有多高？", "71.679米", Candidate("塔高71.679米。", 0, 0.9), Candidate("塔在湖边。", 0, 0.9)
    )
    weights = quotes.fitted_weights(quotes.choices([told]), WEIGHTS)
    assert all(abs(weights[sign] - WEIGHTS[sign]) < 0.5 for sign in ("period", "label", "time"))
    assert quotes.right_in_folds(quotes.choices([told] * 6), WEIGHTS) == 1.0


def test_questions_about_documents_of_ones_own(tmp_path: Path, local_model: Path) -> None:
    chinese_pdf(tmp_path / "documents" / "西湖.pdf")
    questions = tmp_path / "own.jsonl"
    questions.write_text(
        '{"question": "雷峰塔有多高？", "answers": ["71.679米"]}\n{"question": "谁？", "answerable": false}\n'
    )
    arguments = [
        str(questions),
        "--documents",
        str(tmp_path / "documents"),
        "--fit",
        "--out",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out" / "quotes-own.json").read_text(encoding="utf-8"))
    assert content["quotes"]["quoted"]["holds_answer"] == 1.0


def test_a_folder_without_pdfs_is_refused(tmp_path: Path) -> None:
    questions = tmp_path / "own.jsonl"
    questions.write_text('{"question": "雷峰塔有多高？", "answers": ["71.679米"]}\n')
    with pytest.raises(typer.BadParameter, match="no PDF"):
        quotes.own_corpus(questions, tmp_path, 10)
