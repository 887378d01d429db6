"""Vectors of a byte for each dimension, against those that they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qa_engine.index.bm25.quantised_vectors import QuantisedVectors, joined

RANDOM = np.random.default_rng(7)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.just(16)), elements=st.floats(-100, 100, width=32)),
    arrays(np.float32, 16, elements=st.floats(-1, 1, width=32)),
)
def test_cosines_are_off_by_no_more_than_half_a_step_of_each_dimension(
    vectors: np.ndarray, query: np.ndarray
) -> None:
    largest = np.abs(vectors).max(axis=1)
    vectors[largest < 1e-3] = 0
    norms = np.linalg.norm(vectors, axis=1)
    query = query / (np.linalg.norm(query) or 1)
    exact = vectors @ query / np.where(norms > 0, norms, 1)
    found = QuantisedVectors.of(vectors).cosines(query.astype(np.float32))
    assert np.abs(found - exact).max() < 0.5 / 127 * 4 * 2


def test_many_vectors_are_compared_in_blocks() -> None:
    vectors = RANDOM.normal(size=(2500, 24)).astype(np.float32)
    query = vectors[2100] / np.linalg.norm(vectors[2100])
    cosines = QuantisedVectors.of(vectors).cosines(query)
    assert cosines.argmax() == 2100
    assert cosines == pytest.approx(vectors @ query / np.linalg.norm(vectors, axis=1), abs=0.01)


def test_saved_and_loaded_and_in_parts_they_are_the_same(tmp_path: Path) -> None:
    vectors = QuantisedVectors.of(RANDOM.normal(size=(9, 4)).astype(np.float32))
    vectors.save(tmp_path)
    loaded = QuantisedVectors.load(tmp_path)
    assert loaded is not None
    again = joined([loaded.rows(0, 2), loaded.rows(2, 2), loaded.rows(2, 9)])
    assert (again.codes == vectors.codes).all()
    assert (again.scales == vectors.scales).all()


def test_a_folder_without_vectors_or_with_other_ones(tmp_path: Path) -> None:
    assert QuantisedVectors.load(tmp_path) is None
    np.save(tmp_path / "vectors.npy", np.zeros((2, 3), np.float32))
    np.save(tmp_path / "vector_scales.npy", np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="do not fit together"):
        QuantisedVectors.load(tmp_path)
    np.save(tmp_path / "vectors.npy", np.zeros((3, 3), np.int8))
    with pytest.raises(ValueError, match="do not fit together"):
        QuantisedVectors.load(tmp_path)
    (tmp_path / "vector_scales.npy").unlink()
    with pytest.raises(OSError, match="vector_scales"):
        QuantisedVectors.load(tmp_path)
