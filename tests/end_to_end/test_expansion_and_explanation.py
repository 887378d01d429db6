"""An engine that expands questions and explains passages: real local model, real HTTP server for the language model."""

from __future__ import annotations

import asyncio
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.prompts import PromptTemplate
from openai_server import OpenAIServer, Reply, chat, error, hang

from qa_engine import Answer, Config, QueryEngine
from qa_engine.errors import ConfigurationError, InputError, ServiceUnavailableError
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery, Expansion

pytestmark = pytest.mark.usefixtures("local_model")
QUESTION = "他们发布了哪些参数规模的模型？"
TRANSLATION = "Which model variants did they release, with how many parameters?"
EXPANDED = chat(f"translation: {TRANSLATION}\nkeywords: 7B; 70B")
CHINESE_QUESTION = "雷峰塔有多高？"
GLOSSARY_WORDS = "高度 身高 海拔"
"""What the glossary that comes with qa_engine has for 多高."""


def opened(
    storage: Path, server: OpenAIServer, collection: str = "papers", mode: str = "translate"
) -> QueryEngine:
    llm = {"model": "qwen-plus", "base_url": server.url, "api_key": "sk-test", "max_retries": 0}
    return QueryEngine.open(storage, collection, Config(llm=llm, retrieval={"expansion": mode}))


class TestExpansion:
    def test_it_needs_a_language_model(self, ingested: Path) -> None:
        with pytest.raises(
            ConfigurationError, match=r"retrieval.expansion = 'expand' needs a language model"
        ):
            QueryEngine.open(ingested, "papers", {"retrieval": {"expansion": "expand"}})

    @pytest.mark.parametrize("reply", [error(500), chat(""), chat("抱歉。\n不行。")])
    def test_its_failure_costs_no_answer_and_is_told(self, ingested: Path, reply: Reply) -> None:
        with OpenAIServer(reply, chat("7B、13B和70B[1]。")) as server:
            answer = opened(ingested, server).query(QUESTION)
        assert answer.response == "7B、13B和70B[1]。"
        assert answer.explanation.expansion.error
        assert [query.query for query in answer.explanation.queries] == [QUESTION]
        assert answer.explanation.rerank_query == QUESTION

    def test_a_model_that_is_down_costs_no_search(self, ingested: Path) -> None:
        with OpenAIServer(error(503)) as server:
            engine = opened(ingested, server)
            assert engine.retrieve(QUESTION)
            with pytest.raises(ServiceUnavailableError):
                engine.query(QUESTION)

    def test_what_comes_back_is_searched_for_in_both_legs(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED, chat("7B、13B和70B[1]。")) as server:
            answer = opened(ingested, server).query(QUESTION)
            assert len(server.requests) == 2
            assert QUESTION in server.last.user
        told = answer.explanation
        assert [query.query for query in told.queries] == [QUESTION, TRANSLATION]
        assert told.queries[1].coverage > told.queries[0].coverage
        assert told.queries[1].weights["bm25"] > told.queries[0].weights["bm25"]
        assert told.rerank_query == TRANSLATION
        assert answer.question == QUESTION
        assert "bm25" in told.passages[0].scores
        assert answer.timings["expand"] > 0

    def test_the_estimate_is_made_with_the_wording_that_was_compared(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED, chat("好[1]。")) as server:
            translated = opened(ingested, server).query(QUESTION).probability
        with OpenAIServer(chat("好[1]。")) as server:
            asked = opened(ingested, server, mode="none").query(TRANSLATION).probability
        assert translated == pytest.approx(asked, abs=0.15)

    def test_a_collection_in_the_language_of_the_question_costs_no_call(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED) as server:
            told = opened(ingested, server, "西湖").explain(CHINESE_QUESTION)
            assert server.requests == []
        assert told.expansion.skipped
        assert told.expansion.error is None
        with OpenAIServer(chat("keywords: 高度；塔高")) as server:
            told = opened(ingested, server, "西湖", "expand").explain(CHINESE_QUESTION)
        assert [query.query for query in told.queries] == [CHINESE_QUESTION, "高度 塔高", GLOSSARY_WORDS]

    def test_a_translation_of_ones_own_needs_no_model(self, ingested: Path) -> None:
        engine = QueryEngine.open(ingested, "papers")
        told = engine.explain(ExpandedQuery(QUESTION, expansion=Expansion(TRANSLATION)))
        assert [query.query for query in told.queries] == [QUESTION, TRANSLATION]

    def test_a_question_is_expanded_once_for_all_threads(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED) as server:
            engine = opened(ingested, server)
            engine.retrieve(QUESTION)
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(engine.retrieve, [QUESTION] * 4))
            assert len(server.requests) == 1
        ids = [[passage.node_id for passage in passages] for passages in found]
        assert ids.count(ids[0]) == 4

    async def test_async_agrees_and_a_cancelled_question_harms_none(self, ingested: Path) -> None:
        with OpenAIServer(hang(60), EXPANDED) as server:
            engine = opened(ingested, server)
            gone = asyncio.create_task(engine.aretrieve(QUESTION))
            assert await asyncio.to_thread(server.asked.wait, 60)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            found = await asyncio.gather(*(engine.aretrieve(QUESTION, 3) for _ in range(3)))
            expected = [passage.node_id for passage in engine.retrieve(QUESTION, 3)]
        assert [[passage.node_id for passage in passages] for passages in found] == [expected] * 3

    async def test_streams_expand_too(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED, chat("7B[1]。")) as server:
            engine = opened(ingested, server)
            stream = engine.astream(QUESTION)
            assert "".join([piece async for piece in stream]) == "7B[1]。"
            again = engine.stream(QUESTION)
            assert "".join(again) == "7B[1]。"
            assert len(server.requests) == 3
        assert stream.answer.explanation.expansion.translation == TRANSLATION
        assert again.answer.explanation.expansion.cached

    def test_its_prompt_is_reached_through_the_engine(self, ingested: Path) -> None:
        with OpenAIServer(EXPANDED) as server:
            engine = opened(ingested, server)
            name = "query_expander:query_expansion_template"
            assert name in engine.get_prompts()
            engine.update_prompts({name: PromptTemplate("翻译：{query_str}")})
            engine.retrieve(QUESTION)
            assert server.last.user == f"翻译：{QUESTION}"


