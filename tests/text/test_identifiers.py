"""Identifiers of questions, and what texts hold of them."""

from __future__ import annotations

import pytest

from qa_engine.text.identifiers import articles_of, codes_of, identifiers


def named(question: str) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in identifiers(question)]


@pytest.mark.parametrize(
    "question",
    [
        "公司的年假有几天？",
        "去年的营业收入是多少？",
        "90年代的工厂有几家？1990年代呢？",
        "2000吨货物要付多少钱，用掉196Ah呢，第3页写了什么？",
        "加权净资产收益率是百分之几？",
        "怎么发Email？",
        "What is the income of part 2?",
        "What are the top 10 items on page 3 of 14 March?",
        "in 2000 samples, how many failed?",
        "",
    ],
)
def test_quantities_and_general_words_are_no_identifiers(question: str) -> None:
    assert named(question) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("二〇二三年的净利润", [("year", "2023")]),
        ("FY2023的收入", [("year", "2023")]),
        ("2023/24财年的收入", [("year", "2023")]),
        ("2021-2022年的收入", [("year", "2021"), ("year", "2022")]),
        ("24年第二季度的营收", [("quarter", "2024Q2")]),
        ("24Q1的营收", [("quarter", "2024Q1")]),
        ("What was the revenue in 2020?", [("year", "2020")]),
        ("岚峤的LQ-SC3000型堆垛机", [("code", "lqsc3000")]),
        ("Llama 2有多少参数", [("code", "llama2")]),
        ("第一百零五条规定了什么", [("article", "105")]),
        ("第十二章第3节规定了什么", [("clause", "第12章"), ("clause", "第3节")]),
        ("增长了9.2%，4.1.12条怎么说", [("clause", "4.1.12")]),
        ("条款7.4怎么规定", [("clause", "7.4")]),
        ("§9.2规定了什么", [("clause", "9.2")]),
        ("What does clause 11.4 say?", [("clause", "11.4")]),
        ("What does clause 11 say?", [("article", "11")]),
        ("Article 44说了什么", [("article", "44")]),
        ("How much does the Aero 6 weigh?", [("numbered", "aero6"), ("name", "Aero")]),
        ("故障代码E08是什么", [("numbered", "e08")]),
        ("wx 500的重量", [("numbered", "wx500")]),
        ("霖川市的停车费", [("place", "霖川")]),
        ("用了多少块GPU", [("word", "GPU")]),
        ("How many GPUs were used?", []),
        ("贵州茅台的目标价", [("name", "贵州茅台")]),
        ("牧原股份出栏了多少头猪", [("name", "牧原股份")]),
        ("《红楼梦》的作者是谁", [("title", "红楼梦")]),
        ("Transformer的公式", [("name", "Transformer")]),
        ("What was the income at year-end 2021?", [("year", "2021")]),
        ("Harrowmere Foods 2021 net interest?", [("year", "2021"), ("name", "Foods")]),
        ("What were fiscal 2023 sales?", [("year", "2023")]),
        ("How much did Apple earn?", [("name", "Apple")]),
    ],
)
def test_identifiers_in_any_writing(question: str, expected: list[tuple[str, str]]) -> None:
    assert named(question) == expected


def test_an_article_knows_its_work() -> None:
    (marked,) = identifiers("《劳动合同法》第六十二条怎么规定")
    (bare,) = identifiers("采购合同第16条讲什么")
    assert (marked.value, marked.work, marked.marked) == ("62", "劳动合同法", True)
    assert (bare.value, bare.work, bare.marked) == ("16", "采购合同", False)


def test_texts_hold_articles_and_codes() -> None:
    assert articles_of("第十六条 违约") == {16}
    assert articles_of("16. 违约责任") == {16}
    assert list(codes_of("型号 LQ-SC1500，重 20 kg")) == ["lqsc1500"]
    assert list(codes_of("传感器-温度-TH01量程，传感器-温度-TH10")) == ["th01", "th10"]


def test_long_runs_of_letters_are_read_in_no_time() -> None:
    """Papers hold sequences of bases; a pattern that tries all ways to cut them would not come back from these."""
    assert codes_of("GATTACA" * 500 + " LQ-7 " + "GATTACA" * 500 + "@") == {"lq7": "LQ-7"}
    assert codes_of("A1" + "GATTACA" * 500 + "@") == {}
