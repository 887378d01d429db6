"""Translating the words of questions."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from qa_engine.retrieval.dictionary.dictionary import Dictionary, TranslatedWord, Translation
from qa_engine.text.tokenizer import tokenize


def _translated(dictionary: Dictionary, question: str) -> dict[str, list[str]]:
    return {
        word.word: [translation.text for translation in word.translations]
        for word in dictionary.translate(question)
    }


def test_function_words_numbers_and_letters_are_not_translated(dictionary: Dictionary) -> None:
    assert dictionary.translate("") == dictionary.translate("？？ 2023 GB/T 19001") == ()
    assert dictionary.translate("Which of these is the 2nd?") == ()
    assert set(_translated(dictionary, "雷峰塔有多高？隧道有多深？")) == {"雷峰塔", "隧道"}
    assert set(_translated(dictionary, "Llama 2 的训练用了多少张GPU？")) == {"训练"}


def test_neighbouring_words_are_one_if_the_dictionary_has_them(dictionary: Dictionary) -> None:
    words = _translated(dictionary, "公司的年假有几天？苹果公司的营业收入是多少？")
    assert list(words) == ["公司", "年假", "苹果公司", "营业收入"]
    assert words["年假"][0] == "annual leave"
    assert words["营业收入"] == ["revenue"]


def test_words_are_as_the_question_writes_them_and_have_their_places(dictionary: Dictionary) -> None:
    question = "訓練與訓練的annual leave"
    words = dictionary.translate(question)
    assert [word.word for word in words] == ["訓練", "訓練"]
    assert [question[word.start : word.end] for word in words] == ["訓練", "訓練"]
    assert [word.start for word in words] == [0, 3]


def test_references_to_other_entries_are_followed(dictionary: Dictionary) -> None:
    assert "Peking University" in _translated(dictionary, "北大在哪里？")["北大"]


def test_names_of_persons_are_written_by_their_sounds(dictionary: Dictionary) -> None:
    (name, *_) = dictionary.translate("张伟的职务是什么？")
    assert (name.word, name.is_name) == ("张伟", True)
    assert name.translations == (Translation("Zhang Wei", ("zhang", "wei")),)


def test_english_phrases_become_chinese_words(dictionary: Dictionary) -> None:
    words = _translated(dictionary, "How many days of annual leave do the employees have?")
    assert words["annual leave"] == ["年假"]
    assert "雇员" in words["employees"]
    assert list(_translated(dictionary, "Who is the Chairman of the Board of Directors?").values()) == [
        ["董事长"]
    ]


def test_a_long_chinese_word_is_known_by_its_pairs(dictionary: Dictionary) -> None:
    (word,) = dictionary.translate("chairman of the board of directors")
    assert word.translations[0].stems == ("董事", "事长")
    assert word.weights == {"董事": 0.5, "事长": 0.5}


def test_a_stem_counts_what_it_counts_most() -> None:
    translations = (Translation("annual leave", ("annual", "leav")), Translation("leave", ("leav",)))
    assert TranslatedWord("假", translations, 0, 1).weights == {"annual": 0.5, "leav": 1.0}


def test_threads_and_a_forked_child_use_the_same_dictionary(dictionary: Dictionary) -> None:
    expected = {"公司", "年假"}
    questions = [f"公司{number}的年假" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(partial(_translated, dictionary), questions))
    assert all(set(words) == expected for words in results)
    if not hasattr(os, "fork"):
        pytest.skip("no forks on this platform")
    child = os.fork()
    if not child:
        os._exit(0 if set(_translated(dictionary, "年假和公司")) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert set(_translated(dictionary, "年假、公司")) == expected


def test_a_word_can_count_as_often_as_its_own_terms(dictionary: Dictionary) -> None:
    (word,) = dictionary.translate("年假")
    assert word.times == 1
    assert word.as_often_as_written().times == len(tokenize("年假")) > 1
