"""Maximal marginal relevance over passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode
from pydantic import ValidationError

from qa_engine.retrieval.reranking.rerank import DiversityRerank, jaccard

LAKE, COPY, TOWER = "西湖的平均水深为2.27米。", "西湖的平均水深是2.27米。", "雷峰塔于2002年重建完成。"


def passages(*texts: str, scores: tuple[float, ...] | None = None) -> list[NodeWithScore]:
    given_scores = scores or tuple(float(len(texts) - number) for number in range(len(texts)))
    return [
        NodeWithScore(node=TextNode(text=text), score=score)
        for text, score in zip(texts, given_scores, strict=True)
    ]


def texts(nodes: list[NodeWithScore]) -> list[str]:
    return [node.node.get_content() for node in nodes]


def test_a_copy_goes_behind_what_is_new_and_scores_stay() -> None:
    given_passages = passages(LAKE, COPY, TOWER, scores=(3, 2.9, 2))
    ranked = DiversityRerank(diversity=0.8).postprocess_nodes(given_passages)
    assert texts(ranked) == [LAKE, TOWER, COPY]
    assert [node.score for node in ranked] == [3, 2, 2.9]


def test_a_little_diversity_keeps_what_is_much_better() -> None:
    ranked = DiversityRerank(diversity=0.1).postprocess_nodes(passages(LAKE, COPY, TOWER, scores=(3, 2.9, 1)))
    assert texts(ranked) == [LAKE, COPY, TOWER]


@pytest.mark.parametrize("diversity", [-0.1, 1.1])
def test_values_out_of_range_are_refused(diversity: float) -> None:
    with pytest.raises(ValidationError):
        DiversityRerank(diversity=diversity)


def test_no_passages_and_passages_without_words() -> None:
    assert DiversityRerank(diversity=1).postprocess_nodes([]) == []
    assert texts(DiversityRerank(diversity=1).postprocess_nodes(passages("。", "！", LAKE))) == [
        "。",
        LAKE,
        "！",
    ]


def test_resemblance() -> None:
    assert jaccard(frozenset("ab"), frozenset("bc")) == pytest.approx(1 / 3)
    assert jaccard(frozenset(), frozenset("a")) == 0
    assert jaccard(frozenset(), frozenset()) == 1


@given(st.lists(st.sampled_from([LAKE, COPY, TOWER, ""]), max_size=8), st.floats(0, 1))
def test_passages_are_reordered_and_the_best_stays_first(chosen: list[str], diversity: float) -> None:
    given_passages = passages(*chosen)
    ranked = DiversityRerank(diversity=diversity).postprocess_nodes(list(given_passages))
    assert sorted(map(id, ranked)) == sorted(map(id, given_passages))
    assert ranked[:1] == given_passages[:1]
    if diversity == 0:
        assert ranked == given_passages
