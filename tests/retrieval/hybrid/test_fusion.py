"""Joining what two retrievers found: scores kept, the weight of BM25 shrunk where the collection does not know the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Settings
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from qa_engine.config import RetrievalConfig
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery, Expansion
from qa_engine.retrieval.hybrid.fusion import HybridRetriever, fuse
from qa_engine.retrieval.hybrid.lexical import BilingualBM25Retriever
from qa_engine.types import RANKS, SCORES

MODES = ["dist_based_score", "relative_score", "reciprocal_rerank"]


def nodes(scores: Mapping[str, float]) -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(id_=name, text=f"text {name}"), score=s) for name, s in scores.items()
    ]


class Source(BaseRetriever):
    """Finds the same at every question, in nodes of its own as a store does."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._scores = scores

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return nodes(self._scores)


class Given(BaseRetriever):
    """Finds the given nodes."""

    def __init__(self, found: list[NodeWithScore]) -> None:
        super().__init__(callback_manager=CallbackManager())
        self._found = found

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._found


class LexicalSource(BilingualBM25Retriever):
    """A BM25 retriever that knows the given share of every question."""

    def __init__(self, scores: Mapping[str, float], coverage: float) -> None:
        BaseRetriever.__init__(self, callback_manager=CallbackManager())
        self._scores, self._coverage = scores, coverage

    def coverage(self, question: str) -> float:
        return self._coverage

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return nodes(self._scores)


DENSE = {"a": 0.9, "b": 0.8, "c": 0.7}
LEXICAL = {"c": 12.0, "d": 8.0, "b": 1.0}


def hybrid(coverage: float = 1.0, top_k: int = 10, **settings: object) -> HybridRetriever:
    retrievers = {"dense": Source(DENSE), "bm25": LexicalSource(LEXICAL, coverage)}
    return HybridRetriever(retrievers, RetrievalConfig(**settings), similarity_top_k=top_k)


