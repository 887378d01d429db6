"""Numbers of answers: those that the sources hold in some form, and those that they do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.evaluation.metrics.answers import unsupported_numbers


@pytest.mark.parametrize(
    ("answer", "source", "missing"),
    [
        ("塔高72米[1]。", "塔高71.679米。", ["72"]),
        ("共70亿参数", "有70B参数", ["70亿"]),
        ("费用为3.14元", "费用为3元或14元", ["3.14"]),
        ("1200人", "没有数字", ["1200"]),
        ("2023年和2024年，2023年", "2024年", ["2023"]),
    ],
)
def test_a_number_that_no_source_holds_is_named_once(answer: str, source: str, missing: list[str]) -> None:
    assert unsupported_numbers(answer, [source]) == missing


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("没有数字", ""),
        ("见[1][12]。", ""),
        ("1. 打开\n2、关闭\n（3）完成", ""),
        ("1,200人", "1200 people"),
        ("1200人", "1,200人"),
        ("700亿个参数", "70 billion parameters"),
        ("700亿", "70B"),
        ("70亿元", "单位：亿元 70"),
        ("12天", "年假十二天"),
        ("2024年3月5日", "March 5, 2024"),
        ("30%", "百分之三十"),
        ("１２米", "12米"),
        ("71.0米", "71米"),
        ("第32条", "第三十二条"),
    ],
)
def test_a_number_in_another_form_is_the_same(answer: str, source: str) -> None:
    assert unsupported_numbers(answer, [source]) == []


def test_any_of_the_sources_will_do() -> None:
    assert unsupported_numbers("5和6", ["5", "6"]) == []
    assert unsupported_numbers("5和6", []) == ["5", "6"]


@settings(deadline=None)  # the first call loads dictionaries
@given(st.text())
def test_a_text_supports_its_own_numbers(text: str) -> None:
    assert unsupported_numbers(text, [text]) == []
