"""Why a page is not among the passages: what is said agrees with what searches find, with the real local model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from qa_engine import QueryEngine, ingest
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.retrieval.explanation import lacking_terms
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.text.tokenizer import tokenize
from qa_engine.types import passage_of

QUESTION = "雷峰塔有多高？"
PAGES = [
    "雷峰塔始建于公元975年，现在的塔高71.679米。",
    "六和塔高59.89米，共有十三层。",
    "保俶塔建在宝石山上，塔身有七层。",
    "西湖的平均水深为2.27米，最深处约5米。",
    "苏堤全长约三公里，是苏轼任知州时修建的。",
    "龙井茶在清明以前采摘，用铁锅炒制。",
    "杭州地铁一号线在2012年通车。",
    "员工请病假要交医院的证明。",
    "合同自双方签字盖章之日起生效。",
    "滤芯每十二个月更换一次。",
    "木星是太阳系中最大的行星。",
    "数据库每天凌晨备份一次。",
]
SIZES = {"dense_top_k": 6, "bm25_top_k": 3, "candidates": 3, "window_chars": 50}


def written(path: Path, pages: list[str]) -> Path:
    document = pymupdf.open()
    for text in pages:
        page = document.new_page()
        page.insert_text((72, 120), text, fontname="china-s", fontsize=12)
        filling = "每天早晨人们在这里散步，看花，听鸟，买菜，喝茶，打拳，唱戏，下棋，读报，遛狗，拍照，聊天，晒太阳。"
        for line in range(2 if text else 0):
            page.insert_text((72, 150 + 20 * line), filling, fontname="china-s", fontsize=9)
    path.parent.mkdir(exist_ok=True, parents=True)
    document.save(path)
    return path


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """The collections ``places``, and ``copies`` with the same file and another one."""
    folder = tmp_path_factory.mktemp("pages")
    file = written(folder / "风物.pdf", PAGES)
    other = written(folder / "章程.pdf", ["公司章程由股东会修改。", ""])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(file, folder / "storage", "places", {})
        ingest([file, other], folder / "storage", "copies", {})
    return folder / "storage"


@pytest.fixture(scope="module")
def engine(storage: Path, model_cache: Path) -> Iterator[QueryEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with opened(storage, "places") as one:
            yield one


def opened(storage: Path, *collections: str, **settings: Any) -> QueryEngine:
    return QueryEngine.open(
        storage=storage, collection=collections, config={"retrieval": {**SIZES, **settings}}
    )


def document(storage: Path, name: str = "风物.pdf", collection: str = "places") -> str:
    with closing(Catalog(collection_paths(storage, collection).catalog)) as catalog:
        return next(one.document_id for one in catalog.files().values() if one.file_name == name)


def rank_by_search(engine: QueryEngine, question: str, page: int, top_k: int) -> int | None:
    for rank, node in enumerate(engine.retrieve(question, top_k), 1):
        if any(one.page == page for one in passage_of(node).sentences):
            return rank
    return None


@pytest.mark.parametrize("question", [QUESTION, "杭州地铁哪年通车？", "雷峰塔和六和塔分别有多高？"])
@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_it_agrees_with_searches(engine: QueryEngine, storage: Path, question: str, top_k: int) -> None:
    seen = set()
    for number in range(1, len(PAGES) + 1):
        trace = engine.explain_page(question, "places", document(storage), number, top_k)
        seen.add(trace.outcome)
        rank = rank_by_search(engine, question, number, top_k)
        assert (trace.outcome == "shown") == (rank is not None), (number, trace)
        if trace.outcome == "shown":
            assert trace.rank == rank
        if trace.needed_top_k is not None:
            assert trace.needed_top_k > top_k
            assert rank_by_search(engine, question, number, trace.needed_top_k) is not None
        for part in trace.parts:
            for one in part.lists:
                if one.rank is not None:
                    assert one.rank <= one.size
                elif one.score is not None and one.last is not None:
                    assert one.score <= one.last + 1e-6
    assert {"shown"} < seen <= {"shown", "below_top_k", "not_reranked", "not_fused", "not_found"}


def test_page_that_no_list_holds_has_its_scores(engine: QueryEngine, storage: Path) -> None:
    outcomes = {
        number: engine.explain_page(QUESTION, "places", document(storage), number, 1)
        for number in range(1, len(PAGES) + 1)
    }
    lost = [trace for trace in outcomes.values() if trace.outcome == "not_found"]
    assert lost
    for trace in lost:
        dense, bm25, *_ = trace.parts[0].lists
        assert (dense.stage, bm25.stage) == ("dense", "bm25")
        assert dense.score is not None
        assert dense.sentence
        assert bm25.score is None or bm25.last is not None
    shown = outcomes[1].parts[0]
    assert outcomes[1].outcome == "shown"
    assert "雷峰塔" in shown.matched
    assert outcomes[10].parts[0].lacking[0] == "雷峰塔"


def test_page_behind_the_candidates_needs_so_many_passages(engine: QueryEngine, storage: Path) -> None:
    traces = [
        engine.explain_page(QUESTION, "places", document(storage), number, 1)
        for number in range(1, len(PAGES) + 1)
    ]
    behind = [trace for trace in traces if trace.outcome == "not_reranked"]
    assert behind
    assert all(trace.needed_top_k is not None and trace.needed_top_k > 3 for trace in behind)
    below = [trace for trace in traces if trace.outcome == "below_top_k"]
    assert below
    assert all(trace.needed_top_k == trace.rank for trace in below)


def test_greatest_number_of_a_file(storage: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    with opened(storage, "places", max_per_file=1) as engine:
        trace = engine.explain_page(QUESTION, "places", document(storage), 2)
    assert trace.outcome == "per_file"
    assert trace.parts[0].fused is not None


def test_what_is_not_searched(engine: QueryEngine, storage: Path) -> None:
    def outcome(page: int, *filters: str, name: str = "places", document_id: str = "") -> str:
        searched = document_id or document(storage)
        return engine.explain_page(QUESTION, name, searched, page, filters=parse_filters(filters)).outcome

    assert outcome(1, "page=2-3") == "filtered"
    assert outcome(2, "page=2-3") == "shown"
    assert outcome(1, "file=章程.pdf") == "filtered"
    assert outcome(13) == "no_sentences"
    assert outcome(1, name="copies") == "other_collection"
    assert outcome(1, document_id="0" * 20) == "not_published"


def test_document_of_two_collections(
    storage: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(model_cache))
    with opened(storage, "places", "copies") as engine:
        first, second = (
            engine.explain_page(QUESTION, name, document(storage), 1) for name in ("places", "copies")
        )
        other = engine.explain_page(QUESTION, "copies", document(storage, "章程.pdf", "copies"), 1)
    assert (first.outcome, second.outcome) == ("shown", "duplicate")
    assert other.parts[0].lists[0].score is not None


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("雷峰塔有多高", "雷峰塔高71.679米", ["有", "多"]),
        ("合同何时生效？", "员工的奖金", ["合同", "生效"]),
        ("the largest planets", "Jupiter is the largest planet", []),
        ("the largest planets", "a small moon", ["largest", "planets"]),
        ("？", "西湖", []),
    ],
)
def test_words_that_a_text_lacks(query: str, text: str, expected: list[str]) -> None:
    assert lacking_terms(query, set(tokenize(text))) == expected
