"""The nearest sentences against a slow and obvious search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa_engine.index.bm25.index import Bm25Index
from qa_engine.index.bm25.quantised_vectors import QuantisedVectors
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, StoredSegment
from qa_engine.index.vectors import exact_search
from qa_engine.index.vectors.exact_search import nearest

RANDOM = np.random.default_rng(7)
SIZES = {"a": 5, "b": 0, "c": 40, "d": 3}
VECTORS = {name: RANDOM.normal(size=(size, 8)).astype(np.float32) for name, size in SIZES.items()}
ASKED = RANDOM.normal(size=8).tolist()


def segment(folder: Path, names: str, dead: str = "", vectors: bool = True) -> StoredSegment:
    built = Bm25Segment.build([DocumentTerms(name, [["term"]] * SIZES[name]) for name in names], 0)
    own = np.concatenate([VECTORS[name] for name in names])
    built.save(folder / names, QuantisedVectors.of(own) if vectors else None)
    return StoredSegment(names, Bm25Segment.load(folder / names), frozenset(dead))


def expected(names: str, count: int) -> list[tuple[str, float]]:
    query = np.array(ASKED) / np.linalg.norm(ASKED)
    cosines = {
        f"{name}-{row:07d}": float(vector @ query / np.linalg.norm(vector))
        for name in names
        for row, vector in enumerate(VECTORS[name])
    }
    return sorted(cosines.items(), key=lambda one: -one[1])[:count]


@pytest.mark.parametrize("documents", [None, "a", "cd", "b", "ad", "x"])
@pytest.mark.parametrize("count", [1, 6, 1000])
def test_the_nearest_of_all_that_count(tmp_path: Path, documents: str | None, count: int) -> None:
    index = Bm25Index([segment(tmp_path, "ab"), segment(tmp_path, "cd", dead="d")])
    found = nearest(index, ASKED, count, documents)
    assert found is not None
    wanted = expected("".join(set("abc") & set(documents or "abc")), count)
    assert [one.node_id for one in found] == [name for name, _ in wanted]
    assert [one.cosine for one in found] == pytest.approx([cosine for _, cosine in wanted], abs=0.01)


def test_without_all_vectors_or_with_too_many_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Bm25Index([segment(tmp_path, "ab"), segment(tmp_path, "cd", vectors=False)])
    assert nearest(index, ASKED, 3) is None
    assert nearest(index, [1.0, 0.0], 3, "a") is None
    assert nearest(index, ASKED, 3, "a") is not None
    monkeypatch.setattr(exact_search, "_MOST", 4)
    assert nearest(index, ASKED, 3, "a") is None


def test_nothing_is_near_to_nothing(tmp_path: Path) -> None:
    found = nearest(Bm25Index([segment(tmp_path, "a")]), [0.0] * 8, 2)
    assert found is not None
    assert [one.cosine for one in found] == [0.0, 0.0]
