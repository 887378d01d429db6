"""A text found in sentences: as a reader types it, at the place where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.server.documents.finding import fold, place_of


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("营业收入", "本年 营业 收入增长", "营业 收入"),
        ("营业 收入 100", "营业收入100万元", "营业收入100"),
        ("ABC", "公司ＡＢＣ的", "ＡＢＣ"),
        ("straße", "Die STRASSE endet", "STRASSE"),
        ("solar system", "The Solar\u00a0 System is", "Solar\u00a0 System"),
        ("café", "In a cafe\u0301 here", "cafe\u0301"),
        ("①", "第1项", "1"),
        ("Ǆ", "xǆy", "ǆ"),
    ],
)
def test_what_makes_no_difference_is_passed_over(wanted: str, text: str, found: str) -> None:
    folded = fold(wanted).strip()
    assert folded in fold(text)
    start, end = place_of(folded, text)
    assert text[start:end] == found


def test_blanks_between_words_make_a_difference() -> None:
    assert fold("solar system") not in fold("The solarsystem")


@given(st.text("ab AB中文　 ，é\u0301ﬁ１\n", max_size=30), st.data())
def test_part_of_a_text_is_found_in_it_at_a_place_that_reads_the_same(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    wanted = fold(text[start : data.draw(st.integers(start, len(text)))]).strip()
    if wanted and wanted in fold(text):
        first, last = place_of(wanted, text)
        assert 0 <= first < last <= len(text)
        assert wanted in fold(text[first:last])
