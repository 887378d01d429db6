"""The token store: what is stored comes back, and what cannot be opened says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.vectors.token_store import TokenStore
from qa_engine.models.token_codes import DIMENSION, TokenCodec

CODEC = TokenCodec(2, np.full(DIMENSION, 0.01, np.float32))


def tokens(count: int) -> np.ndarray:
    found = np.random.default_rng(count).normal(size=(count, DIMENSION)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_missing_or_foreign_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="token vectors"):
        TokenStore(tmp_path / "none.sqlite")
    (tmp_path / "text.sqlite").write_text("not a database, " * 100)
    with pytest.raises(StorageError, match=r"text\.sqlite"):
        TokenStore(tmp_path / "text.sqlite")


def test_what_was_put_comes_back_by_id_to_another_reader(tmp_path: Path) -> None:
    path = tmp_path / "tokens.sqlite"
    ids = [node_id("a", 0), node_id("a", 1), node_id("b", 0)]
    TokenStore(path, CODEC).put(ids, [tokens(3), tokens(5), tokens(0)])
    reader = TokenStore(path)
    assert reader.codec.bits == 2
    assert np.array_equal(reader.codec.centre, CODEC.centre)
    found = reader.get([*ids, node_id("c", 7)])
    assert found == {ids[0]: CODEC.encode(tokens(3)), ids[1]: CODEC.encode(tokens(5)), ids[2]: b""}


def test_putting_again_replaces_and_deleting_takes_one_document(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens.sqlite", CODEC)
    first, other = node_id("a", 0), node_id("b", 0)
    store.put([first, other], [tokens(2), tokens(2)])
    store.put([first], [tokens(4)])
    assert store.get([first])[first] == CODEC.encode(tokens(4))
    assert store.count() == 2
    store.delete("a")
    store.delete("never there")
    assert list(store.get([first, other])) == [other]


def test_thousands_of_sentences_at_once(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens.sqlite", CODEC)
    ids = [node_id("a", ordinal) for ordinal in range(1500)]
    store.put(ids, [tokens(1)] * len(ids))
    assert len(store.get(ids)) == len(ids)


def test_what_a_crash_left_of_a_new_file_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "tokens.sqlite"
    (tmp_path / "tokens.sqlite.new").write_bytes(b"half")
    assert TokenStore(path, CODEC).count() == 0
    assert [file.name for file in tmp_path.iterdir()] == ["tokens.sqlite"]


def test_a_known_file_keeps_the_codec_that_its_vectors_were_made_with(tmp_path: Path) -> None:
    path = tmp_path / "tokens.sqlite"
    TokenStore(path, CODEC).put([node_id("a", 0)], [tokens(2)])
    again = TokenStore(path, TokenCodec(2, np.zeros(DIMENSION, np.float32)))
    assert np.array_equal(again.codec.centre, CODEC.centre)
    assert again.count() == 1


def test_little_is_stored_beside_the_codes(tmp_path: Path) -> None:
    path = tmp_path / "tokens.sqlite"
    codec = TokenCodec(4, CODEC.centre)
    rng = np.random.default_rng(7)
    codes = [rng.bytes(codec.bytes_per_token * int(tokens)) for tokens in rng.integers(10, 60, 300)]
    TokenStore(path, codec).put([node_id("a", ordinal) for ordinal in range(300)], codes)
    assert path.stat().st_size < 1.06 * sum(map(len, codes))