@pytest.mark.parametrize("mode", MODES)
def test_nodes_of_both_retrievers_come_once_and_best_first(mode: str) -> None:
    found = hybrid(fusion=mode).retrieve("q")
    assert sorted(node.node_id for node in found) == ["a", "b", "c", "d"]
    scores = [node.score or 0.0 for node in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("mode", MODES)
def test_each_node_keeps_the_score_of_each_retriever(mode: str) -> None:
    found = {node.node_id: node for node in hybrid(fusion=mode).retrieve("q")}
    for name, node in found.items():
        scores = node.node.metadata[SCORES]
        assert scores.get("dense") == DENSE.get(name)
        assert scores.get("bm25") == LEXICAL.get(name)
        assert scores["fused"] == node.score


@pytest.mark.parametrize("mode", MODES)
def test_node_is_one_whatever_the_order_of_its_metadata(mode: str) -> None:
    def found(order: Sequence[str]) -> list[NodeWithScore]:
        metadata = dict.fromkeys(order, 1)
        return [
            NodeWithScore(node=TextNode(id_="n", text="text", metadata=metadata), score=1.0),
            *nodes({"o": 0.5}),
        ]

    retrievers = {"dense": Given(found(["page", "paragraph"])), "bm25": Given(found(["paragraph", "page"]))}
    ours = HybridRetriever(retrievers, RetrievalConfig(fusion=mode), similarity_top_k=5).retrieve("q")
    same = HybridRetriever(
        {"dense": Given(found(["page", "paragraph"])), "bm25": Given(found(["page", "paragraph"]))},
        RetrievalConfig(fusion=mode),
        similarity_top_k=5,
    ).retrieve("q")
    assert [(node.node_id, node.score) for node in ours] == [(node.node_id, node.score) for node in same]
    assert ours[0].node.metadata.keys() == {"page", "paragraph", SCORES, RANKS}


@pytest.mark.parametrize("mode", MODES)
def test_copies_of_a_sentence_in_two_documents_are_two_nodes_and_gain_nothing(mode: str) -> None:
    def copies(count: int) -> list[NodeWithScore]:
        every = [
            NodeWithScore(node=TextNode(id_=f"copy{n}", text="the same"), score=0.9) for n in range(count)
        ]
        return [*every, *nodes({"other": 0.95, "third": 0.1})]

    retrievers = {"dense": Given(copies(2)), "bm25": LexicalSource({}, 1.0)}
    found = HybridRetriever(retrievers, RetrievalConfig(fusion=mode), similarity_top_k=9).retrieve("q")
    assert sorted(node.node_id for node in found) == ["copy0", "copy1", "other", "third"]
    assert [node.score for node in found] == sorted((node.score or 0.0 for node in found), reverse=True)
    if mode != "reciprocal_rerank":
        assert found[0].node_id == "other"


def test_scores_are_hidden_from_embedding_and_language_model() -> None:
    for node in hybrid().retrieve("q"):
        for mode in (MetadataMode.EMBED, MetadataMode.LLM):
            assert node.node.get_content(metadata_mode=mode) == f"text {node.node_id}"


def test_top_k_bounds_what_is_returned() -> None:
    assert len(hybrid(top_k=2).retrieve("q")) == 2


def order(retriever: HybridRetriever) -> list[str]:
    return [node.node_id for node in retriever.retrieve("q")]


@pytest.mark.parametrize("mode", ["dist_based_score", "relative_score"])
def test_weight_one_is_the_order_of_the_dense_retriever_and_zero_of_bm25(mode: str) -> None:
    assert order(hybrid(fusion=mode, dense_weight=1))[:2] == ["a", "b"]
    assert order(hybrid(fusion=mode, dense_weight=0))[:2] == ["c", "d"]


@pytest.mark.parametrize("mode", ["dist_based_score", "relative_score"])
def test_bm25_counts_less_the_fewer_words_the_collection_knows(mode: str) -> None:
    def share_of_d(coverage: float) -> float:
        found = {node.node_id: node.score or 0.0 for node in hybrid(coverage, fusion=mode).retrieve("q")}
        return found["d"] - found["a"]

    shares = [share_of_d(coverage) for coverage in (0.0, 0.1, 0.2, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < shares[1] < shares[-1]
    assert share_of_d(0.9) == pytest.approx(share_of_d(1.0))


def test_unknown_words_leave_the_order_to_the_dense_retriever() -> None:
    assert order(hybrid(coverage=0.0))[:2] == ["a", "b"]


def test_one_question_does_not_change_the_weights_of_the_next() -> None:
    retriever = hybrid(coverage=0.0)
    before = list(retriever._retriever_weights)
    first = order(retriever)
    assert list(retriever._retriever_weights) == before
    assert order(retriever) == first


@pytest.mark.parametrize("mode", MODES)
def test_empty_lists_give_nothing(mode: str) -> None:
    retriever = HybridRetriever(
        {"dense": Source({}), "bm25": LexicalSource({}, 0.0)},
        RetrievalConfig(fusion=mode),
        similarity_top_k=5,
    )
    assert retriever.retrieve("q") == []


@pytest.mark.parametrize("mode", MODES)
def test_one_empty_list_leaves_the_other(mode: str) -> None:
    retriever = HybridRetriever(
        {"dense": Source(DENSE), "bm25": LexicalSource({}, 0.0)},
        RetrievalConfig(fusion=mode),
        similarity_top_k=5,
    )
    assert order(retriever) == ["a", "b", "c"]


def test_no_global_model_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        pytest.fail("a global setting was resolved")

    monkeypatch.setattr(type(Settings), "llm", property(refuse))
    monkeypatch.setattr(type(Settings), "embed_model", property(refuse))
    assert hybrid().retrieve("q")


async def test_async_gives_the_same_within_a_running_loop() -> None:
    found = await hybrid().aretrieve("q")
    assert [node.node_id for node in found] == order(hybrid())
    assert all("fused" in node.node.metadata[SCORES] for node in found)


def test_many_threads_may_share_a_retriever() -> None:
    retriever = hybrid()
    expected = order(retriever)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(lambda _: order(retriever), range(64)))


class ByQuery(BilingualBM25Retriever):
    """A BM25 retriever that finds something else at every query, and knows a share of each."""

    def __init__(self, found: Mapping[str, Mapping[str, float]], coverage: Mapping[str, float]) -> None:
        BaseRetriever.__init__(self, callback_manager=CallbackManager())
        self._found, self._coverage = found, coverage

    def coverage(self, question: str) -> float:
        return self._coverage[question]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return nodes(self._found[query_bundle.query_str])


def expanded(known: float = 0.0) -> tuple[HybridRetriever, ExpandedQuery]:
    """A question that BM25 knows ``known`` of, with a translation that it knows all of."""
    retrievers = {
        "dense": Source(DENSE),
        "bm25": ByQuery({"q": {"x": 9.0, "y": 8.0}, "t": {"d": 9.0, "a": 2.0}}, {"q": known, "t": 1.0}),
    }
    retriever = HybridRetriever(retrievers, RetrievalConfig(), similarity_top_k=10)
    return retriever, ExpandedQuery("q", expansion=Expansion("t"))


def test_each_query_has_weights_of_its_own_and_together_they_are_one() -> None:
    retriever, query = expanded(known=0.0)
    original, translation = retriever.weights(query)
    assert (original.query, translation.query) == ("q", "t")
    assert (original.coverage, translation.coverage) == (0.0, 1.0)
    assert original.weights["bm25"] == 0
    assert translation.weights["bm25"] == translation.weights["dense"] == original.weights["dense"]
    assert sum([*original.weights.values(), *translation.weights.values()]) == pytest.approx(1)


def test_what_bm25_finds_for_a_question_it_does_not_know_counts_nothing() -> None:
    retriever, query = expanded(known=0.0)
    found = {node.node_id: node for node in retriever.retrieve(query)}
    assert next(iter(found)) == "a"
    assert found["x"].score == found["y"].score == 0
    assert found["d"].score > 0
    retriever, query = expanded(known=1.0)
    assert {node.node_id: node for node in retriever.retrieve(query)}["x"].score > 0


def test_of_several_queries_the_best_score_and_rank_are_kept() -> None:
    retrievers = {
        "dense": Source(DENSE),
        "bm25": ByQuery({"q": {"x": 9.0, "a": 8.0}, "t": {"a": 20.0, "x": 2.0}}, {"q": 1.0, "t": 1.0}),
    }
    retriever = HybridRetriever(retrievers, RetrievalConfig(), similarity_top_k=10)
    found = {
        node.node_id: node.node for node in retriever.retrieve(ExpandedQuery("q", expansion=Expansion("t")))
    }
    assert found["a"].metadata[SCORES]["bm25"] == 20.0
    assert found["a"].metadata[RANKS] == {"dense": 1, "bm25": 1, "fused": 1}
    assert (found["x"].metadata[SCORES]["bm25"], found["x"].metadata[RANKS]["bm25"]) == (9.0, 1)


def test_fusion_by_rank_takes_all_queries_and_has_no_weights() -> None:
    retrievers = {"dense": Source(DENSE), "bm25": ByQuery({"q": {}, "t": {"d": 1.0}}, {"q": 0.0, "t": 1.0})}
    retriever = HybridRetriever(retrievers, RetrievalConfig(fusion="reciprocal_rerank"), similarity_top_k=10)
    query = ExpandedQuery("q", expansion=Expansion("t"))
    assert {node.node_id for node in retriever.retrieve(query)} == {"a", "b", "c", "d"}
    assert [asked.weights for asked in retriever.weights(query)] == [{}, {}]


@pytest.mark.parametrize("mode", MODES)
def test_ranks_are_those_of_the_lists(mode: str) -> None:
    found = {node.node_id: node.node.metadata[RANKS] for node in hybrid(fusion=mode).retrieve("q")}
    assert {name: ranks.get("dense") for name, ranks in found.items()} == {"a": 1, "b": 2, "c": 3, "d": None}
    assert {name: ranks.get("bm25") for name, ranks in found.items()} == {"a": None, "b": 3, "c": 1, "d": 2}
    assert [ranks["fused"] for ranks in found.values()] == [1, 2, 3, 4]


async def test_questions_with_and_without_expansion_share_a_retriever() -> None:
    retriever, query = expanded()
    plain, wide = retriever.retrieve(QueryBundle("q")), retriever.retrieve(query)
    with ThreadPoolExecutor(8) as pool:
        for number, found in enumerate(
            pool.map(retriever.retrieve, [QueryBundle("q") if n % 2 else query for n in range(32)])
        ):
            expected = plain if number % 2 else wide
            assert [(n.node_id, n.score) for n in found] == [(n.node_id, n.score) for n in expected]
    assert [node.node_id for node in await retriever.aretrieve(query)] == [node.node_id for node in wide]


_lists = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-10, 100), max_size=8), min_size=2, max_size=2
)


@pytest.mark.parametrize("mode", MODES)
@given(lists=_lists, dense_weight=st.floats(0.1, 0.9))
def test_scores_are_those_of_the_fusion_of_llamaindex(
    mode: str, lists: list[dict[str, float]], dense_weight: float
) -> None:
    ranked = [dict(sorted(scores.items(), key=lambda entry: -entry[1])) for scores in lists]
    stock = QueryFusionRetriever(
        [Source(scores) for scores in ranked],
        llm=MockLLM(),
        mode=FUSION_MODES(mode),
        similarity_top_k=100,
        num_queries=1,
        use_async=False,
        retriever_weights=[dense_weight, 1 - dense_weight],
    )
    fused = fuse([list(scores.items()) for scores in ranked], stock._retriever_weights, FUSION_MODES(mode))
    assert list(fused.items()) == [(node.node_id, node.score) for node in stock.retrieve("q")]


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="simple"):
        fuse([[("a", 1.0)]], [1.0], FUSION_MODES.SIMPLE)
