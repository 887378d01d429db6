"""The cache of images on the disk: its bound, its order, and what other processes do to it."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.server.documents.image_cache import ImageCache


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_content_comes_back_also_to_the_next_process(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "a" / "b", 100)
    assert cache.get("x.png") is None
    cache.put("x.png", b"content")
    assert cache.get("x.png") == b"content"
    assert ImageCache(tmp_path / "a" / "b", 100).get("x.png") == b"content"


def test_what_was_used_least_recently_goes_first(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 10)
    cache.put("a", b"aaaa")
    cache.put("b", b"bbbb")
    cache.get("a")
    cache.put("c", b"cccc")
    assert files(tmp_path) == {"a", "c"}
    assert cache.get("b") is None


def test_the_next_process_knows_the_order_of_use_and_a_smaller_bound(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 100)
    for name in "abc":
        cache.put(name, b"1234")
        os.utime(tmp_path / name, ns=(0, ord(name)))
    cache.get("a")
    assert ImageCache(tmp_path, 8).names == ["c", "a"]
    assert files(tmp_path) == {"a", "c"}


def test_content_beyond_the_bound_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 10)
    cache.put("a", b"1234")
    cache.put("b", b"12345678901")
    assert files(tmp_path) == {"a"}


def test_nothing_is_kept_without_space(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 0)
    cache.put("a", b"1")
    assert cache.get("a") is None


def test_files_that_another_process_deleted_are_missing_and_can_be_made_again(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 8)
    cache.put("a", b"1234")
    (tmp_path / "a").unlink()
    assert cache.get("a") is None
    cache.put("b", b"12345678")  # has `a`, which is not there, dropped
    assert cache.get("b") == b"12345678"


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".writing-abc").write_bytes(b"half")
    assert ImageCache(tmp_path, 100).names == []
    assert files(tmp_path) == set()


def test_contents_of_one_document_are_forgotten(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 100)
    for name in ("d1-1.svg", "d1-2.svg", "d2-1.svg"):
        cache.put(name, b"x")
    cache.forget("d1-")
    assert files(tmp_path) == {"d2-1.svg"}
    assert cache.names == ["d2-1.svg"]


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    with pytest.raises(OSError, match="occupied"):
        ImageCache(tmp_path / "occupied" / "below", 100)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12), st.booleans()), max_size=30))
def test_the_bound_holds_whatever_is_put_and_read(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = ImageCache(folder, 20)
    last: dict[str, bytes] = {}
    for name, size, is_read in steps:
        if is_read:
            assert cache.get(name) in (None, last.get(name))
        else:
            last[name] = os.urandom(size)
            cache.put(name, last[name])
            assert cache.get(name) == last[name]
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        assert sum(sizes.values()) <= 20
        assert sizes.keys() == set(cache.names)


def test_threads_that_write_the_same_name_leave_one_whole_content(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 1_000_000)
    contents = [bytes([number]) * 50_000 for number in range(8)]
    threads = [Thread(target=cache.put, args=("a", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("a") in contents
    assert files(tmp_path) == {"a"}
