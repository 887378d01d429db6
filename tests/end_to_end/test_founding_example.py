"""Questions in Chinese and English about a paper in English, offline, from PDF to cited answer."""

from __future__ import annotations

import re
from pathlib import Path

import pymupdf
import pytest
from pdf_factory import KEY_SENTENCE

from qa_engine import REFUSAL, QueryEngine

HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def engine(ingested: Path) -> QueryEngine:
    return QueryEngine.open(ingested, "papers")


@pytest.mark.usefixtures("local_model")
@pytest.mark.parametrize(
    ("question", "evidence"),
    [
        ("how many parameters does llama 2 have?", "7 billion to 70 billion parameters"),
        ("Llama 2有多少参数？", "70"),
        ("Does llama 2 have a conversational variant?", "dialogue use cases"),
        ("llama 2 chat有多少参数", KEY_SENTENCE),
        ("how safe is llama 2", "safety"),
        ("llama 2安全性如何", "safety"),
    ],
)
def test_the_evidence_is_among_the_first_three_passages_and_the_answer_cites_it(
    engine: QueryEngine, question: str, evidence: str
) -> None:
    passages = engine.retrieve(question, top_k=3)
    assert any(evidence in passage.node.get_content() for passage in passages)
    answer = engine.query(question)
    assert not answer.refused, answer.probability
    assert HAN.search(answer.response)
    assert answer.citations
    for citation in answer.citations:
        assert f"[{citation.number}]" in answer.response
        assert citation.file == "llama2.pdf"
        assert 1 <= citation.page <= citation.page_end <= 4


@pytest.mark.usefixtures("local_model")
@pytest.mark.parametrize(
    "question", ["红烧肉要炖多久？", "What is the capital of Australia?", "作者养了几只猫？"]
)
def test_what_the_paper_does_not_say_is_refused_exactly(engine: QueryEngine, question: str) -> None:
    answer = engine.query(question)
    assert answer.response == REFUSAL
    assert answer.refused
    assert answer.citations == []
    assert answer.probability < 0.5


@pytest.mark.usefixtures("local_model")
def test_a_sentence_cut_by_a_page_break_comes_back_whole_with_both_its_pages_and_boxes(
    engine: QueryEngine,
) -> None:
    hits = engine.retrieve("We release variants of this model with how many parameters?", top_k=3)
    home = next(hit for hit in hits if KEY_SENTENCE in hit.node.get_content())
    sentence = next(s for s in home.node.metadata["sentences"] if s["text"] == KEY_SENTENCE)
    assert (sentence["page"], sentence["page_end"]) == (2, 3)
    answer = engine.query("We release variants of this model with how many parameters?")
    cited = next(c for c in answer.citations if KEY_SENTENCE in c.text)
    assert {box.page for box in cited.boxes} == {2, 3}


@pytest.mark.usefixtures("local_model")
def test_boxes_enclose_the_cited_text_on_its_page(ingested: Path) -> None:
    answer = QueryEngine.open(ingested, "西湖").query("雷峰塔有多高？")
    assert not answer.refused
    citation = answer.citations[0]
    assert "71.679" in citation.text
    with pymupdf.open(ingested.parent / "西湖介绍.pdf") as document:
        found = "".join(
            document[box.page - 1].get_textbox(pymupdf.Rect(box.x0, box.y0, box.x1, box.y1))
            for box in citation.boxes
        )
    assert citation.text.replace(" ", "") in re.sub(r"\s", "", found)
