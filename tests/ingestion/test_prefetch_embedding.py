"""Embedding beside the caller's own work: in order, bounded, errors where the result is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from llama_index.core.schema import TextNode

from qa_engine.errors import ServiceUnavailableError
from qa_engine.ingestion.embedding_windows import EmbeddedSentences, EmbeddingWindow
from qa_engine.ingestion.reading.prefetch import EmbeddingPrefetcher

WAIT = 10.0


class Model:
    """Embeds a pass as its number; waits for ``gate``, and fails at ``broken``."""

    def __init__(self, broken: str = "") -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.seen: list[str] = []
        self._broken = broken

    def __call__(self, windows: Sequence[EmbeddingWindow]) -> EmbeddedSentences:
        [only] = windows
        self.seen.append(only.text)
        assert self.gate.wait(WAIT)
        if only.text == self._broken:
            raise ServiceUnavailableError("gone")
        return EmbeddedSentences(np.array([[float(only.text)]], np.float32))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def start(ahead: EmbeddingPrefetcher, first: int, last: int) -> list[TextNode]:
    nodes = [TextNode(id_=str(number), text=str(number)) for number in range(first, last)]
    ahead.start(nodes, iter([EmbeddingWindow(node.text, ((0, 1),), True)] for node in nodes))
    return nodes


def numbers(found: Iterator[EmbeddedSentences]) -> list[int]:
    return [int(each.vectors[0, 0]) for each in found]


def settled(model: Model) -> list[str]:
    """What the model was given, when it is given no more."""
    while True:
        before = list(model.seen)
        time.sleep(0.1)
        if model.seen == before:
            return before


def test_each_gets_its_own_in_order(threads: int) -> None:
    ahead = EmbeddingPrefetcher(Model(), threads)
    one, two = start(ahead, 0, 20), start(ahead, 20, 45)
    assert numbers(ahead.embedded(one)) == list(range(20))
    assert numbers(ahead.embedded(two)) == list(range(20, 45))
    ahead.stop()


def test_work_goes_on_while_nobody_asks_and_stays_bounded(threads: int) -> None:
    model = Model()
    ahead = EmbeddingPrefetcher(model, threads)
    nodes = start(ahead, 0, 50)
    assert 1 < len(settled(model)) < 6
    assert numbers(ahead.embedded(nodes)) == list(range(50))
    ahead.stop()


def test_error_is_raised_where_the_result_is_asked_for(threads: int) -> None:
    ahead = EmbeddingPrefetcher(Model(broken="3"), threads)
    found = ahead.embedded(start(ahead, 0, 10))
    assert [int(next(found).vectors[0, 0]) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ServiceUnavailableError, match="gone"):
        next(found)
    ahead.stop()


def test_stop_drops_the_rest_and_does_not_wait(threads: int) -> None:
    model = Model()
    model.gate.clear()
    ahead = EmbeddingPrefetcher(model, threads)
    start(ahead, 0, 50)
    begun = settled(model)
    started = time.monotonic()
    ahead.stop()
    assert time.monotonic() - started < 1
    model.gate.set()
    assert settled(model) == begun
    for thread in ahead._threads:
        thread.join(WAIT)
        assert not thread.is_alive()


def test_files_without_sentences(threads: int) -> None:
    ahead = EmbeddingPrefetcher(Model(), threads)
    ahead.start([], iter(()))
    assert list(ahead.embedded([])) == []
    ahead.stop()
