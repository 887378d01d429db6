"""The measures on examples that can be computed by hand."""

from __future__ import annotations

import math

import pytest
from metrics import (
    Interval,
    first_hit,
    holds_within,
    ndcg,
    paired_bootstrap,
    percentile,
    reciprocal_rank,
    squash,
)

PASSAGES = ["西湖在\n杭州。", "The  Yangtze\nRiver is 6,300 km long.", "长江注入东海。"]


def test_squash_drops_white_space_and_case() -> None:
    assert squash(" The  Yangtze\n\tRiver\u3000长 江") == "theyangtzeriver长江"


@pytest.mark.parametrize(
    ("answers", "rank"),
    [
        (["在杭州"], 1),
        (["yangtze river"], 2),
        (["nowhere", "东海"], 3),
        (["nowhere"], None),
        ([], None),
    ],
)
def test_first_hit_is_the_rank_of_the_first_passage_with_any_answer(
    answers: list[str], rank: int | None
) -> None:
    assert first_hit(PASSAGES, answers) == rank


def test_first_hit_ignores_what_is_below_the_cut() -> None:
    assert first_hit(PASSAGES, ["东海"], top_k=2) is None
    assert first_hit([], ["东海"]) is None


def test_rank_measures() -> None:
    assert [reciprocal_rank(rank) for rank in (1, 2, 4, None)] == [1.0, 0.5, 0.25, 0.0]
    assert [ndcg(rank) for rank in (1, 3, None)] == [1.0, 0.5, 0.0]
    assert ndcg(2) == pytest.approx(1 / math.log2(3))


def test_holds_within_counts_characters_without_white_space() -> None:
    # 西湖在杭州。 has six characters; the answer ends with the fifth.
    assert holds_within(PASSAGES, ["杭州"], 5)
    assert not holds_within(PASSAGES, ["杭州"], 4)
    # The second passage starts at the seventh character.
    assert holds_within(PASSAGES, ["the"], 9)
    assert not holds_within(PASSAGES, ["the"], 8)
    assert not holds_within([], ["the"], 100)


def test_percentile_interpolates() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([5], 0.95) == 5


def test_bootstrap_of_a_constant_difference_has_no_width() -> None:
    interval = paired_bootstrap([0.75, 0.5, 1.0], [0.5, 0.25, 0.75])
    assert interval == Interval(0.25, 0.25, 0.25)


def test_bootstrap_interval_covers_the_mean_and_is_seeded() -> None:
    ours = [1.0] * 60 + [0.0] * 40
    theirs = [1.0] * 50 + [0.0] * 50
    interval = paired_bootstrap(ours, theirs, seed=3)
    assert interval.difference == pytest.approx(0.1)
    # Ten of a hundred pairs differ by one, so the standard error is sqrt(0.1 * 0.9 / 100) = 0.03.
    assert interval.low == pytest.approx(0.1 - 1.96 * 0.03, abs=0.015)
    assert interval.high == pytest.approx(0.1 + 1.96 * 0.03, abs=0.015)
    assert interval == paired_bootstrap(ours, theirs, seed=3)


@pytest.mark.parametrize(("ours", "theirs"), [([1.0], [1.0, 0.0]), ([], [])])
def test_bootstrap_refuses_scores_that_are_not_pairs(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match="paired scores needed"):
        paired_bootstrap(ours, theirs)
