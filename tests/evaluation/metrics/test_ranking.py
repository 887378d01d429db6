"""Measures of a ranking, beside slow ones that can be read off."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.evaluation.metrics.ranking import (
    first_hit,
    first_true,
    hit,
    holds_any,
    holds_within,
    ndcg,
    reciprocal_rank,
    squash,
)

words = st.text(alphabet="ab西 \n", max_size=6)


@pytest.mark.parametrize("answers", [[], [""], ["  "]])
def test_an_answer_without_a_word_is_held_by_nothing(answers: list[str]) -> None:
    assert not holds_any("西湖", answers)
    assert first_hit(["西湖"], answers) is None
    assert not holds_within(["西湖"], answers, 100)


@given(st.lists(words, max_size=5), st.lists(words, max_size=2), st.integers(1, 5))
def test_first_hit_is_the_first_passage_that_holds_an_answer(
    passages: list[str], answers: list[str], top_k: int
) -> None:
    wanted = [squash(answer) for answer in answers if squash(answer)]
    ranks = [
        rank
        for rank in range(1, top_k + 1)
        for one in wanted
        if rank <= len(passages) and one in squash(passages[rank - 1])
    ]
    assert first_hit(passages, answers, top_k) == (min(ranks) if ranks else None)


@given(st.lists(words, max_size=4), words, st.integers(0, 12))
def test_holds_within_looks_at_the_first_characters_of_the_context(
    passages: list[str], answer: str, budget: int
) -> None:
    left, found = budget, False
    for passage in passages:
        text = squash(passage)
        for end in range(min(left, len(text)) + 1):
            found = found or (bool(squash(answer)) and text[:end].endswith(squash(answer)))
        left = max(0, left - len(text))
    assert holds_within(passages, [answer], budget) == found


def test_passages_that_do_not_count_take_room_all_the_same() -> None:
    passages = ["西湖在杭州", "太湖在苏州"]
    assert holds_within(passages, ["太湖"], 7, [True, True])
    assert not holds_within(passages, ["太湖"], 6, [True, True])
    assert not holds_within(passages, ["西湖"], 100, [False, True])
    assert holds_within(passages, ["太湖"], 7, [False, True])


@given(st.lists(st.booleans(), max_size=12))
def test_rank_measures_agree_with_their_sums(relevant: list[bool]) -> None:
    rank = first_true(relevant)
    first = [float(one and not any(relevant[:place])) for place, one in enumerate(relevant)]
    assert reciprocal_rank(rank) == sum(gain / place for place, gain in enumerate(first, 1))
    assert ndcg(rank) == pytest.approx(
        sum(gain / math.log2(place + 1) for place, gain in enumerate(first, 1))
    )
    for top_k in (1, 3, 10):
        assert hit(rank, top_k) == float(any(relevant[:top_k]))
