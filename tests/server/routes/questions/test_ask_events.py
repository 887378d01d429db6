"""Events of answers that a language model writes, over HTTP: they agree with the answer at their end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from answer_events import ask_events, checked_events, lasting
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai_server import OpenAIServer, Reply, chat
from served import ServedApp, served

from qa_engine import REFUSAL

QUESTION = "雷峰塔有多高？"
WORDS = st.sampled_from(
    [
        *("雷峰塔高约72米", "。", "[1]", "[2]", "【3】", "[1][2]", "[9]", "它在杭州。", "The tower is high.", " [1]. "),
        *("抱歉，", "无法回答", REFUSAL, "<think>", "</think>\n", "塔很有名。" * 70, "“引文”", "\n"),
    ]
)  # fmt: skip


def cut(text: str, cuts: list[int]) -> Reply:
    """A reply in pieces of these lengths, again and again."""
    places, turn = [0], 0
    while places[-1] < len(text):
        places.append(places[-1] + cuts[turn % len(cuts)])
        turn += 1
    pieces = [text[start:end] for start, end in pairwise(places)]
    return lambda handler, request: (
        handler.events(pieces, "stop") if request.body.get("stream") else chat(text)(handler, request)
    )


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer(chat("[1]")) as model:
        yield model


@pytest.fixture(scope="module")
def worded(storage: Path, model_cache: Path, model: OpenAIServer) -> Iterator[ServedApp]:
    llm = {"model": "m", "base_url": model.url, "max_retries": 0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(storage, "西湖", llm=llm, answering={"llm_threshold": 0}) as server:
            yield server


@settings(max_examples=40, deadline=None)
@example(replies=["塔很有名。" * 70 + "\n</think>\n"], cuts=[1])
@given(
    replies=st.lists(st.lists(WORDS, min_size=1, max_size=7).map("".join), min_size=1, max_size=2),
    cuts=st.lists(st.integers(1, 7), min_size=1, max_size=5),
)
def test_they_agree_with_the_answer_whatever_the_model_writes(
    worded: ServedApp, model: OpenAIServer, replies: list[str], cuts: list[int]
) -> None:
    bodies = []
    for stream in (True, False):
        model.requests.clear()
        model.replies[:] = [cut(reply, cuts) for reply in replies]
        if stream:
            events = ask_events(worded.client, QUESTION)
            failed = events[-1].name == "error"
            bodies.append(events[-1].data if failed else lasting(checked_events(events)))
        else:
            response = worded.client.post("/api/v1/ask", json={"question": QUESTION})
            body = response.json()
            bodies.append(lasting(body) if response.status_code == 200 else body)
    if "code" in bodies[0]:
        bodies = [{**body, "request_id": ""} for body in bodies]
    assert bodies[0] == bodies[1]


def test_a_citation_is_told_while_the_model_writes(worded: ServedApp, model: OpenAIServer) -> None:
    model.requests.clear()
    model.replies[:] = [chat("雷峰塔高约72米[1]。它在杭州[2]，很有名，游客也很多。")]
    events = ask_events(worded.client, QUESTION)
    body = checked_events(events)
    names = [event.name for event in events]
    assert names.index("citation") < len(names) - 1 - names[::-1].index("delta")
    assert body["citations"][0]["boxes"]


def test_a_repair_replaces_what_was_shown(worded: ServedApp, model: OpenAIServer) -> None:
    model.requests.clear()
    model.replies[:] = [chat("The tower is high [1]. It is famous."), chat("雷峰塔高约72米[1]。")]
    events = ask_events(worded.client, QUESTION)
    assert [event.data for event in events if event.name == "replace"] == [
        {"text": "雷峰塔高约72米[1]。", "reason": "repair"}
    ]
    assert checked_events(events)["repaired"]
