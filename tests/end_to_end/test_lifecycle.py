"""An engine that is closed, and those that share what it opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from pdf_factory import chinese_pdf

from qa_engine import QueryEngine, assembly, ingest
from qa_engine.errors import ConfigurationError, InputError
from qa_engine.index.reader import IndexReader

QUESTION = "长城总长是多少公里？"
CONFIG = {"rerank": {"model": "none"}}
CLOSED = "This engine is closed: open the collection again with QueryEngine.open."


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, hash_embedding: Any) -> Path:
    folder = tmp_path_factory.mktemp("wall")
    chinese_pdf(folder / "长城.pdf", ["长城总长超过两万公里。"])
    ingest(folder, folder / "storage", embed_model=hash_embedding, config=CONFIG)
    return folder / "storage"


@pytest.fixture
def closed_readers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the collections whose readers were closed."""
    names: list[str] = []
    close = IndexReader.close

    def noted(reader: IndexReader) -> None:
        names.append(reader.name)
        close(reader)

    monkeypatch.setattr(IndexReader, "close", noted)
    return names


def test_every_question_to_a_closed_engine_is_one_clear_error(storage: Path, hash_embedding: Any) -> None:
    with QueryEngine.open(storage, embed_model=hash_embedding, config=CONFIG) as engine:
        nodes = engine.retrieve(QUESTION)
        session, retriever = engine.chat(), engine.as_retriever()
        narrowed = engine.with_filters(MetadataFilters(filters=[MetadataFilter(key="file", value="*.pdf")]))
        stream = engine.stream(QUESTION)
    asked = [
        lambda: engine.query(QUESTION),
        lambda: engine.stream(QUESTION),
        lambda: engine.astream(QUESTION),
        lambda: engine.retrieve(QUESTION),
        lambda: engine.explain(QUESTION),
        lambda: engine.synthesize(QUESTION, nodes),
        lambda: narrowed.query(QUESTION),
        lambda: session.ask(QUESTION),
        lambda: retriever.retrieve(QUESTION),
        lambda: list(stream),
    ]
    for ask in asked:
        with pytest.raises(InputError) as caught:
            ask()
        assert str(caught.value) == CLOSED


async def test_awaited_questions_too(storage: Path, hash_embedding: Any) -> None:
    engine = QueryEngine.open(storage, embed_model=hash_embedding, config=CONFIG)
    assert (await engine.aquery(QUESTION)).source_nodes
    engine.close()
    for ask in (engine.aquery, engine.aretrieve, engine.aexplain):
        with pytest.raises(InputError, match="This engine is closed"):
            await ask(QUESTION)


def test_what_was_opened_is_closed_once(
    storage: Path, hash_embedding: Any, closed_readers: list[str]
) -> None:
    engine = QueryEngine.open(storage, embed_model=hash_embedding, config=CONFIG)
    assert closed_readers == []
    engine.close()
    engine.close()
    assert closed_readers == ["default"]


def test_closing_a_narrowed_engine_closes_the_one_that_it_is_of(storage: Path, hash_embedding: Any) -> None:
    engine = QueryEngine.open(storage, embed_model=hash_embedding, config=CONFIG)
    engine.with_filters(MetadataFilters(filters=[MetadataFilter(key="file", value="*.pdf")])).close()
    with pytest.raises(InputError, match="This engine is closed"):
        engine.query(QUESTION)


def test_what_was_opened_is_closed_where_opening_fails_later(
    storage: Path, hash_embedding: Any, closed_readers: list[str]
) -> None:
    config = {**CONFIG, "retrieval": {"expansion": "translate"}}
    with pytest.raises(ConfigurationError, match="needs a language model"):
        QueryEngine.open(storage, embed_model=hash_embedding, config=config)
    assert closed_readers == ["default"]


def test_two_engines_on_one_collection_do_not_disturb_each_other(storage: Path, hash_embedding: Any) -> None:
    one, other = (QueryEngine.open(storage, embed_model=hash_embedding, config=CONFIG) for _ in range(2))
    one.close()
    assert other.query(QUESTION).source_nodes
    other.close()


def test_parts_that_were_passed_in_stay_open(
    storage: Path, hash_embedding: Any, closed_readers: list[str]
) -> None:
    parts = assembly.assemble(storage, None, assembly.Config.of(CONFIG), embed_model=hash_embedding)
    own = QueryEngine(**{**vars(parts), "resources": None})
    own.close()
    assert closed_readers == []
    assert QueryEngine(**vars(parts)).query(QUESTION).source_nodes
    parts.resources.close()
