"""How many processes parse the files of a run."""

from __future__ import annotations

from collections.abc import Sequence

from qa_engine.models.e5 import available_cores

_FILES_A_WORKER = 16
_BYTES_A_WORKER = 1_000_000
"""Some 30 pages of text and figures."""
_MOST_WORKERS = 8
"""One writer does not keep up with more."""


def worthwhile_workers(sizes: Sequence[int]) -> int:
    """Processes that should parse files of these bytes: starting one takes half a second.

    Not fewer than the processors for many files, though the model needs them too: PDFs with tables and columns take longer
    to read than to embed, and at first there is nothing to embed.
    """
    worth = max(len(sizes) // _FILES_A_WORKER, sum(sizes) // _BYTES_A_WORKER)
    return max(1, min(worth, available_cores(), _MOST_WORKERS))
