"""AnswerabilityFeatures of ranked passages, and the probability that they hold the answer."""

from __future__ import annotations

import math
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from qa_engine.answering.refusal.calibration import LOCAL_CALIBRATION
from qa_engine.answering.refusal.content_words import ContentWord
from qa_engine.answering.refusal.features import FEATURES, PAIRS, AnswerabilityFeatures
from qa_engine.answering.refusal.gate import AnswerabilityGate, Evidence
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.decomposition.interleaving import of_parts
from qa_engine.retrieval.naming.identity_index import NamedDocuments
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import passage_of


def passage(text: str, **scores: float) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, metadata={"scores": scores}), score=0.0)


TOWER = passage("雷峰塔高71.679米。", rerank=0.92, weakest=0.85, dense=0.88)
LAKE = passage("西湖位于杭州市西部。", rerank=0.84, weakest=0.86, dense=0.9)
PLANET = passage("Jupiter is the largest planet.", rerank=0.7)


def test_the_best_of_a_named_document_need_not_lead_as_far() -> None:
    candidates = [passage("塔高三米。", rerank=support) for support in (0.88, 0.87, 0.87)]
    estimates = [LOCAL_CALIBRATION.probability("塔高？", candidates, 5, alike) for alike in (False, True)]
    assert estimates[0] < estimates[1]


def test_evidence_is_the_best_of_the_passages_used_against_all_candidates() -> None:
    found = AnswerabilityFeatures.of("雷峰塔有多高？", [TOWER, LAKE, PLANET], used=2)
    assert (found.support, found.weakest, found.dense) == (0.92, 0.86, 0.9)
    assert found.lead == pytest.approx(0.92 - 0.84)
    assert 0 < found.coverage <= 1
    assert found.pair == "zh-zh"


def test_what_the_answer_cannot_use_does_not_support_it() -> None:
    assert AnswerabilityFeatures.of("雷峰塔有多高？", [LAKE, TOWER], used=1).support == 0.84


@pytest.mark.parametrize(
    ("question", "found", "pair"),
    [
        ("最大的行星是哪颗？", PLANET, "zh-en"),
        ("Which planet is the largest?", PLANET, "en-en"),
        ("How high is the tower?", TOWER, "en-zh"),
    ],
)
def test_languages_are_told(question: str, found: NodeWithScore, pair: str) -> None:
    assert AnswerabilityFeatures.of(question, [found], used=5).pair == pair


@pytest.mark.parametrize("scores", [{}, {"bm25": 3.0}, {"rerank": 0.9}])
def test_stages_that_said_nothing_leave_zeros(scores: dict[str, Any]) -> None:
    found = AnswerabilityFeatures.of("？", [passage("", **scores)], used=5)
    assert found.values() == [scores.get("rerank", 0.0), *[0.0] * (len(FEATURES) - 1)]


def between(text: str, *words: ContentWord, support: float = 0.95) -> tuple[float, float]:
    found = AnswerabilityFeatures.of(
        "年假有几天？", [PLANET, passage(text, rerank=support)], used=2, between=words
    )
    return found.translated, found.missing_names


LEAVE = ContentWord("年假", 0, (("annual", "leav"),), rarity=3.0)
DAYS = ContentWord("天", 5, (("day",),), rarity=1.0)
CODE = ContentWord("GPT-4", 0, (("gpt", "4"),), rarity=4.0, is_name=True)


def test_between_languages_the_words_that_a_passage_holds_are_weighed_by_their_rarity() -> None:
    assert between("Five days.", LEAVE, DAYS) == (0.25, 0)
    assert between("Five days of annual leave.", LEAVE, DAYS) == (1.0, 0)
    assert between("A planet.", LEAVE, DAYS, CODE) == (0.0, 1)
    assert between("A planet of GPT-4.", LEAVE, DAYS, CODE) == (0.0, 0)


@pytest.mark.parametrize(("support", "translated"), [(0.7, 1.0), (0.66, 0.6), (0.5, 0.0)])
def test_between_languages_the_words_count_less_in_a_passage_with_less_support(
    support: float, translated: float
) -> None:
    assert between("Annual leave.", LEAVE, support=support)[0] == pytest.approx(translated)


def test_words_in_the_other_language_count_between_languages_alone() -> None:
    nowhere = ContentWord("塔", 0, (("tower",),), rarity=3.0)
    within = AnswerabilityFeatures.of("雷峰塔有多高？", [TOWER], used=1, between=[nowhere])
    assert (within.translated, within.missing_names) == (0.0, 0)
    # Nothing that could be looked up tells nothing: about the middle.
    assert 0.4 < between("A planet.")[0] < 0.8


