"""How replies of judges are read: none is read in another way than its judge meant it."""

from __future__ import annotations

from typing import Any

import pytest
from evaluation.judges.recorded_replies import PREFERENCES, SCORES, VERDICTS
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.evaluation.eval_utils import default_parser

from qa_engine.evaluation.judges.replies import PREFERENCE, SCORE, VERDICT, ReplyForm

_PIECES = [
    *("是", "否", "不是", "对", "YES", "结论", "评分", "最终", "判断", ":", "：", "/", "\n", "。", " "),
    *("4", "５", "4.5", "四", "分", "-", "1e9", "NaN", "Infinity", "A", "B", "平", "平局", "[[", "]]"),
    *("{", "}", '"', "```json", "```", "<think>", "</think>", "**", "##", ">", "\x00", "\ud800"),
]
anything = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))


@pytest.mark.parametrize(
    ("replies", "form", "parsed"),
    [(VERDICTS, VERDICT, 32), (SCORES, SCORE, 15), (PREFERENCES, PREFERENCE, 8)],
    ids=["verdicts", "scores", "preferences"],
)
def test_no_recorded_reply_is_read_otherwise_than_a_person_reads_it(
    replies: list[tuple[str, Any]], form: ReplyForm[Any], parsed: int
) -> None:
    """They were given to other prompts, so most of them lack the last line; the others are unparsed, and say why."""
    readings = [(reply, label, form.read(reply)) for reply, label in replies]
    assert [reply for reply, label, reading in readings if reading.value not in (None, label)] == []
    assert sum(reading.value is not None for _, _, reading in readings) == parsed
    assert all((reading.value is None) == bool(reading.problem) for _, _, reading in readings)


@pytest.mark.parametrize(
    ("form", "line", "value"),
    [
        (VERDICT, "结论：是", True),
        (VERDICT, "结论: 否。", False),
        (VERDICT, "**结论：是**", True),
        (VERDICT, "`结论：否`", False),
        (VERDICT, "结论：不是", None),
        (VERDICT, "结论：是/否", None),
        (VERDICT, "结论：部分支持", None),
        (VERDICT, "我的结论：是", None),
        (VERDICT, "是", None),
        (VERDICT, "结论：", None),
        (SCORE, "结论：4", 4.0),
        (SCORE, "评分：４．５分", 4.5),
        (SCORE, "结论：1", 1.0),
        (SCORE, "结论：5.0", 5.0),
        (SCORE, "结论：5.1", None),
        (SCORE, "结论：0", None),
        (SCORE, "结论：10", None),
        (SCORE, "结论：-1", None),
        (SCORE, "结论：3-4", None),
        (SCORE, "结论：8/10", None),
        (SCORE, "结论：四分", None),
        (PREFERENCE, "结论：A", "A"),
        (PREFERENCE, "结论：Ｂ", "B"),
        (PREFERENCE, "结论：平", "tie"),
        (PREFERENCE, "结论：平局", "tie"),
        (PREFERENCE, "结论：A和B", None),
    ],
)
def test_only_the_last_line_counts_and_only_what_was_asked_for(
    form: ReplyForm[Any], line: str, value: Any
) -> None:
    assert form.read(line).value == value
    assert form.read(f"<think>结论：否？结论：A？</think>\n理由在此。\n\n{line}\n").value == value
    assert form.read(f"{line}\n以上仅供参考。").value is None


def test_conclusions_that_differ_are_unparsed() -> None:
    assert (
        VERDICT.read("只写下面两者之一：\n结论：是\n结论：否").problem
        == "it holds several conclusions: 是, 否"
    )
    assert VERDICT.read("结论：是\n理由：一致。\n结论：是").value is True


def test_thinking_that_breaks_off_is_empty() -> None:
    assert VERDICT.read("<think>\n结论：是").problem == "it is empty"
    assert VERDICT.read("  \n").problem == "it is empty"


def test_reasoning_is_the_reply_without_thinking() -> None:
    assert VERDICT.read("<think>嗯</think>年份一致。\n结论：是").reasoning == "年份一致。\n结论：是"
    assert (
        VERDICT.read("好的。").problem == "its last line is not the conclusion that was asked for: '好的。'"
    )


def test_what_stock_evaluators_make_of_the_same_replies() -> None:
    """The reason for a form of our own; if this fails, LlamaIndex reads better than it did."""
    wrong = [reply for reply, label in VERDICTS if label is not None and ("yes" in reply.lower()) != label]
    assert "结论：是" in wrong
    with pytest.raises(ValueError, match="unpack"):
        default_parser("4")


@given(anything)
@settings(max_examples=300, deadline=None)
def test_nothing_raises_and_no_score_is_outside_its_scale(reply: str) -> None:
    assert VERDICT.read(reply).value in (True, False, None)
    assert PREFERENCE.read(reply).value in ("A", "B", "tie", None)
    score = SCORE.read(reply).value
    assert score is None or 1 <= score <= 5


@given(st.floats(min_value=1, max_value=5))
def test_every_score_of_the_scale_is_read(score: float) -> None:
    assert SCORE.read(f"结论：{score:.1f}").value == float(f"{score:.1f}")
