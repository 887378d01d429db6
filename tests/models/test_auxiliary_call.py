"""Small calls on the way to an answer: their failures, and what is kept of them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import MockLLM
from llama_index.core.prompts import PromptTemplate

from qa_engine.flow import arun, run
from qa_engine.models.auxiliary_call import AuxiliaryModel, AuxiliaryReply, UnusableReplyError, quoted

PROMPT = PromptTemplate("Double {number}")


class Doubling(MockLLM):
    """Replies with twice the number, in the form of a reasoning model."""

    def chat(self, messages: Any, **_: Any) -> ChatResponse:
        number = messages[-1].content.split()[-1]
        if number == "crash":
            raise ZeroDivisionError("by zero\nindeed")
        return ChatResponse(message=ChatMessage(content=f"<think>hm</think>\n```\n{number * 2}\n```"))

    async def achat(self, messages: Any, **_: Any) -> ChatResponse:
        if messages[-1].content.endswith("silence"):
            await asyncio.Event().wait()
        return self.chat(messages)


def model(cache_size: int = 2, timeout: float | None = None) -> AuxiliaryModel[int]:
    logger = logging.getLogger("qa_engine.test")
    return AuxiliaryModel(Doubling(), "double the number", timeout, logger, cache_size)


def read(reply: str) -> int:
    if not reply.isdigit():
        raise UnusableReplyError(f"The reply is no number: it is {quoted(reply)}.")
    return int(reply)


def ask(asked: AuxiliaryModel[int], number: str) -> AuxiliaryReply[int]:
    return run(asked.steps(PROMPT, {"number": number}, read))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("crash", "ZeroDivisionError: by zero indeed"),
        ("x", "The reply is no number: it is 'xx'."),
        ("y" * 99, "The reply is no number: it is '" + "y" * 80 + "…'."),
    ],
)
def test_failures_are_told_and_not_kept(number: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    asked = model()
    for _ in range(2):
        reply = ask(asked, number)
        assert (reply.value, reply.error, reply.cached) == (None, reason, False)
        assert reply.seconds > 0
    assert "The language model did not double the number" in caplog.text
    assert "xx" not in caplog.text
    assert "yy" not in caplog.text


async def test_silence_is_given_up() -> None:
    reply = await arun(model(timeout=0.05).steps(PROMPT, {"number": "silence"}, read))
    assert reply.error == "The language model did not double the number within 0.05 seconds."


def test_prompt_with_another_variable_is_a_failure() -> None:
    reply = run(model().steps(PromptTemplate("{missing}"), {"number": "1"}, read))
    assert reply.error


def test_values_are_kept_until_others_are_used_more_recently() -> None:
    asked = model(cache_size=2)
    assert ask(asked, "1") == AuxiliaryReply(11, seconds=pytest.approx(0, abs=60))
    ask(asked, "2")
    assert ask(asked, "1") == AuxiliaryReply(11, cached=True)
    ask(asked, "3")
    assert [ask(asked, number).cached for number in "12"] == [True, False]


def test_another_prompt_is_another_question() -> None:
    asked = model()
    ask(asked, "1")
    assert not run(asked.steps(PromptTemplate("Twice {number}"), {"number": "1"}, read)).cached


def test_nothing_is_quoted_as_empty() -> None:
    assert quoted(" \n") == "empty"
