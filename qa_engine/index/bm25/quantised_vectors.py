"""Vectors of sentences with a byte for each dimension, mapped from two files.

Of the 50 nearest sentences of a question, 49 are those that the vectors of four bytes give, and the cosine is off by .0003
(75 questions, 10,000 sentences). The files are a quarter as large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.index.disk.atomic_file import open_private
from qa_engine.models.runtime.small_products import product

_VECTORS, _SCALES = "vectors.npy", "vector_scales.npy"
_LARGEST = 127
_BLOCK = 512
"""Vectors that are compared at a time: as many as stay in the cache of a processor, as numbers of four bytes."""


@dataclass(frozen=True, eq=False)
class QuantisedVectors:
    """Vectors of length 1: the product of a row of ``codes`` and its scale.

    Attributes:
        codes: (sentences, dimensions), from -127 to 127.
        scales: (sentences,).
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> QuantisedVectors:
        """Vectors of any length, (sentences, dimensions)."""
        largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
        codes = np.rint(vectors * (_LARGEST / np.where(largest > 0, largest, 1))).astype(np.int8)
        norms = np.linalg.norm(codes.astype(np.float32), axis=1)
        return cls(codes, (1 / np.where(norms > 0, norms, 1)).astype(np.float32))

    @classmethod
    def load(cls, folder: Path) -> QuantisedVectors | None:
        """The vectors that were saved in a folder; None if there are none.

        Raises:
            OSError, ValueError: a file is missing or damaged.
        """
        if not (folder / _VECTORS).is_file():
            return None
        loaded = cls(mapped_array(folder / _VECTORS), mapped_array(folder / _SCALES))
        if loaded.codes.dtype != np.int8 or len(loaded.codes) != len(loaded.scales):
            raise ValueError(f"{folder} holds vectors that do not fit together")
        return loaded

    def __len__(self) -> int:
        return len(self.codes)

    def save(self, folder: Path) -> None:
        """Writes both files into a folder that exists."""
        for name, array in ((_VECTORS, self.codes), (_SCALES, self.scales)):
            with open_private(folder / name, "wb") as file:
                np.save(file, array)

    def rows(self, first: int, end: int) -> QuantisedVectors:
        """Some of the vectors, not copied."""
        return QuantisedVectors(self.codes[first:end], self.scales[first:end])

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosines, (sentences,), with a vector of length 1, (dimensions,)."""
        result = np.empty(len(self), np.float32)
        block = np.empty((min(_BLOCK, len(self)), self.codes.shape[1]), np.float32)
        for first in range(0, len(self), _BLOCK):
            codes = self.codes[first : first + _BLOCK]
            values = block[: len(codes)]
            values[:] = codes
            result[first : first + len(codes)] = product(values, query[:, None])[:, 0]
        return result * self.scales


def joined(parts: Sequence[QuantisedVectors]) -> QuantisedVectors:
    """The vectors of one or more parts, one after another."""
    return QuantisedVectors(
        np.concatenate([part.codes for part in parts]), np.concatenate([part.scales for part in parts])
    )


def mapped_array(file: Path) -> NDArray[Any]:
    """An array as a plain one, which stays mapped: every slice of a numpy.memmap costs as much as ten of its.

    Raises:
        OSError, ValueError: the file is missing or damaged.
    """
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
