"""The relevance of passages: signals beside late interaction."""

from __future__ import annotations

import numpy as np
import pytest

from qa_engine.models.late_interaction import Interaction
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord, Translation
from qa_engine.retrieval.reranking.relevance import related_relevance, relevance, term_coverage
from qa_engine.types import Passage

QUESTION = "浮标的额定电压是多少？"
RIGHT = Passage("1", "额定电压：24 V", section="浮标")
OTHER = Passage("2", "额定电流：2 A", section="浮标")
ELSEWHERE = Passage("3", "绞车由船员操作。", section="绞车")


def alike(count: int) -> list[Interaction]:
    """Interactions that tell nothing."""
    support = np.array([0.8, 0.8], np.float32)
    return [Interaction(support, support)] * count


def test_terms_are_weighed_by_how_few_passages_hold_them() -> None:
    coverage, titles = term_coverage(QUESTION, [RIGHT, OTHER, ELSEWHERE])
    assert coverage[0] > coverage[1] > coverage[2] == 0
    assert titles[0] == titles[1] > titles[2] == 0


def test_a_question_that_shares_no_word_leaves_the_other_signals_to_decide() -> None:
    passages = [RIGHT, OTHER, ELSEWHERE]
    assert term_coverage("Who?", passages) == ([0.0] * 3, [0.0] * 3)
    better = Interaction(np.array([0.8, 0.9], np.float32), np.array([0.8, 0.9], np.float32))
    scores = relevance("Who?", passages, [*alike(2), better], 1.0)
    assert scores[2] > scores[0] == scores[1]


def test_words_tell_passages_apart_that_late_interaction_takes_for_alike() -> None:
    scores = relevance(QUESTION, [OTHER, RIGHT, ELSEWHERE], alike(3), 1.0)
    assert max(scores) == scores[1]


def test_between_languages_words_do_not_count() -> None:
    assert relevance(QUESTION, [OTHER, RIGHT, ELSEWHERE], alike(3), 0.0) == [0.0] * 3


def test_words_in_the_other_language_tell_passages_apart() -> None:
    english = Passage("1", "Rated voltage of the buoy: 24 V")
    words = [
        TranslatedWord("浮标", (Translation("buoy", ("buoy",)),), 0, 2),
        TranslatedWord(
            "电压", (Translation("voltage", ("voltag",)), Translation("tension", ("tension",))), 5, 7
        ),
    ]
    other = Passage("2", "Rated current of the buoy: 2 A")
    assert term_coverage(QUESTION, [english, other]) == ([0.0] * 2, [0.0] * 2)
    coverage, titles = term_coverage(QUESTION, [english, other, ELSEWHERE], words)
    assert coverage[0] > coverage[1] > coverage[2] == 0
    assert titles == [0.0] * 3
    scores = relevance(QUESTION, [other, english, ELSEWHERE], alike(3), 1.0, words)
    assert max(scores) == scores[1]


def test_a_translated_word_is_one_that_either_language_holds() -> None:
    words = [TranslatedWord("浮标", (Translation("buoy", ("buoy",)),), 0, 2)]
    coverage, _ = term_coverage("浮标？", [Passage("1", "浮标"), Passage("2", "the buoy"), ELSEWHERE], words)
    assert coverage == [1.0, 1.0, 0.0]


def test_of_a_phrase_the_share_of_its_words_counts() -> None:
    words = [TranslatedWord("年假", (Translation("annual leave", ("annual", "leav")),), 0, 2)]
    coverage, _ = term_coverage(
        "年假？", [Passage("1", "annual leave"), Passage("2", "annual report")], words
    )
    assert coverage == [1.0, 0.5]


def test_passages_that_only_words_found_have_the_least_cosine() -> None:
    by_vectors = [
        Passage(str(number), "文", scores={"dense": score}) for number, score in enumerate((0.9, 0.8))
    ]
    scores = relevance("Who?", [*by_vectors, Passage("9", "文")], alike(3), 1.0)
    assert scores[0] > scores[1] == scores[2]


def test_words_of_the_glossary_raise_what_holds_them() -> None:
    scores = related_relevance("绞车 船员", [RIGHT, OTHER, ELSEWHERE], alike(3))
    assert max(scores) == scores[2]


def test_one_passage_alone_has_nothing_to_be_compared_with() -> None:
    assert relevance(QUESTION, [RIGHT], alike(1), 1.0) == pytest.approx([0.0])


def test_figures_of_the_question_tell_and_its_years_do_not() -> None:
    rows = [Passage("1", "库存：12,450.50；比例：9.3"), Passage("2", "2021年库存：7")]
    assert relevance("为什么2021年库存达到12450.50？", rows, alike(2), 0.0) == [3.0, 0.0]
    assert relevance("2021年库存是多少？", rows, alike(2), 0.0) == [0.0, 0.0]
    assert relevance("第9.35条", rows, alike(2), 0.0) == [0.0, 0.0]
