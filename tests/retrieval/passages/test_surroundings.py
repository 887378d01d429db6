"""Passages with the sentences around them."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.passages.surroundings import with_surroundings
from qa_engine.types import Passage, PassageSentence, passage_node, passage_of

DOCUMENT = "0123456789abcdef"


class Store:
    """Forty sentences of one document; counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, StoredSentence]:
        self.calls += 1
        names = {node_id(DOCUMENT, number): number for number in range(40)}
        return {name: StoredSentence(name, f"第{names[name]}句。", {}, 0, 4) for name in ids if name in names}


def found(first: int, last: int) -> NodeWithScore:
    sentences = tuple(PassageSentence(node_id(DOCUMENT, n), f"第{n}句。") for n in range(first, last + 1))
    return passage_node(Passage(f"{node_id(DOCUMENT, first)}..{last}", "文", sentences=sentences))


def test_nodes_of_other_libraries_and_no_nodes_stay_as_they_are() -> None:
    store = Store()
    assert with_surroundings([], store) == []
    node = NodeWithScore(node=TextNode(text="西湖在杭州。"))
    assert with_surroundings([node], store) == [node]
    assert store.calls == 0


def test_the_best_passages_have_their_neighbours_read_with_one_query() -> None:
    store = Store()
    nodes = with_surroundings(
        [found(2, 3), found(38, 39), found(10, 11), found(20, 20), found(25, 25)], store
    )
    around = [[sentence.text for sentence in passage_of(node).surroundings] for node in nodes]
    assert around[0] == [f"第{number}句。" for number in range(28)]
    assert around[1][-1] == "第39句。"
    assert around[4] == []
    assert store.calls == 1


def test_the_passage_itself_stays_as_it_is() -> None:
    before = found(2, 3)
    (after,) = with_surroundings([before], Store())
    assert passage_of(before).surroundings == ()
    assert (after.node.get_content(), after.node.metadata) == (
        before.node.get_content(),
        before.node.metadata,
    )
