"""The JSON of retrieved passages."""

from __future__ import annotations

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.answering.answer import passage_to_dict
from qa_engine.types import Passage, passage_node


def test_a_node_of_another_library_has_no_statement_and_no_tables() -> None:
    content = passage_to_dict(1, NodeWithScore(node=TextNode(text="甲")))
    assert (content["text"], content["statement"], content["tables"]) == ("甲", "", [])


def test_a_passage_tells_the_statement_and_the_tables_that_it_is_from() -> None:
    table = "利润表\n\n| 项目 | 2023年 |\n| --- | --- |\n| 营业收入 | 5 |"
    passage = Passage("d-0..1", "营业收入，2023年：5", tables=(table,), statement="income_statement")
    content = passage_to_dict(2, passage_node(passage))
    assert (content["rank"], content["statement"], content["tables"]) == (2, "income_statement", [table])
