"""Engines are opened once, shared, replaced when their collection was made anew, and closed by their last user."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from served import served

from qa_engine.config import Config
from qa_engine.errors import CollectionNotFoundError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.server.engines import Engines
from qa_engine.server.problems import ProblemError


@pytest.fixture
def engines(storage: Path, tmp_path: Path) -> Engines:
    shutil.copytree(storage, tmp_path / "storage")
    return Engines(Config(storage=tmp_path / "storage"), ("papers",), most=2)


def test_many_threads_share_one_engine_for_a_set_of_collections(engines: Engines) -> None:
    def opened(_: int) -> int:
        with engines.engine() as engine:
            return id(engine)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(opened, range(16)))) == 1
    with engines.engine(["西湖", "西湖"]) as one, engines.engine(["西湖"]) as other:
        assert one is other
    engines.close()


def test_the_oldest_engine_makes_room_but_answers_its_users_first(engines: Engines) -> None:
    with engines.engine(["papers"]) as oldest:
        for names in (["西湖"], ["papers", "西湖"]):
            with engines.engine(names):
                pass
        assert oldest.retrieve("Llama", top_k=1)
    with pytest.raises(InputError, match="closed"):
        oldest.retrieve("Llama", top_k=1)
    engines.close()


def test_a_collection_that_was_made_anew_is_opened_anew(engines: Engines) -> None:
    with engines.engine() as before:
        pass
    place = engines.config.storage / "papers"
    shutil.copytree(place, place.with_name("copy"))
    shutil.rmtree(place)
    place.with_name("copy").rename(place)
    with engines.engine() as after:
        assert after is not before
        assert after.retrieve("Llama", top_k=1)
    engines.close()


def test_a_collection_that_is_forgotten_is_closed_and_one_that_is_gone_is_not_found(engines: Engines) -> None:
    with engines.engine() as engine:
        engines.forget("papers")
        assert engine.retrieve("Llama", top_k=1)
    with pytest.raises(InputError, match="closed"):
        engine.retrieve("Llama", top_k=1)
    shutil.rmtree(engines.config.storage / "papers")
    with pytest.raises(CollectionNotFoundError), engines.engine():
        pass
    engines.close()


def test_a_collection_of_which_nothing_was_published_is_told(tmp_path: Path) -> None:
    paths = collection_paths(tmp_path, "new")
    paths.root.mkdir(parents=True)
    with closing(Catalog(paths.catalog, create=True)) as catalog:
        catalog.set_meta(name="new")
    engines = Engines(Config(storage=tmp_path), ("new",))
    with pytest.raises(ProblemError, match="'new' holds nothing yet") as raised, engines.engine():
        pass
    assert raised.value.code == "nothing_ingested"
    with served(tmp_path, "new") as server:
        answer = server.client.post("/api/v1/search", json={"question": "塔有多高？"})
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_ingested")
        assert server.client.get("/readyz").status_code == 200
