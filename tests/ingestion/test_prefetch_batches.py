"""Reading beside the caller's own work: in order, bounded, errors to who asks, and an end when nobody asks any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa_engine.errors import DocumentError
from qa_engine.ingestion.files.diff import UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch
from qa_engine.ingestion.reading.local import BatchPrefetcher

WAIT = 10.0


def batch(chars: int) -> FileBatch:
    return FileBatch(chars=chars)


class Source:
    """Yields items, and counts how many were taken; ``changed`` tells of each that was prepared or asked for."""

    def __init__(self, items: list[FileBatch | UnreadFile]) -> None:
        self.taken = 0
        self.changed = threading.Condition()
        self.prepared: list[FileBatch] = []
        self.threads: set[str] = set()
        self._items = items

    def read(self) -> Iterator[FileBatch | UnreadFile]:
        for item in self._items:
            with self.changed:
                self.taken += 1
                self.changed.notify_all()
            yield item

    def prepare(self, item: FileBatch) -> None:
        self.threads.add(threading.current_thread().name)
        with self.changed:
            self.prepared.append(item)
            self.changed.notify_all()

    def waits_with(self, batches: int) -> bool:
        """Whether so many batches are prepared, and the reading has taken the next one and waits for room."""
        with self.changed:
            reached = self.changed.wait_for(
                lambda: (len(self.prepared), self.taken) == (batches, batches + 1), WAIT
            )
            return reached and not self.changed.wait_for(lambda: len(self.prepared) > batches, 0.05)


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


def test_everything_comes_in_order_and_batches_are_prepared_in_one_other_thread() -> None:
    unread = UnreadFile(Path("broken.pdf"), DocumentError("damaged", "broken"))
    source = Source([batch(5), unread, *(batch(5) for _ in range(20))])
    reading = BatchPrefetcher(source.prepare)
    found = list(reading.prefetch(source.read()))
    assert found == source._items
    assert source.prepared == [item for item in found if isinstance(item, FileBatch)]
    assert source.threads == {"reading"}


def test_reading_begins_before_anyone_asks() -> None:
    source = Source([batch(5) for _ in range(20)])
    BatchPrefetcher(source.prepare).prefetch(source.read())
    assert source.waits_with(3)


def test_only_a_few_batches_are_ahead_of_the_one_that_is_stored() -> None:
    source = Source([batch(5) for _ in range(20)])
    batches = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(batches)
    assert source.waits_with(3)
    next(batches)
    assert source.waits_with(4)


def test_two_large_batches_are_not_prepared_at_once() -> None:
    source = Source([batch(1_500_000) for _ in range(3)])
    batches = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(batches)
    assert source.waits_with(1)
    next(batches)
    assert source.waits_with(2)


def test_batch_larger_than_all_limits_is_prepared_alone() -> None:
    source = Source([batch(5), batch(9_000_000), batch(5)])
    batches = BatchPrefetcher(source.prepare).prefetch(source.read())
    next(batches)
    assert source.waits_with(1)
    assert len(list(batches)) == 2


def test_error_of_the_reading_reaches_who_asks_after_what_came_before_it() -> None:
    def read() -> Iterator[FileBatch | UnreadFile]:
        yield batch(5)
        raise RuntimeError("the disk is gone")

    batches = BatchPrefetcher(lambda _: None).prefetch(read())
    assert isinstance(next(batches), FileBatch)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        next(batches)


def test_error_of_the_preparing_reaches_who_asks() -> None:
    def prepare(_: FileBatch) -> None:
        raise RuntimeError("no sentences")

    with pytest.raises(RuntimeError, match="no sentences"):
        next(BatchPrefetcher(prepare).prefetch(iter([batch(5)])))


def test_stop_ends_a_reading_that_waits_for_room() -> None:
    source = Source([batch(5) for _ in range(20)])
    reading = BatchPrefetcher(source.prepare)
    next(reading.prefetch(source.read()))
    assert source.waits_with(3)
    reading.stop()
    assert source.taken == 4
    assert not reading_threads()


def test_stop_tells_the_reader_and_waits_for_it() -> None:
    reading = BatchPrefetcher(lambda _: None)
    begun, ended = threading.Event(), threading.Event()

    def read() -> Iterator[FileBatch | UnreadFile]:
        yield batch(5)
        begun.set()
        while not reading.stopped():
            ended.wait(0.01)

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

    source = Source([batch(5)])
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
    source = Source([batch(5)])
    reading = BatchPrefetcher(source.prepare)
    assert len(list(reading.prefetch(source.read()))) == 1
    assert len(list(reading.prefetch(source.read()))) == 1
    reading.stop()
