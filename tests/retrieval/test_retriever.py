"""The whole way from a question to ranked passages, over a real index."""

from __future__ import annotations

import asyncio

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.schema import QueryBundle
from pdf_factory import KEY_SENTENCE, chinese_pdf, english_pdf, llama_paper

from qa_engine.config import RetrievalConfig
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader, IndexSnapshot
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.reranking.rerank import PassageRerank
from qa_engine.retrieval.retriever import PassageRetriever
from qa_engine.types import RANKS, SCORES

KEY_QUESTION = "Which variants with 7B, 13B and 70B parameters did they release?"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> IndexSnapshot:
    folder = tmp_path_factory.mktemp("retriever")
    chinese_pdf(folder / "docs" / "西湖.pdf", lines_per_page=4)
    english_pdf(folder / "docs" / "planets.pdf")
    llama_paper(folder / "docs" / "llama.pdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        ingest(folder / "docs", folder / "storage")
    paths = collection_paths(folder / "storage", "default")
    return IndexReader(paths, Catalog(paths.catalog)).snapshot()


def retriever(
    snapshot: IndexSnapshot, reranker: PassageRerank | None = None, **settings: object
) -> PassageRetriever:
    embedding = HashEmbedding(model_name="hash")
    return PassageRetriever([SearchTarget(snapshot)], embedding, reranker, RetrievalConfig(**settings))


@pytest.mark.parametrize(
    ("question", "file", "evidence"),
    [
        ("西湖的平均水深是多少？", "西湖.pdf", "2.27米"),
        ("Which moon is larger than Mercury?", "planets.pdf", "Titan is larger than the planet Mercury"),
        (KEY_QUESTION, "llama.pdf", KEY_SENTENCE),
    ],
)
def test_evidence_is_in_the_first_passage(
    question: str, file: str, evidence: str, snapshot: IndexSnapshot
) -> None:
    best = retriever(snapshot, dense_weight=0.1).retrieve(question)[0].node
    assert best.metadata["file_name"] == file
    assert evidence in best.get_content()
    assert best.metadata["page"] <= best.metadata["page_end"]


def test_stages_are_ranked_each_for_itself(snapshot: IndexSnapshot) -> None:
    ranked = retriever(snapshot).rank(QueryBundle("西湖的平均水深是多少？"), stages=True)
    assert list(ranked.stages) == ["dense", "bm25", "fused", "reranked"]
    for name in ("dense", "bm25"):
        own = [passage.node.metadata[RANKS][name] for passage in ranked.stages[name]]
        assert own == sorted(own)
        assert own[0] == 1
        alone = retriever(snapshot, dense_weight=float(name == "dense")).retrieve("西湖的平均水深是多少？")
        assert ranked.stages[name][0].node.get_content() == alone[0].node.get_content()
    assert ranked.stages["reranked"] == ranked.passages
    assert retriever(snapshot).rank(QueryBundle("西湖")).stages == {}


def test_passage_over_a_page_break_names_both_pages(snapshot: IndexSnapshot) -> None:
    best = retriever(snapshot, dense_weight=0.1).retrieve(KEY_QUESTION)[0].node
    (key,) = [sentence for sentence in best.metadata["sentences"] if sentence["text"] == KEY_SENTENCE]
    assert (key["page"], key["page_end"]) == (2, 3)


def test_question_without_any_known_word_is_answered_by_the_dense_retriever(snapshot: IndexSnapshot) -> None:
    found = retriever(snapshot).retrieve("xyzzy")
    assert found
    assert all("bm25" not in passage.node.metadata[SCORES] for passage in found)


@pytest.mark.parametrize("question", ["？！", "\U0001f600", "的"])
def test_question_without_words_does_no_harm(question: str, snapshot: IndexSnapshot) -> None:
    retriever(snapshot).retrieve(question)


class Backwards:
    """Prefers what comes last."""

    def __init__(self) -> None:
        self.seen = 0

    def predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        self.seen = len(pairs)
        return [float(number) for number in range(len(pairs))]


def test_reranker_orders_the_candidates_and_the_rest_follows(snapshot: IndexSnapshot) -> None:
    plain = (
        retriever(snapshot, candidates=2, window_chars=50).rank(QueryBundle("西湖的雷峰塔"), top_k=4).passages
    )
    model = Backwards()
    reranker = PassageRerank(model, "backwards", 2, 1.0)
    ranked = retriever(snapshot, reranker, candidates=2, window_chars=50).rank(
        QueryBundle("西湖的雷峰塔"), top_k=4
    )
    before = [passage.node_id for passage in plain]
    assert len(before) == 4
    assert model.seen == 2
    assert [passage.node_id for passage in ranked.passages] == [before[1], before[0], *before[2:]]


def test_same_question_has_the_same_answer_every_time(snapshot: IndexSnapshot) -> None:
    ours = retriever(snapshot)
    found = [
        [(p.node_id, p.score, p.node.metadata[SCORES]) for p in ours.retrieve("西湖的雷峰塔")]
        for _ in range(10)
    ]
    assert all(passages == found[0] for passages in found)


def test_stages_are_timed(snapshot: IndexSnapshot) -> None:
    timings = retriever(snapshot, PassageRerank(Backwards(), "b", 5, 1.0)).rank(QueryBundle("西湖")).timings
    assert sorted(timings) == ["passages", "rerank", "retrieve"]
    assert all(seconds >= 0 for seconds in timings.values())


async def test_async_gives_the_same_and_does_not_block_the_loop(snapshot: IndexSnapshot) -> None:
    ours = retriever(snapshot)
    found = await asyncio.gather(*(ours.aretrieve("西湖的水深") for _ in range(8)))
    expected = [passage.node_id for passage in ours.retrieve("西湖的水深")]
    assert all([passage.node_id for passage in passages] == expected for passages in found)
