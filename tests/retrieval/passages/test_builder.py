"""Hits grown into passages: within a budget, in reading order, no sentence twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.retrieval.passages.builder import PassageBuilder
from qa_engine.retrieval.passages.table_hits import raised_tables
from qa_engine.types import SCORES


class Store:
    """Documents by id, a list of sentences each: text, or text and page; None for one that was deleted."""

    def __init__(self, documents: Mapping[str, Sequence[str | tuple[str, int, int] | None]]) -> None:
        self.looks = 0
        self.nodes: dict[str, TextNode] = {}
        for document_id, sentences in documents.items():
            at = 0
            for ordinal, sentence in enumerate(sentences):
                if sentence is None:
                    continue
                text, page, page_end = sentence if isinstance(sentence, tuple) else (sentence, 1, 1)
                self.nodes[node_id(document_id, ordinal)] = TextNode(
                    id_=node_id(document_id, ordinal),
                    text=text,
                    metadata={
                        "file_name": f"{document_id}.pdf",
                        "page": page,
                        "page_end": page_end,
                        "paragraph": 0,
                    },
                    start_char_idx=at,
                    end_char_idx=at + len(text),
                )
                at += len(text)

    def stored_sentences(self, ids: Sequence[str]) -> dict[str, TextNode]:
        self.looks += 1
        return {identifier: self.nodes[identifier] for identifier in ids if identifier in self.nodes}

    def hit(self, document_id: str, ordinal: int, fused: float = 1.0, **scores: float) -> NodeWithScore:
        node = self.nodes[node_id(document_id, ordinal)].model_copy(deep=True)
        node.metadata[SCORES] = {**scores, "fused": fused}
        return NodeWithScore(node=node, score=fused)


def chinese(count: int, length: int = 20) -> list[str]:
    return [f"{number:03}" + "字" * (length - 4) + "。" for number in range(count)]


def build(store: Store, hits: Sequence[NodeWithScore], **settings: Any) -> list[NodeWithScore]:
    defaults = {"window_chars": 250, "latin_ratio": 1.7, "max_passages": 12}
    builder = PassageBuilder(store, **{**defaults, **settings})  # type: ignore[arg-type]
    return builder.postprocess_nodes(list(hits))


def numbers(passage: NodeWithScore) -> list[int]:
    """The numbers that the sentences of `chinese` begin with."""
    return [int(sentence["text"][:3]) for sentence in passage.node.metadata["sentences"]]


def test_window_is_the_hit_with_its_neighbours_in_reading_order() -> None:
    store = Store({"d": chinese(20)})
    (passage,) = build(store, [store.hit("d", 10)], window_chars=100)
    assert numbers(passage) == [8, 9, 10, 11, 12]
    assert passage.node.get_content() == "".join(chinese(20)[8:13])
    assert passage.node.metadata["sentence"] == chinese(20)[10]
    assert passage.node.metadata["file_name"] == "d.pdf"


@pytest.mark.parametrize(("ordinal", "expected"), [(0, [0, 1, 2, 3]), (19, [16, 17, 18, 19])])
def test_window_at_the_edge_of_a_document_grows_to_the_other_side(ordinal: int, expected: list[int]) -> None:
    store = Store({"d": chinese(20)})
    (passage,) = build(store, [store.hit("d", ordinal)], window_chars=150)
    found = numbers(passage)
    assert set(expected) <= set(found)
    assert len(passage.node.get_content()) <= 150


def test_window_of_latin_text_may_be_longer() -> None:
    english = [f"Sentence {number:03} has some words in it." for number in range(20)]
    store = Store({"d": english})
    (narrow,) = build(store, [store.hit("d", 10)], window_chars=100, latin_ratio=1)
    (wide,) = build(store, [store.hit("d", 10)], window_chars=100, latin_ratio=3)
    assert len(narrow.node.metadata["sentences"]) < len(wide.node.metadata["sentences"])
    assert wide.node.get_content().startswith("Sentence 0")
    assert ". Sentence" in wide.node.get_content()


def in_sections(*lengths: int) -> Store:
    """A document of sentences of 20 characters, so many in each section."""
    store = Store({"d": chinese(sum(lengths))})
    names = [f"section {number}" for number, count in enumerate(lengths) for _ in range(count)]
    for name, node in zip(names, store.nodes.values(), strict=True):
        node.metadata["section"] = name
    return store


def test_window_ends_where_its_section_does() -> None:
    store = in_sections(6, 6)
    (above,) = build(store, [store.hit("d", 5)], window_chars=100)
    (below,) = build(store, [store.hit("d", 6)], window_chars=100)
    assert numbers(above) == [3, 4, 5]
    assert numbers(below) == [6, 7, 8]


def with_table(before: int, rows: int, after: int = 4) -> Store:
    """Sentences of 20 characters, then what a table is about, its rows, and further sentences."""
    store = Store({"d": chinese(before + 1 + rows + after)})
    for ordinal, node in enumerate(store.nodes.values()):
        if before <= ordinal <= before + rows:
            node.metadata |= {"table": 0, "role": "table", "statement": "balance_sheet"}
    store.nodes[node_id("d", before)].metadata["role"] = "table_summary"
    return store


def test_hit_on_what_a_table_is_about_brings_its_rows_and_is_no_text_of_the_passage() -> None:
    store = with_table(5, 10)
    (passage,) = build(store, [store.hit("d", 5)], window_chars=100)
    assert numbers(passage) == list(range(5, 16))
    assert passage.node.get_content() == "".join(chinese(20)[6:16])
    assert passage.node.metadata["sentence"] == chinese(20)[6]
    assert passage.node.metadata["statement"] == "balance_sheet"


def test_passage_of_a_long_table_is_around_its_best_row() -> None:
    store = with_table(5, 80)
    hits = [store.hit("d", 5, 1.0), store.hit("d", 60, 0.5), store.hit("d", 20, 0.4)]
    first, second = build(store, hits, window_chars=60, table_chars=200)
    assert 60 in numbers(first)
    assert 20 in numbers(second)
    assert len(first.node.get_content()) <= 200


def test_window_of_a_row_ends_where_its_table_does() -> None:
    store = with_table(5, 10)
    (passage,) = build(store, [store.hit("d", 14)], window_chars=150)
    assert numbers(passage) == [11, 12, 13, 14, 15]


def test_rows_of_one_table_are_one_passage_while_it_has_room() -> None:
    store = with_table(5, 20)
    hits = [store.hit("d", 8, 0.9), store.hit("d", 20, 0.8)]
    (passage,) = build(store, hits, window_chars=60)
    assert numbers(passage) == list(range(7, 22))
    assert len(build(store, hits, window_chars=60, table_chars=100)) == 2


def test_several_rows_raise_their_table_above_a_better_sentence() -> None:
    store = with_table(20, 10)
    sentence, rows = store.hit("d", 2, 0.95), [store.hit("d", ordinal, 0.9) for ordinal in (24, 25)]
    first, second = build(store, raised_tables([sentence, *rows]), window_chars=60)
    assert 24 in numbers(first)
    assert first.node.metadata["scores"]["fused"] == pytest.approx(0.99)
    assert numbers(second) == [1, 2, 3]


def test_text_before_a_table_does_not_end_with_what_the_table_is_about() -> None:
    store = with_table(5, 10)
    (passage,) = build(store, [store.hit("d", 4)], window_chars=40)
    assert numbers(passage) == [3, 4]


def test_short_section_is_read_with_those_beside_it() -> None:
    store = in_sections(6, 1, 6)
    (passage,) = build(store, [store.hit("d", 6)], window_chars=100)
    assert numbers(passage) == [4, 5, 6, 7, 8]


def test_section_that_is_long_enough_stands_alone() -> None:
    store = in_sections(6, 2, 6)
    (passage,) = build(store, [store.hit("d", 6)], window_chars=100)
    assert numbers(passage) == [6, 7]


def test_sentence_longer_than_the_budget_stands_alone() -> None:
    store = Store({"d": ["短句一二三四。", "长" * 500, "短句五六七八。"]})
    (passage,) = build(store, [store.hit("d", 1)], window_chars=50)
    assert passage.node.get_content() == "长" * 500


def test_hit_within_an_earlier_passage_adds_its_scores_and_no_passage() -> None:
    store = Store({"d": chinese(20)})
    hits = [store.hit("d", 10, 0.9, dense=0.5), store.hit("d", 11, 0.8, dense=0.7, bm25=3.0)]
    (passage,) = build(store, hits, window_chars=100)
    assert passage.node.metadata[SCORES] == {"fused": 0.9, "dense": 0.7, "bm25": 3.0}
    assert passage.score == 0.9
    assert passage.node.metadata["sentence"] == chinese(20)[10]


def test_overlapping_windows_are_merged() -> None:
    store = Store({"d": chinese(30)})
    (passage,) = build(store, [store.hit("d", 10), store.hit("d", 13)], window_chars=100)
    assert numbers(passage) == list(range(8, 16))


def test_windows_that_would_grow_too_long_together_stay_apart_without_a_sentence_twice() -> None:
    store = Store({"d": chinese(40)})
    hits = [store.hit("d", ordinal) for ordinal in (10, 13, 16, 19)]
    passages = build(store, hits, window_chars=100)
    assert len(passages) > 1
    seen = [number for passage in passages for number in numbers(passage)]
    assert len(seen) == len(set(seen))
    assert {10, 13, 16, 19} <= set(seen)


def test_same_place_in_two_documents_is_two_passages() -> None:
    store = Store({"d": chinese(9), "e": chinese(9)})
    passages = build(store, [store.hit("d", 4), store.hit("e", 4)], window_chars=100)
    assert [passage.node.metadata["file_name"] for passage in passages] == ["d.pdf", "e.pdf"]


def test_pages_are_those_of_the_first_and_the_last_sentence() -> None:
    store = Store(
        {"d": [("第一句话在第一页。", 1, 1), ("第二句话跨页。", 1, 2), ("第三句话在第二页。", 2, 2)]}
    )
    (passage,) = build(store, [store.hit("d", 1)], window_chars=100)
    assert (passage.node.metadata["page"], passage.node.metadata["page_end"]) == (1, 2)
    assert [(s["page"], s["page_end"]) for s in passage.node.metadata["sentences"]] == [
        (1, 1),
        (1, 2),
        (2, 2),
    ]


def test_places_in_the_document_are_kept() -> None:
    store = Store({"d": chinese(9)})
    (passage,) = build(store, [store.hit("d", 4)], window_chars=60)
    sentences = passage.node.metadata["sentences"]
    assert passage.node.start_char_idx == sentences[0]["start"] == 3 * 20
    assert passage.node.end_char_idx == sentences[-1]["end"] == 6 * 20
    assert passage.node.ref_doc_id == "d"


def test_only_the_text_is_shown_to_models() -> None:
    store = Store({"d": chinese(9)})
    (passage,) = build(store, [store.hit("d", 4)])
    for mode in (MetadataMode.EMBED, MetadataMode.LLM):
        assert passage.node.get_content(metadata_mode=mode) == passage.node.text


def test_number_of_passages_is_bounded_and_later_hits_still_count_for_them() -> None:
    store = Store({name: chinese(9) for name in "abcdef"})
    hits = [store.hit(name, 4) for name in "abcdef"] + [store.hit("a", 4, 0.1, bm25=7.0)]
    passages = build(store, hits, max_passages=3)
    assert [passage.node.ref_doc_id for passage in passages] == ["a", "b", "c"]
    assert passages[0].node.metadata[SCORES]["bm25"] == 7.0


def test_neighbour_that_a_writer_has_deleted_ends_the_window() -> None:
    sentences: list[str | None] = list(chinese(9))
    sentences[3] = None
    store = Store({"d": sentences})
    (passage,) = build(store, [store.hit("d", 5)], window_chars=200)
    assert numbers(passage)[0] == 4


def test_all_of_a_deleted_document_leaves_the_hit_itself() -> None:
    store = Store({"d": chinese(9)})
    hit = store.hit("d", 4)
    store.nodes.clear()
    (passage,) = build(store, [hit])
    assert passage.node.get_content() == chinese(9)[4]


def test_no_hits_no_passages() -> None:
    assert build(Store({}), []) == []


def test_hits_are_not_changed() -> None:
    store = Store({"d": chinese(9)})
    hit = store.hit("d", 4, 0.5, dense=0.25)
    build(store, [hit, store.hit("d", 5, 0.4, dense=0.75)])
    assert hit.node.metadata[SCORES] == {"dense": 0.25, "fused": 0.5}
    assert hit.score == 0.5


def test_store_is_asked_a_few_times_and_not_once_a_hit() -> None:
    store = Store({name: chinese(30) for name in "abcdefgh"})
    hits = [store.hit(name, ordinal) for name in "abcdefgh" for ordinal in range(0, 30, 3)]
    build(store, hits)
    assert store.looks <= 5


@pytest.mark.parametrize("settings", [{"window_chars": 0}, {"latin_ratio": 0.5}, {"max_passages": 0}])
def test_setting_out_of_range_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        build(Store({}), [], **settings)


_documents = st.lists(st.lists(st.integers(6, 120), min_size=1, max_size=25), min_size=1, max_size=3)


@given(_documents, st.data(), st.integers(50, 300), st.integers(1, 12))
def test_random_hits_give_disjoint_bounded_passages_in_reading_order(
    lengths: list[list[int]], data: st.DataObject, window: int, most: int
) -> None:
    texts = {
        f"d{n}": [f"{i:03}" + "字" * (size - 4) + "。" for i, size in enumerate(of)]
        for n, of in enumerate(lengths)
    }
    store = Store(texts)
    every = sorted(store.nodes)
    hits = [
        store.hit(*split_node_id(identifier), fused=-float(rank))
        for rank, identifier in enumerate(
            data.draw(st.lists(st.sampled_from(every), unique=True, max_size=60))
        )
    ]
    passages = build(store, hits, window_chars=window, max_passages=most)
    assert len(passages) <= most
    seen: set[tuple[str, int]] = set()
    for passage in passages:
        document_id = passage.node.ref_doc_id or ""
        found = numbers(passage)
        assert found == list(range(found[0], found[-1] + 1))
        places = {(document_id, number) for number in found}
        assert not places & seen
        seen |= places
        assert passage.node.get_content() == "".join(texts[document_id][found[0] : found[-1] + 1])
        longest = max(len(texts[document_id][number]) for number in found)
        assert len(passage.node.get_content()) <= max(2 * window, longest)
        assert passage.node.metadata["sentence"] in passage.node.get_content()
    if len(passages) < most:
        assert {split_node_id(hit.node_id) for hit in hits} <= seen
    if hits:
        assert passages[0].node.metadata["sentence"] == hits[0].node.get_content()
