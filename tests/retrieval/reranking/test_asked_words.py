"""The nouns of a question, and the one that a passage supports least."""

from __future__ import annotations

import numpy as np
import pytest

from qa_engine.retrieval.reranking.asked_words import HELD, AskedWords


def offsets(question: str) -> np.ndarray:
    """A token for each character."""
    return np.array([[at, at + 1] for at in range(len(question))])


@pytest.mark.parametrize(
    ("question", "words"), [("", []), ("多少？", []), ("北仓店的店长叫什么？", ["店长"])]
)
def test_words_that_ask_are_none_of_them(question: str, words: list[str]) -> None:
    found = [word for word, _ in AskedWords.of(question, offsets(question)).words]
    assert found[-1:] == words


def test_a_question_without_nouns_has_no_least_supported_one() -> None:
    assert AskedWords.of("？", offsets("？")).least(np.zeros(1, np.float32), "") is None


def test_a_word_that_stands_in_the_text_is_supported() -> None:
    question = "店长的工资"
    asked = AskedWords.of(question, offsets(question))
    support = np.full(len(question), 0.7, np.float32)
    assert asked.least(support, "店长的工资为五千元") == pytest.approx(HELD)
    assert asked.least(support, "店长的奖金为五千元") == pytest.approx(0.7)


def test_english_words_without_those_that_mean_nothing() -> None:
    question = "What is the price of the pump?"
    assert [word for word, _ in AskedWords.of(question, offsets(question)).words] == ["price", "pump"]
