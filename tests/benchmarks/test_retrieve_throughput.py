"""The benchmark of retrieval from several threads: what it counts, and its table."""

from __future__ import annotations

from concurrency import Run
from retrieve_throughput import Throughput, measured, throughput_report


def test_processor_time_is_that_of_the_run() -> None:
    def busy() -> Run:
        return Run("busy", 1.0, [float(sum(range(200_000)) > 0)] * 4)

    result = measured(busy)
    assert result.processor_seconds > 0
    assert result.processor_ms == result.processor_seconds * 250


def test_a_row_says_how_long_the_loop_was_blocked_where_there_is_one() -> None:
    threads, loop = Run("threads", 2.0, [0.5, 1.5]), Run("loop", 2.0, [0.5, 1.5], longest_block=0.04)
    report = throughput_report("title", [Throughput(threads, 0.03), Throughput(loop, 0.03)], [])
    assert report.rows == [
        ["threads", "1.0", "15.0", "1000", "1450", "–"],
        ["loop", "1.0", "15.0", "1000", "1450", "40"],
    ]
