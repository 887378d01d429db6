"""Reading what a language model replied to the request for a translation and keywords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.retrieval.expansion.expander import read_reply
from qa_engine.text.reply_wrappers import without_wrappers

CHINESE = "浮标多少钱？"
ENGLISH = "What does a buoy cost?"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n\n",
        "<think>",
        "<think>translation: What does a buoy cost?",
        "```",
        "{",
        '{"translation": 3',
        "[1, 2]",
        "null",
        "I'm sorry, but I cannot help with that.\nPlease ask something else.",
        "translation:",
        "keywords: ; ; ,",
        "translation: 浮标的价格是多少？",
        "translation: " + "buoy " * 500,
    ],
)
def test_nothing_usable_is_nothing(reply: str) -> None:
    assert read_reply(without_wrappers(reply), CHINESE, translate=True, max_keywords=8) == ("", ())


@pytest.mark.parametrize(
    "reply",
    [
        "translation: What does a buoy cost?\nkeywords: price; float",
        "Translation： What does a buoy cost?\nKeywords： price； float",
        "**translation:** What does a buoy cost?\n**keywords:** price, float",
        '- translation: "What does a buoy cost?"\n- keywords: price; float',
        "Here you are:\n\ntranslation: What does a buoy cost?\n\nkeywords:\n- price\n- float\n",
        "1. translation:\nWhat does a buoy cost?\n2. keywords:\n1. price\n2. float",
        "翻译：What does a buoy cost?\n关键词：price、float",
        "<think>translation: no\n</think>\ntranslation: What does a buoy cost?\nkeywords: price; float; price; PRICE",
        "```\ntranslation: What does a buoy cost?\nkeywords: price; float\n```",
        '{"translation": "What does a buoy cost?", "keywords": ["price", "float"]}',
        '```json\n{"Translation": "What does a buoy cost?", "keywords": "price; float"}\n```',
    ],
)
def test_usual_deviations_are_read(reply: str) -> None:
    assert read_reply(without_wrappers(reply), CHINESE, True, 8) == (
        "What does a buoy cost?",
        ("price", "float"),
    )


def test_bare_line_is_the_translation_if_that_was_all_that_was_asked_for() -> None:
    assert read_reply("What does a buoy cost?", CHINESE, True, 0) == ("What does a buoy cost?", ())
    assert read_reply("浮标多少钱？", ENGLISH, True, 0) == ("浮标多少钱？", ())
    assert read_reply("What does a buoy cost?", CHINESE, True, 8) == ("", ())


def test_what_was_not_asked_for_is_not_returned() -> None:
    reply = "translation: What does a buoy cost?\nkeywords: price; float"
    assert read_reply(reply, CHINESE, False, 8) == ("", ("price", "float"))
    assert read_reply(reply, CHINESE, True, 0) == ("What does a buoy cost?", ())
    assert read_reply(reply, CHINESE, True, 1) == ("What does a buoy cost?", ("price",))


def test_keyword_as_long_as_a_sentence_is_none() -> None:
    assert read_reply("keywords: " + "long " * 20 + "; price", CHINESE, False, 8) == ("", ("price",))


@given(st.text(max_size=300), st.booleans(), st.integers(0, 5))
def test_no_reply_breaks_it(reply: str, translate: bool, limit: int) -> None:
    translation, keywords = read_reply(without_wrappers(reply), CHINESE, translate, limit)
    assert len(keywords) <= limit
    assert translate or not translation
