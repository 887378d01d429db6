"""Answers without a language model, from passages that real retrieval found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from llama_index.core.schema import NodeWithScore, TextNode
from pdf_factory import chinese_pdf, english_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.extractive import ExtractiveSynthesizer

QUESTION = "雷峰塔有多高？"


class Scorer:
    """Counts what it is asked; a text scores by its share of the characters of the question."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def predict(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        self.pairs += pairs
        return np.array([len(set(question) & set(text)) / len(set(question)) for question, text in pairs])


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("extractive")
    files = [chinese_pdf(folder / "西湖.pdf"), english_pdf(folder / "planets.pdf")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(files, folder / "storage", "stored", {})
        ingest(files, folder / "storage", "encoded", {"embedding": {"token_bits": 0}})
    return folder / "storage"


def found(storage: Path, collection: str, question: str = QUESTION) -> list[NodeWithScore]:
    bits = 4 if collection == "stored" else 0
    engine = QueryEngine.open(storage, collection, {"embedding": {"token_bits": bits}})
    return engine.retrieve(question, top_k=5)


def answer(scorer: Scorer, question: str, nodes: list[NodeWithScore], quotes: int = 2):  # type: ignore[no-untyped-def]
    return ExtractiveSynthesizer(scorer, quotes).synthesize(question, nodes)  # type: ignore[arg-type]


def test_no_passages_is_the_refusal() -> None:
    assert answer(Scorer(), QUESTION, []).response == REFUSAL


def test_passages_of_other_retrievers_are_quoted_too() -> None:
    scorer = Scorer()
    node = TextNode(
        text="西湖在杭州。雷峰塔高71.679米。孤山在湖中。", metadata={"file_name": "a.pdf", "page": 3}
    )
    given = answer(scorer, QUESTION, [NodeWithScore(node=node)], quotes=1)
    assert given.response == "根据《a.pdf》第3页：“雷峰塔高71.679米。”[1]"
    assert scorer.pairs


@pytest.mark.usefixtures("local_model")
def test_what_the_reranker_compared_is_not_compared_again(storage: Path) -> None:
    scorer = Scorer()
    given = answer(scorer, QUESTION, found(storage, "stored"))
    assert scorer.pairs == []
    assert "高71.679米" in given.response
    assert given.citations[0].file == "西湖.pdf"


@pytest.mark.usefixtures("local_model")
def test_scores_for_another_question_are_not_taken(storage: Path) -> None:
    scorer = Scorer()
    answer(scorer, "西湖平均水深是多少？", found(storage, "stored"))
    assert scorer.pairs


@pytest.mark.usefixtures("local_model")
def test_without_stored_vectors_the_model_is_asked_and_says_the_same(storage: Path) -> None:
    scorer = Scorer()
    answer(scorer, QUESTION, found(storage, "encoded"))
    assert scorer.pairs
    by_model = ExtractiveSynthesizer().synthesize(QUESTION, found(storage, "encoded"))
    by_stored = ExtractiveSynthesizer().synthesize(QUESTION, found(storage, "stored"))
    assert by_model.response == by_stored.response


@pytest.mark.usefixtures("local_model")
def test_english_evidence_is_quoted_as_it_is_in_a_chinese_frame(storage: Path) -> None:
    question = "土星的环由什么组成？"
    given = answer(Scorer(), question, found(storage, "stored", question), quotes=1)
    assert given.response.startswith("根据《planets.pdf》第")
    assert "ice particles" in given.response


@pytest.mark.usefixtures("local_model")
def test_second_quote_must_be_about_as_good(storage: Path) -> None:
    nodes = found(storage, "stored")
    sentences = [sentence for node in nodes[:3] for sentence in node.node.metadata["sentences"]]
    longest = max(sentences, key=lambda sentence: len(sentence["text"]))
    for sentence in sentences:
        sentence["support"] = 0.9 if sentence is longest else 0.5
    assert len(answer(Scorer(), QUESTION, nodes).citations) == 1
    for sentence in sentences:
        sentence["support"] = 0.9
    assert len(answer(Scorer(), QUESTION, nodes).citations) == 2


@pytest.mark.usefixtures("local_model")
def test_sentence_without_a_score_sends_all_to_the_model(storage: Path) -> None:
    nodes = found(storage, "stored")
    for sentence in nodes[0].node.metadata["sentences"][1:4]:
        sentence["support"] = None
    scorer = Scorer()
    answer(scorer, QUESTION, nodes)
    assert scorer.pairs
