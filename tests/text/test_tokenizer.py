"""Terms of Chinese, English, numbers and codes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text.tokenizer import held_terms, tokenize


def test_chinese_gives_words_and_pairs_of_characters() -> None:
    terms = tokenize("模型参数")
    assert {"模型", "参数"} <= set(terms)
    assert {"模型", "型参", "参数"} <= set(terms)


def test_word_unknown_to_the_dictionary_is_found_by_its_pairs() -> None:
    assert set(tokenize("蓥砬的历史")) & set(tokenize("关于蓥砬")) >= {"蓥砬"}


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
        ("臺灣的資料庫", "台湾的资料库"),
        ("乾燥與發展", "干燥与发展"),
        ("Café Müller", "cafe muller"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
    ],
)
def test_forms_of_one_word_give_the_same_terms(one: str, other: str) -> None:
    assert tokenize(one) == tokenize(other) != []


@pytest.mark.parametrize(
    "text", ["the of and which", "的", "了 吗 呢", "什么", "請問", "", " \n\t", "，。！？", "… — “”", "%$#"]
)
def test_stop_words_and_marks_give_no_terms(text: str) -> None:
    assert tokenize(text) == []


def test_stop_words_are_no_terms_within_a_run_of_chinese() -> None:
    assert "的" not in tokenize("西湖的水面")


def test_lone_character_is_a_term() -> None:
    assert tokenize("湖") == ["湖"]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("gpt4", {"gpt4", "gpt"}),
        ("7B", {"7b"}),
        ("70b", {"70b", "70"}),
        ("v1.2.3", {"v1.2.3", "1.2.3"}),
        ("LlamaIndex", {"llamaindex", "llama", "index"}),
        ("HTMLParser", {"htmlparser", "html", "parser"}),
        ("max_tokens", {"maxtoken", "max", "token"}),
        ("GB/T 19001-2016", {"gb", "19001", "2016", "gbt19001", "gbt190012016"}),
        ("in 2003", {"2003"}),
        ("Newton's", {"newton"}),
        ("3kg 10kg", {"3kg", "10kg", "10", "kg"}),
        ("end.Next", {"end", "next"}),
        ("a" * 41 + "-b", {"a" * 41, "b"}),
    ],
)
def test_codes_and_compounds_give_themselves_and_their_parts(text: str, terms: set[str]) -> None:
    assert set(tokenize(text)) == terms


@pytest.mark.parametrize(
    ("asked", "written", "shared"),
    [
        ("GB/T19001", "GB/T 19001-2016", "gbt19001"),
        ("gbt19001", "GB/T 19001-2016", "gbt19001"),
        ("ISO 9001", "ISO9001:2015", "iso9001"),
        ("RTX4090", "RTX 4090", "rtx4090"),
        ("RTX-4090", "RTX 4090", "rtx4090"),
        ("Llama2", "Llama 2", "llama2"),
        ("llama index", "LlamaIndex", "index"),
        ("email", "e-mail", "email"),
        ("selfattention", "self-attention", "selfattent"),
        ("USA", "U.S.A.", "usa"),
        ("第三十二条", "第32条", "第32条"),
    ],
)
def test_spellings_of_one_code_share_a_term(asked: str, written: str, shared: str) -> None:
    assert shared in set(tokenize(asked)) & set(tokenize(written))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("カタカナ", ["カタ", "タカ", "カナ"]),
        ("が", ["が"]),
        ("한국어", ["한국", "국어"]),
        ("Привет", ["привет"]),
    ],
)
def test_other_scripts_give_terms_as_well(text: str, terms: list[str]) -> None:
    assert tokenize(text) == terms


def test_marks_of_kana_tell_syllables_apart() -> None:
    assert tokenize("は") != tokenize("ば")


@pytest.mark.parametrize("text", ["3.2%", "3.2", "增长3.2倍"])
def test_decimal_is_one_term(text: str) -> None:
    assert "3.2" in tokenize(text)


def test_different_numbers_give_different_terms() -> None:
    assert not set(tokenize("7B")) & set(tokenize("70B"))
    assert not set(tokenize("3.2")) & set(tokenize("32"))


def test_terms_repeat_as_often_as_they_occur() -> None:
    assert tokenize("lake and lake or lake") == ["lake"] * 3


def test_question_shares_terms_with_its_answer() -> None:
    question, answer = "Llama 2有多少参数？", "Llama 2的参数为70B。"
    assert {"llama", "2", "参数"} <= set(tokenize(question)) & set(tokenize(answer))


@given(st.text(max_size=80))
def test_terms_can_be_stored_a_line_a_sentence(text: str) -> None:
    for term in tokenize(text):
        assert term
        assert not any(character.isspace() for character in term)


@given(st.text("西湖杭州aB1. ,-，。", max_size=40))
def test_case_and_width_never_hide_a_match(text: str) -> None:
    assert set(tokenize(text.lower())) <= set(tokenize(text))
    assert tokenize(text.translate(str.maketrans("aB1", "ａＢ１"))) == tokenize(text)


_KNOWN = (
    *(
        "什么",
        "西湖",
        "水面",
        "的",
        "了",
        "湖",
        "中华人民共和国",
        "三百万",
        "30%",
        "第三十二条",
        "2024年3月5日",
    ),
    *("GB/T 19001-2016", "running", "ひらがな", "은행", "〇", "𠮷"),
)
_CHARACTERS = "的湖水面积是什么多少 aB1-.,%，。\n〇㐀豈𠮷は은"
_TEXTS = st.lists(
    st.sampled_from(_KNOWN) | st.text(alphabet=_CHARACTERS, max_size=12) | st.text(max_size=4), max_size=12
).map("".join)


@given(_TEXTS, _TEXTS)
def test_held_terms_are_those_of_both(text: str, question: str) -> None:
    for terms in (frozenset(tokenize(question)), frozenset(tokenize(text + question))):
        assert held_terms(text, terms) == terms.intersection(tokenize(text))


def test_many_threads_agree() -> None:
    text = "Running parameters of large models 大型語言模型的參數 第三十二条 " * 20
    expected = tokenize(text)
    with ThreadPoolExecutor(8) as pool:
        assert all(terms == expected for terms in pool.map(tokenize, [text] * 64))
