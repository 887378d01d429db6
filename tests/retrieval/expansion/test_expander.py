"""Expanding a question by a language model, asked over real HTTP: first all that can go wrong."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import QueryBundle
from openai_server import OpenAIServer, Reply, chat, closed_port, error, hang, page

from qa_engine import Config
from qa_engine.errors import ConfigurationError
from qa_engine.retrieval.expansion.expanded_query import (
    ExpandedQuery,
    Expansion,
    in_language_of,
    queries_of,
)
from qa_engine.retrieval.expansion.expander import PROMPT, TRANSLATE, QueryExpander, build_expander

QUESTION = "浮标多少钱？"
GOOD = chat("translation: What does a buoy cost?\nkeywords: price; float")
_TRIES = 10
"""Of a question within a time-out that is short because a test waits for it: a busy machine may miss one."""


def expander(url: str, mode: str = "expand", timeout: float = 30, **llm: object) -> QueryExpander:
    config = Config(
        llm={"model": "qwen-plus", "base_url": url, **llm},
        retrieval={"expansion": mode, "expansion_timeout_seconds": timeout},
    )
    built = build_expander(config)
    assert built is not None
    return built


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (error(500), "failed (status 500)"),
        (error(401), "API key"),
        (error(429), "no more requests"),
        (page(), "not a reply of an OpenAI-compatible service"),
        (chat(""), "holds no translation: it is empty"),
        (chat("我不会翻译。\n抱歉。"), "holds no translation: it is '我不会翻译。 抱歉。'"),
        (chat("no " * 200 + "\n"), "holds no translation: it is 'no no"),
        (hang(60), "did not answer within 1 seconds"),
    ],
)
def test_failing_model_leaves_the_question_as_it_is_and_says_why(reply: Reply, told: str) -> None:
    with OpenAIServer(reply, GOOD) as server:
        silent = told.startswith("did not answer")
        ours = expander(server.url, timeout=1 if silent else 60)
        query = ours.run(QUESTION)
        assert query.query_str == QUESTION
        assert [asked.query_str for asked in queries_of(query)] == [QUESTION]
        assert told in (query.expansion.error or "")
        assert query.expansion.seconds > 0
        assert len(server.requests) == 1, "an expansion is not worth a second try"
        tries = _TRIES if silent else 1
        assert any(ours.run(QUESTION).expansion.translation for _ in range(tries)), "a failure is not kept"


@pytest.mark.parametrize("reply", [error(500), chat(""), page()])
async def test_failing_model_async(reply: Reply) -> None:
    with OpenAIServer(reply, GOOD) as server:
        ours = expander(server.url)
        assert (await ours.arun(QUESTION)).expansion.error
        assert (await ours.arun(QUESTION)).expansion.translation


async def test_silent_model_async() -> None:
    with OpenAIServer(hang(60), GOOD) as server:
        ours = expander(server.url, timeout=1)
        assert (await ours.arun(QUESTION)).expansion.error
        again = [(await ours.arun(QUESTION)).expansion.translation for _ in range(_TRIES)]
        assert any(again)


def test_nobody_listens() -> None:
    query = expander(f"http://127.0.0.1:{closed_port()}/v1").run(QUESTION)
    assert "Nobody answers at 127.0.0.1" in (query.expansion.error or "")


def test_model_of_ones_own_that_raises_anything() -> None:
    class Broken(MockLLM):
        def chat(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError("by zero\nindeed")

    assert QueryExpander(Broken()).run(QUESTION).expansion.error == "ZeroDivisionError: by zero indeed"


def test_model_that_repeats_its_prompt_has_translated_nothing() -> None:
    query = QueryExpander(MockLLM(), max_keywords=8).run(QUESTION)
    assert query.expansion.error == "The language model repeated what it was asked instead of replying."
    assert len(queries_of(query)) == 1


async def test_async_gives_up_on_any_model_in_time() -> None:
    given_up = asyncio.Event()

    class Silent(MockLLM):
        async def achat(self, *_: object, **__: object) -> object:  # type: ignore[override]
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()

    query = await QueryExpander(Silent(), timeout_seconds=0.1).arun(QUESTION)
    assert given_up.is_set()
    assert query.expansion.error == "The language model did not expand the question within 0.1 seconds."


def test_interrupt_is_not_swallowed_and_the_next_question_is_not_stuck() -> None:
    class Interrupted(MockLLM):
        def chat(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise KeyboardInterrupt

    ours = QueryExpander(Interrupted())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ours.run(QUESTION)


async def test_cancelled_question_leaves_the_next_one_alone() -> None:
    with OpenAIServer(hang(60), GOOD) as server:
        ours = expander(server.url)
        asked = asyncio.create_task(ours.arun(QUESTION))
        assert await asyncio.to_thread(server.asked.wait, 60)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert (await ours.arun(QUESTION)).expansion.translation


def test_threads_that_ask_the_same_get_the_same() -> None:
    with OpenAIServer(GOOD) as server:
        ours = expander(server.url)
        ours.run(QUESTION)
        with ThreadPoolExecutor(4) as pool:
            queries = list(pool.map(ours.run, [QUESTION] * 4))
        assert len(server.requests) == 1
    assert {query.expansion.translation for query in queries} == {"What does a buoy cost?"}
    assert all(query.expansion.cached for query in queries)


def test_different_questions_at_once_keep_apart() -> None:
    def echo(handler: object, request: object) -> None:
        question = request.user.rpartition("Question: ")[2]  # type: ignore[attr-defined]
        chat(f"translation: about {len(question)} signs")(handler, request)  # type: ignore[arg-type]

    questions = ["问" * count for count in range(1, 9)]
    with OpenAIServer(echo) as server, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(expander(server.url).run, questions))
    assert [query.expansion.translation for query in found] == [f"about {n} signs" for n in range(1, 9)]


async def test_the_loop_stays_free() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(handler: object, request: object) -> None:
        asked.set()
        assert go_on.wait(60)
        GOOD(handler, request)  # type: ignore[arg-type]

    with OpenAIServer(slow) as server:
        ours = expander(server.url, timeout=60)
        asking = asyncio.create_task(ours.arun(QUESTION))
        assert await asyncio.to_thread(asked.wait, 60)
        assert not asking.done()
        go_on.set()
        assert (await asking).expansion.translation


def test_expansion_is_kept_and_says_so() -> None:
    with OpenAIServer(GOOD) as server:
        ours = expander(server.url)
        first, second = ours.run(QUESTION), ours.run(QueryBundle(QUESTION))
        assert len(server.requests) == 1
    assert (first.expansion.cached, second.expansion.cached) == (False, True)
    assert second.expansion.seconds == 0
    assert first.expansion.keywords == second.expansion.keywords == ("price", "float")


def test_what_is_asked_for() -> None:
    with OpenAIServer(GOOD) as server:
        expander(server.url, "translate").run(QUESTION)
        assert "translation: the question in English" in server.last.user
        assert "keywords" not in server.last.user
        expander(server.url, "translate").run("What does a buoy cost?")
        assert "the question in Chinese" in server.last.user
        expander(server.url, "expand").run(QUESTION, {TRANSLATE: False})
        assert "translation" not in server.last.user
        assert "up to 8 words" in server.last.user
        assert server.last.user.endswith(f"Question: {QUESTION}")


def test_nothing_is_asked_where_a_translation_finds_nothing() -> None:
    with OpenAIServer(GOOD) as server:
        query = expander(server.url, "translate").run(QUESTION, {TRANSLATE: False})
        assert server.requests == []
    assert query.expansion.skipped == "The collection holds no text in another language than the question."
    assert query.expansion.error is None


def test_prompt_can_be_replaced_and_old_expansions_go() -> None:
    with OpenAIServer(GOOD) as server:
        ours = expander(server.url)
        ours.run(QUESTION)
        assert list(ours.get_prompts()) == [PROMPT]
        ours.update_prompts({PROMPT: PromptTemplate("Mine: {query_str}")})
        ours.run(QUESTION)
        assert [request.user.startswith("Mine: ") for request in server.requests] == [False, True]


def test_none_is_the_default() -> None:
    assert build_expander(Config(), MockLLM()) is None
    with pytest.raises(ConfigurationError, match=r"retrieval\.expansion = 'auto'"):
        Config(retrieval={"expansion": "auto"})


def test_rest_of_a_query_is_kept() -> None:
    query = QueryBundle(QUESTION, custom_embedding_strs=["浮标"], embedding=[1.0])
    expanded = QueryExpander(MockLLM()).run(query)
    assert (expanded.custom_embedding_strs, expanded.embedding) == (["浮标"], [1.0])


class TestQueries:
    def test_translation_and_keywords_are_one_bag_of_words_and_one_vector(self) -> None:
        query = ExpandedQuery(QUESTION, expansion=Expansion("What does it cost?", ("price", "float")))
        original, added = queries_of(query)
        assert original is query
        assert added.query_str == "What does it cost? price float"
        assert added.embedding_strs == ["What does it cost?"]

    def test_keywords_alone_are_embedded_with_the_question(self) -> None:
        _, added = queries_of(ExpandedQuery(QUESTION, expansion=Expansion(keywords=("价格",))))
        assert added.query_str == "价格"
        assert added.embedding_strs == [f"{QUESTION} 价格"]

    @pytest.mark.parametrize("expansion", [Expansion(), Expansion(error="e"), Expansion(QUESTION)])
    def test_nothing_new_is_one_query(self, expansion: Expansion) -> None:
        assert len(queries_of(ExpandedQuery(QUESTION, expansion=expansion))) == 1

    def test_passages_are_compared_with_the_wording_in_their_language(self) -> None:
        from llama_index.core.schema import NodeWithScore, TextNode

        chinese = NodeWithScore(node=TextNode(text="浮标的价格是一百元。"))
        english = NodeWithScore(node=TextNode(text="A buoy costs one hundred."))
        query = ExpandedQuery(QUESTION, expansion=Expansion("What does a buoy cost?"))
        assert in_language_of([english, english, chinese], query).query_str == "What does a buoy cost?"
        assert in_language_of([english, chinese, chinese], query) is query
        assert in_language_of([english, chinese], query).query_str == "What does a buoy cost?"
        assert in_language_of([], query) is query
        assert in_language_of([english], QueryBundle(QUESTION)).query_str == QUESTION
