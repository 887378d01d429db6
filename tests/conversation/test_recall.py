"""Questions about the conversation are answered from its history, and no others are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.conversation.recall import recalled
from qa_engine.conversation.turns import Turn

ASKED = ["会费是多少？", "怎么缴纳？", "可以退吗？"]
HISTORY = [Turn(question, question, "……", refused=False) for question in ASKED]


@pytest.mark.parametrize(
    "question",
    [
        "客户问的第二个问题是什么？",
        "问卷的第一个问题是什么？",
        "上一个财年的收入是多少？",
        "我刚才说的会费是多少？",
        "我想问一下会费是多少？",
        "论文提出了什么问题？",
        "我应该问什么问题？",
        "常见问题有哪些？",
        "问题是什么？",
        "第五个问题是什么？",
        "What was the last question of the survey?",
        "What did the author ask?",
        "What is the fourth question?",
        "",
    ],
)
def test_what_is_about_something_else(question: str) -> None:
    assert recalled(question, HISTORY) is None


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("刚才我问的是什么？", 3),
        ("我刚才问了什么", 3),
        ("我的上一个问题", 3),
        ("上一个问题是什么？", 3),
        ("你还记得我刚才问的问题吗？", 3),
        ("请重复一下我刚才的问题", 3),
        ("我上上个问题是什么？", 2),
        ("倒数第三个问题是什么？", 1),
        ("我问的第二个问题是什么？", 2),
        ("第二个问题是什么？", 2),
        ("我最初的问题是什么？", 1),
        ("我的最后一个问题是什么？", 3),
        ("What did I just ask?", 3),
        ("what was my previous question", 3),
        ("What was my first question?", 1),
        ("Can you repeat my second question?", 2),
        ("what did I ask first?", 1),
    ],
)
def test_the_question_is_quoted(question: str, number: int) -> None:
    told = recalled(question, HISTORY)
    assert told is not None
    assert [asked for asked in ASKED if asked in told] == [ASKED[number - 1]]


@pytest.mark.parametrize(
    "question", ["我刚才都问了哪些问题？", "我一共问了几个问题？", "What have I asked so far?"]
)
def test_all_are_listed(question: str) -> None:
    told = recalled(question, HISTORY)
    assert told is not None
    assert all(asked in told for asked in ASKED)


def test_what_is_forgotten_is_not_told_and_shifts_no_number() -> None:
    assert recalled("我的第一个问题是什么？", HISTORY, forgotten=2) == ""
    assert recalled("我的第三个问题是什么？", HISTORY, forgotten=2) == "您第3个问题是：“会费是多少？”"
    assert recalled("我的第五个问题是什么？", HISTORY) == ""
    assert recalled("刚才我问的是什么？", []) == ""


_WORDS = "我 刚才 第 9 个 倒数 问 的 问题 是 什么 last question".split()  # noqa: SIM905


@given(st.text(max_size=30) | st.lists(st.sampled_from(_WORDS)).map("".join))
def test_no_text_breaks_it(question: str) -> None:
    told = recalled(question, HISTORY)
    assert told is None or not told or any(asked in told for asked in ASKED)
