"""Phrases of English texts with the Chinese words for them."""

from __future__ import annotations

from qa_engine.retrieval.dictionary.dictionary import Dictionary


def words(text: str, dictionary: Dictionary) -> dict[str, tuple[str, ...]]:
    return {phrase.text: phrase.chinese for phrase in dictionary.phrases(text)}


def test_text_without_phrases_has_none(dictionary: Dictionary) -> None:
    assert dictionary.phrases("") == () == dictionary.phrases("1234, qwxz!")
    assert dictionary.phrases("它没有英文。") == ()


def test_only_words_that_mean_the_phrase_itself_are_given(dictionary: Dictionary) -> None:
    found = words("The training used encoders, with a trainer.", dictionary)
    assert found["training"][0] == "训练" and "火车" not in found["training"]
    assert "训练" not in found.get("trainer", ())
    assert found["encoders"] == ("编码器",)


def test_phrases_over_function_words_are_none(dictionary: Dictionary) -> None:
    assert not any(" of " in phrase or " the " in phrase for phrase in words("state of the art", dictionary))


def test_phrases_stand_where_they_begin(dictionary: Dictionary) -> None:
    text = "Their dot product is scaled."
    phrases = dictionary.phrases(text)
    assert "dot product" in [phrase.text for phrase in phrases]
    assert all(text[one.start : one.start + len(one.text)] == one.text for one in phrases)
    assert all(0 < one.ambiguity <= 1 for one in phrases)
