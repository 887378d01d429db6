"""Products of matrices in parts so small that BLAS does not share them among threads.

Threads of OpenBLAS wait actively for the next product, some 25 ms each time. A question has three products that take one or
two milliseconds: its processor time was 133 ms with two threads and is 82 ms without.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PRODUCT, _VECTOR = 1 << 18, 9000
"""Multiplications up to which OpenBLAS takes one thread: of two matrices, and of a matrix and a vector."""


def product(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """``rows @ columns``, (n, d) times (d, m), in one thread."""
    (count, width), wide = rows.shape, columns.shape[1]
    step = max(1, (_PRODUCT if wide > 1 else _VECTOR) // max(1, width * wide))
    whole = count - count % step
    result = np.empty((count, wide), np.float32)
    parts = rows[:whole].reshape(-1, step, width)
    np.matmul(parts, columns, out=result[:whole].reshape(-1, step, wide))
    np.matmul(rows[whole:], columns, out=result[whole:])
    return result
