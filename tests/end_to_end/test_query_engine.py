"""The public contract of `QueryEngine`, with the real local model and a real HTTP server for the LLM."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.response.schema import Response
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import MetadataMode, QueryBundle
from llama_index.core.tools import QueryEngineTool
from openai_server import OpenAIServer, chat, cut_stream, error
from pdf_factory import chinese_pdf

from qa_engine import REFUSAL, Answer, Config, QueryEngine, ingest
from qa_engine.errors import (
    AuthenticationFailedError,
    CollectionNotFoundError,
    ConfigurationError,
    InputError,
    ServiceUnavailableError,
)

pytestmark = pytest.mark.usefixtures("local_model")
QUESTION = "雷峰塔有多高？"
OFF_TOPIC = "如何申请美国签证？"


@pytest.fixture(scope="module")
def engine(ingested: Path) -> QueryEngine:
    return QueryEngine.open(ingested, "西湖")


def with_llm(server: OpenAIServer, **settings: Any) -> Config:
    return Config(llm={"model": "qwen-plus", "base_url": server.url, "api_key": "sk-test", **settings})


class TestBadInput:
    @pytest.mark.parametrize("question", ["", "   ", "\n\t"])
    def test_an_empty_question_is_refused_as_input(self, engine: QueryEngine, question: str) -> None:
        with pytest.raises(InputError, match="empty"):
            engine.query(question)

    @pytest.mark.parametrize("question", ["西湖\udcff", "\ud83d\ude00?"])
    def test_lone_surrogates_in_a_question_are_refused_as_input(
        self, engine: QueryEngine, question: str
    ) -> None:
        for ask in (engine.query, engine.retrieve, engine.stream, engine.chat().ask):
            with pytest.raises(InputError, match="no text"):
                ask(question)

    def test_a_question_of_50000_characters_names_length_and_limit(self, engine: QueryEngine) -> None:
        with pytest.raises(InputError, match=r"50000 characters.*2000"):
            engine.query("问" * 50_000)

    def test_top_k_must_be_positive(self, engine: QueryEngine) -> None:
        with pytest.raises(InputError, match="top_k must be > 0, got 0"):
            engine.retrieve(QUESTION, top_k=0)

    def test_an_unknown_collection_names_those_that_exist(self, ingested: Path) -> None:
        with pytest.raises(CollectionNotFoundError, match=r"'nope'.*papers, 西湖"):
            QueryEngine.open(ingested, "nope")

    def test_an_empty_storage_says_how_to_begin(self, tmp_path: Path) -> None:
        with pytest.raises(CollectionNotFoundError, match="qa-engine ingest"):
            QueryEngine.open(tmp_path / "nothing")

    def test_another_embedding_model_is_refused_with_both_names(self, ingested: Path) -> None:
        config = Config(
            embedding={"provider": "openai", "model": "text-embedding-3-small", "api_key": "sk-x"}
        )
        with pytest.raises(ConfigurationError, match=r"multilingual-e5-small.*text-embedding-3-small"):
            QueryEngine.open(ingested, "西湖", config)


class TestAnswer:
    def test_it_is_a_llamaindex_response_with_everything_to_check_it(self, engine: QueryEngine) -> None:
        answer = engine.query(QUESTION)
        assert isinstance(answer, Answer)
        assert isinstance(answer, Response)
        assert "71.679" in str(answer)
        assert answer.question == QUESTION
        assert answer.probability > 0.5
        assert answer.citations[0].file == "西湖介绍.pdf"
        assert answer.models == {
            "embedding": "multilingual-e5-small",
            "reranker": "late-interaction",
            "llm": "extractive",
        }
        assert set(answer.timings) >= {"retrieve", "passages", "rerank", "answer", "total"}

    def test_its_json_has_the_documented_keys(self, engine: QueryEngine) -> None:
        content = json.loads(json.dumps(engine.query(QUESTION).to_dict(), ensure_ascii=False))
        assert set(content) == {
            "question",
            "answer",
            "refused",
            "probability",
            "citations",
            "unsupported",
            "unverified",
            "foreign",
            "repaired",
            "usage",
            "cost",
            "nearest",
            "glosses",
            "passages",
            "timings",
            "models",
        }
        assert set(content["citations"][0]) >= {"number", "file", "page", "page_end", "text", "score"}

    def test_a_hopeless_question_never_reaches_the_llm(
        self, ingested: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "qa_engine")
        with OpenAIServer(chat("瞎编的答案[1]")) as server:
            answer = QueryEngine.open(ingested, "西湖", with_llm(server)).query(OFF_TOPIC)
            assert server.requests == []
        assert answer.response == REFUSAL
        assert answer.refused
        assert f"probability {answer.probability:.3f} < 0.050" in caplog.text
        assert "签证" not in caplog.text

    async def test_aquery_gives_the_same_and_leaves_the_loop_free(self, engine: QueryEngine) -> None:
        engine.query(QUESTION)
        gaps, done = [], asyncio.Event()

        async def heartbeat() -> None:
            last = time.perf_counter()
            while not done.is_set():
                await asyncio.sleep(0.01)
                now = time.perf_counter()
                gaps.append(now - last)
                last = now

        beating = asyncio.create_task(heartbeat())
        answers = await asyncio.gather(*(engine.aquery(QUESTION) for _ in range(40)))
        done.set()
        await beating
        assert {answer.response for answer in answers} == {engine.query(QUESTION).response}
        assert len(gaps) > 5

    def test_sixteen_threads_get_their_own_answers(self, engine: QueryEngine) -> None:
        questions = [QUESTION, "西湖的平均水深是多少？"] * 8
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(engine.query, questions))
        expected = {question: engine.query(question).response for question in set(questions)}
        assert [answer.response for answer in answers] == [expected[question] for question in questions]


class TestStream:
    def test_pieces_join_to_the_answer_and_citations_come_at_the_end(self, engine: QueryEngine) -> None:
        stream = engine.stream(QUESTION)
        text = "".join(stream)
        assert text == stream.answer.response
        assert stream.answer.citations[0].boxes

    async def test_async_pieces_too(self, engine: QueryEngine) -> None:
        stream = engine.astream(OFF_TOPIC)
        assert "".join([piece async for piece in stream]) == REFUSAL
        assert stream.answer.refused

    def test_an_empty_question_fails_at_once(self, engine: QueryEngine) -> None:
        with pytest.raises(InputError):
            engine.stream("")


class TestRetrieve:
    def test_passages_carry_place_hit_and_scores(self, engine: QueryEngine) -> None:
        passages = engine.retrieve(QUESTION, top_k=2)
        assert 1 <= len(passages) <= 2
        best = passages[0]
        metadata = best.node.metadata
        assert metadata["file_name"] == "西湖介绍.pdf"
        assert metadata["page"] == metadata["page_end"] == 1
        assert metadata["sentence"] in best.node.get_content()
        assert set(metadata["scores"]) == {"dense", "bm25", "fused", "rerank", "weakest", "asked"}
        assert best.node.get_content(metadata_mode=MetadataMode.LLM) == best.node.get_content()
        assert [p.score for p in passages] == sorted((p.score for p in passages), reverse=True)

    async def test_aretrieve_agrees(self, engine: QueryEngine) -> None:
        found = await engine.aretrieve(QueryBundle(QUESTION), 3)
        assert [p.node_id for p in found] == [p.node_id for p in engine.retrieve(QUESTION, 3)]

    def test_a_new_state_is_seen_without_reopening(self, tmp_path: Path, hash_embedding: Any) -> None:
        folder = tmp_path / "pdfs"
        folder.mkdir()
        chinese_pdf(folder / "a.pdf", ["苹果是一种水果，富含维生素。"])
        ingest(folder, tmp_path / "s", embed_model=hash_embedding, config={"rerank": {"model": "none"}})
        engine = QueryEngine.open(
            tmp_path / "s", embed_model=hash_embedding, config={"rerank": {"model": "none"}}
        )
        assert "长城" not in engine.retrieve("长城总长是多少公里？")[0].node.get_content()
        chinese_pdf(folder / "b.pdf", ["长城总长超过两万公里。"])
        ingest(folder, tmp_path / "s", embed_model=hash_embedding, config={"rerank": {"model": "none"}})
        assert "长城总长" in engine.retrieve("长城总长是多少公里？")[0].node.get_content()


class TestWithLlm:
    def test_passages_go_out_and_a_cited_chinese_answer_comes_back(self, ingested: Path) -> None:
        with OpenAIServer(chat("雷峰塔高71.679米[1]，见[99]。")) as server:
            answer = QueryEngine.open(ingested, "西湖", with_llm(server)).query(QUESTION)
            prompt = server.last.system + server.last.user
        assert answer.response == "雷峰塔高71.679米[1]，见。" or answer.response.startswith(
            "雷峰塔高71.679米[1]"
        )
        assert "[99]" not in answer.response
        assert [c.number for c in answer.citations] == [1]
        assert answer.citations[0].boxes
        assert answer.models["llm"] == "qwen-plus"
        assert "71.679" in prompt
        assert REFUSAL in prompt

    def test_a_refusal_in_other_words_becomes_the_sentence(self, ingested: Path) -> None:
        with OpenAIServer(chat("抱歉，根据已知信息无法回答该问题。")) as server:
            answer = QueryEngine.open(ingested, "西湖", with_llm(server)).query(QUESTION)
        assert answer.response == REFUSAL
        assert answer.refused
        assert answer.citations == []

    def test_streaming(self, ingested: Path) -> None:
        with OpenAIServer(chat("雷峰塔高71.679米[1]。")) as server:
            stream = QueryEngine.open(ingested, "西湖", with_llm(server)).stream(QUESTION)
            pieces = list(stream)
        assert "".join(pieces) == stream.answer.response == "雷峰塔高71.679米[1]。"
        assert stream.answer.citations[0].page == 1

    def test_a_stream_that_is_cut_raises_and_has_no_answer(self, ingested: Path) -> None:
        with OpenAIServer(cut_stream(["雷峰塔", "高71"])) as server:
            stream = QueryEngine.open(ingested, "西湖", with_llm(server, max_retries=0)).stream(QUESTION)
            with pytest.raises(ServiceUnavailableError):
                list(stream)

    def test_a_wrong_key_is_named_without_showing_it(self, ingested: Path) -> None:
        with OpenAIServer(error(401, "bad key")) as server:
            engine = QueryEngine.open(ingested, "西湖", with_llm(server))
            with pytest.raises(AuthenticationFailedError) as caught:
                engine.query(QUESTION)
        assert "sk-test" not in str(caught.value)

    def test_prompts_can_be_replaced_the_llamaindex_way(self, ingested: Path) -> None:
        with OpenAIServer(chat("好[1]")) as server:
            engine = QueryEngine.open(ingested, "西湖", with_llm(server))
            name = next(iter(engine.get_prompts()))
            engine.update_prompts({name: PromptTemplate("自定义提示 {context_str} 问：{query_str}")})
            engine.query(QUESTION)
            assert "自定义提示" in server.last.user


class TestLlamaIndexUse:
    def test_it_serves_as_a_tool(self, engine: QueryEngine) -> None:
        tool = QueryEngineTool.from_defaults(engine, name="west_lake", description="西湖的资料")
        assert "71.679" in str(tool.call(QUESTION))

    def test_opening_touches_no_global_setting(self, ingested: Path) -> None:
        from llama_index.core import Settings

        before = (Settings._llm, Settings._embed_model, Settings._node_parser, Settings._prompt_helper)
        QueryEngine.open(ingested, "西湖").query(QUESTION)
        after = (Settings._llm, Settings._embed_model, Settings._node_parser, Settings._prompt_helper)
        assert before == after
