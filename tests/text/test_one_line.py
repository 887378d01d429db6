"""Texts on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text.one_line import first_line, one_line


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        ("", None, ""),
        (" \n ", 1, ""),
        ("a\r\n\tb", None, "a b"),
        ("a b", 3, "a b"),
        ("a bc", 3, "a b…"),
        ("西\n湖", 2, "西 …"),
    ],
)
def test_one_line(text: str, max_chars: int | None, expected: str) -> None:
    assert one_line(text, max_chars) == expected


@given(st.text(), st.integers(0, 20))
def test_any_text_is_one_line_of_the_size(text: str, max_chars: int) -> None:
    line = one_line(text, max_chars)
    assert len(line.splitlines()) <= 1
    assert len(line) <= max_chars + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("\n \n", ""), ("\n  a b \nc", "a b"), (ValueError("one\ntwo"), "one"), (ValueError(), "")],
)
def test_first_line_is_the_first_that_is_not_blank(text: object, expected: str) -> None:
    assert first_line(text) == expected
