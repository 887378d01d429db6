"""Intervals and McNemar's test, beside what can be counted out."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.evaluation.metrics.significance import (
    Interval,
    bootstrap_interval,
    mcnemar,
    paired_bootstrap,
    percentile,
    wilson,
)


def test_what_is_not_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="got 1 and 2"):
        paired_bootstrap([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="got 0 and 0"):
        paired_bootstrap([], [])
    with pytest.raises(ValueError, match="got 1 and 0"):
        mcnemar([True], [])
    with pytest.raises(ValueError, match="there are none"):
        bootstrap_interval([])


@settings(deadline=None)  # the first call imports scipy
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=14))
def test_mcnemar_counts_the_splits_that_are_at_least_as_uneven(pairs: list[tuple[bool, bool]]) -> None:
    found = mcnemar([one for one, _ in pairs], [two for _, two in pairs])
    n = found.gained + found.lost
    assert found.gained == pairs.count((False, True))
    assert found.lost == pairs.count((True, False))
    as_uneven = [k for k in range(n + 1) if abs(k - n / 2) >= abs(found.gained - n / 2)]
    assert found.p_value == pytest.approx(sum(comb(n, k) for k in as_uneven) / 2**n)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=4))
def test_bootstrap_interval_is_close_to_that_of_all_resamples(values: list[float]) -> None:
    means = [np.mean(draw) for draw in product(values, repeat=len(values))]
    low, high = bootstrap_interval(values)
    for found, share in ((low, 0.025), (high, 0.975)):
        assert np.quantile(means, share - 0.01, method="lower") <= found
        assert found <= np.quantile(means, share + 0.01, method="higher")


def test_draws_in_parts_are_those_in_one_go() -> None:
    values = [0.1, 0.4, 0.9, 0.2, 0.7]
    whole = bootstrap_interval(values)
    assert bootstrap_interval(values, max_draws=35) == whole


def test_bootstrap_of_a_constant_difference_has_no_width() -> None:
    assert paired_bootstrap([0.75, 0.5, 1.0], [0.5, 0.25, 0.75]) == Interval(0.25, 0.25, 0.25)


def test_bootstrap_of_pairs_covers_the_mean_and_is_seeded() -> None:
    ours, theirs = [1.0] * 60 + [0.0] * 40, [1.0] * 50 + [0.0] * 50
    interval = paired_bootstrap(ours, theirs, seed=3)
    assert interval.difference == pytest.approx(0.1)
    # Ten of a hundred pairs differ by one, so the standard error is sqrt(0.1 * 0.9 / 100) = 0.03.
    assert interval.low == pytest.approx(0.1 - 1.96 * 0.03, abs=0.015)
    assert interval.high == pytest.approx(0.1 + 1.96 * 0.03, abs=0.015)
    assert interval == paired_bootstrap(ours, theirs, seed=3)


def test_shares_of_none_and_of_all() -> None:
    assert wilson(0, 0) == (None, None)
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0


def test_percentile_interpolates() -> None:
    assert (percentile([1, 2, 3, 4], 0.5), percentile([5], 0.95)) == (2.5, 5)
