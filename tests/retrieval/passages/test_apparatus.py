"""What stands beside the text comes after it and is not quoted, unless a question asks for it."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.retrieval.passages.apparatus import (
    Apparatus,
    AskedApparatus,
    apparatus_of,
    by_apparatus,
    hits_in_order,
)
from qa_engine.types import Passage, PassageSentence, passage_node

REFERENCES = "Buoys at sea › References"


@pytest.mark.parametrize(
    ("text", "place", "kind"),
    [
        ("2.1 Moorings … 7", {"role": "contents"}, Apparatus.CONTENTS),
        ("Drift of small buoys.", {"section": REFERENCES}, Apparatus.REFERENCE),
        ("漂流浮标的回收", {"section": "浮标 › 参考文献："}, Apparatus.REFERENCE),
        ("漂流浮标的回收", {"section": "浮标 › 七、主要参考文献"}, Apparatus.REFERENCE),
        ("[7] 林舟. 浮标的回收[J]. 海岸, 2019, 3: 1-9.", {"section": "附录"}, Apparatus.REFERENCE),
        ("[7] A. Lund. Buoys. arXiv:1901.00001, 2019.", {}, Apparatus.REFERENCE),
        ("3 https://example.org/buoys/list?page=2", {"role": "footnote"}, Apparatus.ADDRESS),
        ("¶https://example.org/a ‖http://www.example.org/b", {}, Apparatus.ADDRESS),
        ("Ada Lund Bo Strand Harbour Lab {ada,bo}@example.org", {"page": 1}, Apparatus.AUTHORS),
        ("∗Equal contribution, listed by age", {"page": 1}, Apparatus.AUTHORS),
        ("© 2019 Harbour Press. All rights reserved.", {}, Apparatus.IMPRINT),
    ],
)
def test_what_stands_beside_the_text_is_told_by_role_titles_or_words(
    text: str, place: dict[str, object], kind: Apparatus
) -> None:
    assert apparatus_of(text, **place) is kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("References", {"section": REFERENCES, "role": "heading"}),
        ("Year: 2019; Buoys: 12", {"section": REFERENCES, "table": 3, "role": "table"}),
        ("The mooring was lost in a gale and " * 8 + "was never found.", {"section": REFERENCES}),
        ("The list of references grew.", {"section": "Buoys › Use of references in the survey"}),
        ("公司网址：https://www.example.cn", {}),
        ("The maps of all buoys are kept at https://example.org and in the library.", {}),
        ("请把简历发到 hr@example.cn，注明岗位。", {"page": 1}),
        ("[7] shows that small buoys drift further.", {}),
        ("Copyright of the maps passes to the harbour when the contract ends.", {}),
        ("作者认为浮标漂得更远。", {}),
    ],
)
def test_text_is_no_apparatus(text: str, place: dict[str, object]) -> None:
    assert apparatus_of(text, **place) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "kind", "number"),
    [
        ("参考文献[12]是哪篇论文？", Apparatus.REFERENCE, "12"),
        ("Which paper is reference [3]?", Apparatus.REFERENCE, "3"),
        ("《浮标》的作者是谁？", Apparatus.AUTHORS, ""),
        ("Who wrote the report on buoys?", Apparatus.AUTHORS, ""),
        ("目录里第三章在第几页？", Apparatus.CONTENTS, ""),
        ("公司的网址是什么？", None, ""),
        ("Is there a DOI?", None, ""),
        ("Who owns the copyright?", None, ""),
    ],
)
def test_questions_ask_for_it(question: str, kind: Apparatus | None, number: str) -> None:
    asked = AskedApparatus.of(question)
    assert (asked.any, asked.kind, asked.number) == (True, kind, number)


@pytest.mark.parametrize(
    ("question", "section", "demanded"),
    [
        ("Who wrote the paper on drift?", "Drift of Buoys", True),
        ("Who wrote the poem on the moon?", "Drift of Buoys", False),
        ("这篇论文的作者是谁？", "Drift of Buoys", True),
        ("《锚链》的作者是谁？", "浮标的漂流", False),
        ("《浮标》的作者有哪些？", "浮标的漂流", True),
    ],
)
def test_authors_are_those_of_the_document_that_is_named(question: str, section: str, demanded: bool) -> None:
    assert AskedApparatus.of(question).demands("Ada Lund", Apparatus.AUTHORS, section) is demanded


@pytest.mark.parametrize("question", ["浮标漂了多远？", "How far do small buoys drift?", "年假有几天？"])
def test_other_questions_do_not(question: str) -> None:
    assert AskedApparatus.of(question) == AskedApparatus()


def hit(ordinal: int, text: str, **place: object) -> NodeWithScore:
    return NodeWithScore(
        node=TextNode(id_=node_id("d", ordinal), text=text, metadata=place), score=1.0 / (ordinal + 1)
    )


HITS = [
    hit(0, "[1] Drift of small buoys.", section=REFERENCES),
    hit(1, "Small buoys drift 40 km."),
    hit(2, "[2] Drift of large buoys.", section=REFERENCES),
    hit(3, "Large buoys drift 10 km."),
]


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("How far do small buoys drift?", [1, 3, 0, 2]),
        ("Which papers are cited on drift?", [0, 1, 2, 3]),
        ("Which paper is reference [2]?", [2, 0, 1, 3]),
    ],
)
def test_hits_on_it_come_after_the_text_unless_they_are_asked_for(question: str, order: list[int]) -> None:
    assert [int(one.node_id[-1]) for one in hits_in_order(HITS, question)] == order


def passage(name: str, score: float, *sentences: PassageSentence) -> NodeWithScore:
    text = " ".join(sentence.text for sentence in sentences)
    return passage_node(Passage(f"{name}-0000001..1", text, sentences=sentences, score=score))


REFERENCE = PassageSentence("d-0000001", "[1] Drift of small buoys.", section=REFERENCES)
TEXT = PassageSentence("d-0000002", "Small buoys drift 40 km in a day, and more in a gale.")


def test_passages_lose_only_if_most_of_them_is_beside_the_text() -> None:
    references, mixed = passage("a", 2.0, REFERENCE), passage("b", 1.0, REFERENCE, TEXT)
    assert [one.node_id[0] for one in by_apparatus([references, mixed], "How far?")] == ["b", "a"]
    assert by_apparatus([mixed], "How far?") == [mixed]
    assert by_apparatus([], "How far?") == []


def test_without_anything_beside_the_text_the_order_is_left_to_others() -> None:
    worse, better = passage("a", 1.0, TEXT), passage("b", 2.0, TEXT)
    assert by_apparatus([worse, better], "How far?") == [worse, better]
    assert by_apparatus([worse, better], "Who wrote it?") == [worse, better]


def test_passages_that_hold_what_is_demanded_go_first() -> None:
    references, text = passage("a", 0.5, REFERENCE), passage("b", 1.0, TEXT)
    assert by_apparatus([text, references], "Which paper is reference 1?")[0].node_id[0] == "a"
    assert by_apparatus([text, references], "Which papers are cited?") == [text, references]
