"""Parts of questions: what is divided, into what, and the many questions that must stay as they are."""

from __future__ import annotations

import pytest

from qa_engine.retrieval.decomposition.rules import parts_of


@pytest.mark.parametrize(
    "question",
    [
        "",
        "？？",
        "西湖有多深？",
        "中华人民共和国的首都是什么？",
        "甲和乙的区别是什么？",
        "野马队和钢人队比赛的最终比分是多少？",
        "德国环境与自然保护联盟的英文是什么？",
        "苏州的湖与杭州的湖之间有什么关系？",
        "试用期内的员工想辞职，得提前几天打招呼？",
        "为什么短时间连发很多推送，最后只能收到一条？",
        "1984年6月至1985年1月，他担任什么职务？",
        "甲公司和乙公司闹纠纷谈不拢，该去哪个机构仲裁？",
        "2020年的研发费用比上一年增长多少？",
        "2015年至2022年各年的净利润是多少？",
        "How and when did the plague enter Europe?",
        "When many people are arrested, what is a common tactic?",
        "What happened to the forests between 2004 and 2014?",
        "What are the terms and conditions of the contract?",
        "How many men did  he send to the  fort ?",
        "一二三四五六".join("和与及、年的？比"),
    ],
)
def test_a_question_of_one_part_stays_as_it_is(question: str) -> None:
    assert parts_of(question) == []


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("公司的注册资本和法定代表人分别是什么？", ["公司的注册资本是什么？", "公司的法定代表人是什么？"]),
        (
            "甲公司2022年的营业收入、净利润是多少？",
            ["甲公司2022年的营业收入是多少？", "甲公司2022年的净利润是多少？"],
        ),
        (
            "甲公司、乙公司和丙公司的毛利率分别是多少？",
            ["甲公司的毛利率是多少？", "乙公司的毛利率是多少？", "丙公司的毛利率是多少？"],
        ),
        (
            "甲集团和乙公司2023年谁的毛利率更高？",
            ["甲集团2023年的毛利率是多少？", "乙公司2023年的毛利率是多少？"],
        ),
        ("LQ-100和LQ-200哪款的额定功率更大？", ["LQ-100的额定功率是多少？", "LQ-200的额定功率是多少？"]),
        (
            "What is the revenue and the net income of Acme?",
            ["What is the revenue of Acme?", "What is the net income of Acme?"],
        ),
        (
            "Which of Acme and Best Co had the highest sales in 2022?",
            ["Acme had sales in 2022?", "Best Co had sales in 2022?"],
        ),
    ],
)
def test_several_things_are_asked_for_one_by_one(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("禾丰2021年和2022年的存货各有多少？", ["禾丰2021年的存货有多少？", "禾丰2022年的存货有多少？"]),
        (
            "前五大客户的占比,2021年末和2022年末各是多少？",
            ["前五大客户的占比,2021年末是多少？", "前五大客户的占比,2022年末是多少？"],
        ),
        ("北区、南区24Q1各卖了多少？", ["北区24Q1卖了多少？", "南区24Q1卖了多少？"]),
        ("2021年和2022年的营业收入分别是多少？", ["2021年的营业收入是多少？", "2022年的营业收入是多少？"]),
        (
            "公司2022年营业收入比2021年增长多少？",
            [
                "公司2022年营业收入比2021年增长多少？",
                "公司2022年营业收入是多少？",
                "公司2021年营业收入是多少？",
            ],
        ),
        (
            "公司2022年比2021年营业收入增长多少？",
            [
                "公司2022年比2021年营业收入增长多少？",
                "公司2022年营业收入是多少？",
                "公司2021年营业收入是多少？",
            ],
        ),
        (
            "2019年至2021年的净利润分别是多少？",
            ["2019年的净利润是多少？", "2020年的净利润是多少？", "2021年的净利润是多少？"],
        ),
        ("2020年至2021年各年的净利润是多少？", ["2020年的净利润是多少？", "2021年的净利润是多少？"]),
        (
            "Did sales rise between FY2021 and FY2022?",
            [
                "Did sales rise between FY2021 and FY2022?",
                "Did sales rise in FY2021?",
                "Did sales rise in FY2022?",
            ],
        ),
    ],
)
def test_years_are_asked_for_one_by_one(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("注册资本是多少？法定代表人是谁？", ["注册资本是多少？", "法定代表人是谁？"]),
        ("年末持股最多的股东是谁，占多少？", ["年末持股最多的股东是谁？", "年末持股最多的股东占多少？"]),
        ("这份研报的分析师是谁，证书号是多少？", ["这份研报的分析师是谁？", "这份研报的证书号是多少？"]),
        (
            "二级保护在多高电压触发，触发后怎么处理？",
            ["二级保护在多高电压触发？", "二级保护触发后怎么处理？"],
        ),
        ("公司2020年捐赠支出多少，2019年呢？", ["公司2020年捐赠支出多少？", "公司2019年捐赠支出多少？"]),
        ("甲公司的毛利率是多少？乙公司呢？", ["甲公司的毛利率是多少？", "乙公司的毛利率是多少？"]),
        ("What does Acme make and where is it made?", ["What does Acme make?", "where is it made (Acme)?"]),
    ],
)
def test_questions_in_one_text_take_over_what_they_lack(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


def test_how_to_word_the_answer_is_not_searched_for() -> None:
    question = (
        "Has the margin improved? If it is not a useful metric, then please state that and explain why."
    )
    assert parts_of(question) == ["Has the margin improved?"]


def test_a_question_of_too_many_parts_is_one() -> None:
    assert parts_of("北京、上海、广州、深圳、杭州和成都的人口分别是多少？") == []
