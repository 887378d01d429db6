"""Terms of Chinese, English, numbers and codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.index.analyser import analyse


def test_chinese_gives_words_and_pairs_of_characters() -> None:
    terms = analyse("模型参数")
    assert {"模型", "参数"} <= set(terms)
    assert {"模型", "型参", "参数"} <= set(terms)


def test_word_unknown_to_the_dictionary_is_found_by_its_pairs() -> None:
    assert set(analyse("蓥砬的历史")) & set(analyse("关于蓥砬")) >= {"蓥砬"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("running", "runs"),
        ("Parameters", "parameter"),
        ("LLAMA", "llama"),
        ("２０２４", "2024"),
        ("ＡＢＣ", "abc"),
        ("ﬁnd", "find"),
        ("1,234.56", "1234.56"),
        ("1,234,567", "1234567"),
    ],
)
def test_forms_of_one_word_give_the_same_terms(one: str, other: str) -> None:
    assert analyse(one) == analyse(other) != []


@pytest.mark.parametrize(
    "text", ["the of and which", "的", "了 吗 呢", "", " \n\t", "，。！？", "… — “”", "%$#"]
)
def test_stop_words_and_marks_give_no_terms(text: str) -> None:
    assert analyse(text) == []


def test_stop_words_are_no_terms_within_a_run_of_chinese() -> None:
    assert "的" not in analyse("西湖的水面")


def test_lone_character_is_a_term() -> None:
    assert analyse("湖") == ["湖"]


@pytest.mark.parametrize(
    ("text", "terms"),
    [("gpt4", {"gpt4", "gpt"}), ("7B", {"7b"}), ("70b", {"70b", "70"}), ("v1.2.3", {"v1.2.3", "1.2.3"})],
)
def test_codes_give_themselves_and_their_longer_parts(text: str, terms: set[str]) -> None:
    assert set(analyse(text)) == terms


@pytest.mark.parametrize("text", ["3.2%", "3.2", "增长3.2倍"])
def test_decimal_is_one_term(text: str) -> None:
    assert "3.2" in analyse(text)


def test_different_numbers_give_different_terms() -> None:
    assert not set(analyse("7B")) & set(analyse("70B"))
    assert not set(analyse("3.2")) & set(analyse("32"))


def test_terms_repeat_as_often_as_they_occur() -> None:
    assert analyse("lake and lake or lake") == ["lake"] * 3


def test_question_shares_terms_with_its_answer() -> None:
    question, answer = "Llama 2有多少参数？", "Llama 2的参数为70B。"
    assert {"llama", "2", "参数"} <= set(analyse(question)) & set(analyse(answer))


@given(st.text(max_size=80))
def test_terms_can_be_stored_a_line_a_sentence(text: str) -> None:
    for term in analyse(text):
        assert term
        assert not any(character.isspace() for character in term)


@given(st.text("西湖杭州aB1. ,-，。", max_size=40))
def test_case_and_width_never_matter(text: str) -> None:
    assert analyse(text.upper()) == analyse(text) == analyse(text.lower())


def test_many_threads_agree() -> None:
    text = "Running parameters of large models 大型语言模型的参数 " * 20
    expected = analyse(text)
    with ThreadPoolExecutor(8) as pool:
        assert all(terms == expected for terms in pool.map(analyse, [text] * 64))