@pytest.fixture(scope="module")
def answer(ingested: Path, model_cache: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        return QueryEngine.open(ingested, "西湖").query(CHINESE_QUESTION)  # type: ignore[return-value]


class TestExplanation:
    def test_bad_input_is_refused_as_elsewhere(self, ingested: Path) -> None:
        engine = QueryEngine.open(ingested, "西湖")
        with pytest.raises(InputError, match="top_k must be > 0, got 0"):
            engine.explain(CHINESE_QUESTION, top_k=0)
        with pytest.raises(InputError, match="empty"):
            engine.explain(" ")

    def test_nothing_is_expanded_without_being_asked(self, answer: Answer) -> None:
        assert answer.explanation.expansion is None
        assert "expand" not in answer.timings

    def test_passages_have_rank_and_score_of_every_stage(self, answer: Answer) -> None:
        rows = answer.explanation.passages
        assert [row.node_id for row in rows] == [passage.node_id for passage in answer.source_nodes]
        assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
        best = rows[0]
        assert set(best.ranks) == {"dense", "bm25", "fused", "rerank"}
        assert best.ranks["rerank"] == 1
        assert set(best.scores) >= set(best.ranks)
        for row in rows:
            assert ("bm25" in row.ranks) == ("bm25" in row.scores)
        assert sorted(row.ranks["rerank"] for row in rows) == sorted({row.ranks["rerank"] for row in rows})

    def test_terms_are_words_of_the_question(self, answer: Answer) -> None:
        terms = answer.explanation.passages[0].terms
        assert "雷峰塔" in terms
        assert all(term in CHINESE_QUESTION for term in terms)

    def test_weights_and_coverage(self, answer: Answer) -> None:
        query, glossary = answer.explanation.queries
        assert query.query == query.embedded == CHINESE_QUESTION
        assert glossary.query == GLOSSARY_WORDS
        assert 0 < query.coverage <= 1
        weights = [*query.weights.values(), *glossary.weights.values()]
        assert sum(weights) == pytest.approx(1)
        assert answer.explanation.probability == answer.probability
        assert answer.explanation.timings == answer.timings

    def test_a_question_bm25_does_not_know_leaves_the_weight_to_the_dense_leg(self, ingested: Path) -> None:
        (query,) = QueryEngine.open(ingested, "西湖").explain("xyzzy plugh").queries
        assert query.coverage == 0
        assert query.weights == {"dense": 1.0, "bm25": 0.0}

    def test_json_has_the_documented_keys_and_the_answers_own_stays_as_it_was(self, answer: Answer) -> None:
        assert "explanation" not in answer.to_dict()
        content: dict[str, Any] = json.loads(json.dumps(answer.explanation.to_dict(), ensure_ascii=False))
        assert list(content) == [
            "queries",
            "expansion",
            "judged_as",
            "probability",
            "timings",
            "passages",
            "missing",
            "condensation",
            "glossary",
            "translated",
            "parts",
            "about",
        ]

    def test_answers_can_be_stored_and_sent(self, answer: Answer) -> None:
        again = pickle.loads(pickle.dumps(answer))
        assert again.explanation.to_dict() == answer.explanation.to_dict()

    async def test_retrieve_and_explain_agree(self, ingested: Path) -> None:
        engine = QueryEngine.open(ingested, "西湖")
        told = await engine.aexplain(CHINESE_QUESTION, 3)
        assert [p.node_id for p in told.nodes] == [p.node_id for p in engine.retrieve(CHINESE_QUESTION, 3)]
        assert told.nodes[0].node.metadata["ranks"] == told.passages[0].ranks
        assert told.probability is None
