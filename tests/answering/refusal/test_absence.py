"""What a question names and no document holds, over families of near-identical documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from pdf_factory import chinese_pdf, english_pdf

from qa_engine import Answer, QueryEngine, ingest
from qa_engine.answering.refusal.articles import Articles
from qa_engine.text.identifiers import identifiers
from qa_engine.types import Passage

SETTINGS = {"rerank": {"model": "none"}}
LAW = [
    f"第{number}条 仓库管理员应当在每月{number}日之前盘点货物，并把结果报告给主管部门。"
    for number in "一二三四五六七八"
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryEngine]:
    folder = tmp_path_factory.mktemp("families")
    embedding = HashEmbedding()
    for year, revenue in ((2021, 310), (2022, 355), (2023, 402)):
        chinese_pdf(
            folder / f"澄江电子{year}年年度报告.pdf",
            [
                f"澄江电子股份有限公司{year}年年度报告。",
                f"本年公司营业收入为{revenue}万元，净利润为{revenue // 10}万元。",
                "公司成立于2009年，2015年迁入新厂区，2018年成立研究院。",
            ],
            header=f"澄江电子{year}年年度报告",
        )
    english_pdf(
        folder / "Aero 5 manual.pdf",
        [
            "The Aero 5 weighs 1.9 kg. The battery of the Aero 5 lasts 38 minutes.",
            "Desmond Achterberg is the author.",
        ],
    )
    chinese_pdf(
        folder / "汀澜季报_2023Q1.pdf",
        [
            "汀澜地区2023年第一季度环境简报。",
            "青砚县的优良天数比例为84.6%，罚款合计31万元。",
            "王立新负责信访举报。",
        ],
        header="汀澜季报",
    )
    chinese_pdf(
        folder / "汀澜季报_2023Q2.pdf",
        [
            "汀澜地区2023年第二季度环境简报。",
            "青砚县的优良天数比例为88.2%，罚款合计45万元。",
            "王立新负责信访举报。",
        ],
        header="汀澜季报",
    )
    for number, fee in ((14, 800), (19, 950)):
        english_pdf(
            folder / f"SC-2022-0{number}.pdf",
            [
                "Services contract",
                f"4.1 The monthly fee is GBP {fee}.",
                f"4.2 Workers wear badge {fee} at any hour.",
            ],
        )
    chinese_pdf(
        folder / "传感器价目.pdf",
        [f"温度传感器TH{code:02}的单价为{code * 20}元，精度为0.{code}度。" for code in (1, 3, 5)],
        header="传感器价目",
    )
    chinese_pdf(
        folder / "储能电芯-196Ah-规格书.pdf",
        ["本规格书适用于196Ah磷酸铁锂电芯，循环寿命为2000次，以50A充电时为1800次。"],
        header="规格书",
    )
    chinese_pdf(
        folder / "红星机械厂史.pdf",
        ["红星机械厂的历史。", "1987年，王立新来到这里，后来成为技师。"],
        header="厂史",
    )
    chinese_pdf(folder / "仓库管理条例.pdf", ["临川市仓库管理条例", *LAW], header="仓库管理条例")
    chinese_pdf(
        folder / "门店值班手册.pdf",
        [
            "第一章 值班安排",
            "1.1 值班人员应当在八点之前到达门店。",
            "1.2 值班人员离开时应当锁好大门。",
            "第二章 交接",
            "2.1 交接时双方应当核对现金。",
        ],
        header="门店值班手册",
    )
    ingest(folder, folder / "storage", embed_model=embedding, config=SETTINGS)
    with QueryEngine.open(folder / "storage", embed_model=embedding, config=SETTINGS) as opened:
        yield opened


def missing(answer: Answer) -> list[str]:
    assert answer.refused == bool(answer.explanation and answer.explanation.missing)
    return list(answer.explanation.missing) if answer.explanation else []


@pytest.mark.parametrize(
    ("question", "named", "nearest"),
    [
        ("澄江电子2019年的营业收入是多少？", ["2019年"], ["2021", "2022"]),
        ("澄江电子二〇一五年的净利润是多少？", ["2015年"], ["2021", "2022"]),
        ("澄江电子2023年第二季度的营业收入是多少？", ["2023年第二季度"], []),
        ("温度传感器TH02的单价是多少？", ["TH02"], ["TH01"]),
        ("《仓库管理条例》第三百条是怎么规定的？", ["《仓库管理条例》第三百条"], ["8"]),
        ("仓库管理条例第九条规定了什么？", ["第九条"], ["8"]),
        ("临川仓库管理条例第九条规定了什么？", ["第九条"], ["8"]),
        ("门店值班手册第七章规定了什么？", ["第七章"], ["第2章"]),
        ("门店值班手册1.7条是怎么规定的？", ["1.7"], ["1.2"]),
        ("《安全生产法》第三条是怎么规定的？", ["《安全生产法》第三条"], []),
        ("106Ah电芯的循环寿命是多少次？", ["106Ah"], ["196Ah"]),
        ("牧原股份的净利润是多少？", ["牧原股份"], []),
        ("泽宁重工2022年的营业收入是多少？", ["泽宁重工"], []),
        ("《红楼梦》的营业收入是多少？", ["《红楼梦》"], []),
        ("Transformer的净利润是多少？", ["Transformer"], []),
        ("澄江电子2020年的营业收入是多少？", ["2020年"], ["2021", "2022"]),
        ("汀澜地区2023年第三季度罚款合计多少？", ["2023年第三季度"], ["2023Q2", "2023Q1"]),
        ("汀澜地区2023年下半年罚款合计多少？", ["2023年下半年"], ["2023"]),
        ("龙汀县的优良天数比例是多少？", ["龙汀县"], ["青砚县"]),
        ("李建国负责什么？", ["李建国"], []),
        (
            "What is the monthly fee under contract SC-2022-021?",
            ["SC-2022-021"],
            ["SC-2022-014", "SC-2022-019"],
        ),
        ("What does clause 4.9 of contract SC-2022-019 say?", ["4.9"], ["4.2"]),
        ("How much does the Aero 6 weigh?", ["Aero 6"], ["aero5"]),
        ("门店值班手册中条款1.9怎么规定？", ["1.9"], ["1.2"]),
        ("门店值班手册中条款3.1怎么规定？", ["3.1"], ["2.1"]),
    ],
)
def test_what_no_document_holds_is_refused(
    engine: QueryEngine, question: str, named: list[str], nearest: list[str]
) -> None:
    answer = engine.query(question)
    assert missing(answer) == named
    values = [near.value for near in answer.nearest]
    assert values[: len(nearest)] == nearest
    assert all(near.file and near.text and not near.text.endswith(".pdf") for near in answer.nearest)
    assert answer.to_dict()["nearest"] == [vars(near) for near in answer.nearest]


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ("澄江电子2022年的营业收入是多少？", "澄江电子2022年年度报告.pdf"),
        ("FY2023澄江电子的净利润是多少？", "澄江电子2023年年度报告.pdf"),
        ("公司哪一年迁入新厂区？", ""),
        ("公司2015年迁入了哪里？", ""),
        ("1987年，王立新任职于哪里？", ""),
        ("去年的营业收入是多少？", ""),
        ("温度传感器TH 03的单价是多少？", "传感器价目.pdf"),
        ("196Ah电芯以30A充电时循环寿命是多少次？", "储能电芯-196Ah-规格书.pdf"),
        ("澄江电子2022年的ROE是多少？", ""),
        ("《仓库管理条例》第3条是怎么规定的？", "仓库管理条例.pdf"),
        ("仓库管理条例第五条规定了什么？", "仓库管理条例.pdf"),
        ("门店值班手册第二章规定了什么？", "门店值班手册.pdf"),
        ("门店值班手册1.2条是怎么规定的？", "门店值班手册.pdf"),
        ("条款2.1是怎么规定的？", "门店值班手册.pdf"),
        ("What does clause 4.2 of contract SC-2022-019 say?", "SC-2022-019.pdf"),
        ("What is the monthly fee under contract SC 2022 014?", "SC-2022-014.pdf"),
        ("传感器价目第九章规定了什么？", ""),
        ("汀澜地区2023年第二季度罚款合计多少？", "汀澜季报_2023Q2.pdf"),
        ("汀澜地区Q1 2023罚款合计多少？", "汀澜季报_2023Q1.pdf"),
        ("青砚县2023年第一季度的优良天数比例是多少？", "汀澜季报_2023Q1.pdf"),
        ("王立新负责什么？", ""),
        ("How much does the aero 5 weigh?", "Aero 5 manual.pdf"),
    ],
)
def test_what_is_there_is_answered_from_the_right_file(engine: QueryEngine, question: str, file: str) -> None:
    answer = engine.query(question)
    assert missing(answer) == []
    assert {near.kind for near in answer.nearest} <= {"document"}  # a tie between the reports
    assert not file or {citation.file for citation in answer.citations} == {file}


def test_what_is_named_in_another_language_is_not_looked_up(tmp_path: Path) -> None:
    english_pdf(
        tmp_path / "llama2.pdf", ["The Masque of Anarchy was written by Shelley after the massacre of 1819."]
    )
    embedding = HashEmbedding()
    ingest(tmp_path / "llama2.pdf", tmp_path / "storage", embed_model=embedding, config=SETTINGS)
    with QueryEngine.open(tmp_path / "storage", embed_model=embedding, config=SETTINGS) as opened:
        for question in ("《暴政的假面游行》是1819年由谁写的？", "上海公司的诗人是谁？"):
            assert missing(opened.query(question)) == []
        assert missing(opened.query("1820年的诗人是谁？")) == ["1820年"]
        assert missing(opened.query("TXQ是谁写的？")) == ["TXQ"]
        assert missing(opened.query("MOA是谁写的？")) == []  # the first letters of what is spelled out
        assert missing(opened.query("Byron写了什么？")) == ["Byron"]  # which is written so in English as well
        assert missing(opened.query("Shelley写了什么？")) == []


def test_it_can_be_switched_off(engine: QueryEngine, tmp_path: Path) -> None:
    answer = engine.query("牧原股份的净利润是多少？")
    assert answer.refused
    gate = engine._flow.gate
    gate._looks_up = False
    try:
        assert not engine.query("牧原股份的净利润是多少？").refused
    finally:
        gate._looks_up = True


def test_an_annex_is_missing_only_where_others_are_numbered() -> None:
    (annex,) = identifiers("申请表的附件三要求什么？")
    assert (annex.kind, annex.value) == ("annex", "附件3")

    def has(text: str) -> bool:
        return Articles([Passage("d-0000000..1", text)], None, True).has_annex(annex)

    assert has("附件：申请材料清单") and has("附件一、附件三") and has("见附件 3。")
    assert not has("附件一 材料；附件二 表格") and not has("附件1、附件2、附件十三")
