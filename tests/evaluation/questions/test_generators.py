"""Questions made of sentences, by rules and by a scripted language model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf, english_pdf
from scripted_llm import ScriptedLLM, calls

from qa_engine.errors import ServiceUnavailableError
from qa_engine.evaluation.metrics.ranking import squash
from qa_engine.evaluation.questions.llm_generator import generate_with_llm, read_pair
from qa_engine.evaluation.questions.rule_generator import generate_questions
from qa_engine.evaluation.questions.sampling import SourcePassage, sampled_passages
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader


def passages(*texts: str, role: str = "") -> list[SourcePassage]:
    return [SourcePassage(f"d-{n:07d}", text, "塔.pdf", n + 1, role) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "目录……………………12",
        "它高71.679米，位于西湖边上。",
        "该塔高71.679米，位于西湖边上。",
        "塔高71.679米，宽71.679米，在西湖边。",
        "第2.4条 加班应当事先填写申请单并报批。",
        "详见https://example.com/12米的页面说明。",
        "没有句号的一行字，高71.679米，在湖边",
        "It is 71 metres high and stands at the lake.",
        "Chapter 3 of 1/2 reads v2.1.3 only.",
    ],
)
def test_a_sentence_that_gives_no_plain_question_is_passed_over(text: str) -> None:
    assert generate_questions(passages(text), 5) == []


def test_titles_and_tables_are_passed_over() -> None:
    assert generate_questions(passages("雷峰塔高71.679米，在湖边。", role="table"), 5) == []


@pytest.mark.parametrize(
    ("text", "kind", "question", "answer"),
    [
        ("雷峰塔现在的高度是71.679米。", "number", "雷峰塔现在的高度是多少米？", "71.679米"),
        ("雷峰塔于2002年重建完成，游人很多。", "number", "雷峰塔于哪一年重建完成？", "2002年"),
        ("西湖于2011年6月24日列入名录。", "number", "西湖于哪一天列入名录？", "2011年6月24日"),
        ("公司的体检一般在9月进行，费用由公司承担。", "number", "公司的体检一般在几月进行？", "9月"),
        ("4.3 逾期的，每周支付货款1%的违约金。", "number", "逾期的，每周支付货款百分之多少的违约金？", "1%"),
        (
            "在海拔超过1500米的地区使用时，请打开高原模式。",
            "number",
            "在海拔超过多少米的地区使用时，请打开高原模式？",
            "1500米",
        ),
        (
            "反渗透是一种利用压力差分离水中杂质的技术。",
            "definition",
            "反渗透是什么？",
            "利用压力差分离水中杂质的技术",
        ),
        (
            "西湖早已列入《世界遗产名录》，游人众多。",
            "cloze",
            "填空：西湖早已列入《____》，游人众多。",
            "世界遗产名录",
        ),
        (
            "The monthly boat survey costs 64,000 euros a year.",
            "cloze",
            "Fill in the blank: The monthly boat survey costs ____ euros a year.",
            "64,000",
        ),
        (
            "Jupiter is the largest planet in the Solar System.",
            "definition",
            "What is Jupiter?",
            "the largest planet in the Solar System",
        ),
    ],
)
def test_questions_of_each_kind(text: str, kind: str, question: str, answer: str) -> None:
    (made,) = generate_questions(passages(text), 5)
    assert (made.question, made.answers) == (question, (answer,))
    assert (made.file, made.page, made.evidence) == ("塔.pdf", 1, text)
    assert made.model_extra == {"kind": kind, "node": "d-0000000"}


def test_nothing_is_asked_twice_and_no_more_than_wanted() -> None:
    texts = [f"{name}塔现在的高度是{n}.5米。" for n, name in enumerate("甲乙丙丁")]
    assert len(generate_questions(passages(*texts, *texts), 9)) == 4
    assert len(generate_questions(passages(*texts), 2)) == 2


# -- sentences of a collection


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> IndexReader:
    folder = tmp_path_factory.mktemp("generate")
    chinese_pdf(folder / "docs" / "西湖.pdf")
    english_pdf(folder / "docs" / "planets.pdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        ingest(folder / "docs", folder / "storage")
    paths = collection_paths(folder / "storage", "default")
    return IndexReader(paths, Catalog(paths.catalog))


def test_every_sentence_comes_once_in_an_order_of_the_seed(reader: IndexReader) -> None:
    first, again, other = (list(sampled_passages(reader, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert {passage.node for passage in first} == {passage.node for passage in other}
    assert len({passage.node for passage in first}) == len(first) == reader.catalog.node_count()
    assert {passage.file for passage in first} == {"西湖.pdf", "planets.pdf"}
    assert all(passage.page == 1 for passage in first)


def test_passages_go_on_until_they_are_long_enough(reader: IndexReader) -> None:
    alone = {passage.node: passage.text for passage in sampled_passages(reader, 1)}
    for passage in sampled_passages(reader, 1, 60):
        assert squash(passage.text).startswith(squash(alone[passage.node]))
    assert max(len(passage.text) for passage in sampled_passages(reader, 1, 60)) >= 60


def test_questions_of_a_collection_name_their_place(reader: IndexReader) -> None:
    made = generate_questions(sampled_passages(reader, 1), 50)
    assert len(made) >= 3
    for question in made:
        assert squash(question.answers[0]) in squash(question.evidence)


# -- by a language model


def asked(texts: Sequence[str]) -> Iterator[SourcePassage]:
    return iter(passages(*texts))


def reply(question: str | None, answer: str | None) -> str:
    return json.dumps({"question": question, "answer": answer}, ensure_ascii=False)


def test_every_call_is_a_question_or_counted(tmp_path: Path) -> None:
    journal = tmp_path / "calls"
    replies = {
        "甲塔": reply("甲塔多高？", "30米"),
        "乙塔": "```json\n" + reply("乙塔多高？", "31 米") + "\n```",
        "丙塔": reply(None, None),
        "丁塔": "好的，我想一想。",
        "戊塔": reply("戊塔多高？", "三十米左右"),
        "己塔": reply("甲塔多高？", "35米"),
        "庚塔": "!ServiceUnavailableError",
        "辛塔": "问题：辛塔多高？\n答案：37米",
    }
    texts = [f"{name}高{30 + n}米。" for n, name in enumerate(replies)]
    llm = ScriptedLLM(replies=replies, journal=str(journal))
    made = generate_with_llm(llm, asked(texts), 8, concurrency=2)
    assert [question.question for question in made.questions] == ["甲塔多高？", "乙塔多高？", "辛塔多高？"]
    assert dict(made.failures) == {
        "declined": 1,
        "unreadable": 1,
        "not in the passage": 1,
        "duplicate": 1,
        "ServiceUnavailableError": 1,
    }
    assert made.calls == len(texts) == sum(calls(journal).values())
    assert made.stopped is None
    assert made.questions[0].evidence == "甲塔高30米。"
    assert made.questions[0].model_extra == {"kind": "llm", "node": "d-0000000"}


def test_a_service_that_is_gone_ends_it_with_what_there_is(tmp_path: Path) -> None:
    journal = tmp_path / "calls"
    llm = ScriptedLLM(
        replies={"甲塔": reply("甲塔多高？", "30米")},
        default="!ServiceUnavailableError",
        journal=str(journal),
    )
    made = generate_with_llm(llm, asked(["甲塔高30米。", *["乙塔高31米。"] * 20]), 10, concurrency=1)
    assert isinstance(made.stopped, ServiceUnavailableError)
    assert len(made.questions) == 1
    assert sum(calls(journal).values()) == 4


def test_a_model_that_only_declines_is_not_asked_for_ever() -> None:
    made = generate_with_llm(ScriptedLLM(default=reply(None, None)), asked(["甲塔高30米。"] * 100), 5)
    assert (made.calls, made.questions) == (15, [])


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("", None),
        ("{}", None),
        ('{"question": 3, "answer": "a"}', None),
        ('{"question": "a"', None),
        ('{"question": null}', ("", "")),
        ('<think>{"a"}</think>{"question": " q ", "answer": 3}', ("q", "3")),
        ("问题: q\n\n答案: a\n说明", ("q", "a")),
    ],
)
def test_replies_in_all_forms(text: str, pair: tuple[str, str] | None) -> None:
    assert read_pair(text) == pair
