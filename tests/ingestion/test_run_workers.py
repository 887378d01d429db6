"""How many processes read the files of a run."""

from __future__ import annotations

import pytest

from qa_engine.ingestion.run import worthwhile_workers

MB = 1_000_000


@pytest.mark.parametrize(
    ("sizes", "cores", "workers"),
    [
        ([], 4, 1),
        ([1000], 4, 1),
        ([1000] * 31, 4, 1),
        ([1000] * 32, 4, 2),
        ([1000] * 10_000, 4, 4),
        ([3 * MB], 4, 3),
        ([3 * MB], 2, 2),
        ([3 * MB], 1, 1),
        ([90 * MB] * 50, 64, 8),
    ],
)
def test_workers_are_as_many_as_the_files_are_worth_and_no_more_than_there_are_cores(
    sizes: list[int], cores: int, workers: int
) -> None:
    assert worthwhile_workers(sizes, cores) == workers
