"""Whole conversations without a language model: each question, and what is asked in its place."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.conversation.condense import QuestionCondenser
from qa_engine.conversation.items import items, replaced
from qa_engine.conversation.rule_condenser import resolve
from qa_engine.conversation.turns import Turn

SAME = ""
"""The question stays as it is."""
DIALOGUES = {
    "codes": [
        ("传感器TH01的单价是多少？", SAME),
        ("它的供电电压呢？", "传感器TH01的供电电压是多少？"),
        ("那TH10呢？", "传感器TH10的供电电压是多少？"),
        ("TH20的精度呢？", "传感器TH20的精度是多少？"),
        ("那XR-2000呢？", "传感器XR-2000的精度是多少？"),
    ],
    "years": [
        ("公司2023年的营业收入是多少？", SAME),
        ("那2022年呢？", "公司2022年的营业收入是多少？"),
        ("那一年的净利润呢？", "公司2022年的净利润是多少？"),
        ("2021年的研发费用呢？", "公司2021年的研发费用是多少？"),
        ("去年呢？", "公司去年的研发费用是多少？"),
        ("第三季度呢？", "公司去年第三季度的研发费用是多少？"),
    ],
    "quarters": [
        ("2023年第二季度营收是多少？", SAME),
        ("第三季度呢？", "2023年第三季度营收是多少？"),
        ("那2022年呢", "2022年第三季度营收是多少？"),
        ("2021年第一季度呢？", "2021年第一季度营收是多少？"),
    ],
    "a year is put in": [("会费是多少？", SAME), ("2022年呢？", "2022年会费是多少？")],
    "articles": [
        ("《劳动合同法》第三条规定了什么？", SAME),
        ("第五条呢？", "《劳动合同法》第五条规定了什么？"),
        ("第十二条？", "《劳动合同法》第十二条规定了什么？"),
    ],
    "people": [
        ("张三的工资是多少？", SAME),
        ("那李四呢？", "李四的工资是多少？"),
        ("他的电话呢？", "李四的电话是多少？"),
    ],
    "places": [
        ("杭州的差旅费标准是多少？", SAME),
        ("上海呢？", "上海的差旅费标准是多少？"),
        ("那北京的住宿标准呢？", "北京的住宿标准是多少？"),
    ],
    "firms": [
        ("贵州茅台2023年的营业收入是多少？", SAME),
        ("那五粮液呢？", "五粮液2023年的营业收入是多少？"),
        ("净利润呢？", "五粮液2023年的净利润是多少？"),
    ],
    "firms of two words": [("比亚迪的总部在哪里？", SAME), ("那宁德时代呢？", "宁德时代的总部在哪里？")],
    "offices": [("公司的董事长是谁？", SAME), ("总经理呢？", "公司的总经理是谁？")],
    "levels": [
        ("一级资质的注册资金要求是多少？", SAME),
        ("二级呢？", "二级资质的注册资金要求是多少？"),
        ("丙级呢？", "丙级资质的注册资金要求是多少？"),
    ],
    "parties": [("甲方的义务有哪些？", SAME), ("乙方呢？", "乙方的义务有哪些？")],
    "quantities": [
        ("工龄满10年的员工年假有几天？", SAME),
        ("20年呢？", "工龄满20年的员工年假有几天？"),
        ("那满5年的呢？", "工龄满5年的员工年假有几天？"),
    ],
    "tables": [("表3说明了什么？", SAME), ("那表4呢？", "表4说明了什么？")],
    "sizes": [("7B模型有多少层？", SAME), ("那13B呢？", "13B模型有多少层？"), ("70B？", "70B模型有多少层？")],
    "the year of an answer": [("雷峰塔在哪一年重建？", SAME), ("那一年谁是馆长？", "2002年谁是馆长？")],
    "English codes": [
        ("What is the price of TH01?", SAME),
        ("what about TH10?", "What is the price of TH10?"),
        ("And its weight?", "And TH10's weight?"),
    ],
    "English years": [
        ("What was the revenue in 2023?", SAME),
        ("and in 2022?", "What was the revenue in 2022?"),
        ("what about 2021?", "What was the revenue in 2021?"),
        ("How much was it that year?", "How much was the revenue in 2021?"),
    ],
    "English names": [
        ("How many parameters does Llama 2 have?", SAME),
        ("What about Mistral?", "How many parameters does Mistral have?"),
        ("And GPT-4?", "How many parameters does GPT-4 have?"),
    ],
    "English places and articles": [
        ("What is the capital of France?", SAME),
        ("And Germany?", "What is the capital of Germany?"),
        ("What does Article 3 say?", SAME),
        ("Article 7?", "What does Article 7 say?"),
    ],
    "both languages": [("Llama 2有多少参数？", SAME), ("what about Mistral?", "Mistral有多少参数？")],
    "two codes": [("TH01和TH02哪个便宜？", SAME), ("那TH10呢？", SAME)],
    "no counterpart": [("会费是多少？", SAME), ("那张三呢？", SAME), ("2022年呢？", SAME)],
    "another kind": [("员工有几天年假？", SAME), ("经理呢？", SAME)],
    "other subjects": [
        ("西湖的面积是多少？", SAME),
        ("那苏堤有多长？", "苏堤有多长？"),
        ("多头注意力机制的计算公式是什么？", SAME),
        ("2019年的年度报告由哪家会计师事务所审计？", SAME),
        ("What is the voltage of the sensor in 2024?", SAME),
    ],
    "the document": [
        ("西湖的面积是多少？", SAME),
        ("这份文件有多少页？", SAME),
        ("这篇论文的作者是谁？", SAME),
        ("《员工手册》的密级是什么？", SAME),
        ("这份文件的保管人是谁？", "《员工手册》的保管人是谁？"),
        ("租赁合同的租金是多少？", SAME),
        ("这份合同的甲方是谁？", "租赁合同的甲方是谁？"),
    ],
    "what is complete": [
        ("TH01的单价是多少？", SAME),
        ("TH10是什么？", SAME),
        ("第五条规定了什么？", SAME),
        ("2022年公司的净利润是多少？", SAME),
        ("Who founded Meta?", SAME),
    ],
}
ANSWERS = {"雷峰塔在哪一年重建？": "雷峰塔于2002年重建[1]。"}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(name: str) -> None:
    condenser, history = QuestionCondenser(None), []
    for question, expected in DIALOGUES[name]:
        standalone = condenser.run(question, history).standalone
        assert standalone == (expected or question)
        history.append(Turn(question, standalone, ANSWERS.get(question, "见文档[1]。"), refused=False))


_QUESTIONS = [question for turns in DIALOGUES.values() for question, expected in turns if expected is SAME]
_COMPLETE = [
    question for question in _QUESTIONS if not question.startswith("那") and not question.endswith("呢？")
]
_WORDS = "那 呢 TH01 TH10 2022年 第五条 一级 张三 和 的 单价 那一年 what about and in 2022 Mistral Llama 2 7B ？ ?".split()  # noqa: SIM905
_TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(_WORDS), max_size=8).map("".join)


class TestAnyText:
    @given(_TEXTS, _TEXTS, _TEXTS)
    def test_none_breaks_it(self, question: str, previous: str, answer: str) -> None:
        assert bool(resolve(question, previous, answer).strip()) == bool(question.strip())
        assert replaced(previous, question) is None or isinstance(replaced(previous, question), str)

    @given(_TEXTS)
    def test_things_stand_where_they_say(self, text: str) -> None:
        found = items(text)
        assert all(text[item.start : item.end] == item.text for item in found)
        assert all(one.end <= other.start for one, other in pairwise(found))

    @given(st.sampled_from(_COMPLETE), st.sampled_from(_QUESTIONS) | _TEXTS)
    def test_a_question_that_stands_alone_stays_as_it_is(self, question: str, previous: str) -> None:
        assert resolve(question, previous, "2019年，2020年。") == question
