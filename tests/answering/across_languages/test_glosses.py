"""The Chinese of key terms beside quotes in another language."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

import pytest
from llama_index.core.schema import NodeWithScore, TextNode
from pdf_factory import english_pdf

from qa_engine import QueryEngine, ingest
from qa_engine.answering.across_languages.glosses import TermGloss, gloss_line, term_glosses
from qa_engine.answering.answer import REFUSAL
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.text.citation_marks import CITATION
from qa_engine.text.language import is_chinese

QUESTION = "弹性螺母为什么比普通螺母高？"
QUOTE = "The elastic nut is higher than Boots nuts, see www.nuts.com/locking, to hold the fiber collar."


class Broken(Dictionary):
    """A dictionary whose table cannot be opened."""

    def _opened(self):  # type: ignore[no-untyped-def]
        from qa_engine.errors import StorageError

        raise StorageError("no table")


def test_nothing_is_glossed_without_words(dictionary: Dictionary) -> None:
    assert gloss_line([]) == ""
    assert term_glosses(QUESTION, [QUOTE], None) == []
    assert term_glosses(QUESTION, [], dictionary) == []
    assert term_glosses(QUESTION, ["螺母更高。", "3.2; 4.1", "V = 3", "Qwx zzyq Vbnm"], dictionary) == []


def test_dictionary_that_cannot_be_opened_is_said_once_and_leaves_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Broken()
    with caplog.at_level(logging.WARNING):
        assert term_glosses(QUESTION, [QUOTE], broken) == []
        assert term_glosses(QUESTION, [QUOTE], broken) == []
    assert [record.message for record in caplog.records].count(
        "Words are not translated, as the dictionary cannot be used: no table"
    ) == 1
    nodes = [NodeWithScore(node=TextNode(text=QUOTE))]
    answer = ExtractiveSynthesizer(dictionary=broken, glosses=broken).synthesize(QUESTION, nodes)
    assert not answer.refused and answer.glosses == [] and answer.said == answer.response


def test_words_of_the_question_come_first_in_its_own_words(dictionary: Dictionary) -> None:
    found = {gloss.term: gloss.chinese for gloss in term_glosses(QUESTION, [QUOTE], dictionary)}
    assert found["nut"] == "螺母" and "Boots" not in found and "com" not in found
    assert len(term_glosses(QUESTION, [QUOTE * 3, QUOTE], dictionary)) == len(found) <= 6
    training = term_glosses(
        "训练用了多久？", ["The training took a day, and a longer train came."], dictionary
    )
    assert TermGloss("training", "训练") in training


def test_english_question_is_glossed_as_well(dictionary: Dictionary) -> None:
    found = term_glosses("Why is the elastic nut higher?", [QUOTE], dictionary)
    assert {"elastic", "nut"} <= {gloss.term for gloss in found}


def test_line_says_that_it_is_no_translation_and_cites_nothing(dictionary: Dictionary) -> None:
    line = gloss_line(term_glosses(QUESTION, [QUOTE], dictionary))
    assert "词典释义，非译文" in line and "nut 螺母" in line and is_chinese(line)
    assert CITATION.search(line) is None and "\n" not in line


def test_answer_shows_the_line_and_keeps_it_apart_from_what_is_quoted(
    tmp_path: Path, local_model: Path, dictionary: Dictionary
) -> None:
    ingest([english_pdf(tmp_path / "planets.pdf")], tmp_path / "storage")
    question = "太阳系中最大的行星是哪一颗？"
    with QueryEngine.open(tmp_path / "storage", config={"answering": {"threshold": 0}}) as engine:
        answer, stream = engine.query(question), engine.stream(question)
        assert "".join(stream) == answer.response
    line = gloss_line(answer.glosses)
    assert answer.glosses and answer.response == f"{answer.said}\n{line}"
    assert all("词典" not in citation.text for citation in answer.citations)
    assert [citation.number for citation in answer.citations] == sorted(
        {int(number) for number in CITATION.findall(answer.response)}
    )
    assert answer.to_dict()["glosses"] == [asdict(gloss) for gloss in answer.glosses]
    with QueryEngine.open(
        tmp_path / "storage", config={"answering": {"glosses": False, "threshold": 0}}
    ) as engine:
        plain = engine.query(question)
    assert plain.response == answer.said and plain.glosses == []


def test_refusal_has_no_line(dictionary: Dictionary) -> None:
    answer = ExtractiveSynthesizer(dictionary=dictionary, glosses=dictionary).synthesize(QUESTION, [])
    assert answer.response == answer.said == REFUSAL and answer.glosses == []


def test_names_are_no_words_of_the_dictionary(dictionary: Dictionary) -> None:
    quote = "In the paper, Llama 2 has variants. Llama 2-Chat is one of Apple models."
    terms = {
        gloss.term
        for gloss in term_glosses("Which variants does llama 2 of Apple have?", [quote], dictionary)
    }
    assert "variants" in terms and not terms & {"Llama", "Apple"}
