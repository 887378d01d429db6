"""Quantised token vectors: what comes back, and that cosines survive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.models.token_codes import DIMENSION, Bits, TokenCodec


def vectors(count: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).normal(0.04, 0.04, (count, DIMENSION)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def codec(bits: Bits) -> TokenCodec:
    return TokenCodec(bits, vectors(200, 1).mean(axis=0))


@pytest.mark.parametrize(("bits", "least"), [(2, 0.95), (4, 0.99)])
def test_a_vector_is_close_to_its_code(bits: Bits, least: float) -> None:
    original = vectors(50, 2)
    cosines = codec(bits).cosines(codec(bits).encode(original), TokenCodec.rotate(original))
    assert cosines.diagonal().min() > least
    assert cosines.max() <= 1 + 1e-5


@pytest.mark.parametrize("bits", [2, 4])
def test_cosines_are_those_of_vectors_of_length_1(bits: Bits) -> None:
    made, original = codec(bits), vectors(50, 2)
    axes = np.eye(DIMENSION, dtype=np.float32)
    coordinates = made.cosines(made.encode(original), axes)
    assert np.linalg.norm(coordinates, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    asked = TokenCodec.rotate(vectors(5, 3))
    expected = coordinates @ asked.T
    assert made.cosines(made.encode(original), asked) == pytest.approx(expected, abs=1e-5)


def test_rotation_keeps_cosines() -> None:
    some, others = vectors(20, 3), vectors(20, 4)
    assert TokenCodec.rotate(some) @ TokenCodec.rotate(others).T == pytest.approx(some @ others.T, abs=1e-5)


@given(st.integers(0, 40), st.sampled_from([2, 4]))
def test_every_token_has_the_size_that_is_said(count: int, bits: Bits) -> None:
    codes = codec(bits).encode(vectors(count, 5))
    assert len(codes) == count * codec(bits).bytes_per_token
    assert codec(bits).cosines(codes, vectors(3, 6)).shape == (count, 3)


def test_the_centre_itself_and_odd_vectors_come_back_finite() -> None:
    made = codec(2)
    odd = np.stack([made.centre, np.zeros(DIMENSION, np.float32), np.eye(DIMENSION, dtype=np.float32)[0]])
    assert np.isfinite(made.cosines(made.encode(odd), vectors(3, 6))).all()
