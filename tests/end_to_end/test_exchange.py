"""The parts that users of LlamaIndex bring: postprocessors, rerankers, prompts, synthesizers, retrievers, nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import MetadataReplacementPostProcessor, SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from openai_server import OpenAIServer, chat

from qa_engine import REFUSAL, Answer, Config, QueryEngine
from qa_engine.errors import InputError

pytestmark = pytest.mark.usefixtures("local_model")
QUESTION = "雷峰塔有多高？"


def query(engine: QueryEngine) -> Answer:
    return engine.query(QUESTION)


def aquery(engine: QueryEngine) -> Answer:
    return asyncio.run(engine.aquery(QUESTION))


def stream(engine: QueryEngine) -> Answer:
    with engine.stream(QUESTION) as pieces:
        assert "".join(pieces) == pieces.answer.response
        return pieces.answer


def astream(engine: QueryEngine) -> Answer:
    async def read() -> Answer:
        async with engine.astream(QUESTION) as pieces:
            assert "".join([piece async for piece in pieces]) == pieces.answer.response
            return pieces.answer

    return asyncio.run(read())


every_way = pytest.mark.parametrize("way", [query, aquery, stream, astream])
Way = Callable[[QueryEngine], Answer]


class Backwards(BaseNodePostprocessor):
    """Puts the worst first."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return nodes[::-1]


class Adding(BaseNodePostprocessor):
    """Puts a node from elsewhere before all others."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        assert query_bundle is not None
        assert query_bundle.query_str == QUESTION
        foreign = NodeWithScore(node=TextNode(text="雷峰塔高约七十二米。", metadata={"file_name": "百科"}))
        return [foreign, *nodes]


class Nothing(BaseNodePostprocessor):
    """Leaves nothing over."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return []


class TestMistakes:
    def test_a_prompt_without_a_model_is_refused(self, ingested: Path) -> None:
        with pytest.raises(InputError, match="text_qa_template needs a language model"):
            QueryEngine.open(ingested, "西湖", text_qa_template=PromptTemplate("{context_str} {query_str}"))

    def test_a_prompt_beside_a_synthesizer_is_refused(self, ingested: Path) -> None:
        synthesizer = get_response_synthesizer(llm=MockLLM(), callback_manager=MockLLM().callback_manager)
        template = PromptTemplate("{context_str} {query_str}")
        with pytest.raises(InputError, match="both passed"):
            QueryEngine.open(ingested, "西湖", text_qa_template=template, response_synthesizer=synthesizer)

    def test_a_retriever_of_no_passages_is_refused(self, ingested: Path) -> None:
        with pytest.raises(InputError, match="top_k must be > 0, got 0"):
            QueryEngine.open(ingested, "西湖").as_retriever(top_k=0)


class TestPostprocessors:
    @every_way
    def test_they_have_the_last_word_on_the_passages(self, ingested: Path, way: Way) -> None:
        with OpenAIServer(chat("约72米[1]。")) as server:
            config = Config(llm={"model": "m", "base_url": server.url}, answering={"llm_threshold": 0})
            with QueryEngine.open(ingested, "西湖", config, node_postprocessors=[Adding()]) as engine:
                answer = way(engine)
                found = engine.retrieve(QUESTION)
            assert "⟦资料 1｜百科⟧" in server.last.user
        (citation,) = answer.citations
        assert (citation.file, citation.page, citation.page_end, citation.boxes) == ("百科", 0, 0, [])
        assert answer.timings["postprocess"] >= 0
        assert found[0].node.get_content() == "雷峰塔高约七十二米。"

    @every_way
    def test_nothing_left_is_the_refusal(self, ingested: Path, way: Way) -> None:
        with QueryEngine.open(ingested, "西湖", node_postprocessors=[Nothing()]) as engine:
            answer = way(engine)
        assert (answer.response, answer.refused, answer.source_nodes) == (REFUSAL, True, [])

    def test_those_of_llamaindex_fit(self, ingested: Path) -> None:
        postprocessors = [
            SimilarityPostprocessor(similarity_cutoff=0.0),
            MetadataReplacementPostProcessor(target_metadata_key="sentence"),
        ]
        with QueryEngine.open(ingested, "西湖", node_postprocessors=postprocessors) as engine:
            best = engine.retrieve(QUESTION)[0]
        assert best.node.get_content() == best.node.metadata["sentence"]

    def test_a_reranker_of_ones_own_takes_the_place_of_ours(self, ingested: Path) -> None:
        unranked = Config(rerank={"model": "none"})
        with QueryEngine.open(ingested, "西湖", unranked) as engine:
            fused = [node.node_id for node in engine.retrieve(QUESTION)]
        with QueryEngine.open(ingested, "西湖", reranker=Backwards()) as engine:
            assert [node.node_id for node in engine.retrieve(QUESTION)] == fused[::-1]
            assert engine.models["reranker"] == "Backwards"
            assert engine.query(QUESTION).probability is None


