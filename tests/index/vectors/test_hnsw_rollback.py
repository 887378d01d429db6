"""A process is killed while Chroma writes its vector index: what it left is taken back, and Chroma goes on from there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_engine.errors import StorageError
from qa_engine.index.vectors.chroma_folder import open_unshared
from qa_engine.index.vectors.hnsw_files import find_hnsw_fault
from qa_engine.index.vectors.hnsw_rollback import keep_files, roll_back

NAME = "sentences"
VECTORS = np.random.default_rng(5).normal(size=(2600, 32)).astype(np.float32)
FILES = ("header.bin", "data_level0.bin", "length.bin", "link_lists.bin")


def add(collection: Any, first: int, last: int) -> None:
    names = [f"d-{number:07}" for number in range(first, last)]
    collection.add(ids=names, embeddings=VECTORS[first:last], documents=names)


def files_of(folder: Path) -> Path:
    return next(path.parent for path in folder.rglob("header.bin") if "chroma.kept" not in path.parts)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a collection before and after Chroma wrote its vector index again."""
    place = tmp_path_factory.mktemp("hnsw")
    collection = open_unshared(place / "chroma", NAME, create=True)
    add(collection, 0, 1200)
    shutil.copytree(place, before := place.parent / "before")
    add(collection, 1200, 2600)
    return before, place


@pytest.mark.parametrize("written", [("header.bin",), FILES[:2], FILES[:3]])
def test_index_that_is_half_written_is_taken_back(
    written: tuple[str, ...], states: tuple[Path, Path], tmp_path: Path
) -> None:
    before, after = states
    shutil.copytree(before, tmp_path / "c")
    folder = tmp_path / "c" / "chroma"
    keep_files(folder, tmp_path / "c" / "chroma.kept")
    torn, new = files_of(folder), files_of(after)
    for name in written:
        content = (new / name).read_bytes()
        (torn / name).write_bytes(content[: len(content) * 3 // 4] if name == "data_level0.bin" else content)
    assert find_hnsw_fault(folder, NAME, thorough=True)
    with pytest.raises(StorageError, match="damaged"):
        open_unshared(folder, NAME, create=False)
    (tmp_path / "c" / "chroma.turn").touch()  # as a killed process leaves it
    collection = open_unshared(folder, NAME, create=False)
    assert find_hnsw_fault(folder, NAME, thorough=True) is None
    assert not (tmp_path / "c" / "chroma.turn").exists()
    add(collection, 1200, 2600)
    for number in range(0, 2600, 100):
        found = collection.query(query_embeddings=[VECTORS[number]], n_results=1)
        assert found["ids"] == [[f"d-{number:07}"]]
    assert find_hnsw_fault(folder, NAME, thorough=True) is None


def test_nothing_is_taken_back_that_chroma_has_forgotten_in_its_log(
    states: tuple[Path, Path], tmp_path: Path
) -> None:
    before, after = states
    keep_files(before / "chroma", tmp_path / "kept")
    assert not roll_back(after / "chroma", tmp_path / "kept")


def test_sound_indexes_of_any_kind_are_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    assert find_hnsw_fault(folder, NAME, thorough=True) is None
    collection = open_unshared(folder, NAME, create=True)
    for step in range(3):  # with deletions, replacements, and vectors of all lengths
        add(collection, step * 600, step * 600 + 600)
        collection.delete(ids=[f"d-{number:07}" for number in range(step * 600, step * 600 + 50)])
        collection.upsert(ids=[f"d-{step * 600 + 70:07}"], embeddings=[VECTORS[0] * 50])
        assert find_hnsw_fault(folder, NAME, thorough=True) is None
