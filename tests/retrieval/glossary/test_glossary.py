"""Terms in questions: what counts as the same word, which of several terms counts, and the shipped glossary."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.config import Config, RetrievalConfig
from qa_engine.errors import ConfigurationError
from qa_engine.retrieval.glossary.files import GlossaryEntry
from qa_engine.retrieval.glossary.glossary import Glossary, GlossaryTerm, build_glossary

GLOSSARY = Glossary(
    [
        GlossaryEntry(("毛利率", "gross margin"), ("毛利", "cost of sales"), ("income_statement",)),
        GlossaryEntry(("毛利",), ("营业收入",)),
        GlossaryEntry(("margin",), ("保证金",)),
        GlossaryEntry(("R&D",), ("research",)),
        GlossaryEntry(("@income_statement",), ("利润表", "statements of income")),
    ]
)


def terms(question: str) -> list[str]:
    return [found.term for found in GLOSSARY.terms(question)]


@pytest.mark.parametrize(
    "question", ["", "？！", "西湖有多深？", "marginal costs", "gross: margins2", "R and D"]
)
def test_a_question_without_a_term_has_none(question: str) -> None:
    assert terms(question) == []


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("公司2022年毛利率和毛利是多少", ["毛利率", "毛利"]),
        ("公司的「毛」利率", []),
        ("the Gross  MARGINS of 3M", ["Gross  MARGINS"]),
        ("gross-margin and margin", ["gross-margin", "margin"]),
        ("ＧＲＯＳＳ margin’s", ["ＧＲＯＳＳ margin’s"]),
        ("R&D R & D", ["R&D"]),
    ],
)
def test_terms_are_found_as_they_are_written(question: str, found: list[str]) -> None:
    assert terms(question) == found


def test_traditional_characters_are_the_same() -> None:
    glossary = Glossary([GlossaryEntry(("营业收入",), ("revenue",))])
    assert [found.term for found in glossary.terms("營業收入增長")] == ["營業收入"]


def test_a_term_brings_its_words_and_the_titles_of_its_statements() -> None:
    assert GLOSSARY.terms("毛利率？") == [
        GlossaryTerm(
            "毛利率",
            ("毛利", "cost of sales", "gross margin"),
            ("income_statement",),
            ("利润表", "statements of income"),
        )
    ]
    term = GLOSSARY.terms("毛利率？")[0]
    assert term.in_languages(chinese=True, other=False).words == ("毛利",)
    assert term.in_languages(chinese=False, other=True).titles == ("statements of income",)


def test_rows_of_one_name_are_joined() -> None:
    glossary = Glossary([GlossaryEntry(("甲",), ("a", "b")), GlossaryEntry(("甲",), ("b", "c"))])
    assert glossary.terms("甲")[0].words == ("a", "b", "c")


def test_shipped_glossary_can_be_turned_off_and_added_to(tmp_path: Path) -> None:
    assert build_glossary(RetrievalConfig(shipped_glossary=False)) is None
    path = tmp_path / "own.csv"
    path.write_text("毛利率,own word\n灯浮,buoy\n", encoding="utf-8")
    both = build_glossary(RetrievalConfig(glossary=[path]))
    assert both is not None
    assert both.terms("毛利率")[0].words[:2] == ("own word", "毛利")
    assert both.terms("灯浮")[0].words == ("buoy",)


def test_one_path_is_as_good_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Config(retrieval={"glossary": "own.csv"}).retrieval.glossary == [Path("own.csv")]
    monkeypatch.setenv("QA_ENGINE_RETRIEVAL__GLOSSARY", '["own.csv"]')
    assert Config().retrieval.glossary == [Path("own.csv")]


def test_an_unknown_statement_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("甲,乙,@profit\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"'甲' names the statement @profit.*choose one of @balance_sheet"
    ):
        build_glossary(RetrievalConfig(glossary=[path]))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (
            "Is 3M a capital-intensive business?",
            {"purchases of property, plant and equipment", "total assets"},
        ),
        ("速动比率是多少？", {"流动资产合计", "inventories", "total current liabilities"}),
        ("逾期交货的违约金怎么算？", {"liquidated damages"}),
        ("標稱電壓是多少？", {"额定电压", "rated voltage"}),
        ("这台水泵有多重？", {"重量", "净重"}),
        ("房東能不能提前趕人？", {"出租方", "出租人"}),
    ],
)
def test_the_shipped_glossary_knows_the_trade(question: str, words: set[str]) -> None:
    glossary = build_glossary(RetrievalConfig())
    assert glossary is not None
    assert words <= {word for term in glossary.terms(question) for word in term.words}


def test_a_term_among_its_own_words_is_literal() -> None:
    glossary = Glossary(
        [
            GlossaryEntry(("净利润", "net income"), ("净利润", "net earnings")),
            GlossaryEntry(("ROE",), ("净资产收益率",)),
        ]
    )
    assert [found.literal for found in glossary.terms("净利润, net income, ROE")] == [True, False, False]
