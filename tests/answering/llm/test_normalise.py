from __future__ import annotations

import re

import pytest
from growth import assert_grows_linearly
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.llm.normalise import HEAD_CHARS, StreamNormaliser, normalise
from qa_engine.errors import ConfigurationError


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "<think>还没想完",
        "<think>想</think>",
        "```\n```",
        "我无法回答您的问题",
        "我无法回答您的问题。",
        "**我无法回答您的问题**",
        "“我无法回答您的问题。”",
        "```\n我无法回答您的问题\n```",
        "<think>想\n一想</think>\n\n我无法回答您的问题",
        "回答：我无法回答您的问题",
        "我无法回答您的问题。已知信息中没有提到巴黎的人口。",
        "抱歉，根据已知信息无法回答该问题。",
        "我无法回答您的问题\n\n资料编号：[1][2]",
        "我无法回答您的问题。\n来源：资料 1",
        "[1]\n我无法回答您的问题",
        "很抱歉，我无法根据提供的资料回答您的问题。",
        "对不起，我不能回答这个问题。",
        "抱歉！文档中没有提到相关内容。",
        "文档中没有提到巴黎的人口。",
        "文档中没有提到巴黎的人口。不过，根据一般知识，巴黎人口约为两百万。",
        "文档中没有提到巴黎人口，但一般来说约两百万。",
        "无法从提供的资料中找到答案。",
        "从资料中无法确定作者的年龄。",
        "根据已知信息[1][2]，我无法回答您的问题。",
        "已知信息中没有足够的信息来回答这个问题。",
        "已知信息不足以回答该问题。",
        "没有找到相关信息。",
        "未找到与该问题相关的内容。",
        "提供的文档并没有包含有关巴黎的信息，因此我无法回答您的问题。",
        "文档介绍了甲和乙。但没有提到丙，因此我无法回答您的问题。",
        "资料中并未提及该模型的训练成本，无法回答您的问题。",
        "很遗憾，提供的上下文没有说明这一点。如果您能提供更多资料，我很乐意帮助。",
        "该问题在资料中没有提及。",
        "我不知道。",
        "I cannot answer your question.",
        "I'm sorry, but I can't answer this based on the documents.",
        "Based on the provided information, I am unable to answer.",
        "The provided documents do not mention the population of Paris.",
        "There is no information about that in the passages.",
    ],
)
def test_refusals_in_other_words(text: str) -> None:
    assert normalise(text, 3) == (REFUSAL, True)


@pytest.mark.parametrize(
    "text",
    [
        "文中没有提到价格，但重量是3公斤[1]。",
        "抱歉，文档中没有提到价格。不过重量是3公斤[1]。",
        "文中没有提到价格，但重量是3公斤。",
        "该模型没有使用强化学习。",
        "不，该模型不是开源的。",
        "论文中没有提到价格[1]。",
        "该系统在断网时无法回答用户的问题[1]。",
        "该系统的文档检索模块无法回答长问题。",
        "由于上下文过长，模型无法回答[1]。",
        "没有发现任何安全漏洞[1]。",
        "作者认为无法确定因果关系[1]。",
        "没有。文中给出的规模是7B[1]。",
        "文中没有给出具体数值，而是使用了范围7B到70B[1]。",
        "The model does not mention it; it has 70B parameters [1].",
    ],
)
def test_answers_with_a_negation_stay_answers(text: str) -> None:
    assert normalise(text, 3) == (text, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲[1][2]", "甲[1][2]"),
        ("甲[1,2]", "甲[1][2]"),
        ("甲[1、2]", "甲[1][2]"),
        ("甲【1】", "甲[1]"),
        ("甲［1］", "甲[1]"),
        ("甲⟦资料 2⟧", "甲[2]"),
        ("甲[资料1，资料 2]", "甲[1][2]"),
        ("甲[^1]", "甲[1]"),
        ("甲【1†source】", "甲[1]"),
        ("甲[1-3]", "甲[1][2][3]"),
        ("甲[1-999]", "甲[1][2][3]"),
        ("甲[1]、[2]。", "甲[1][2]。"),
        ("甲[1] [2]", "甲[1][2]"),
        ("(甲[1])", "(甲[1])"),
    ],
)
def test_citations_are_unified(text: str, expected: str) -> None:
    assert normalise(text, 3) == (expected, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲[9]。", "甲。"),
        ("甲 [9]。", "甲。"),
        ("甲（[9]）。", "甲。"),
        ("甲[1][9]", "甲[1]"),
        ("甲[1, 9]", "甲[1]"),
        ("甲[2-9]", "甲[2][3]"),
        ("甲[1] 乙[9] 丙", "甲[1] 乙 丙"),
        ("[9] 甲", "甲"),
    ],
)
def test_numbers_of_passages_that_do_not_exist_are_removed(text: str, expected: str) -> None:
    assert normalise(text, 3) == (expected, False)


