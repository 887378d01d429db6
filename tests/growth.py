"""Whether the time that work takes grows no faster than its size; ratios hold on slow and busy machines, too."""

from __future__ import annotations

import time
from collections.abc import Callable

_TIMES = 4
_MOST = 10
"""Four times the size takes about 4 times as long; a quadratic algorithm takes 16 times as long."""
_TOO_SHORT = 0.02
"""Seconds of the processor, below which a measurement says nothing, and no algorithm is too slow."""


def assert_grows_linearly(work: Callable[[str], object], text: str) -> None:
    """Runs some work on the beginning of a text and on all of it, and compares the time of the processor.

    Args:
        work: what is measured.
        text: as long as it takes.
    """
    part = text[: len(text) // _TIMES]
    for _ in range(3):
        whole_seconds = _seconds(work, text)
        if whole_seconds < _TOO_SHORT or whole_seconds < _MOST * _seconds(work, part):
            return
    raise AssertionError(
        f"{_TIMES} times the size took more than {_MOST} times as long, three times in a row."
    )


def _seconds(work: Callable[[str], object], text: str) -> float:
    begin = time.process_time()
    work(text)
    return time.process_time() - begin
