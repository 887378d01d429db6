"""Hits of one table raise it, and tables of the parent company come after those of the group."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.retrieval.passages.table_hits import best_rows, by_statement, raised_tables
from qa_engine.types import SCORES, Passage, PassageSentence, passage_node, passage_of


def hit(ordinal: int, score: float, table: int | None = None, role: str = "table") -> NodeWithScore:
    metadata = {SCORES: {"fused": score}} | ({} if table is None else {"table": table, "role": role})
    return NodeWithScore(node=TextNode(id_=node_id("d", ordinal), text="x", metadata=metadata), score=score)


def ordinals(hits: list[NodeWithScore]) -> list[int]:
    return [int(one.node_id[-7:]) for one in hits]


def test_nothing_to_raise_stays_in_its_order() -> None:
    hits = [hit(1, 0.5), hit(2, 0.9, 0), hit(3, 0.4, 1)]
    assert raised_tables(hits) == hits
    assert raised_tables([]) == []


def test_hits_of_one_table_raise_the_first_of_them_within_a_bound() -> None:
    hits = [hit(1, 1.0), hit(2, 0.9, 0), *(hit(number, 0.8, 0) for number in range(3, 20))]
    raised = raised_tables(hits)
    assert ordinals(raised)[:2] == [2, 1]
    assert raised[0].score == pytest.approx(0.9 * 1.3)
    assert raised[0].node.metadata[SCORES]["fused"] == raised[0].score
    assert hits[1].node.metadata[SCORES]["fused"] == 0.9


def test_best_row_of_a_table_is_no_summary() -> None:
    hits = [hit(1, 1.0, 0, "table_summary"), hit(7, 0.9, 0), hit(5, 0.8, 0), hit(9, 0.7)]
    assert best_rows(hits) == {("d", 0): 7}


def passage(score: float, statement: str = "", section: str = "", table: int | None = 0) -> NodeWithScore:
    sentence = PassageSentence("d-0000001", "x", table=table)
    return passage_node(
        Passage("d-0000001..1", "x", statement=statement, section=section, sentences=(sentence,), score=score)
    )


PARENT = passage(1.0, "parent_balance_sheet")
PARENT_NOTE = passage(0.9, section="十七、母公司财务报表主要项目注释 › 1. 应收账款")
GROUP = passage(0.8, "balance_sheet", section="合并资产负债表")


@pytest.mark.parametrize("parent", [PARENT, PARENT_NOTE])
def test_group_goes_before_the_parent_company_unless_that_is_asked_for(parent: NodeWithScore) -> None:
    first, second = by_statement([parent, GROUP], "2020年末资产总计是多少？")
    assert passage_of(first) == passage_of(GROUP)
    assert passage_of(second).score == pytest.approx((parent.score or 0) - 0.6)
    assert by_statement([GROUP, parent], "2020年末母公司的资产总计是多少？")[0].node.text == parent.node.text


def test_statement_of_the_group_loses_where_the_parent_company_is_asked_for() -> None:
    group = passage(1.9, "balance_sheet", section="合并资产负债表")
    assert by_statement([group, PARENT], "2020年末母公司的资产总计是多少？")[0].score == pytest.approx(1.6)
    assert by_statement([group, PARENT], "2020年末资产总计是多少？")[0].score == 1.9


def test_text_that_names_the_parent_company_is_left_where_it_is() -> None:
    text = passage(1.0, section="母公司情况", table=None)
    assert by_statement([text, GROUP], "资产总计？") == [text, GROUP]
    # A reranker of the user may give scores that do not decide the order.
    assert by_statement([GROUP, passage(3.0)], "x")[0] is GROUP


def test_wanted_statement_goes_before_prose_that_is_a_little_better() -> None:
    prose, income = passage(1.0, table=None), passage(0.8, "income_statement")
    assert by_statement([prose, income], "毛利率？") == [prose, income]
    first, _ = by_statement([prose, income], "毛利率？", {"income_statement", "balance_sheet"})
    assert passage_of(first).statement == "income_statement"
    much_better = passage(1.4, table=None)
    assert by_statement([much_better, income], "毛利率？", {"income_statement"})[0] is much_better
