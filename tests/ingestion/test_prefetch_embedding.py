"""Embedding beside the caller's own work: in order, bounded, errors where the result is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from llama_index.core.schema import TextNode

from qa_engine.errors import ServiceUnavailableError
from qa_engine.ingestion.embedding_windows import EmbeddedSentences, EmbeddingWindow
from qa_engine.ingestion.reading.local import MAX_SLICES, EmbeddingPrefetcher

WAIT = 10.0


class Model:
    """Embeds a window as its number; waits for ``gate``, and fails at ``broken``.

    ``begun`` counts the windows that it was given: a test waits for the next one by acquiring it.
    """

    def __init__(self, broken: str = "") -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)
        self.seen: list[str] = []
        self._broken = broken

    def __call__(self, windows: Sequence[EmbeddingWindow]) -> EmbeddedSentences:
        [only] = windows
        self.seen.append(only.text)
        self.begun.release()
        assert self.gate.wait(WAIT)
        if only.text == self._broken:
            raise ServiceUnavailableError("gone")
        return EmbeddedSentences(np.array([[float(only.text)]], np.float32))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def start(prefetcher: EmbeddingPrefetcher, first: int, last: int) -> list[TextNode]:
    nodes = [TextNode(id_=str(number), text=str(number)) for number in range(first, last)]
    prefetcher.start(nodes, [[EmbeddingWindow(node.text, ((0, 1),), True)] for node in nodes])
    return nodes


def numbers(found: Iterator[EmbeddedSentences]) -> list[int]:
    return [int(each.vectors[0, 0]) for each in found]


def test_each_gets_its_own_in_order(threads: int) -> None:
    prefetcher = EmbeddingPrefetcher(Model(), threads)
    one, two = start(prefetcher, 0, 20), start(prefetcher, 20, 45)
    assert numbers(prefetcher.embeddings(one)) == list(range(20))
    assert numbers(prefetcher.embeddings(two)) == list(range(20, 45))
    prefetcher.stop()


def test_work_goes_on_while_nobody_asks_and_stays_bounded(threads: int) -> None:
    model = Model()
    prefetcher = EmbeddingPrefetcher(model, threads)
    nodes = start(prefetcher, 0, 50)
    for _ in range(MAX_SLICES):
        assert model.begun.acquire(timeout=WAIT)
    # Every thread now waits for room, which only a caller who asks makes.
    assert not model.begun.acquire(timeout=0.05)
    assert len(model.seen) == MAX_SLICES
    assert numbers(prefetcher.embeddings(nodes)) == list(range(50))
    prefetcher.stop()


def test_error_is_raised_where_the_result_is_asked_for(threads: int) -> None:
    prefetcher = EmbeddingPrefetcher(Model(broken="3"), threads)
    found = prefetcher.embeddings(start(prefetcher, 0, 10))
    assert [int(next(found).vectors[0, 0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ServiceUnavailableError, match="gone"):
        next(found)
    prefetcher.stop()


def test_stop_drops_the_rest_and_does_not_wait(threads: int) -> None:
    model = Model()
    model.gate.clear()
    prefetcher = EmbeddingPrefetcher(model, threads)
    start(prefetcher, 0, 50)
    for _ in range(threads):
        assert model.begun.acquire(timeout=WAIT)
    prefetcher.stop()  # returns though the model waits for the gate
    assert len(model.seen) == threads
    model.gate.set()
    for thread in prefetcher._threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    assert len(model.seen) == threads


def test_files_without_sentences(threads: int) -> None:
    prefetcher = EmbeddingPrefetcher(Model(), threads)
    prefetcher.start([], iter(()))
    assert list(prefetcher.embeddings([])) == []
    prefetcher.stop()
