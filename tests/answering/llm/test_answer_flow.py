"""Answers that cite nothing or are not Chinese, what is asked again, and what all of it took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.schema import NodeWithScore, TextNode
from openai_server import OpenAIServer, Reply, chat, error

from qa_engine.answering.answer import REFUSAL, Answer
from qa_engine.answering.checks.language import is_chinese_answer
from qa_engine.answering.llm.synthesizer import ChineseAnswerSynthesizer
from qa_engine.answering.usage import Prices, Usage
from qa_engine.config import LlmConfig
from qa_engine.errors import ConfigurationError, ServiceUnavailableError
from qa_engine.models.llm import build_llm

NODES = [
    NodeWithScore(
        node=TextNode(text="模型有7B参数，于2024年5月发布。", metadata={"file_name": "a.pdf", "page": 1})
    )
]
GOOD = "模型有70亿参数[1]。"
UNCITED = "模型有70亿参数。"
ENGLISH = "The model has 7B parameters [1]."

Ask = Callable[..., Answer]


def make(
    server: OpenAIServer, repairs: int = 1, streaming: str = "live", **settings: object
) -> ChineseAnswerSynthesizer:
    values = {"model": "qwen", "base_url": server.url, "max_retries": 0, **settings}
    config = LlmConfig(**values)
    return ChineseAnswerSynthesizer(build_llm(config), None, repairs, streaming, Prices.of(config))  # type: ignore[arg-type]


def ask(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    return synthesizer.synthesize("多少参数？", NODES)


def aask(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    return asyncio.run(synthesizer.asynthesize("多少参数？", NODES))


def stream(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    pieces = synthesizer.stream_answer("多少参数？", NODES)
    assert "".join(pieces) == pieces.answer.response
    return pieces.answer


def astream(synthesizer: ChineseAnswerSynthesizer) -> Answer:
    async def read() -> Answer:
        pieces = synthesizer.astream_answer("多少参数？", NODES)
        assert "".join([piece async for piece in pieces]) == pieces.answer.response
        return pieces.answer

    return asyncio.run(read())


every_way = pytest.mark.parametrize("way", [ask, aask, stream, astream])


# -- what comes back wrong


@every_way
@pytest.mark.parametrize(
    ("first", "second", "text", "unverified", "foreign"),
    [
        (UNCITED, GOOD, GOOD, False, False),
        (UNCITED, "抱歉，无法回答。", REFUSAL, False, False),
        (UNCITED, UNCITED, UNCITED, True, False),
        (UNCITED, "模型有[9]很多参数。", "模型有很多参数。", True, False),
        (UNCITED, "It has many parameters.", UNCITED, True, False),
        ("It has 7B parameters.", GOOD, GOOD, False, False),
        ("It has 7B parameters.", UNCITED, UNCITED, True, False),
        ("It has 7B parameters.", "It is what it has.", "It is what it has.", True, True),
        ("7B", "7B[1]", "7B[1]", False, False),
    ],
)
def test_one_repair_at_most(
    way: Ask, first: str, second: str, text: str, unverified: bool, foreign: bool
) -> None:
    with OpenAIServer(chat(first), chat(second), error(500)) as server:
        answer = way(make(server))
    assert len(server.requests) == 2
    assert (answer.response, answer.unverified, answer.foreign) == (text, unverified, foreign)
    assert answer.repaired
    assert answer.refused == (text == REFUSAL)
    messages = server.last.body["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[2]["content"] == first
    assert REFUSAL in server.last.user


@pytest.mark.parametrize("way", [ask, aask])
def test_another_language_is_repaired_before_it_is_shown(way: Ask) -> None:
    with OpenAIServer(chat(ENGLISH), chat(GOOD)) as server:
        answer = way(make(server))
    assert (answer.response, answer.foreign, answer.repaired) == (GOOD, False, True)
    assert "没有用中文书写" in server.last.user
    assert "没有标出" not in server.last.user


@pytest.mark.parametrize("way", [stream, astream])
def test_what_a_stream_has_shown_is_only_marked(way: Ask) -> None:
    shown = ENGLISH + " It is open, as the passage says."
    with OpenAIServer(chat(shown)) as server:
        answer = way(make(server))
    assert len(server.requests) == 1
    assert (answer.response, answer.foreign, answer.repaired) == (shown, True, False)
    long = "模型有很多参数。" * 60
    with OpenAIServer(chat(long)) as server:
        answer = way(make(server))
    assert (answer.unverified, answer.repaired, len(server.requests)) == (True, False, 1)


@pytest.mark.parametrize("way", [stream, astream])
def test_a_checked_stream_is_repaired_like_an_answer(way: Ask) -> None:
    with OpenAIServer(chat(ENGLISH + " It is open."), chat(GOOD)) as server:
        answer = way(make(server, streaming="checked"))
    assert (answer.response, answer.repaired) == (GOOD, True)


@every_way
@pytest.mark.parametrize("failure", [error(500), error(401), chat("半", finish_reason="length"), chat("")])
def test_a_repair_that_fails_leaves_the_first_answer_marked(way: Ask, failure: Reply) -> None:
    with OpenAIServer(chat(UNCITED), failure) as server:
        answer = way(make(server))
    assert (answer.response, answer.unverified) == (UNCITED, True)
    assert len(server.requests) == 2


@every_way
def test_second_calls_and_their_failures_are_logged_without_any_text(
    way: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "qa_engine"), OpenAIServer(chat(UNCITED), error(500)) as server:
        way(make(server))
    assert "The answer of qwen is asked for again" in caplog.text
    assert "first answer is returned" in caplog.text
    for text in ("多少参数", "70亿", "7B"):
        assert text not in caplog.text


@every_way
def test_no_repair_if_none_is_wanted_or_needed(way: Ask) -> None:
    with OpenAIServer(chat(UNCITED)) as server:
        answer = way(make(server, repairs=0))
    assert (answer.unverified, answer.repaired, len(server.requests)) == (True, False, 1)
    for text in (GOOD, "无法回答。"):
        with OpenAIServer(chat(text)) as server:
            answer = way(make(server))
        assert (answer.unverified, answer.repaired, len(server.requests)) == (False, False, 1)


@every_way
def test_an_empty_reply_is_asked_for_once_more_and_then_an_error(way: Ask) -> None:
    with OpenAIServer(chat("\n"), chat(GOOD)) as server:
        assert way(make(server)).response == GOOD
    with OpenAIServer(chat(" \n")) as server:
        with pytest.raises(ServiceUnavailableError, match="empty"):
            way(make(server))
        assert len(server.requests) == 2
        with pytest.raises(ServiceUnavailableError, match="empty"):
            way(make(server, repairs=0))
        assert len(server.requests) == 3


@every_way
@pytest.mark.parametrize(
    "marks", ["[1][1]", "。", "[1]。", "【资料 1】", "来源：[1]\n", "（[9]）", "```\n[1]\n```"]
)
def test_a_reply_of_marks_alone_is_empty(way: Ask, marks: str) -> None:
    with OpenAIServer(chat(marks), chat(GOOD)) as server:
        answer = way(make(server))
        assert (answer.response, answer.repaired, answer.refused) == (GOOD, True, False)
        assert len(server.requests) == 2
    with OpenAIServer(chat(marks)) as server, pytest.raises(ServiceUnavailableError, match="empty"):
        way(make(server))


@every_way
@pytest.mark.parametrize(
    "text", ["7[1]", "否[1]", "TH10[1]", "2024年[1]。", "[1] 有三种。", "[1]。有三种[1]。"]
)
def test_a_reply_with_one_word_beside_its_marks_is_an_answer(way: Ask, text: str) -> None:
    with OpenAIServer(chat(text), error(500)) as server:
        assert way(make(server)).response == text


def test_a_repair_fits_into_the_window() -> None:
    nodes = [NodeWithScore(node=TextNode(text=f"第{n}段" + "长" * 300)) for n in range(4)]
    with OpenAIServer(chat("没有编号的长回答。" * 40), chat("有[1]，有[3]。")) as server:
        answer = make(server, context_window=2150, max_tokens=256).synthesize("？", nodes)
    first, second = (request.body["messages"][1]["content"] for request in server.requests)
    assert "第2段" in first
    assert "第2段" not in second
    assert answer.response == "有[1]，有。"


@every_way
def test_what_is_unsupported_is_named_at_the_end(way: Ask) -> None:
    with OpenAIServer(chat("Llama 有130亿参数，2024年5月发布，作者 Bob[1]。")) as server:
        answer = way(make(server))
    assert answer.unsupported == ["Llama", "130亿", "Bob"]
    assert answer.to_dict()["unsupported"] == ["Llama", "130亿", "Bob"]


def test_passages_that_were_not_shown_support_nothing() -> None:
    nodes = [NodeWithScore(node=TextNode(text=f"第{n}段" + "长" * 300)) for n in range(7777, 7786)]
    with OpenAIServer(chat("有7777[1]，也有7785[1]。")) as server:
        answer = make(server, context_window=2048, max_tokens=256).synthesize("？", nodes)
    assert answer.unsupported == ["7785"]


# -- languages


@pytest.mark.parametrize(
    "text",
    [
        "The model has 7B parameters [1].",
        "It has 7B parameters.",
        "It has 7 billion parameters [1].",
        "It uses RMSNorm [1].",
        "Training took 21 days [1].",
        "7 billion parameters [1]",
        "Yes, it supports Chinese [1].",
        "根据文档：The model has 7 billion parameters and it was trained on two trillion tokens of public data [1].",
        "モデルには70億のパラメータがあります[1]。",
        "모델에는 70억 개의 매개변수가 있습니다[1].",
        "Модель имеет 7 миллиардов параметров[1].",
        "Le modèle a sept milliards de paramètres et il est ouvert [1].",
        "Das Modell hat sieben Milliarden Parameter und ist offen [1].",
        "Το μοντέλο έχει επτά δισεκατομμύρια παραμέτρους[1].",
    ],
)
def test_other_languages(text: str) -> None:
    assert not is_chinese_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "該模型有七十億參數[1]。",
        "7B[1]",
        "TH10-A[1]",
        "196Ah[1]",
        "Geoffrey Hinton[1]",
        "Support Vector Machine[1]",
        "grouped-query attention (GQA)[1]",
        "The Who[1]",
        "Attention Is All You Need[1]",
        "2024-05-03[1]",
        "Ludwig van Beethoven[1]",
        "qa-engine ingest examples[1]",
        "使用 LlamaIndex、Chroma、BM25、Ray、vLLM、PyMuPDF、Hypothesis 和 Typer[1]。",
        "作者写道：“The model has seven billion parameters and it was trained on two trillion tokens.”[1]",
        "命令如下：\n```sh\nexport A=1 && this is the command that runs it\n```\n[1]",
        "公式为 α + β = γ，其中 α、β、γ 为角[1]。",
        "“ソニー”公司[1]。",
        "见 https://example.com/this/is/the/page/that/has/it [1]",
        "",
    ],
)
def test_chinese_with_terms_and_names(text: str) -> None:
    assert is_chinese_answer(text)


# -- tokens and cost


@every_way
def test_usage_and_cost_are_summed_over_the_repair(way: Ask) -> None:
    prices = {"price_input": 1.0, "price_output": 10.0}
    with OpenAIServer(chat(UNCITED, usage=(100, 20)), chat(GOOD, usage=(150, 30))) as server:
        answer = way(make(server, **prices))
    assert answer.usage == Usage(250, 50, 300)
    assert answer.cost == pytest.approx((250 * 1 + 50 * 10) / 1_000_000)
    assert answer.to_dict()["usage"] == {"prompt_tokens": 250, "completion_tokens": 50, "total_tokens": 300}


@every_way
def test_what_is_not_reported_is_none(way: Ask) -> None:
    with OpenAIServer(chat(GOOD)) as server:
        answer = way(make(server, price_input=1, price_output=1))
    assert (answer.usage, answer.cost) == (None, None)
    with OpenAIServer(chat(UNCITED, usage=(1, 1)), chat(GOOD)) as server:
        assert way(make(server)).usage is None
    with OpenAIServer(chat(GOOD, usage=(3, 4))) as server:
        answer = way(make(server))
    assert (answer.usage, answer.cost) == (Usage(3, 4, 7), None)


def test_one_price_alone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.price_input = 2\.0 has no llm\.price_output"):
        Prices.of(LlmConfig(price_input=2))


def test_any_llm_will_do() -> None:
    answer = ChineseAnswerSynthesizer(MockLLM()).synthesize("问", NODES)
    assert answer.usage is None
    assert answer.models == {"llm": "unknown"}
