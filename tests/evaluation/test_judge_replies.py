"""How replies of judges are read: what many models write, and anything at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from evaluation.judge_replies import PREFERENCES, SCORES, VERDICTS
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.evaluation.eval_utils import default_parser

from qa_engine.evaluation.judges.claims import Reading
from qa_engine.evaluation.judges.preference import read_preference
from qa_engine.evaluation.judges.score import read_score
from qa_engine.evaluation.judges.verdict import read_verdict

_PIECES = [
    *(
        "是",
        "否",
        "不是",
        "不",
        "对",
        "YES",
        "no",
        "结论",
        "评分",
        "最终",
        "判断",
        "answer",
        ":",
        "：",
        "=",
        "/",
        "\n",
        "。",
        ",",
        " ",
    ),
    *(
        "4",
        "５",
        "四",
        "点",
        "分",
        "星",
        "★",
        "-",
        "~",
        "到",
        "out of",
        "%",
        "1e9",
        "NaN",
        "Infinity",
        "A",
        "B",
        "平局",
        "[[",
        "]]",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        '"score"',
        '"verdict"',
        "true",
        "null",
        "```json",
        "```",
        "<think>",
        "</think>",
        "<answer>",
    ),
    *(
        "\\boxed{",
        "**",
        "##",
        "|",
        "并非",
        "没有",
        "支持",
        "错误",
        "whether",
        "是否",
        "部分",
        "<|channel|>final<|message|>",
        "\x00",
        "\ud800",
    ),
]
anything = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))


def judged(
    replies: Sequence[tuple[str, Any]], read: Callable[[str], Reading[Any]]
) -> tuple[list[str], list[str]]:
    """The replies that a person can read and we cannot, and those that we read otherwise."""
    readings = [(reply, wanted, read(reply)) for reply, wanted in replies]
    unparsed = [reply for reply, wanted, reading in readings if reading.value is None and wanted is not None]
    misread = [reply for reply, wanted, reading in readings if reading.value not in (None, wanted)]
    assert all(reading.problem for _, _, reading in readings if reading.value is None)
    return unparsed, misread


@pytest.mark.parametrize(
    ("replies", "read"),
    [(VERDICTS, read_verdict), (SCORES, read_score), (PREFERENCES, read_preference)],
    ids=["verdicts", "scores", "preferences"],
)
def test_replies_are_read_as_a_person_reads_them(
    replies: list[tuple[str, Any]], read: Callable[[str], Reading[Any]]
) -> None:
    unparsed, misread = judged(replies, read)
    assert not misread
    assert len(unparsed) <= len(replies) / 100, unparsed


def test_there_are_enough_replies_of_either_kind() -> None:
    told = [wanted for _, wanted in VERDICTS]
    assert len(VERDICTS) + len(SCORES) + len(PREFERENCES) > 400
    assert min(told.count(True), told.count(False), told.count(None)) >= 20


def test_what_stock_evaluators_make_of_the_same_replies() -> None:
    """The reason for parsers of our own; if this fails, LlamaIndex reads better than it did."""
    wrong = [reply for reply, wanted in VERDICTS if wanted is not None and ("yes" in reply.lower()) != wanted]
    assert "结论：是" in wrong
    with pytest.raises(ValueError, match="unpack"):
        default_parser("4")


@given(anything)
@settings(max_examples=300, deadline=None)
def test_nothing_raises_and_no_score_is_outside_its_scale(reply: str) -> None:
    assert read_verdict(reply).value in (True, False, None)
    assert read_preference(reply).value in ("A", "B", "tie", None)
    for low, high in ((1.0, 5.0), (0.0, 1.0)):
        score = read_score(reply, low, high).value
        assert score is None or low <= score <= high


_values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10))


@given(
    st.dictionaries(
        st.sampled_from(["score", "评分", "verdict", "结论", "passing", "winner", "reason"]), _values
    ),
    st.sampled_from(["{}", "```json\n{}\n```", "好的：{}", "[{}]"]),
)
@settings(max_examples=150, deadline=None)
def test_any_json_is_read_or_told(content: dict[str, Any], frame: str) -> None:
    reply = frame.replace("{}", json.dumps(content, ensure_ascii=False))
    score = read_score(reply)
    assert score.value is None or 1 <= score.value <= 5
    assert read_verdict(reply).value in (True, False, None)
    assert read_preference(reply).value in ("A", "B", "tie", None)


@given(
    st.floats(min_value=1, max_value=5),
    st.sampled_from(["评分：{}", "{}分", "{}/5", "Score: {}", "{}\n因为"]),
)
def test_every_score_of_the_scale_is_read(score: float, form: str) -> None:
    text = f"{score:.1f}"
    assert read_score(form.format(text)).value == float(text)


@pytest.mark.parametrize(
    ("reply", "score"),
    [("0.8", 0.8), ("评分：0.75", 0.75), ("80%", 0.8), ("得分：1/1", 1.0), ("1.2", None), ("4", None)],
)
def test_scale_from_0_to_1(reply: str, score: float | None) -> None:
    assert read_score(reply, 0, 1).value == score


@pytest.mark.parametrize(
    "reply",
    [
        "{" * 50_000,
        "是" * 100_000,
        "[[" * 30_000,
        "不" * 60_000,
        "结论" * 30_000 + "：",
        "评分：" * 20_000,
        "<think>" * 9_000,
        '{"a":' * 9_000,
    ],
    ids=["braces", "yes", "brackets", "negations", "labels", "score labels", "thinking", "nested"],
)
def test_a_model_that_runs_wild_costs_little_time(reply: str) -> None:
    started = time.process_time()
    read_verdict(reply), read_score(reply), read_preference(reply)
    assert time.process_time() - started < 3


def test_reasoning_is_what_the_judge_said() -> None:
    assert read_verdict('{"结论": "否", "理由": "日期不同"}').reasoning == "日期不同"
    assert read_verdict("<think>嗯</think>年份一致。\n结论：是").reasoning == "年份一致。\n结论：是"
    assert read_score("评分：9").problem == "9 is not from 1 to 5"