@pytest.mark.parametrize(
    "text", ["[2020]甲", "区间[0, 1]", "x[0]", "[注意]甲", "甲[1.5]", "甲[-1, 1]", "[007]甲"]
)
def test_brackets_that_are_no_citations_stay(text: str) -> None:
    assert normalise(text, 3) == (text, False)


def test_wrappings_go() -> None:
    assert normalise("<think>[1]\n想</think>\n```markdown\n甲[1]\n```\n", 3) == ("甲[1]", False)
    assert normalise("没有开头的推理\n</think>\n\n甲[1]", 3) == ("甲[1]", False)
    assert normalise("甲：\n```py\nx\n```\n乙[1]", 3) == ("甲：\n```py\nx\n```\n乙[1]", False)
    assert normalise("输出以<think>开头、</think>结束[1]", 3) == ("输出以<think>开头、</think>结束[1]", False)


def read(text: str, cuts: list[int], passages: int = 3) -> tuple[list[str], str, bool]:
    stream = StreamNormaliser(passages)
    ends = [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    shown = [stream.feed(text[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    rest, whole, refused = stream.finish()
    return [*shown, rest], whole, refused


MARKS = [
    "[1]",
    "【2】",
    "[9]",
    "（[9]）",
    "[1, 2]",
    "[1-3]",
    "[2020]",
    "[0,1]",
    "⟦资料 ",
    "【1†s",
    "[",
    "]",
    "（",
    ")",
]
WRAPPINGS = ["<think>", "</think>", "\n</think>\n", "<", "```", "```py\n", "`"]
WORDS = [
    "抱歉，",
    "根据已知信息",
    "我无法回答您的问题",
    "文档中没有提到",
    "但",
    "规模是70亿",
    "I cannot answer",
    "a",
]
SIGNS = ["、", "，", "。", ".", " ", "\t", "\n", "\n\n", "长" * 120]
PIECES = st.sampled_from([*MARKS, *WRAPPINGS, *WORDS, *SIGNS])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.lists(st.integers(0, 400), max_size=30))
def test_stream_and_whole_text_agree_however_it_is_cut(text: str, cuts: list[int]) -> None:
    expected = normalise(text, 3)
    try:
        shown, whole, refused = read(text, cuts)
    except ConfigurationError:
        assert re.search(r"\n[ \t]*</think>", text)
        return
    assert "".join(shown) == whole
    assert (whole, refused) == expected


@given(st.text(), st.lists(st.integers(0, 400), max_size=10))
def test_any_text_gives_some_normal_form(text: str, cuts: list[int]) -> None:
    shown, whole, refused = read(text, cuts)
    assert "".join(shown) == whole
    assert whole == whole.strip() != ""
    assert refused == (whole == REFUSAL)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_a_normal_form_cites_only_passages_that_exist(text: str) -> None:
    whole, _ = normalise(text, 3)
    assert {int(number) for number in re.findall(r"\[([1-9]\d{0,2})\]", whole)} <= {1, 2, 3}


def test_nothing_of_a_refusal_is_shown_before_its_end() -> None:
    stream = StreamNormaliser(3)
    assert [stream.feed(char) for char in "抱歉，文档中没有提到这一点[1]。所以我无法回答。"] == [""] * 25
    assert stream.finish() == (REFUSAL, REFUSAL, True)


def test_text_flows_after_the_first_cited_sentence() -> None:
    stream = StreamNormaliser(3)
    assert stream.feed("规模为70亿[1]") == ""
    assert stream.feed("。其") == "规模为70亿[1]。其"
    assert stream.feed("次") == "次"
    assert stream.feed("有【") == "有"
    assert stream.feed("2】") == ""
    assert stream.feed("两种") == "[2]两种"


def test_long_text_without_citation_flows_too() -> None:
    stream = StreamNormaliser(3)
    assert stream.feed("长" * (HEAD_CHARS - 1)) == ""
    assert stream.feed("长") == "长" * HEAD_CHARS


def test_reasoning_that_was_shown_as_an_answer_is_an_error() -> None:
    stream = StreamNormaliser(3)
    assert stream.feed("先看第一段[1]。然后")
    with pytest.raises(ConfigurationError, match="reasoning"):
        stream.feed("\n</think>\n\n答案[1]")


@pytest.mark.parametrize(
    "text", ["[1]、", "[", "（", " ", "\n", "`", "没有", "抱歉，", "<think>", "\n</think"]
)
def test_a_model_that_repeats_itself_does_not_take_for_ever(text: str) -> None:
    def streamed(part: str) -> None:
        stream = StreamNormaliser(3)
        for char in part:
            stream.feed(char)
        stream.finish()

    assert_grows_linearly(streamed, text * (6000 // len(text)))
    assert_grows_linearly(lambda part: normalise(part, 3), text * (20_000 // len(text)))
