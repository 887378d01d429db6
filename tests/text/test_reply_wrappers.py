"""What is around a reply, taken off at once; the pieces of a stream are tested with the answers."""

from __future__ import annotations

import pytest

from qa_engine.text.reply_wrappers import json_in_reply, without_wrappers


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", ""),
        (" yes \n", "yes"),
        ("<think>is it {1}?</think>yes", "yes"),
        ("no reasoning was opened\n</think>\nyes", "yes"),
        ("<think>without an end", ""),
        ("```json\n{}\n```", "{}"),
        ("<thinking>\n</thinking>\n```\nyes\n```", "yes"),
    ],
)
def test_reasoning_and_fence_are_no_part_of_a_reply(reply: str, expected: str) -> None:
    assert without_wrappers(reply) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Gladly: {"a": {"b": []}} is all.', {"a": {"b": []}}),
        ("{}", {}),
        ("[1]", None),
        ("no object", None),
        ("} {", None),
        ("{a: 1}", None),
        ('{"a": 1} and {"b": 2}', None),
        ('{"a":' * 100_000 + "}", None),
    ],
)
def test_json_in_reply(text: str, expected: object) -> None:
    assert json_in_reply(text) == expected
