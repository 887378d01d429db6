"""Products in small parts are those of the whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from qa_engine.models.runtime.small_products import product

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("count", [0, 1, 23, 24, 5000])
@pytest.mark.parametrize("wide", [1, 2, 20, 1500])
def test_is_the_product(count: int, wide: int) -> None:
    rows = RANDOM.normal(size=(count, 384)).astype(np.float32)
    columns = RANDOM.normal(size=(wide, 384)).astype(np.float32).T
    found = product(rows, columns)
    assert found.shape == (count, wide)
    assert np.allclose(found, rows @ columns, atol=1e-3)


def test_read_only_rows_and_rows_of_a_part_are_fine() -> None:
    rows = RANDOM.normal(size=(900, 8)).astype(np.float32)
    rows.flags.writeable = False
    columns = RANDOM.normal(size=(8, 3)).astype(np.float32)
    assert np.allclose(product(rows[7:800], columns), rows[7:800] @ columns, atol=1e-5)
