"""Reading beside the caller's own work: in order, bounded, errors to who asks, and an end when nobody asks any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa_engine.errors import DocumentError
from qa_engine.ingestion.files.diff import UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch
from qa_engine.ingestion.reading.prefetch import BatchPrefetcher

WAIT = 10.0


def group(chars: int) -> FileBatch:
    return FileBatch(chars=chars)


class Source:
    """Gives items, and counts how many were taken; ``stopped`` ends it."""

    def __init__(self, items: list[FileBatch | UnreadFile]) -> None:
        self.taken = 0
        self.prepared: list[FileBatch] = []
        self.threads: set[str] = set()
        self._items = items

    def read(self) -> Iterator[FileBatch | UnreadFile]:
        for item in self._items:
            self.taken += 1
            yield item

    def prepare(self, item: FileBatch) -> None:
        self.threads.add(threading.current_thread().name)
        self.prepared.append(item)


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reading"]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """What a test begins to read and does not finish is stopped."""
    made: list[BatchPrefetcher] = []
    original = BatchPrefetcher.__init__

    def init(reading: BatchPrefetcher, prepare: Callable[[FileBatch], None]) -> None:
        original(reading, prepare)
        made.append(reading)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchPrefetcher, "__init__", init)
        yield
    for reading in made:
        reading.stop()
    assert not reading_threads()


def settled(source: Source) -> int:
    """How many groups are prepared when no more come."""
    count = -1
    while count != len(source.prepared):
        count = len(source.prepared)
        time.sleep(0.1)
    return count


def test_everything_comes_in_order_and_groups_are_prepared_in_one_other_thread() -> None:
    unread = UnreadFile(Path("broken.pdf"), DocumentError("damaged", "broken"))
    source = Source([group(5), unread, *(group(5) for _ in range(20))])
    reading = BatchPrefetcher(source.prepare)
    found = list(reading.prefetch(source.read()))
    assert found == source._items
    assert source.prepared == [item for item in found if isinstance(item, FileBatch)]
    assert source.threads == {"reading"}


def test_reading_begins_before_anyone_asks() -> None:
    source = Source([group(5) for _ in range(20)])
    BatchPrefetcher(source.prepare).prefetch(source.read())
    assert settled(source) == 3


def test_only_a_few_groups_are_ahead_of_the_one_that_is_stored() -> None:
    source = Source([group(5) for _ in range(20)])
    groups = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(groups)
    assert settled(source) == 3
    next(groups)
    assert settled(source) == 4


def test_two_large_groups_are_not_prepared_at_once() -> None:
    source = Source([group(1_500_000) for _ in range(3)])
    groups = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(groups)
    assert settled(source) == 1
    next(groups)
    assert settled(source) == 2


def test_group_larger_than_all_limits_is_prepared_alone() -> None:
    source = Source([group(5), group(9_000_000), group(5)])
    groups = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(groups)
    assert settled(source) == 1
    assert len(list(groups)) == 2


def test_error_of_the_reading_reaches_who_asks_after_what_came_before_it() -> None:
    def read() -> Iterator[FileBatch | UnreadFile]:
        yield group(5)
        raise RuntimeError("the disk is gone")

    groups = BatchPrefetcher(lambda _: None).prefetch(read())
    assert isinstance(next(groups), FileBatch)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        next(groups)


def test_error_of_the_preparing_reaches_who_asks() -> None:
    def prepare(_: FileBatch) -> None:
        raise RuntimeError("no sentences")

    with pytest.raises(RuntimeError, match="no sentences"):
        next(BatchPrefetcher(prepare).prefetch(iter([group(5)])))


def test_stop_ends_a_reading_that_waits_for_room() -> None:
    source = Source([group(5) for _ in range(20)])
    reading = BatchPrefetcher(source.prepare)
    next(reading.prefetch(source.read()))
    assert settled(source) == 3
    reading.stop()
    assert source.taken == 4
    assert not reading_threads()


def test_stop_tells_the_reader_and_waits_for_it() -> None:
    reading = BatchPrefetcher(lambda _: None)
    begun = threading.Event()

    def read() -> Iterator[FileBatch | UnreadFile]:
        yield group(5)
        begun.set()
        while not reading.stopped():
            time.sleep(0.01)

    next(reading.prefetch(read()))
    assert begun.wait(WAIT)
    reading.stop()
    assert not reading_threads()


def test_stop_before_anything_was_read() -> None:
    BatchPrefetcher(lambda _: None).stop()


def test_stop_after_an_interrupt_that_fell_into_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread may not have begun then, and cannot be joined; it must not begin afterwards."""
    late: list[threading.Thread] = []

    def interrupted(thread: threading.Thread) -> None:
        late.append(thread)
        raise KeyboardInterrupt

    source = Source([group(5)])
    reading = BatchPrefetcher(source.prepare)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reading.prefetch(source.read())
    reading.stop()
    late[0].start()
    late[0].join(WAIT)
    assert source.taken == 0


def test_second_run_goes_on_with_the_same_reading() -> None:
    source = Source([group(5)])
    reading = BatchPrefetcher(source.prepare)
    assert len(list(reading.prefetch(source.read()))) == 1
    assert len(list(reading.prefetch(source.read()))) == 1
    reading.stop()
