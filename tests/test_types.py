"""Passages inside of LlamaIndex's nodes: written once, and read again whatever became of the node."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from llama_index.core.schema import ImageNode, MetadataMode, NodeWithScore, TextNode

from qa_engine.types import (
    PASSAGE_KEYS,
    Passage,
    PassageNode,
    PassageSentence,
    passage_node,
    passage_of,
    with_changes,
)

SENTENCES = (
    PassageSentence("d-0000003", "第一句。", 2, 2, 30, 34, "第一章", "", "ii", None),
    PassageSentence("d-0000004", "第二句。", 2, 3, 34, 38, "第一章", "row", "", 0),
)
PASSAGE = Passage(
    node_id="d-0000003..4",
    text="第一句。第二句。",
    document_id="d",
    file_name="a.pdf",
    page=2,
    page_end=3,
    page_label="ii",
    section="第一章",
    sentence="第二句。",
    sentences=SENTENCES,
    scores={"dense": 0.5, "fused": 0.25},
    ranks={"dense": 1, "fused": 1},
    score=0.25,
    collection="books",
    metadata={"year": 2020},
)
COMPARED = {
    "compared_with": "问",
    "sentences": (SENTENCES[0].supporting(0.5), SENTENCES[1].supporting(None)),
    "tables": ("| 年 |",),
    "identity": {"kind": "book"},
    "part": "问",
    "statement": "balance_sheet",
}


def nodes() -> list[NodeWithScore]:
    """The node of a passage, and that of one which was compared with a question."""
    return [passage_node(PASSAGE), with_changes(passage_node(PASSAGE), PASSAGE, **COMPARED)]


def test_node_has_the_text_and_the_documented_metadata() -> None:
    plain, compared = nodes()
    assert plain.node.metadata == {
        "file_name": "a.pdf",
        "page": 2,
        "page_end": 3,
        "page_label": "ii",
        "section": "第一章",
        "sentence": "第二句。",
        "sentences": [
            {
                "node_id": "d-0000003",
                "text": "第一句。",
                "page": 2,
                "page_end": 2,
                "start": 30,
                "end": 34,
                "section": "第一章",
                "role": "",
                "page_label": "ii",
                "table": None,
            },
            {
                "node_id": "d-0000004",
                "text": "第二句。",
                "page": 2,
                "page_end": 3,
                "start": 34,
                "end": 38,
                "section": "第一章",
                "role": "row",
                "page_label": "",
                "table": 0,
            },
        ],
        "scores": {"dense": 0.5, "fused": 0.25},
        "ranks": {"dense": 1, "fused": 1},
        "collection": "books",
        "metadata": {"year": 2020},
    }
    assert set(compared.node.metadata) == set(PASSAGE_KEYS)
    assert [sentence["support"] for sentence in compared.node.metadata["sentences"]] == [0.5, None]
    assert compared.node.metadata["tables"] == ["| 年 |"]
    assert plain.node.ref_doc_id == "d"
    assert (plain.node.start_char_idx, plain.node.end_char_idx) == (30, 38)


@pytest.mark.parametrize("mode", [MetadataMode.EMBED, MetadataMode.LLM, MetadataMode.NONE])
def test_models_see_the_text_alone(mode: MetadataMode) -> None:
    for node in nodes():
        assert node.node.get_content(metadata_mode=mode) == PASSAGE.text


def test_passage_of_an_untouched_node_is_the_very_same() -> None:
    assert passage_of(passage_node(PASSAGE)) is PASSAGE


def test_passage_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PASSAGE.text = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda node: pickle.loads(pickle.dumps(node)),
        lambda node: NodeWithScore(node=TextNode.from_dict(node.node.to_dict()), score=node.score),
        lambda node: NodeWithScore(
            node=TextNode(
                id_=node.node_id,
                text=node.text,
                metadata=dict(node.metadata),
                relationships=node.node.relationships,
            ),
            score=node.score,
        ),
    ],
    ids=["copy", "deepcopy", "pickle", "serialised", "other node"],
)
def test_passage_of_a_copy_is_equal(copied: Any) -> None:
    for node in nodes():
        assert passage_of(copied(node)) == passage_of(node)


def test_what_a_postprocessor_changed_counts() -> None:
    (node, compared) = nodes()
    node.score = 7.0
    assert passage_of(node).score == 7.0
    node.node.set_content("另一段。")
    assert passage_of(node).text == "另一段。"
    node.node.metadata["file_name"] = "b.pdf"
    assert passage_of(node).file_name == "b.pdf"
    node.node.metadata["scores"]["own"] = 1.0
    assert passage_of(node).scores == {**PASSAGE.scores, "own": 1.0}
    node.node.metadata["tables"] = ["| x |"]
    assert passage_of(node).tables == ("| x |",)
    del node.node.metadata["sentences"]
    assert passage_of(node).sentences == ()
    compared.node.metadata["sentences"][0]["support"] = None
    assert [sentence.support for sentence in passage_of(compared).sentences] == [None, None]


def test_changes_leave_the_node_and_its_own_metadata_alone() -> None:
    node = passage_node(PASSAGE)
    node.node.metadata["note"] = "mine"
    changed = with_changes(node, PASSAGE, score=2.0, scores={"rerank": 2.0}, **COMPARED)
    assert passage_of(changed) == passage_of(copy.deepcopy(changed))
    assert changed.score == passage_of(changed).score == 2.0
    assert changed.node.metadata["note"] == "mine"
    assert changed.node.metadata["scores"] == {"rerank": 2.0}
    assert node.node.metadata["scores"] == PASSAGE.scores
    assert "support" not in node.node.metadata["sentences"][0]
    assert node.score == 0.25


def test_a_list_in_the_metadata_is_not_shared_with_other_nodes() -> None:
    one, other = passage_node(PASSAGE), passage_node(PASSAGE)
    one.node.metadata["sentences"][0]["text"] = ""
    one.node.excluded_llm_metadata_keys.append("x")
    assert passage_of(other) is PASSAGE
    assert "x" not in other.node.excluded_llm_metadata_keys


def test_nodes_of_other_libraries_are_read_as_far_as_they_go() -> None:
    image = NodeWithScore(node=ImageNode(text="图", id_="x"), score=1.0)
    assert passage_of(image) == Passage("x", "图", score=1.0)
    changed = with_changes(image, passage_of(image), scores={"rerank": 0.5}, score=0.5)
    assert isinstance(changed.node, ImageNode)
    assert changed.node.metadata == {"scores": {"rerank": 0.5}}
    odd: dict[str, Any] = {
        "file_name": 7,
        "page": "iv",
        "page_end": "12",
        "sentences": "none",
        "scores": 1,
        "tables": "| x |",
        "compared_with": 3,
        "metadata": None,
    }
    passage = passage_of(NodeWithScore(node=TextNode(text="x", id_="n", metadata=odd)))
    assert (passage.file_name, passage.page, passage.page_label, passage.page_end) == ("7", None, "iv", 12)
    assert (passage.sentences, passage.scores, passage.tables, passage.metadata) == ((), {}, (), {})
    assert passage.compared_with is None


def test_node_is_serialised_as_a_text_node() -> None:
    assert PassageNode.class_name() == TextNode.class_name()
