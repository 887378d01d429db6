"""Questions about the documents themselves: answered from what is known of them, with citations, in all ways of asking."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from pdf_factory import CHINESE_FONT, PdfBuilder
from scripted_llm import ScriptedLLM

from qa_engine import REFUSAL, QueryEngine, ingest
from qa_engine.index.catalog import Catalog

pytestmark = pytest.mark.usefixtures("local_model")
CHARTER = [
    ["泊岸读书会章程"],
    ["第一章 总则", "第一条 本会由临川的读者发起。", "第二条 本会每月聚会一次，由会长召集。"],
    ["第二章 会员", "第三条 会费每年四十元，在校学生减半。", "第四条 会员可以借书三本，每本借期三十天。"],
]


def book(path: Path, pages: list[list[str]], font: str = CHINESE_FONT, **metadata: str) -> Path:
    builder = PdfBuilder(font)
    for lines in pages:
        builder.page()
        y = 100.0
        for line in lines:
            heading = (line.startswith("第") and "章" in line[:4]) or (
                len(pages[0]) == 1 and lines is pages[0]
            )
            builder.put(line, 72, y, 18 if heading else 11)
            y += 40 if heading else 24
    builder.document.set_metadata(metadata)
    builder.save(path)
    return path


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("about")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        charter = book(
            folder / "泊岸读书会章程.pdf", CHARTER, author="孟听澜", creationDate="D:20220309101500+08'00'"
        )
        kiln = book(
            folder / "kiln-guide.pdf",
            [["Kiln Guide", "The kiln is heated for nine hours.", "It cools for two days."]],
            "helv",
            author="Administrator",
        )
        price = book(folder / "K2_陶土价目表.pdf", [["陶土价目表", "白陶土每公斤八元，红陶土每公斤六元。"]])
        ingest([charter, kiln, price], folder / "storage", "several", {})
        ingest([charter], folder / "storage", "one", {})
    return folder / "storage"


@pytest.fixture(scope="module")
def several(storage: Path) -> QueryEngine:
    return QueryEngine.open(storage, "several")


@pytest.fixture(scope="module")
def one(storage: Path) -> QueryEngine:
    return QueryEngine.open(storage, "one")


@pytest.mark.parametrize(
    ("question", "kind", "parts"),
    [
        ("泊岸读书会章程有多少页？", "pages", ["《泊岸读书会章程.pdf》共3页[1]"]),
        ("How many pages does the kiln guide have?", "pages", ["《kiln-guide.pdf》共1页[1]"]),
        ("章程的作者是谁？", "author", ["元数据", "孟听澜"]),
        ("章程是什么时候创建的？", "date", ["元数据", "2022年3月9日"]),
        ("章程的标题是什么？", "title", ["泊岸读书会章程"]),
        ("章程一共有几章？", "chapters", ["共有2章", "第一章 总则", "第二章 会员"]),
        ("章程有多少条？", "chapters", ["共有4条"]),
        ("第四条写了什么？", "article", ["借书三本", "三十天"]),
        ("What does Article 4 of the charter say?", "article", ["借书三本"]),
        ("章程第二章讲了什么？", "chapter", ["会费每年四十元", "借书三本"]),
        ("章程第2页写了什么？", "page", ["每月聚会一次"]),
        ("这里一共有多少个文件？", "files", ["共有3个文件", "泊岸读书会章程", "Kiln Guide", "陶土价目表"]),
        ("这份文件讲了什么？", "overview", ["泊岸读书会章程", "Kiln Guide", "陶土价目表"]),
        ("章程有几章几条？", "chapters", ["共有2章", "共有4条"]),
        ("章程多少页、谁写的？", "pages", ["共3页", "孟听澜"]),
        ("章程里“会员”一章写了什么？", "chapter", ["会费每年四十元"]),
        ("章程有没有第五章？", "chapters", ["没有第5章，共有2章"]),
        ("哪份文件页数最多？", "extreme", ["3个文件中页数最多的是：《泊岸读书会章程.pdf》共3页[1]"]),
        ("最新的文件是哪个？", "extreme", ["日期最晚的是", "2022年3月9日", "2个文件的日期不明"]),
        ("哪份文件讲了会员借书的借期？", "which", ["《泊岸读书会章程.pdf》第3页：“", "借期三十天"]),
        ("谁发布的这份章程？", "issuer", ["《泊岸读书会章程.pdf》的 PDF 元数据中写明的作者是孟听澜[1]"]),
        ("总结一下章程", "overview", ["本会由临川的读者发起", "第一章 总则"]),
    ],
)
def test_what_is_known_answers(several: QueryEngine, question: str, kind: str, parts: list[str]) -> None:
    answer = several.query(question)
    assert [part for part in parts if part not in (answer.response or "")] == []
    assert answer.explanation is not None
    assert (answer.explanation.about, answer.refused) == (kind, False)
    assert answer.probability == 1.0 or kind == "which"
    assert answer.citations
    assert all(one.boxes and one.page for one in answer.citations)
    assert all(f"[{one.number}]" in (answer.response or "") for one in answer.citations)
    assert answer.to_dict()["models"]["llm"] == "extractive"


@pytest.mark.parametrize(
    "question",
    [
        "陶土价目表的作者是谁？",  # neither its metadata nor its page say so
        "kiln-guide.pdf的作者是谁？",  # the metadata name the program's user
        "员工手册有多少页？",  # there is none
        "陶土有多少页专利说明书？",
        "第九条写了什么？",
        "附则写了什么？",
        "哪份文件讲了潜水艇的修理？",
    ],
)
def test_what_is_not_known_is_searched_for(several: QueryEngine, question: str) -> None:
    explanation = several.query(question).explanation
    assert explanation is not None
    assert explanation.about == ""
    assert explanation.queries


def test_a_page_that_is_not_there_is_refused_with_the_last_one(several: QueryEngine) -> None:
    answer = several.query("章程第8页写了什么？")
    assert (answer.response, answer.refused, answer.citations) == (REFUSAL, True, [])
    [nearest] = answer.nearest
    assert (nearest.kind, nearest.value, nearest.file) == ("page", "3", "泊岸读书会章程.pdf")


def test_this_document_is_the_only_one_there_is(one: QueryEngine, several: QueryEngine) -> None:
    assert "共3页" in (one.query("这份文件有多少页？").response or "")
    assert "共3页" in (one.query("这份合同有多少页？").response or "")
    assert (several.query("这份文件有多少页？").response or "").count("页[") == 3


def test_filters_say_which_documents_there_are(several: QueryEngine) -> None:
    price = MetadataFilters(filters=[MetadataFilter(key="file", value="K2*")])
    answer = several.query("这份文件有多少页？", filters=price)
    assert [citation.file for citation in answer.citations] == ["K2_陶土价目表.pdf"]
    assert "共有1个文件" in (several.with_filters(price).query("有哪些文件？").response or "")
    first = MetadataFilters(filters=[MetadataFilter(key="page", value=1)])
    assert several.with_filters(first).query("章程第2页写了什么？").explanation.about == ""  # type: ignore[union-attr]


def test_several_collections(storage: Path) -> None:
    answer = QueryEngine.open(storage, ["one", "several"]).query("章程有多少页？")
    assert [citation.collection for citation in answer.citations] == ["one"]


def test_all_ways_of_asking_are_one(one: QueryEngine) -> None:
    question = "这份文件有多少页？"
    expected = one.query(question).response
    stream = one.stream(question)
    assert "".join(stream) == expected == stream.answer.response

    async def asked() -> tuple[str | None, str]:
        answer = await one.aquery(question)
        return answer.response, "".join([piece async for piece in one.astream(question)])

    assert asyncio.run(asked()) == (expected, expected)
    assert one.chat().ask(question).response == expected
    assert json.loads(json.dumps(one.query(question).to_dict()))["answer"] == expected


def test_retrieval_is_as_for_any_question(one: QueryEngine) -> None:
    assert one.retrieve("这份文件有多少页？")[0].node.metadata["scores"]


def test_a_language_model_words_text_and_no_facts(storage: Path, tmp_path: Path) -> None:
    journal = tmp_path / "calls"
    llm = ScriptedLLM(default="章程讲的是读书会的会员和会费[1]。", journal=str(journal))
    engine = QueryEngine.open(storage, "one", llm=llm)
    assert "共3页" in (engine.query("这份文件有多少页？").response or "")
    assert not journal.exists()
    answer = engine.query("这份文件讲了什么？")
    assert answer.response == "章程讲的是读书会的会员和会费[1]。"
    assert answer.citations[0].file == "泊岸读书会章程.pdf"
    assert len(journal.read_text().splitlines()) == 1


def test_switched_off(storage: Path) -> None:
    engine = QueryEngine.open(storage, "one", {"answering": {"about": "asked"}})
    explanation = engine.query("这份文件有多少页？").explanation
    assert explanation is not None
    assert explanation.about == ""


def test_a_follow_up_means_the_file_that_was_cited(several: QueryEngine) -> None:
    session = several.chat()
    session.ask("会费每年多少钱？")
    assert session.ask("这份文件有多少页？").response == "《泊岸读书会章程.pdf》共3页[1]"
    answer = session.ask("作者是谁？")
    assert "孟听澜" in (answer.response or "")
    assert answer.explanation is not None
    assert answer.explanation.condensation is not None
    assert answer.explanation.condensation.standalone == "《泊岸读书会章程.pdf》作者是谁？"


def test_facts_of_an_earlier_version_are_not_known_until_the_file_is_read_anew(storage: Path) -> None:
    catalog = Catalog(next(path for path in storage.rglob("catalog.sqlite") if "one" in str(path)))
    [(document, identity)] = catalog.identities().items()
    catalog.set_identity(document, replace(identity, author="", created=""))
    try:
        engine = QueryEngine.open(storage, "one")
        explanation = engine.query("这份文件的作者是谁？").explanation
        assert explanation is not None
        assert explanation.about == ""
        assert "共3页" in (engine.query("这份文件有多少页？").response or "")
    finally:
        catalog.set_identity(document, identity)
