"""Which words of a question say something, and how much of each a text holds."""

from __future__ import annotations

import pytest

from qa_engine.answering.refusal.content_words import (
    ComparedText,
    ContentWord,
    content_words,
    english_words,
    words_between,
)
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord, Translation
from qa_engine.retrieval.glossary.glossary import GlossaryTerm

LEAVE = TranslatedWord("年假", (Translation("annual leave", ("annual", "leav")),), start=3, end=5, rarity=3.0)


def texts(question: str, *translated: TranslatedWord, glossary: tuple[GlossaryTerm, ...] = ()) -> list[str]:
    return [word.text for word in words_between(question, translated, glossary)]


@pytest.mark.parametrize(
    ("question", "pair"),
    [
        ("", "zh-zh"),
        ("多少？", "zh-zh"),
        ("How many?", "en-en"),
        ("？", "en-en"),
        ("多少？", "zh-en"),
        ("How?", "en-zh"),
    ],
)
def test_a_question_may_say_nothing(question: str, pair: str) -> None:
    assert not content_words(question, pair, words_between(question, ()))


def test_words_that_only_ask_say_nothing() -> None:
    words = english_words("How many days of annual leave does the company give, and many days of what?")
    assert [word.text for word in words] == ["days", "annual", "leave"]


def test_english_words_are_held_in_any_form() -> None:
    (word,) = english_words("Refunds?")
    assert word.held_by(ComparedText("It is refunded.")) == 1.0
    assert word.held_by(ComparedText("It is kept.")) == 0.0
    assert word.held_by(ComparedText("It is kept.", "Refund")) == 1.0


def test_of_a_translation_a_text_may_hold_a_part() -> None:
    (word,) = words_between("公司的年假", [LEAVE])
    shares = [
        word.held_by(ComparedText(text)) for text in ("Annual leave", "Leaves fall", "a fee", "年假 (fee)")
    ]
    assert shares == [1.0, 0.5, 0.0, 1.0]


def test_what_no_document_holds_counts_and_a_word_that_was_not_looked_up_does_not() -> None:
    nowhere = TranslatedWord("年假", (), start=3, end=5, rarity=7.0)
    assert [(word.text, word.rarity) for word in words_between("公司的年假", [nowhere])] == [("年假", 7.0)]
    assert not words_between("公司的年假", [TranslatedWord("年假", (), start=3, end=5)])


def test_names_in_latin_letters_and_numbers_are_written_alike() -> None:
    question = "GPT-4 在20km外有3张GPU吗？"
    assert texts(question) == ["GPT-4", "GPU", "20", "3"]
    assert [word.text for word in words_between(question, ()) if word.is_name] == ["GPT-4", "GPU"]
    assert texts("Does Maria use DNA from 1,999.5 in Rome?") == ["DNA", "1,999.5"]
    (number,) = words_between("1999年呢？", ())
    assert number.held_by(ComparedText("It was in 1999.")) == 1.0
    assert number.held_by(ComparedText("It was in 19990.")) == 0.0
    llama = TranslatedWord("Llama", (Translation("骆马", ("骆马",)),), start=4, end=9, rarity=2.0)
    (word,) = words_between("Has Llama a size?", [llama])
    assert not word.is_name
    assert word.held_by(ComparedText("Llama 2 有多大")) == 1.0


def test_the_glossary_translates_what_the_dictionary_leaves_to_it() -> None:
    term = GlossaryTerm("营业收入", ("operating revenue", "营收"))
    (word,) = words_between("营业收入是多少？", (), (term,))
    assert word.held_by(ComparedText("Operating revenues rose.")) == 1.0
    assert not words_between("营业收入是多少？", (), (GlossaryTerm("营业收入", ("营收",)),))


def test_where_a_word_ends() -> None:
    assert ContentWord("年假", 3).end == 5