class TestSynthesizers:
    @every_way
    @pytest.mark.parametrize("streaming", [False, True])
    def test_any_of_llamaindex_makes_an_answer(self, ingested: Path, way: Way, streaming: bool) -> None:
        synthesizer = get_response_synthesizer(
            llm=MockLLM(),
            response_mode=ResponseMode.COMPACT,
            text_qa_template=PromptTemplate("见[1]：{query_str}"),
            callback_manager=MockLLM().callback_manager,
            streaming=streaming,
        )
        with QueryEngine.open(ingested, "西湖", response_synthesizer=synthesizer) as engine:
            answer = way(engine)
            assert engine.models["llm"] == answer.models["llm"] == "unknown"
        assert f"见[1]：{QUESTION}" in answer.response
        assert (answer.refused, answer.unverified, answer.foreign) == (False, False, False)
        assert answer.citations[0].file == "西湖介绍.pdf"
        assert answer.citations[0].boxes
        assert answer.probability > 0.5

    def test_its_prompts_are_reached_from_the_engine(self, ingested: Path) -> None:
        synthesizer = get_response_synthesizer(llm=MockLLM(), callback_manager=MockLLM().callback_manager)
        with QueryEngine.open(ingested, "西湖", response_synthesizer=synthesizer) as engine:
            name = "response_synthesizer:text_qa_template"
            assert name in engine.get_prompts()
            engine.update_prompts({name: PromptTemplate("我的提示：{query_str}")})
            assert "我的提示" in engine.query(QUESTION).response

    def test_a_prompt_of_ones_own(self, ingested: Path) -> None:
        template = PromptTemplate("只看资料。\n{context_str}\n问：{query_str}")
        with OpenAIServer(chat("高71.679米[1]。")) as server:
            config = Config(llm={"model": "m", "base_url": server.url})
            with QueryEngine.open(ingested, "西湖", config, text_qa_template=template) as engine:
                assert not engine.query(QUESTION).refused
                assert engine.get_prompts()["response_synthesizer:text_qa_template"] == template
            assert server.last.user.startswith("只看资料。")


FOREIGN = [
    NodeWithScore(node=TextNode(text="雷峰塔高71.679米，是一座五层的塔。")),
    NodeWithScore(node=TextNode(text="西湖在杭州。", metadata={"page": "iv", "file_name": "序.docx"})),
]


class TestNodes:
    @pytest.mark.parametrize("with_llm", [False, True])
    async def test_from_anywhere_are_answered_from(self, ingested: Path, with_llm: bool) -> None:
        with OpenAIServer(chat("高71.679米[1]，在杭州[2]。")) as server:
            config = Config(llm={"model": "m", "base_url": server.url} if with_llm else {})
            with QueryEngine.open(ingested, "西湖", config) as engine:
                answers = [
                    engine.synthesize(QUESTION, FOREIGN),
                    await engine.asynthesize(QUESTION, FOREIGN, FOREIGN[:1]),
                ]
        for answer in answers:
            assert "71.679" in answer.response
            assert {citation.page for citation in answer.citations} == {0}
        assert [len(answer.source_nodes) for answer in answers] == [2, 3]


class TestRetriever:
    async def test_it_finds_what_the_engine_finds(self, ingested: Path) -> None:
        with QueryEngine.open(ingested, "西湖") as engine:
            retriever = engine.as_retriever(top_k=3)
            assert isinstance(retriever, BaseRetriever)
            expected = [node.node_id for node in engine.retrieve(QUESTION, 3)]
            assert [node.node_id for node in retriever.retrieve(QUESTION)] == expected
            assert [node.node_id for node in await retriever.aretrieve(QUESTION)] == expected

    def test_it_keeps_to_its_filters(self, ingested: Path) -> None:
        nowhere = MetadataFilters(filters=[MetadataFilter(key="page", value=99)])
        with QueryEngine.open(ingested, "西湖") as engine:
            assert engine.as_retriever(filters=nowhere).retrieve(QUESTION) == []
            assert engine.as_retriever().retrieve(QUESTION)

    def test_it_serves_an_engine_of_llamaindex(self, ingested: Path) -> None:
        synthesizer = get_response_synthesizer(llm=MockLLM(), callback_manager=MockLLM().callback_manager)
        with QueryEngine.open(ingested, "西湖") as engine:
            theirs = RetrieverQueryEngine(engine.as_retriever(top_k=2), synthesizer)
            response: Any = theirs.query(QUESTION)
        assert 1 <= len(response.source_nodes) <= 2
        assert "71.679" in str(response)
