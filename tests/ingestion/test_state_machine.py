"""Additions, changes, moves, copies, deletions, crashes and runs in any order, of a collection in a storage."""

from __future__ import annotations

import pytest
from collection_machine import Collection, run_machine
from hypothesis import Phase


def test_what_is_reported_is_what_is_stored_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    # Making a failure smaller takes minutes: the slow test does that.
    run_machine(Collection, monkeypatch, 8, 15, [Phase.explicit, Phase.reuse, Phase.generate])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_is_reported_is_what_is_stored_over_many_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    run_machine(Collection, monkeypatch, 200, 30, list(Phase))
