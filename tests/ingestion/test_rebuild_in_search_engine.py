"""What is made anew of a collection in a search engine, while readers use what was there before."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collection_content import HASH, answers_of, content_of, difference
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import make_deadly
from pdf_factory import chinese_pdf, english_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.config import Config
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import open_catalog
from qa_engine.index.reader import open_collections
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.indices import delete_index
from qa_engine.index.search_engine.opening import registry_of
from qa_engine.index.vectors.chroma_server import chroma_server as chroma_client
from qa_engine.ingestion.maintenance import reembedding
from qa_engine.ingestion.maintenance.rebuild import Part, rebuild
from qa_engine.ingestion.writing import stored_nodes

pytestmark = [
    pytest.mark.usefixtures("parsed_in_place", "local_model"),
    pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True),
]
OTHER = HashEmbedding(model_name="other", dimension=64)


@pytest.fixture
def config(places: Callable[[bool], Config]) -> Config:
    return places(True)


@pytest.fixture
def files(docs: Path) -> Path:
    chinese_pdf(docs / "西湖.pdf")
    english_pdf(docs / "planets.pdf")
    return docs


def with_settings(config: Config, **sections: dict[str, Any]) -> Config:
    return Config(**{"index": config.index.model_dump(), **sections})


def shared(storage: Path, config: Config) -> SharedCatalog:
    catalog = open_catalog(storage, "default", config.index)
    assert isinstance(catalog, SharedCatalog)
    return catalog


def held(storage: Path, config: Config) -> dict[str, int]:
    """The number of token vectors that are stored, by their generation."""
    catalog = shared(storage, config)
    index = catalog.log.collection.tokens
    catalog.log.engine.request("POST", f"/{index}/_refresh")
    hits = catalog.log.engine.request("POST", f"/{index}/_search", {"size": 1000}).body["hits"]["hits"]
    catalog.close()
    generations = [hit["_source"]["generation"] for hit in hits]
    return {one: generations.count(one) for one in generations}


def without_codes(content: dict[str, Any]) -> dict[str, Any]:
    """The content without the values of token vectors, which depend a little on what is embedded together."""
    for parts in content["documents"].values():
        parts["tokens"] = sorted(parts["tokens"])
    return content


def chroma_names(config: Config) -> set[str]:
    return {one.name for one in chroma_client(config.index).list_collections()}


def test_lost_sentences_and_a_lost_index_come_back(files: Path, storage: Path, config: Config) -> None:
    ingest(files, storage, config=config, embed_model=HASH)
    before = content_of(storage, config)
    catalog = shared(storage, config)
    engine, index = catalog.log.engine, catalog.log.collection.sentences
    (number, _), *_ = catalog.visible().values()
    engine.bulk(
        index,
        [({"delete": {"_id": f"{number}-{ordinal}", "routing": str(number)}}, None) for ordinal in (0, 2)],
    )
    catalog.close()
    assert difference(before, _content_or_error(storage, config)) != ""
    report = rebuild(storage, config=config, embed_model=HASH)
    assert (report.part, report.documents, report.nodes) == ("bm25", 2, before["count"])
    assert difference(before, content_of(storage, config)) == ""

    delete_index(engine, index)
    rebuild(storage, config=config, embed_model=HASH)
    assert difference(before, content_of(storage, config)) == ""


def _content_or_error(storage: Path, config: Config) -> Any:
    try:
        return content_of(storage, config)
    except Exception as error:  # noqa: BLE001 - whatever it is, it tells that something is lost
        return str(error)


def test_other_terms_stand_beside_those_that_readers_use(files: Path, storage: Path, config: Config) -> None:
    ingest(files, storage, config=config, embed_model=HASH)
    before = answers_of(storage, config)
    wide = with_settings(config, bm25={"context_sentences": 3})
    with QueryEngine.open(storage, config=config, embed_model=HASH) as open_before:
        first = [str(open_before.query("Which planet is the largest?")) for _ in range(2)]
        assert ingest(files, storage, config=wide, embed_model=HASH).unchanged == 2
        rebuild(storage, config=wide, embed_model=HASH)
        assert str(open_before.query("Which planet is the largest?"))
        assert first[0] == first[1]
    embedded = storage.with_name("embedded")
    here = Config(bm25={"context_sentences": 3})
    ingest(files, embedded, config=here, embed_model=HASH)
    lexical = content_of(embedded, here)["lexical"]
    assert [[score for score, _ in hits] for hits in lexical.values()] == [
        [score for score, _ in hits] for hits in content_of(storage, wide)["lexical"].values()
    ]

    rebuild(storage, config=config, embed_model=HASH)
    assert difference(before, answers_of(storage, config)) == ""
    rebuild(storage, config=config, embed_model=HASH)
    catalog = shared(storage, config)
    engine, index = catalog.log.engine, catalog.log.collection.sentences
    engine.request("POST", f"/{index}/_refresh")
    hits = engine.request("POST", f"/{index}/_search", {"size": 1000}).body["hits"]["hits"]
    assert {key for hit in hits for key in hit["_source"] if key.startswith("terms_")} == {
        catalog.field,
        f"{catalog.field}_count",
    }
    catalog.close()


def test_collection_is_embedded_with_another_model(files: Path, storage: Path, config: Config) -> None:
    ingest(files, storage, config=config, embed_model=HASH)
    before, others = content_of(storage, config), chroma_names(config)
    rebuild(storage, config=config, part="embedding", embed_model=OTHER)
    (reader,) = open_collections(storage, ["default"], config.embedding, OTHER, config.index, config.bm25)
    with reader:
        assert reader.snapshot().store.count() == before["count"]
    assert len(chroma_names(config)) == len(others)
    rebuild(storage, config=config, part="embedding", embed_model=HASH)
    rebuild(storage, config=config, part="vectors", embed_model=HASH)
    assert difference(before, content_of(storage, config)) == ""
    assert len(chroma_names(config)) == len(others)


def test_token_vectors_change_beside_those_that_readers_use(
    files: Path, storage: Path, config: Config
) -> None:
    ingest(files, storage, config=config)
    count = content_of(storage, config)["count"]
    first = held(storage, config)
    assert list(first.values()) == [count]
    two = with_settings(config, embedding={"token_bits": 2})
    assert ingest(files, storage, config=two).unchanged == 2
    second = held(storage, two)
    assert list(second.values()) == [count]
    assert first.keys() != second.keys()
    assert content_of(storage, two)["codec"] == 2
    rebuild(storage, config=two, part="embedding")
    third = held(storage, two)
    assert list(third.values()) == [count]
    assert second.keys() != third.keys()

    none = with_settings(config, embedding={"token_bits": 0})
    ingest(files, storage, config=none)
    assert held(storage, none) == {}
    assert content_of(storage, none)["codec"] is None
    ingest(files, storage, config=config)
    assert list(held(storage, config).values()) == [count]
    assert content_of(storage, config)["codec"] == 4


def rebuild_and_die(storage: str, index: dict[str, Any], part: Part, method: str, call: int) -> None:
    make_deadly(
        {"Catalog": SharedCatalog, "module": reembedding, "Nodes": stored_nodes.StoredNodes},
        method,
        call,
        "before",
    )
    reembedding.BATCH_SENTENCES = 1
    rebuild(storage, config=Config(index=index), part=part)


@pytest.mark.parametrize(
    ("method", "call"), [("Catalog.mark_rebuilt", 2), ("module.publish", 1), ("Nodes.drop_superseded", 2)]
)
def test_rebuild_that_was_killed_goes_on_where_it_was(
    method: str, call: int, files: Path, storage: Path, config: Config
) -> None:
    ingest(files, storage, config=config)
    before, answers = content_of(storage, config), answers_of(storage, config, embed_model=None)
    others, first = chroma_names(config), held(storage, config)
    arguments = (str(storage), config.index.model_dump(), "embedding", method, call)
    process = fork_server().Process(target=rebuild_and_die, args=arguments)
    process.start()
    process.join(100)
    assert process.exitcode == -signal.SIGKILL
    assert difference(answers, answers_of(storage, config, embed_model=None)) == ""
    report = rebuild(storage, config=config, part="embedding")
    assert report.documents == 2
    assert difference(without_codes(before), without_codes(content_of(storage, config))) == ""
    assert len(chroma_names(config)) == len(others)
    assert list(held(storage, config).values()) == list(first.values())
    assert collection_paths(storage, "default").root.is_dir()
    assert registry_of(config.index).names() == ["default"]
