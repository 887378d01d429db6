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
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer

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


def sentence(text: str, page: int, **further: object) -> dict[str, object]:
    """The entry of a sentence in the metadata of a passage."""
    return {"text": text, "page": page, "page_end": page, "start": 0, "end": len(text), **further}


def passage(sentences: list[dict[str, object]]) -> NodeWithScore:
    text = "".join(str(one["text"]) for one in sentences)
    metadata = {"file_name": "a.pdf", "sentences": sentences}
    return NodeWithScore(node=TextNode(text=text, metadata=metadata, id_="d-0000000..99"))


def test_no_passages_is_the_refusal() -> None:
    assert answer(Scorer(), QUESTION, []).response == REFUSAL


def test_doubtful_sentence_is_never_quoted_even_where_there_is_nothing_else() -> None:
    doubtful = sentence(
        "雷峰塔高㐄七丂米，很高的塔。", 1, node_id="d-0000000", doubt="rare characters may stand for digits"
    )
    told = sentence("雷峰塔的高度是71米，塔有五层。", 1, node_id="d-0000001")
    assert answer(Scorer(), QUESTION, [passage([doubtful])]).response == REFUSAL
    both = answer(Scorer(), QUESTION, [passage([doubtful, told])])
    assert [citation.text for citation in both.citations] == [told["text"]]


def test_headings_are_quoted_only_where_there_is_nothing_else() -> None:
    heading = sentence("雷峰塔的高度", 1, role="heading", node_id="d-0000000")
    told = sentence("高71.679米，共五层。", 1, node_id="d-0000001")
    assert answer(Scorer(), "高度", [passage([heading])], 1).citations[0].text == "雷峰塔的高度"
    assert answer(Scorer(), "高度", [passage([heading, told])], 1).citations[0].text == told["text"]


def test_short_sentences_are_quoted_only_where_there_is_nothing_else() -> None:
    short = sentence("高71米。", 1, node_id="d-0000000")
    assert answer(Scorer(), QUESTION, [passage([short])]).citations[0].text == "高71米。"


def test_what_may_be_misread_is_never_quoted() -> None:
    misread = sentence("雷峰塔高#!&.$!%米。", 1, node_id="d-0000000", doubt="font without a map")
    told = sentence("塔建于十世纪，共有五层。", 1, node_id="d-0000001")
    given = answer(Scorer(), QUESTION, [passage([misread, told])])
    assert [citation.text for citation in given.citations] == [told["text"]]
    assert answer(Scorer(), QUESTION, [passage([misread])]).refused


def test_passage_without_a_text_is_the_refusal() -> None:
    assert answer(Scorer(), QUESTION, [NodeWithScore(node=TextNode(text=""))]).refused


def test_sentences_that_follow_one_another_are_one_citation_of_all_their_pages() -> None:
    first = sentence("雷峰塔在西湖的南岸，它的塔身", 3, node_id="d-0000007", page_label="1", section="塔")
    second = sentence("高71.679米，共有五层。", 3, page_end=4, node_id="d-0000008", section="塔")
    node = passage([first, second])
    for one in (first, second):
        one["support"] = 0.9
    node.node.metadata["compared_with"] = QUESTION
    given = answer(Scorer(), QUESTION, [node], quotes=1)
    (citation,) = given.citations
    assert citation.text == "雷峰塔在西湖的南岸，它的塔身高71.679米，共有五层。"
    assert (citation.page, citation.page_end, citation.page_label) == (3, 4, "1")
    assert citation.id == "d-0000007..8"
    assert given.response == f"根据《a.pdf》第3–4页：“{citation.text}”[1]"


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
def test_what_is_plainly_best_is_quoted_alone(storage: Path) -> None:
    nodes = found(storage, "stored")
    sentences = [sentence for node in nodes[:3] for sentence in node.node.metadata["sentences"]]
    for sentence in sentences:
        sentence["support"] = 0.9 if "71.679" in sentence["text"] else 0.5
    (citation,) = answer(Scorer(), QUESTION, nodes).citations
    assert "71.679" in citation.text
    assert ".." not in citation.id


@pytest.mark.usefixtures("local_model")
def test_sentence_without_a_score_sends_all_to_the_model(storage: Path) -> None:
    nodes = found(storage, "stored")
    for sentence in nodes[0].node.metadata["sentences"][1:4]:
        sentence["support"] = None
    scorer = Scorer()
    answer(scorer, QUESTION, nodes)
    assert scorer.pairs


REFERENCES = [
    sentence(f"[{number}] 林舟. {title}. 海岸, 2019.", 9, section="塔 › 参考文献")
    for number, title in ((1, "雷峰塔有多高"), (2, "孤山的石头"))
]


def test_references_are_quoted_only_where_they_are_asked_for() -> None:
    node = passage([*REFERENCES, sentence("雷峰塔的高度是71.679米。", 3)])
    assert [one.text for one in answer(Scorer(), QUESTION, [node]).citations] == ["雷峰塔的高度是71.679米。"]
    (asked,) = answer(Scorer(), "参考文献[2]是哪篇？", [node]).citations
    assert asked.text == REFERENCES[1]["text"]


def test_two_quotes_have_a_mark_between_them() -> None:
    nodes = [passage([sentence(f"雷峰塔有多高？它高{height}米。", 3)]) for height in (71, 72)]
    given = answer(Scorer(), QUESTION, nodes)
    assert len(given.citations) == 2
    assert "”[1]；“" in (given.response or "")
