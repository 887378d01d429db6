"""Filters and several collections through the engine's public methods, with the real local model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.tools import QueryEngineTool
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from qa_engine import REFUSAL, Answer, QueryEngine
from qa_engine.errors import InputError

pytestmark = pytest.mark.usefixtures("local_model")
LAKE = "雷峰塔有多高？"
LLAMA = "Which variants with 7B, 13B and 70B parameters did they release?"


@pytest.fixture(scope="module")
def engine(ingested: Path) -> QueryEngine:
    return QueryEngine.open(ingested, ["papers", "西湖"])


def where(**values: str | int) -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value) for key, value in values.items()])


def answered(answer: object) -> tuple[bool, list[str]]:
    assert isinstance(answer, Answer)
    return answer.refused, [citation.file for citation in answer.citations]


class TestSeveralCollections:
    def test_each_citation_names_its_collection_and_its_place(self, engine: QueryEngine) -> None:
        for question, collection in ((LAKE, "西湖"), (LLAMA, "papers")):
            answer = engine.query(question)
            assert isinstance(answer, Answer)
            citation = answer.citations[0]
            assert citation.collection == collection
            assert citation.boxes
            passage = answer.to_dict()["passages"][0]
            assert (passage["collection"], passage["metadata"]) == (collection, {})

    def test_one_collection_is_named_as_well(self, ingested: Path) -> None:
        answer = QueryEngine.open(ingested, "西湖").query(LAKE)
        assert isinstance(answer, Answer)
        assert answer.citations[0].collection == "西湖"


class TestFilters:
    def test_every_way_of_asking_takes_them(self, engine: QueryEngine) -> None:
        fits, other = where(file="西湖*.pdf"), where(file="llama2.pdf")
        assert answered(engine.query(LAKE, filters=fits)) == (False, ["西湖介绍.pdf"])
        assert answered(engine.query(LAKE, other)) == (True, [])
        assert answered(asyncio.run(engine.aquery(LAKE, filters=fits))) == (False, ["西湖介绍.pdf"])
        assert answered(asyncio.run(engine.aquery(LAKE, filters=other))) == (True, [])
        stream = engine.stream(LAKE, filters=other)
        assert ("".join(stream), stream.answer.refused) == (REFUSAL, True)

        async def streamed() -> str:
            return "".join([piece async for piece in engine.astream(LAKE, filters=other)])

        assert asyncio.run(streamed()) == REFUSAL
        found = [
            engine.retrieve(LAKE, filters=other),
            asyncio.run(engine.aretrieve(LAKE, filters=other)),
            engine.explain(LAKE, filters=other).nodes,
        ]
        assert [{node.node.metadata["file_name"] for node in nodes} for nodes in found] == [
            {"llama2.pdf"}
        ] * 3
        assert answered(engine.query(LAKE)) == (False, ["西湖介绍.pdf"])

    def test_what_matches_nothing_is_a_refusal_without_passages(self, engine: QueryEngine) -> None:
        answer = engine.query(LAKE, filters=where(file="nothing.pdf"))
        assert isinstance(answer, Answer)
        assert (answer.response, answer.refused, answer.source_nodes) == (REFUSAL, True, [])
        assert engine.retrieve(LAKE, filters=where(page=999)) == []

    def test_what_matches_nothing_never_reaches_a_language_model(self, ingested: Path) -> None:
        class Never(MockLLM):
            def chat(self, *arguments: object, **options: object) -> None:  # type: ignore[override]
                pytest.fail("asked without passages")

        with_llm = QueryEngine.open(ingested, "西湖", llm=Never())
        assert answered(with_llm.query(LAKE, filters=where(file="nothing.pdf"))) == (True, [])

    def test_a_wrong_one_is_refused(self, engine: QueryEngine) -> None:
        with pytest.raises(InputError, match="'year' in 'year=2020'"):
            engine.query(LAKE, filters=where(year=2020))

    def test_those_of_an_engine_hold_in_a_tool_and_add_up(self, ingested: Path) -> None:
        narrow = QueryEngine.open(ingested, ["papers", "西湖"], filters=where(file="llama2.pdf"))
        tool = QueryEngineTool.from_defaults(narrow, name="papers", description="papers")
        assert answered(narrow.query(LAKE)) == (True, [])
        assert str(tool.call(LAKE).content) == REFUSAL
        assert narrow.retrieve(LAKE, filters=where(file="西湖*.pdf")) == []
        assert narrow.with_filters(None) is narrow
