"""Which documents a question names, and which words of it only name them."""

from __future__ import annotations

import pytest

from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery, glossary_of
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.retrieval.naming.identity_index import IdentityIndex
from qa_engine.text.periods import period_of


def report(organisation: str, period: str, *names: str, kind: str = "annual_report") -> DocumentIdentity:
    return DocumentIdentity(f"{organisation} {period}", organisation, names, kind, period_of(period))


FAMILY = {
    f"y{year}": report("远山生物股份有限公司", str(year), "远山股份", "600999") for year in range(2019, 2023)
}
OTHERS = {
    "short": DocumentIdentity("Rotation"),
    "law": DocumentIdentity("中华人民共和国植物法", kind="law"),
    "beer": DocumentIdentity("x", "远山啤酒", ("青崖证券",), "broker_report"),
    "pork": DocumentIdentity("y", "北岭猪业", ("青崖证券",), "broker_report"),
    "pots": DocumentIdentity("z", "海河陶瓷", ("青崖证券",), "broker_report"),
    "3m": report("3M COMPANY", "2022", "3M", "MMM"),
    "q2": report("Kessel Stores, Inc.", "2024Q2", "Kessel Stores", kind="quarterly_report"),
    "k": report("Kessel Stores, Inc.", "2023", "Kessel Stores"),
}
INDEX = IdentityIndex({**FAMILY, **OTHERS})


@pytest.mark.parametrize(
    "question",
    ["年假有几天？", "What is the capital of France?", "", "？！", "13M kilometres", "What is rotation?"],
)
def test_a_question_that_names_nothing(question: str) -> None:
    named = INDEX.named(question)
    assert not named
    assert named.focus == question


@pytest.mark.parametrize(
    ("question", "preferred", "focus"),
    [
        ("远山股份2021年的营业收入", {"y2021"}, "2021年的营业收入"),
        ("远山股份2018年的营业收入", {"y2019"}, "2018年的营业收入"),  # a column to compare with
        ("远山股份2015年的营业收入", set(FAMILY), "2015年的营业收入"),
        ("远山股份2020年比2021年增长多少", {"y2020", "y2021"}, "2020年比2021年增长多少"),
        ("青崖证券给远山啤酒什么评级", {"beer"}, "给 什么评级"),
        ("青崖证券给海陶什么评级", {"pots"}, "给 什么评级"),
        ("Is 3M’s margin good in FY2022?", {"3m"}, "Is margin good in FY2022?"),
        ("中华人民共和国植物法第三条说了什么", {"law"}, "第三条说了什么"),
        (
            "Kessel Stores cash between FY 2023 and Q2 of FY2024",
            {"k", "q2"},
            "cash between FY 2023 and Q2 of FY2024",
        ),
        ("kessel stores sales in 2023", {"k"}, "sales in 2023"),
        ("远山股份", set(FAMILY), "远山股份"),
    ],
)
def test_named_documents(question: str, preferred: set[str], focus: str) -> None:
    named = INDEX.named(question)
    assert named.preferred == preferred
    assert named.focus == focus


def test_a_year_alone_sets_aside_the_other_years_of_an_organisation() -> None:
    named = INDEX.named("2021年的营业收入是多少")
    assert not named.preferred
    assert named.set_aside == FAMILY.keys() - {"y2021"}


def test_a_kind_alone_prefers_it() -> None:
    assert INDEX.named("研报的评级").preferred == {"beer", "pork", "pots"}
    assert not INDEX.named("合同的期限")


def test_only_documents_that_may_be_searched_are_named() -> None:
    assert INDEX.named("远山股份2021年的营业收入", {"y2019", "law"}).preferred == {"y2019"}
    assert not INDEX.named("远山股份2021年的营业收入", {"law"})


def test_the_words_of_the_glossary_stay_with_the_question_without_the_names() -> None:
    terms = (GlossaryTerm("毛利率", ("毛利", "营业成本"), ("income_statement",)),)
    query = ExpandedQuery("远山股份2021年的毛利率是多少？", glossary=terms)
    asked = INDEX.named(query.query_str).question(query)
    assert "远山" not in asked.query_str
    assert glossary_of(asked) == terms
