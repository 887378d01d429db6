"""The passages of several parts in one list: turns, what both have found, and what a postprocessor left."""

from __future__ import annotations

from qa_engine.retrieval.decomposition.interleaving import of_parts, with_passages
from qa_engine.retrieval.naming.identity_index import NamedDocuments
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import Passage, PassageSentence, passage_node, passage_of


def result(*names: str, seconds: float = 1.0) -> RankedPassages:
    nodes = [
        passage_node(
            Passage(f"n{name}", name, "d", sentence=name, sentences=(PassageSentence(f"n{name}", name),))
        )
        for name in names
    ]
    named = NamedDocuments(frozenset({names[0]}), frozenset({"b", "z"}), years=(2020,))
    return RankedPassages(nodes, {"retrieve": seconds}, rerank_query=f"about {names[0]}", named=named)


def told(ranked: RankedPassages) -> list[tuple[str, str]]:
    return [(passage.text, passage.part) for passage in map(passage_of, ranked.passages)]


def test_parts_take_turns_and_what_two_have_found_comes_once() -> None:
    ranked = of_parts("both?", ["a?", "b?"], [result("a", "x", "c"), result("b", "x", "d", "e")])
    assert told(ranked) == [("a", "a?"), ("b", "b?"), ("x", "a?"), ("d", "b?"), ("c", "a?"), ("e", "b?")]
    assert [part.part for part in ranked.parts] == ["a?", "b?"]
    assert told(ranked.parts[1]) == [("b", "b?"), ("x", "b?"), ("d", "b?"), ("e", "b?")]
    assert ranked.timings == {"retrieve": 2.0}
    assert ranked.rerank_query == "both?"
    assert ranked.named == NamedDocuments(frozenset("ab"), frozenset("z"), years=(2020,))


def test_a_part_without_passages_leaves_its_turns_to_the_others() -> None:
    empty = RankedPassages([])
    assert told(of_parts("both?", ["a?", "b?"], [empty, result("b", "x")])) == [("b", "b?"), ("x", "b?")]


def test_what_a_postprocessor_drops_is_dropped_from_its_part() -> None:
    ranked = of_parts("both?", ["a?", "b?"], [result("a"), result("b")])
    left = with_passages(ranked, ranked.passages[1:])
    assert [told(part) for part in left.parts] == [[], [("b", "b?")]]


def test_the_part_is_in_the_metadata_of_a_node() -> None:
    ranked = of_parts("both?", ["a?", "b?"], [result("a"), result("b")])
    node = ranked.passages[0]
    assert node.node.metadata["part"] == "a?"
    node.node.metadata["part"] = "c?"
    assert passage_of(node).part == "c?"
    assert "part" not in result("a").passages[0].node.metadata
