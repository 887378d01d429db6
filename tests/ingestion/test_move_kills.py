"""kill -9 at random instants of moves in both directions, with questions asked all the time."""

from __future__ import annotations

import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from chroma_process import URL_VARIABLE, ChromaProcess
from collection_content import HASH, QUESTIONS, content_of, difference
from forked import fork_server
from ingest_process import make_deadly
from llama_index.core.vector_stores.types import VectorStoreQuery
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf, llama_paper
from search_server import SearchCluster

from qa_engine import ingest
from qa_engine.config import Config
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, QAEngineError
from qa_engine.index.catalog import Catalog
from qa_engine.index.moves import Arrival, Departure
from qa_engine.index.reader import open_collections
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.opening import registry_of
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.vectors.chroma_server import chroma_server as chroma_client
from qa_engine.ingestion.maintenance import collection_move, move, reembedding
from qa_engine.ingestion.maintenance.move import move_collection
from qa_engine.text.tokenizer import tokenize

_KILLS = 24
_SEED = "MOVE_KILLS_SEED"
"""The variable with the seed of a run that is to be made once more."""
_LONGEST = 2.5
"""Seconds that a move takes here, about."""


_OUTWARDS = [
    ("Departure.record", 1, "after"),
    ("Registry.create", 1, "after"),
    ("SharedCatalog.announce_numbered", 1, "after"),
    ("SharedCatalog.take_in", 2, "after"),
    ("SharedCatalog.take_over", 1, "before"),
    ("SharedCatalog.publish", 1, "after"),
    ("Departure.record", 2, "after"),
    ("Registry.set_state", 1, "after"),
    ("move.put_in_place", 1, "after"),
    ("collection_move.delete_parts", 1, "after"),
]
"""Steps of a move into the search engine, and which call of them a process does not survive."""
_INWARDS = [
    ("Arrival.record", 1, "after"),
    ("Catalog.announce_numbered", 1, "after"),
    ("Catalog.take_in", 2, "after"),
    ("Catalog.take_over", 1, "after"),
    ("Catalog.publish", 1, "after"),
    ("Registry.set_state", 1, "after"),
    ("move.put_in_place", 1, "after"),
    ("Registry.remove", 1, "after"),
    ("collection_move.drop_location", 1, "after"),
    ("Arrival.forget", 1, "before"),
]
"""The same of a move into the storage."""


def child_that_dies(storage: str, index: dict[str, Any], method: str, call: int, when: str) -> None:
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    reembedding.BATCH_SENTENCES = 1
    classes: list[type] = [Departure, Arrival, Registry, SharedCatalog, Catalog]
    owners: dict[str, Any] = {one.__name__: one for one in classes} | {
        "move": move,
        "collection_move": collection_move,
    }
    make_deadly(owners, method, call, when)
    move_collection(storage, config=Config(index=index))


def child(storage: str, index: dict[str, Any], ready: Connection) -> None:
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    reembedding.BATCH_SENTENCES = 1
    ready.send("ready")
    move_collection(storage, config=Config(index=index))


