"""The official client of OpenAI asks the server: whole answers, streams, tokens, errors."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from held_model import QUESTION, HeldModel
from openai.types.chat import ChatCompletionChunk
from openai_server import chat, error
from served import ServedApp, served
from server.clients.conftest import KeyedServer, WordedServer

from qa_engine import REFUSAL

NONSENSE = "火星上有多少家咖啡馆在卖热气球？"
ASKED: list[dict[str, Any]] = [{"role": "user", "content": QUESTION}]


def client_of(server: ServedApp, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


@pytest.fixture
def client(server: ServedApp) -> Iterator[openai.OpenAI]:
    with client_of(server) as one:
        yield one


@pytest.fixture
def worded_client(worded: WordedServer) -> Iterator[openai.OpenAI]:
    with client_of(worded.server) as one:
        yield one


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def parts(*content: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


class TestModels:
    def test_there_is_one_for_all_and_one_for_each_collection(self, client: openai.OpenAI) -> None:
        models = client.models.list().data
        assert [model.id for model in models] == ["qa-engine", "qa-engine/papers", "qa-engine/西湖"]
        for model in models:
            assert client.models.retrieve(model.id) == model

    def test_a_key_sees_its_own_collections(self, keyed: KeyedServer) -> None:
        with client_of(keyed.server, keyed.limited) as client:
            assert [model.id for model in client.models.list()] == ["qa-engine", "qa-engine/西湖"]
            for name in ("qa-engine/papers", "qa-engine/none", "gpt-4o", "qa-engine/"):
                with pytest.raises(openai.NotFoundError) as told:
                    client.models.retrieve(name)
                assert told.value.code == "not_found"
                with pytest.raises(openai.NotFoundError) as told:
                    client.chat.completions.create(model=name, messages=ASKED)
                assert told.value.param == "model"

    def test_a_model_asks_its_collection_alone(self, client: openai.OpenAI) -> None:
        def files(model: str) -> set[str]:
            done = client.chat.completions.create(model=model, messages=ASKED)
            return {passage["file"] for passage in done.qa_engine["passages"]}

        assert files("qa-engine/papers") == {"llama2.pdf"}
        assert "西湖介绍.pdf" in files("qa-engine")


class TestAnswers:
    def test_all_four_layers_of_citations(self, client: openai.OpenAI, server: ServedApp) -> None:
        done = client.chat.completions.create(model="qa-engine", messages=ASKED, temperature=0.7, user="u")
        native = server.client.post("/api/v1/ask", json={"question": QUESTION}).json()
        (choice,) = done.choices
        message = choice.message
        assert (message.role, choice.finish_reason, message.refusal) == ("assistant", "stop", None)
        (citation,) = native["citations"]
        text, _, sources = message.content.partition("\n\n来源：\n\n")
        assert text == native["answer"]
        assert sources == f"- [1] [西湖介绍.pdf 第 {citation['page']} 页]({citation['url']})"
        for annotation in message.annotations:
            cited = annotation.url_citation
            assert message.content[cited.start_index : cited.end_index] == "[1]"
            assert (cited.url, cited.title) == (citation["url"], f"西湖介绍.pdf 第 {citation['page']} 页")
        assert message.annotations
        whole = done.qa_engine
        assert whole["citations"] == native["citations"]
        assert (whole["answer"], whole["refused"]) == (text, False)
        kept = server.client.get(f"/api/v1/answers/{whole['answer_id']}").json()
        assert kept == whole
        assert done.id == f"chatcmpl-{whole['answer_id']}"
        assert (done.usage.prompt_tokens, done.usage.total_tokens) == (0, 0)

    def test_a_stream_says_the_same(self, client: openai.OpenAI) -> None:
        whole = client.chat.completions.create(model="qa-engine", messages=ASKED)
        chunks = list(client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True))
        message = whole.choices[0].message
        assert text_of(chunks) == message.content
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
        (annotated,) = [chunk for chunk in chunks if getattr(chunk.choices[0].delta, "annotations", None)]
        assert annotated.choices[0].delta.annotations == [one.model_dump() for one in message.annotations]
        assert chunks[-1].qa_engine["answer"] == whole.qa_engine["answer"]
        assert len({chunk.id for chunk in chunks}) == 1
        assert not any(chunk.usage for chunk in chunks)

    def test_without_waiting(self, server: ServedApp) -> None:
        async def ask() -> tuple[str | None, str]:
            async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
                whole = await client.chat.completions.create(model="qa-engine", messages=ASKED)
                stream = await client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True)
                return whole.choices[0].message.content, text_of([chunk async for chunk in stream])

        whole, streamed = asyncio.run(ask())
        assert whole == streamed
        assert "来源" in whole

    def test_a_refusal_is_a_completion(self, client: openai.OpenAI) -> None:
        asked: Any = [{"role": "user", "content": NONSENSE}]
        done = client.chat.completions.create(model="qa-engine", messages=asked)
        message = done.choices[0].message
        assert (message.content, message.annotations, message.refusal) == (REFUSAL, [], None)
        assert done.choices[0].finish_reason == "stop"
        assert done.qa_engine["refused"]
        assert (
            text_of(list(client.chat.completions.create(model="qa-engine", messages=asked, stream=True)))
            == REFUSAL
        )

    def test_messages_are_a_conversation(self, client: openai.OpenAI) -> None:
        first = client.chat.completions.create(model="qa-engine", messages=ASKED).choices[0].message
        asked: Any = [
            {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
            *ASKED,
            {"role": "assistant", "content": first.content},
            {
                "role": "user",
                "content": [{"type": "text", "text": "它什么时候"}, {"type": "text", "text": "倒塌的？"}],
            },
        ]
        extension = {"qa_engine": {"explain": True}}
        done = client.chat.completions.create(model="qa-engine", messages=asked, extra_body=extension)
        assert "雷峰塔" in done.qa_engine["explanation"]["condensation"]["standalone"]
        asked[-1] = {"role": "user", "content": "刚才你说了什么？"}
        told = client.chat.completions.create(model="qa-engine", messages=asked).choices[0].message
        assert "来源" not in told.content

    def test_the_extension(self, client: openai.OpenAI) -> None:
        def ask(model: str = "qa-engine", **extension: Any) -> Any:
            body = {"qa_engine": extension}
            return client.chat.completions.create(model=model, messages=ASKED, extra_body=body)

        done = ask(collections=["papers"], filters=["page=2"], top_k=1)
        (passage,) = done.qa_engine["passages"]
        assert (passage["file"], passage["page"]) == ("llama2.pdf", 2)
        bare = ask(citations="none")
        assert bare.choices[0].message.content == bare.qa_engine["answer"]
        assert bare.choices[0].message.annotations
        with pytest.raises(openai.UnprocessableEntityError) as told:
            ask("qa-engine/西湖", collections=["papers"])
        assert told.value.param == "qa_engine.collections"
        with pytest.raises(openai.UnprocessableEntityError) as told:
            ask(filter=["page=2"])
        assert told.value.param == "qa_engine.filter"
        with pytest.raises(openai.UnprocessableEntityError) as told:
            ask(filters=["page"])
        assert told.value.param == "qa_engine.filters"
        with pytest.raises(openai.NotFoundError) as missing:
            ask(collections=["none"])
        assert missing.value.param == "qa_engine.collections"

    def test_the_list_of_sources_can_be_switched_off(self, storage: Any, local_model: Any) -> None:
        with (
            served(storage, "西湖", server={"openai_citations": "none"}) as server,
            client_of(server) as client,
        ):
            text = (
                client.chat.completions.create(model="qa-engine", messages=ASKED).choices[0].message.content
            )
            assert "来源" not in text
            body = {"qa_engine": {"citations": "markdown"}}
            done = client.chat.completions.create(model="qa-engine", messages=ASKED, extra_body=body)
            assert "来源" in done.choices[0].message.content


class TestLanguageModel:
    def test_tokens_are_counted(self, worded: WordedServer, worded_client: openai.OpenAI) -> None:
        worded.script(chat("雷峰塔高约72米[1]。", usage=(50, 8)))
        done = worded_client.chat.completions.create(model="qa-engine", messages=ASKED)
        assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (
            50,
            8,
            58,
        )
        options: Any = {"include_usage": True}
        chunks = list(
            worded_client.chat.completions.create(
                model="qa-engine", messages=ASKED, stream=True, stream_options=options
            )
        )
        *others, last = chunks
        assert last.choices == []
        assert last.usage == done.usage
        assert {chunk.usage for chunk in others} == {None}

    def test_no_text_is_sent_that_is_taken_back(
        self, worded: WordedServer, worded_client: openai.OpenAI
    ) -> None:
        worded.script(chat("The tower is high [1]. It is famous."), chat("雷峰塔高约72米[1]。"))
        chunks = list(worded_client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True))
        text = text_of(chunks)
        assert text.startswith("雷峰塔高约72米[1]。\n\n来源：")
        assert "tower" not in text
        assert chunks[-1].qa_engine["repaired"]

    @pytest.mark.parametrize("stream", [True, False])
    def test_the_model_is_left_if_the_client_leaves(
        self, storage: Any, local_model: Any, stream: bool
    ) -> None:
        with HeldModel(storage, ["雷峰塔高约72米[1]。"], {}) as one:
            if stream:
                with client_of(one.server) as client:
                    chunks = client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True)
                    next(iter(chunks))
                    assert one.model.asked.wait(30)
                    chunks.close()
            else:
                with openai.OpenAI(
                    base_url=f"{one.server.url}/v1", api_key="none", max_retries=0, timeout=30
                ) as client:
                    leaving = client.with_options(timeout=2)
                    with pytest.raises(openai.APITimeoutError):
                        leaving.chat.completions.create(model="qa-engine", messages=ASKED)
            assert one.left.wait(30)
            one.until(lambda: one.idle)


class TestErrors:
    @pytest.mark.parametrize(
        ("fields", "parameter"),
        [
            ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
            ({"functions": [{"name": "f"}]}, "functions"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"n": 2}, "n"),
            ({"logprobs": True}, "logprobs"),
            ({"modalities": ["text", "audio"]}, "modalities"),
            (parts({"type": "image_url", "image_url": {"url": "x"}}), "messages[0].content[0]"),
            (parts({"type": "text", "text": "x"}, {"type": "input_audio"}), "messages[0].content[1]"),
            (parts({"type": "file", "file": {}}), "messages[0].content[0]"),
            ({"messages": [*ASKED, {"role": "tool", "content": "x", "tool_call_id": "t"}]}, "messages[1].role"),
            ({"messages": [*ASKED, {"role": "assistant", "content": "x"}]}, "messages"),
            ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ],
    )  # fmt: skip
    def test_what_is_not_offered_is_a_bad_request(
        self, client: openai.OpenAI, fields: dict[str, Any], parameter: str
    ) -> None:
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as told:
                client.chat.completions.create(
                    **{"model": "qa-engine", "messages": ASKED, "stream": stream, **fields}
                )
            assert (told.value.param, told.value.code) == (parameter, "unsupported")
            assert told.value.type == "invalid_request_error"

    def test_what_means_nothing_here_is_ignored(self, client: openai.OpenAI) -> None:
        fields: Any = {
            "max_tokens": 5,
            "seed": 1,
            "stop": ["。"],
            "top_p": 0.1,
            "store": True,
            "tools": [],
            "n": 1,
        }
        fields |= {
            "response_format": {"type": "text"},
            "metadata": {"a": "b"},
            "logit_bias": {},
            "service_tier": "auto",
        }
        done = client.chat.completions.create(model="qa-engine", messages=ASKED, **fields)
        assert "[1]" in done.choices[0].message.content

    def test_an_empty_question(self, client: openai.OpenAI) -> None:
        asked: Any = [{"role": "user", "content": " "}]
        with pytest.raises(openai.UnprocessableEntityError) as told:
            client.chat.completions.create(model="qa-engine", messages=asked)
        assert told.value.param == "messages"

    def test_keys(self, keyed: KeyedServer) -> None:
        with client_of(keyed.server, "qae_wrong") as client:
            with pytest.raises(openai.AuthenticationError) as told:
                client.chat.completions.create(model="qa-engine", messages=ASKED)
            assert (told.value.code, told.value.type) == ("unauthorized", "authentication_error")
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
        with client_of(keyed.server, keyed.secret) as client:
            assert (
                "[1]"
                in client.chat.completions.create(model="qa-engine", messages=ASKED)
                .choices[0]
                .message.content
            )

    def test_errors_before_the_route(self, storage: Any, local_model: Any) -> None:
        settings = {"rate_limit": "4/hour", "max_body_kilobytes": 1}
        with served(storage, "西湖", server=settings) as server, client_of(server) as client:
            with pytest.raises(openai.APIStatusError) as large:
                client.chat.completions.create(
                    model="qa-engine", messages=[{"role": "user", "content": "问" * 2000}]
                )
            assert (large.value.status_code, large.value.code) == (413, "payload_too_large")
            with pytest.raises(openai.APIStatusError) as other:
                client.with_options(default_headers={"Host": "evil.example"}).models.list()
            assert (other.value.status_code, other.value.code) == (421, "host_not_allowed")
            with pytest.raises(openai.RateLimitError) as told:
                for _ in range(5):
                    client.models.list()
            assert (told.value.code, told.value.type) == ("rate_limited", "rate_limit_error")
            assert int(told.value.response.headers["retry-after"]) > 0

    def test_a_full_queue(self, storage: Any, local_model: Any) -> None:
        settings = {"max_running_questions": 1, "max_waiting_questions": 0}
        with HeldModel(storage, ["雷峰塔高约72米[1]。"], settings) as one, client_of(one.server) as client:
            first = client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True)
            next(iter(first))
            assert one.model.asked.wait(30)
            for stream in (False, True):
                with pytest.raises(openai.RateLimitError) as told:
                    client.chat.completions.create(model="qa-engine", messages=ASKED, stream=stream)
                assert told.value.code == "queue_full"
                assert int(told.value.response.headers["retry-after"]) > 0
            one.release.set()
            first.close()

    def test_an_error_while_the_model_writes(
        self, worded: WordedServer, worded_client: openai.OpenAI
    ) -> None:
        worded.script(error(500))
        with pytest.raises(openai.InternalServerError) as told:
            worded_client.chat.completions.create(model="qa-engine", messages=ASKED)
        assert (told.value.status_code, told.value.code) == (503, "model_unavailable")
        stream = worded_client.chat.completions.create(model="qa-engine", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError) as in_stream:
            list(stream)
        assert in_stream.value.code == "model_unavailable"

    def test_addresses_that_do_not_exist(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as told:
            client.embeddings.create(model="qa-engine", input="x")
        assert told.value.code == "not_found"


def test_the_stream_is_server_sent_events(server: ServedApp) -> None:
    body = {"model": "qa-engine", "messages": ASKED, "stream": True}
    response = server.client.post("/v1/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    lines = [line for line in response.text.splitlines() if line]
    assert lines[0].startswith(":")
    assert lines[-1] == "data: [DONE]"
    for line in lines[1:-1]:
        assert json.loads(re.sub("^data: ", "", line))["object"] == "chat.completion.chunk"