def test_between_languages_a_question_is_less_likely_answered_if_nothing_of_it_is_there() -> None:
    candidates = [passage("Jupiter is the largest planet.", rerank=0.8, weakest=0.75)]
    held, lacking = (ContentWord("行星", 3, (term,), rarity=4.0) for term in (("planet",), ("leav",)))
    estimates = [
        LOCAL_CALIBRATION.probability("最大的行星是哪颗？", candidates, 1, between=[word])
        for word in (held, lacking)
    ]
    assert estimates[0] > 3 * estimates[1]


def test_without_passages_there_is_no_answer() -> None:
    assert LOCAL_CALIBRATION.probability("雷峰塔有多高？", [], used=5) == 0.0


@pytest.mark.parametrize("support", [-1e6, 0.0, 1e6])
def test_probability_is_one_whatever_the_scores(support: float) -> None:
    probability = LOCAL_CALIBRATION.probability("塔高？", [passage("塔高三米。", rerank=support)], used=5)
    assert 0 <= probability <= 1


def test_model_that_comes_with_the_package_is_complete() -> None:
    assert set(LOCAL_CALIBRATION.weights) == set(FEATURES)
    assert set(LOCAL_CALIBRATION.biases) == set(PAIRS)
    assert 0 < LOCAL_CALIBRATION.llm_threshold < LOCAL_CALIBRATION.threshold < 1


def test_log_odds_are_linear() -> None:
    model = AnswerabilityModel(
        dict.fromkeys(FEATURES, 0.0) | {"support": 2.0}, dict.fromkeys(PAIRS, -1.0), 0.5, 0.1
    )
    assert model.of_features(AnswerabilityFeatures(0.5, 0, 0, 0, 0, "zh-zh")) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("worth", "named", "threshold", "refused"),
    [(0.8, True, None, False), (0.1, True, None, True), (0.8, False, None, True), (0.8, True, 0.5, True)],
    ids=["stands out", "does not", "of any document", "threshold of the user"],
)
def test_a_sentence_that_stands_out_in_a_named_document_is_worth_an_answer(
    worth: float, named: bool, threshold: float | None, refused: bool
) -> None:
    settings = AnsweringConfig(threshold=threshold, identifiers="ignored")
    gate = AnswerabilityGate(settings, LOCAL_CALIBRATION, extractive=True, best_row_worth=lambda *_: worth)
    documents = NamedDocuments(frozenset({"a"}) if named else frozenset())
    ranked = RankedPassages([passage("项目：商誉；2022年：56.10", rerank=0.7)], named=documents)
    assert gate.evidence(QueryBundle("2022年的商誉是多少？"), ranked).refused is refused


def test_of_several_parts_those_that_can_be_answered_are() -> None:
    def part(name: str, support: float) -> RankedPassages:
        return RankedPassages([passage(f"{name}在此。", rerank=support, dense=support)], rerank_query=name)

    weights = dict.fromkeys(FEATURES, 0.0) | {"support": 10.0}
    model = AnswerabilityModel(weights, dict.fromkeys(PAIRS, -5.0), 0.5, 0.1)
    gate = AnswerabilityGate(AnsweringConfig(), model, extractive=True)

    def evidence(*supports: float) -> Evidence:
        names = [f"问题{number}" for number in range(len(supports))]
        ranked = of_parts("都问", names, [part(*pair) for pair in zip(names, supports, strict=True)])
        return gate.evidence(QueryBundle("都问"), ranked)

    told = evidence(0.9, 0.1)
    assert not told.refused
    assert [passage_of(node).part for node in told.passages] == ["问题0"]
    assert told.probability == pytest.approx(1 / (1 + math.exp(-4)))
    assert [passage_of(node).part for node in evidence(0.9, 0.8).passages] == ["问题0", "问题1"]
    none = evidence(0.1, 0.2)
    assert none.refused
    assert len(none.passages) == 2


def test_a_passage_that_lacks_the_noun_that_is_asked_for_is_less_likely_to_answer() -> None:
    held, lacking = (
        passage("北仓店营业额为42.6万元。", rerank=0.87, weakest=0.82, asked=asked) for asked in (0.95, 0.78)
    )
    question = "北仓店的店长是谁？"
    assert LOCAL_CALIBRATION.probability(question, [held], 1) > LOCAL_CALIBRATION.probability(
        question, [lacking], 1
    )


def test_a_model_of_an_earlier_version_lacks_features_and_counts() -> None:
    content = LOCAL_CALIBRATION.to_dict()
    content["weights"] = {name: content["weights"][name] for name in ("support", "weakest", "lead")}
    del content["scales"]  # such as those of `qa-engine calibrate`
    model = AnswerabilityModel.from_dict(content)
    assert 0 < model.probability("雷峰塔有多高？", [TOWER], used=5) < 1