class Asker:
    """Asks in the place where the collection was, and if it is there no more, in the other one."""

    def __init__(self, storage: Path, places: list[Config]) -> None:
        self._storage = storage
        self._places = places
        self.expected = self.answers()
        self.asked = 0
        self.wrong: list[object] = []

    def answers(self) -> list[Any]:
        """What both retrievers find."""
        errors: list[str] = []
        for config in [*self._places, self._places[0]]:
            try:
                (reader,) = open_collections(
                    self._storage, ["default"], config.embedding, HASH, config.index, config.bm25
                )
                with closing(reader):
                    return [self._answer(reader.snapshot(), question) for question in QUESTIONS[:3]]
            except QAEngineError as error:
                errors.append(str(error))
        raise AssertionError(errors)

    @staticmethod
    def _answer(snapshot: Any, question: str) -> Any:
        vector = HASH.get_query_embedding(question)
        dense = snapshot.store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=1))
        lexical = snapshot.bm25.search(tokenize(question), 5)
        return sorted((hit.node_id, hit.score) for hit in lexical), dense.ids

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Asks in a thread until the block ends, the first place first."""
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                try:
                    found = self.answers()
                except AssertionError as error:
                    self.wrong.append(error)
                    continue
                self.asked += 1
                if unlike := difference(self.expected, found):
                    self.wrong.append(unlike)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
@pytest.mark.usefixtures("parsed_in_place")
def test_every_step_of_a_move_can_be_the_last(
    docs: Path, storage: Path, search_server: SearchCluster, chroma_server: ChromaProcess
) -> None:
    own = {"search_prefix": f"step-{secrets.token_hex(4)}", "search_replicas": 0}
    here, there = own, own | {"search_url": search_server.url, "url": chroma_server.url}
    chinese_pdf(docs / "西湖.pdf")
    english_pdf(docs / "planets.pdf")
    english_pdf(docs / "neptune.pdf", ["Neptune was found in 1846."])
    ingest(docs, storage, config=Config(index=here), embed_model=HASH)
    before = content_of(storage, Config(index=here))
    asker = Asker(storage, [Config(index=here), Config(index=there)])
    for outwards, inwards in zip(_OUTWARDS, _INWARDS, strict=True):
        for source, target, step in ((here, there, outwards), (there, here, inwards)):
            process = fork_server().Process(target=child_that_dies, args=(str(storage), target, *step))
            process.start()
            process.join(100)
            assert process.exitcode == -signal.SIGKILL, step
            assert difference(asker.expected, asker.answers()) == "", step
            if step[0] in {"Registry.set_state", "move.put_in_place"}:
                with pytest.raises((ConfigurationError, CollectionNotFoundError)):
                    ingest(docs, storage, config=Config(index=source), embed_model=HASH)
            move_collection(storage, config=Config(index=target))
            assert difference(before, content_of(storage, Config(index=target))) == "", step
            assert registry_of(Config(index=there).index).names() == (["default"] if target is there else [])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
@pytest.mark.usefixtures("parsed_in_place")
def test_moves_that_are_killed_lose_nothing(
    docs: Path, storage: Path, search_server: SearchCluster, chroma_server: ChromaProcess
) -> None:
    seed = int(os.environ.get(_SEED) or random.randrange(10**6))
    again = f"again: {_SEED}={seed}"
    print(again)
    chance = random.Random(seed)
    own = {"search_prefix": f"kill-{secrets.token_hex(4)}", "search_replicas": 0}
    here, there = own, own | {"search_url": search_server.url, "url": chroma_server.url}
    chinese_pdf(docs / "西湖.pdf")
    llama_paper(docs / "paper.pdf")
    texts = [SOLAR_SYSTEM, ["Neptune was found in 1846."], ["Pluto is called a dwarf planet since 2006."]]
    for number in range(3):
        english_pdf(docs / f"{number}.pdf", texts[number])
    ingest(docs, storage, config=Config(index=here), embed_model=HASH)
    before = content_of(storage, Config(index=here))
    registry = registry_of(Config(index=there).index)
    others = {one.name for one in chroma_client(Config(index=there).index).list_collections()}
    kills = 0
    target, other = there, here
    asker = Asker(storage, [Config(index=here), Config(index=there)])
    while kills < _KILLS:
        asker._places = [Config(index=other), Config(index=target)]
        with asker.asking():
            for _ in range(chance.randrange(2, 6)):
                ours, theirs = fork_server().Pipe()
                process = fork_server().Process(target=child, args=(str(storage), target, theirs))
                process.start()
                assert ours.recv() == "ready"
                time.sleep(chance.uniform(0, _LONGEST))
                if process.is_alive():
                    process.kill()
                    kills += 1
                process.join(60)
                assert process.exitcode in {0, -signal.SIGKILL}, again
            if chance.random() < 0.2:  # back to where it was, before it was whole in the other place
                target, other = other, target
            move_collection(storage, config=Config(index=target))
        assert not asker.wrong, (again, asker.wrong[:2])
        assert difference(before, content_of(storage, Config(index=target))) == "", again
        there_now = target is there
        assert registry.names() == (["default"] if there_now else []), again
        assert registry.entry("default") is None or there_now, again
        left = {one.name for one in chroma_client(Config(index=there).index).list_collections()} - others
        assert len(left) == there_now, (again, left)
        files = {path.name for path in (storage / "default").iterdir()}
        assert not files & {"arriving.sqlite", "departed.sqlite"}, (again, files)
        assert ("catalog.sqlite" in files) != there_now, (again, files)
        assert not there_now or not files & {"bm25", "chroma"}, (again, files)
        target, other = other, target
    print(f"{kills} kills, {asker.asked} rounds of questions")
    assert asker.asked > 20
