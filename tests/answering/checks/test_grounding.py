from __future__ import annotations

import pytest
from growth import assert_grows_linearly
from hypothesis import example, given, settings
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.checks.grounding import unsupported


def found(answer: str, *passages: str, question: str = "问题？", **metadata: object) -> list[str]:
    nodes = [NodeWithScore(node=TextNode(text=text, metadata=dict(metadata))) for text in passages]
    return unsupported(answer, question, nodes)


@pytest.mark.parametrize(
    ("answer", "passage", "expected"),
    [
        ("限值为4.2×10⁵个/m³[1]。", "限值为4.2×10⁵个/m³。", []),
        ("限值为4.2×10^5个/m3[1]。", "限值为4.2×10⁵个/m³。", []),
        ("学习率为10^-3[1]。", "The rate is 10⁻³.", []),
        ("Ca2+浓度高[1]。", "Ca²⁺浓度高。", []),
        ("限值为105个[1]。", "限值为10⁵个。", ["105"]),
        ("限值为10^6个[1]。", "限值为10⁵个。", ["6"]),
    ],
)
def test_powers_are_compared_however_they_are_written(answer: str, passage: str, expected: list[str]) -> None:
    assert found(answer, passage) == expected


@pytest.mark.parametrize(
    ("answer", "passage", "expected"),
    [
        ("增长了13%[1]。", "增长了12%。", ["13%"]),
        ("增长了百分之十三[1]。", "增长了12%。", ["百分之十三"]),
        ("共有1,300人[1]。", "共有1200人。", ["1,300"]),
        ("共有一千三百人[1]。", "共有1200人。", ["一千三百"]),
        ("参数为70亿[1]。", "参数为7百万。", ["70亿"]),
        ("参数为13B[1]。", "参数为7B。", ["13B"]),
        ("2024年6月成立[1]。", "公司于2024年5月成立，有6人。", ["2024年6月"]),
        ("2023年5月成立[1]。", "Founded in May 2024.", ["2023年5月"]),
        ("2024年5月3日成立[1]。", "2024年5月8日成立。", ["2024年5月3日"]),
        ("成立于二〇二三年[1]。", "成立于2024年。", ["二〇二三"]),
        ("工程结束.5月成立公司[1]。", "公司6月成立，工程结束。", ["5月"]),
        ("OpenAI5月发布[1]。", "OpenAI于6月发布。", ["5月"]),
        ("保修三年[1]。", "保修期为24个月。", ["三年"]),
        ("作者是 Geoffrey Hinton[1]。", "The author is Yann LeCun.", ["Geoffrey Hinton"]),
        ("作者是 Yann Hinton[1]。", "The author is Yann LeCun.", ["Hinton"]),
        ("符合 ISO 9001 标准[1]。", "符合GB/T 19001标准。", ["ISO", "9001"]),
        ("使用GPT-5生成[1]。", "使用GPT-4生成。", ["GPT-5"]),
        ("出自《西湖梦寻》[1]。", "出自《陶庵梦忆》。", ["西湖梦寻"]),
        ("由“断桥残雪”得名[1]。", "由“雷峰夕照”得名。", ["断桥残雪"]),
        ("全文三分之二[1]。", "全文5页中的1页。", ["三分之二"]),
        ("甲[1]，乙在2030年[1]，丙在2030年[1]。", "甲乙丙", ["2030"]),
    ],
)
def test_what_no_passage_says_is_named(answer: str, passage: str, expected: list[str]) -> None:
    assert found(answer, passage) == expected


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("增长了12%[1]。", "增长了百分之十二。"),
        ("增长了百分之十二[1]。", "It grew by 12 percent."),
        ("增长了百分之十二点五[1]。", "12.5%"),
        ("占比12%[1]。", "a ratio of 0.12"),
        ("共1200人[1]。", "共1,200人"),
        ("共1,200人[1]。", "共一千二百人"),
        ("共１２００人[1]。", "共1200人"),
        ("投资300万元[1]。", "3 million yuan"),
        ("投资300万元[1]。", "单位：万元\n投资 | 300"),
        ("投资3,000,000元[1]。", "投资三百万元"),
        ("参数为70亿[1]。", "a model with 7B parameters"),
        ("参数为7B[1]。", "70億參數"),
        ("2024年5月[1]。", "in May 2024"),
        ("2024年5月3日[1]。", "on May 3, 2024"),
        ("2024年5月3日[1]。", "二〇二四年五月三日"),
        ("2024年5月3日[1]。", "2024-05-03"),
        ("2024年5月3日[1]。", "2024/5/3"),
        ("5月8日结束[1]。", "2024年5月3日至8日"),
        ("二〇二四年五月[1]。", "2024.05.01"),
        ("一共三分之一[1]。", "one third of it"),
        ("保修三年[1]。", "guaranteed for three years"),
        ("保修三年[1]。", "保修3年"),
        ("晚上8点开始[1]。", "20:00开始"),
        ("第三十二条规定[1]。", "第32条"),
        ("人口约二万亿[1]。", "2 trillion"),
        ("使用 LlamaIndex 和 fine-tuning[1]。", "Llama Index was fine tuned."),
        ("使用GPT4与transformers[1]。", "GPT-4 is a Transformer."),
        ("由 IMF 公布[1]。", "published by the International Monetary Fund"),
        ("Beyoncé 演唱[1]。", "sung by Beyonce"),
        ("重5kg，长3 m[1]。", "重5公斤，长3米"),
        ("见《陶庵夢憶》[1]。", "出自《陶庵梦忆》"),
        ("称为“人工智能”[1]。", "人工智慧和人 工 智 能"),
        ("1. 甲\n2、乙\n（3）丙\n四、丁[1]", "甲乙丙丁"),
        ("① 甲；② 乙；3）丙[1]。", "甲乙丙"),
        ("第一，甲；第二，乙。步骤3：丙[1]。", "甲乙丙"),
        ("根据资料1和资料2，甲[1]。", "甲"),
        ("甲[1][1]乙[1]。", "甲乙"),
        ("十分重要，千万不要三心二意，万一有事，一些人三三两两[1]。", "无"),
        ("共三个方面，一种方法[1]。", "无"),
        ("原文说“这是一个很长的句子，里面有逗号”[1]。", "无"),
        ("公式 $\\frac{a}{b}$[1]。", "a b"),
    ],
)
def test_what_is_only_written_otherwise_is_supported(answer: str, passage: str) -> None:
    assert found(answer, passage) == []


