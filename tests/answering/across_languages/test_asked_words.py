"""The words of questions in sentences of the other language."""

from __future__ import annotations

import pytest

from qa_engine.answering.across_languages.asked_words import AskedWords, HeldShares, is_across
from qa_engine.answering.extractive.rows import AskedLabel, Row, label_match
from qa_engine.answering.extractive.sentence_choice import (
    Candidate,
    answer_probabilities,
    chosen_sentences,
    sentence_features,
)
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.text.tokenizer import tokenize

QUESTION = "Acme 7的上下文长度是多少？"
SENTENCES = [
    "Acme 7 was released in spring, together with a report.",
    "It doubles the context length to 4096 tokens.",
    "The length of the river is 300 miles.",
]


@pytest.mark.parametrize(
    ("question", "text", "across"),
    [
        (QUESTION, "The context is long.", True),
        (QUESTION, "上下文为4096。", False),
        (QUESTION, "2025E：3.30；2026E：3.60", False),
        (QUESTION, "EV/EBITDA；2025E：6.65", False),
        (QUESTION, "ResNet-152；top-1 err.：19.38", True),
        ("How long is the context?", "上下文为4096。", True),
        ("How long is the context?", "The context is long.", False),
        ("How long is the context?", "19.38", False),
    ],
)
def test_figures_and_abbreviations_are_in_no_other_language(question: str, text: str, across: bool) -> None:
    assert is_across(question, text) is across


def test_nothing_is_looked_up_without_a_dictionary_or_for_one_language_alone(dictionary: Dictionary) -> None:
    assert AskedWords.of(QUESTION, None, SENTENCES).words == ()
    assert AskedWords.of(QUESTION, dictionary, ["上下文为4096。"]).words == ()
    assert AskedWords.of(QUESTION, dictionary, []).words == ()
    assert AskedWords.of("？", dictionary, SENTENCES).words == ()
    none = AskedWords(())
    assert none.match(frozenset(("length",))) == 0.0
    assert HeldShares(none, SENTENCES, [True] * 3).share(SENTENCES[0], "") == 0.0


def test_names_and_numbers_stand_in_both_languages_as_they_are(dictionary: Dictionary) -> None:
    asked = AskedWords.of(QUESTION, dictionary, SENTENCES)
    held = [sum(asked.held(frozenset(tokenize(sentence)))) for sentence in SENTENCES]
    assert held[0] >= 2 and held[1] > held[2] > 0


def test_word_that_few_sentences_hold_weighs_more(dictionary: Dictionary) -> None:
    asked = AskedWords.of(QUESTION, dictionary, SENTENCES)
    shares = HeldShares(asked, SENTENCES, [True] * 3)
    assert shares.share(SENTENCES[1]) > shares.share(SENTENCES[2]) > 0
    assert shares.share(SENTENCES[0], SENTENCES[1]) == pytest.approx(1.0, abs=0.15)
    named = HeldShares(asked, SENTENCES, [True] * 3, frozenset(tokenize("Acme 7")))
    assert named.share(SENTENCES[0]) < shares.share(SENTENCES[0])


@pytest.mark.parametrize(
    ("question", "texts", "best"),
    [
        (
            "340亿参数的版本为什么推迟发布？",
            ["The version has parameters.", "We postpone the release due to tests."],
            1,
        ),
        ("训练时的学习率是多少？", ["It was trained on eight machines.", "The learning rate was 0.01."], 1),
        ("How long is paternity leave?", ["女员工产假：98天", "男员工陪产假：15天"], 1),
        ("How heavy is the battery?", ["电池的电压为3.2 V。", "电池的重量为3380 g。"], 1),
    ],
)
def test_sentence_with_the_words_and_the_kind_of_thing_is_chosen_across_languages(
    question: str, texts: list[str], best: int, dictionary: Dictionary
) -> None:
    candidates = [Candidate(text, 0, 0.8) for text in texts]
    probabilities = answer_probabilities(sentence_features(question, candidates, None, dictionary))
    assert probabilities[best] > 0.6
    chosen = chosen_sentences(question, candidates, 1, None, dictionary)[0]
    assert best in chosen
    blind = answer_probabilities(sentence_features(question, candidates))
    assert probabilities[best] > blind[best] or blind[best] > 0.9  # by the kind of thing alone


def test_sentences_of_both_languages_compete_on_one_scale(dictionary: Dictionary) -> None:
    mixed = [Candidate("The length of the context is 4096.", 0, 0.80), Candidate("目录和附录。", 0, 0.82)]
    english, chinese = sentence_features("上下文的长度是多少？", mixed, None, dictionary)
    assert english.support > chinese.support == 0.82
    assert english.with_titles > chinese.with_titles
    alone = sentence_features("上下文的长度是多少？", mixed, None)
    assert [one.support for one in alone] == [0.80, 0.82]


def test_label_of_a_row_matches_by_its_translation(dictionary: Dictionary) -> None:
    rows = [Row.of("Item：Learning rate；Value：0.01"), Row.of("Item：Batch size；Value：32")]
    translated = AskedWords.of("学习率是多少？", dictionary, ["Learning rate and others"])
    asked = AskedLabel.of("学习率是多少？", translated=translated)
    matches = [label_match(row, asked) for row in rows]
    assert matches[0] > 0.5 > matches[1]
    assert asked.may_match("Item：Learning rate") and not asked.may_match("Item：Batch size")
    assert asked.share("Learning rate") == 1.0
    assert label_match(rows[0], AskedLabel.of("学习率是多少？")) == 0.0
