"""The order of the candidates: the model's score against the first stage's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from qa_engine.config import RerankConfig
from qa_engine.errors import ModelUnavailableError
from qa_engine.retrieval.expansion.expanded_query import ComparedQuery
from qa_engine.retrieval.reranking.relevance import z_scores
from qa_engine.retrieval.reranking.rerank import LOCAL_WEIGHT, PassageRerank, build_reranker
from qa_engine.types import SCORES, Passage, passage_node, passage_of

QUESTION = QueryBundle("哪一个？")


class Model:
    """Scores a passage by the number it holds."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.pairs = list(pairs)
        return [float(passage.split()[-1]) for _, passage in pairs]


def passages(*scores: tuple[float, float]) -> list[NodeWithScore]:
    """Passages by the score that the model will give and the one of the first stage."""
    return [
        NodeWithScore(
            node=TextNode(
                id_=str(number),
                text=f"passage {model}",
                metadata={SCORES: {"fused": fused}, "file_name": "secret.pdf"},
                excluded_embed_metadata_keys=[SCORES, "file_name"],
            ),
            score=fused,
        )
        for number, (model, fused) in enumerate(scores)
    ]


def rerank(of: list[NodeWithScore], weight: float, top_n: int = 10) -> list[NodeWithScore]:
    return PassageRerank(Model(), "numbers", top_n, weight).postprocess_nodes(of, QUESTION)


def ids(of: Sequence[NodeWithScore]) -> list[str]:
    return [node.node_id for node in of]


CONTRARY = ((1.0, 9.0), (2.0, 5.0), (9.0, 4.0))
"""The model and the first stage disagree."""


def test_weight_one_is_the_order_of_the_model() -> None:
    assert ids(rerank(passages(*CONTRARY), 1.0)) == ["2", "1", "0"]


def test_weight_zero_keeps_the_order_of_the_first_stage() -> None:
    assert ids(rerank(passages(*CONTRARY), 0.0)) == ["0", "1", "2"]


def test_weights_between_weigh_z_scores() -> None:
    ranked = rerank(passages(*CONTRARY), 0.6)
    model, first = z_scores([1, 2, 9]), z_scores([9, 5, 4])
    expected = {str(n): 0.6 * model[n] + 0.4 * first[n] for n in range(3)}
    assert {node.node_id: node.score for node in ranked} == pytest.approx(expected)
    assert [node.score for node in ranked] == sorted((node.score for node in ranked), reverse=True)


def test_scale_of_either_score_does_not_matter() -> None:
    stretched = [(1000 * model, 0.001 * first) for model, first in CONTRARY]
    assert ids(rerank(passages(*CONTRARY), 0.5)) == ids(rerank(passages(*stretched), 0.5))


def test_score_of_the_model_is_recorded_beside_the_earlier_ones() -> None:
    for node in rerank(passages(*CONTRARY), 0.5):
        model, fused = CONTRARY[int(node.node_id)]
        assert node.node.metadata[SCORES]["rerank"] == model
        assert node.node.metadata[SCORES]["fused"] == fused


def test_model_sees_question_and_text_and_no_metadata() -> None:
    model = Model()
    PassageRerank(model, "numbers", 10, 1.0).postprocess_nodes(passages((3.0, 1.0)), QUESTION)
    assert model.pairs == [("哪一个？", "passage 3.0")]


def test_equal_model_scores_leave_the_first_stage_to_decide() -> None:
    assert ids(rerank(passages((5.0, 1.0), (5.0, 3.0), (5.0, 2.0)), 0.6)) == ["1", "2", "0"]


def test_single_passage_and_none() -> None:
    assert ids(rerank(passages((1.0, 1.0)), 0.6)) == ["0"]
    assert rerank([], 0.6) == []


def test_top_n_bounds_what_is_returned() -> None:
    assert len(rerank(passages(*CONTRARY), 1.0, top_n=2)) == 2


def test_passages_without_scores_by_stage_are_taken() -> None:
    node = NodeWithScore(node=TextNode(text="passage 4.0"))
    (ranked,) = rerank([node], 1.0)
    assert ranked.node.metadata[SCORES]["rerank"] == 4.0


async def test_async_gives_the_same() -> None:
    reranker = PassageRerank(Model(), "numbers", 10, 1.0)
    assert ids(await reranker.apostprocess_nodes(passages(*CONTRARY), QUESTION)) == ["2", "1", "0"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_z_scores_keep_the_order_and_have_mean_zero(values: list[float]) -> None:
    scores = z_scores(values)
    assert sum(scores) == pytest.approx(0, abs=1e-3)
    for one, other in zip(range(len(values)), range(1, len(values)), strict=False):
        if values[one] < values[other]:
            assert scores[one] <= scores[other]


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0, 2.0], [0.1] * 3])
def test_z_scores_of_equal_values_are_zero(values: list[float]) -> None:
    assert z_scores(values) == [0.0] * len(values)


def test_none_is_no_reranker(hash_embedding) -> None:
    assert build_reranker(RerankConfig(model="none"), hash_embedding, 5) is None


@pytest.mark.parametrize(("weight", "expected"), [(None, LOCAL_WEIGHT), (0.0, 0.0), (1.0, 1.0)])
def test_local_reranker_is_built_without_loading_a_model(
    weight: float | None, expected: float, hash_embedding, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa_engine.models.e5.encoder import E5Encoder

    monkeypatch.setattr(E5Encoder, "load", lambda *arguments: pytest.fail("the model was loaded"))
    reranker = build_reranker(RerankConfig(weight=weight), hash_embedding, 5)
    assert reranker is not None
    assert (reranker.weight, reranker.top_n) == (expected, 5)


def test_unknown_cross_encoder_is_refused(hash_embedding) -> None:
    with pytest.raises(ModelUnavailableError, match=r"/no/such/model"):
        build_reranker(RerankConfig(model="/no/such/model"), hash_embedding, 5)


def test_local_model_puts_the_answer_first(local_model, hash_embedding) -> None:
    texts = ["长江全长约6300公里。", "西湖的水面面积约为6.38平方公里。", "雷峰塔重建于2002年。"]
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]
    reranker = build_reranker(RerankConfig(), hash_embedding, 3)
    assert reranker is not None
    ranked = reranker.postprocess_nodes(nodes, QueryBundle("西湖有多大？"))
    assert ranked[0].node.get_content() == texts[1]
    assert all(-1 <= node.node.metadata[SCORES]["rerank"] <= 1 for node in ranked)


def test_what_the_glossary_adds_is_compared_as_well() -> None:
    class Words:
        def predict(self, pairs: list[tuple[str, str]]) -> list[float]:
            return [float(sum(word in text for word in question.split())) for question, text in pairs]

    nodes = [passage_node(Passage(name, text, score=0.0)) for name, text in (("a", "x y"), ("b", "p q r"))]
    reranker = PassageRerank(Words(), "words", 2, 1.0)
    alone = reranker.postprocess_nodes(nodes, QueryBundle("x"))
    assert [node.node_id for node in alone] == ["a", "b"]
    related = reranker.postprocess_nodes(nodes, ComparedQuery("z", related="p q"))
    assert [node.node_id for node in related] == ["b", "a"]
    assert passage_of(related[0]).scores["rerank"] == 0  # by the question itself