def test_the_question_supports_what_it_says() -> None:
    question = "GPT-4 在2023年的《测试》中得了85分吗？"
    assert found("GPT-4 在2023年的《测试》中得了85分[1]。", "是的。", question=question) == []


def test_file_page_section_and_table_are_shown_too() -> None:
    nodes = [
        NodeWithScore(
            node=TextNode(
                text="甲",
                metadata={
                    "file_name": "Report-2021.pdf",
                    "page": 17,
                    "section": "第8章",
                    "tables": ["| a |\n| 99 |"],
                },
            )
        )
    ]
    assert unsupported("Report-2021.pdf 第17页第8章有99[1]。", "？", nodes) == []


def test_chinese_names_are_not_looked_for_in_passages_of_other_languages() -> None:
    assert found("片名是《奥本海默》[1]。", "The film is Oppenheimer.") == []
    assert found("片名是《奥本海默》[1]，又名《原子》[2]。", "The film is Oppenheimer.", "片名待定。") == [
        "原子"
    ]


def test_no_text_makes_no_claims() -> None:
    assert found("", "甲") == []
    assert found("很好[1]。") == []


ODD = st.text(
    alphabet="0123456789,.%年月日万亿千百十〇一二两点分之第[]()（）《》“”ABk-/ \n①资料½²", max_size=60
)


@settings(max_examples=100, deadline=None)
@example("0万百月", "")
@example("2①月", "")
@example("0分之亿", "")
@example("0一一月", "")
@example("0.1月", "")
@example("AA0月", "")
@given(ODD, ODD)
def test_any_text_supports_itself(answer: str, other: str) -> None:
    assert all(item for item in found(answer, other))
    assert found(answer, f"{answer}\n{other}") == []


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_text_is_judged(answer: str, passage: str) -> None:
    assert all(item for item in found(answer, passage))


@pytest.mark.parametrize(
    "text", ["一" * 50_000, "9" * 50_000, "1," * 20_000, "A-" * 20_000, "《" * 20_000, "1月" * 10_000]
)
def test_a_model_that_repeats_itself_is_judged_in_time(text: str) -> None:
    assert_grows_linearly(lambda part: found(part, part[:20_000]), text)
