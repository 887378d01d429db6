"""Filters and several collections over real indexes: both retrievers keep to them, and a passage names where it is from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import FilterCondition, MetadataFilter, MetadataFilters
from pdf_factory import SOLAR_SYSTEM, WEST_LAKE, chinese_pdf, english_pdf
from scripted_llm import ScriptedLLM

from qa_engine.assembly import assemble
from qa_engine.config import Config, EmbeddingConfig, RetrievalConfig
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError, StorageError
from qa_engine.flow import run
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import open_collections
from qa_engine.retrieval.decomposition.divider import QuestionDivider
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.retrieval.filters.resolution import resolve
from qa_engine.retrieval.glossary.files import GlossaryEntry
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.hybrid import dense as dense_retriever
from qa_engine.retrieval.hybrid.dense import build_dense_retriever
from qa_engine.retrieval.hybrid.targets import SearchTarget
from qa_engine.retrieval.search import CollectionSearch
from qa_engine.types import SCORES, passage_of

EMBEDDING = HashEmbedding(model_name="hash")
QUESTION = "西湖的雷峰塔高多少米？"


@pytest.fixture(autouse=True)
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections ``lakes`` (20 guides of 3 pages, of the years 2001 to 2020), ``planets`` and, with one guide of
    the first and one file of its own, ``both``."""
    folder = tmp_path_factory.mktemp("search")
    docs = folder / "docs"
    for number in range(20):
        pdf = chinese_pdf(
            docs / f"导游{number:02}.pdf", [*WEST_LAKE, f"本书第{number}版。"], lines_per_page=3
        )
        sidecar(pdf, {"year": 2001 + number, "city": "杭州"})
    english_pdf(folder / "planets" / "planets.pdf", lines_per_page=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        ingest(docs, folder / "storage", collection="lakes")
        ingest(folder / "planets", folder / "storage", collection="planets")
        shared = [docs / "导游03.pdf", folder / "planets" / "planets.pdf"]
        ingest(shared, folder / "storage", collection="both")  # type: ignore[arg-type]
    return folder / "storage"


def sidecar(pdf: Path, content: dict[str, Any]) -> None:
    pdf.with_name(pdf.name + ".meta.json").write_text(json.dumps(content), encoding="utf-8")


def search(storage: Path, *names: str, **settings: Any) -> CollectionSearch:
    readers = open_collections(storage, names or ("lakes",), EmbeddingConfig(), EMBEDDING)
    return CollectionSearch(readers, EMBEDDING, None, RetrievalConfig(**settings))


def found(
    searched: CollectionSearch, *expressions: str, question: str = QUESTION, top_k: int = 0
) -> list[NodeWithScore]:
    return searched.rank(QueryBundle(question), top_k, parse_filters(expressions)).passages


def files(passages: Sequence[NodeWithScore]) -> set[str]:
    return {passage.node.metadata["file_name"] for passage in passages}


def retrievers(passages: Sequence[NodeWithScore]) -> set[str]:
    return {stage for passage in passages for stage in passage.node.metadata[SCORES]}


class TestFilters:
    @pytest.mark.parametrize("weight", [{"dense_weight": 1}, {"dense_weight": 0}])
    @pytest.mark.parametrize(
        ("expressions", "expected"),
        [
            (["year>=2019"], {"导游18.pdf", "导游19.pdf"}),
            (["file=导游0[12].pdf"], {"导游01.pdf", "导游02.pdf"}),
            (["file=导游*.pdf", "year=2011", "city=杭州"], {"导游10.pdf"}),
        ],
    )
    def test_what_belongs_to_files_holds_in_both_retrievers(
        self, expressions: list[str], expected: set[str], weight: dict[str, float], storage: Path
    ) -> None:
        # One hit a retriever: without the filter it would be one of twenty that are alike.
        searched = search(storage, dense_top_k=4, bm25_top_k=4, **weight)
        passages = found(searched, *expressions)
        assert files(passages) == expected
        assert retrievers(passages) == {"dense", "bm25", "fused"}

    @pytest.mark.parametrize("expression", ["page=1", "page<=1", "page!=2-99"])
    def test_pages_hold_in_both_retrievers_though_better_ones_are_elsewhere(
        self, expression: str, storage: Path
    ) -> None:
        everywhere = found(search(storage, dense_top_k=5, bm25_top_k=5, window_chars=50))
        assert {passage.node.metadata["page"] for passage in everywhere} != {1}
        searched = search(storage, dense_top_k=5, bm25_top_k=5, window_chars=50)
        passages = searched.rank(QueryBundle(QUESTION), 0, parse_filters([expression])).passages
        hits = [
            sentence
            for passage in passages
            for sentence in passage.node.metadata["sentences"]
            if sentence["text"] == passage.node.metadata["sentence"]
        ]
        assert hits
        assert all(sentence["page"] == 1 for sentence in hits)
        assert retrievers(passages) == {"dense", "bm25", "fused"}

    def test_a_sentence_over_a_page_break_is_on_both_pages(self, storage: Path) -> None:
        (reader,) = open_collections(storage, ["lakes"], EmbeddingConfig(), EMBEDDING)
        snapshot = reader.snapshot()
        (record, *_) = reader.catalog.files().values()
        nodes = snapshot.store.sentences([node_id(record.document_id, n) for n in range(record.nodes)])
        broken = next(node for node in nodes.values() if node.metadata["page"] < node.metadata["page_end"])
        for page in (broken.metadata["page"], broken.metadata["page_end"]):
            expressions = [f"file={record.file_name}", f"page={page}"]
            passages = found(search(storage, window_chars=50), *expressions, question=broken.text)
            assert broken.text in {passage.node.metadata["sentence"] for passage in passages}

    @pytest.mark.parametrize(
        "expressions",
        [
            ["file=nothing.pdf"],
            ["year>2100"],
            ["page=999"],
            ["page<1"],
            ["section=没有"],
            ["year=2001", "year=2002"],
            ["file=导游01.pdf", "page=999"],
        ],
    )
    def test_what_matches_nothing_finds_nothing(self, expressions: list[str], storage: Path) -> None:
        ranked = search(storage).rank(QueryBundle(QUESTION), 10, parse_filters(expressions))
        assert ranked.passages == []

    def test_conditions_on_files_and_pages_can_be_alternatives(self, storage: Path) -> None:
        filters = MetadataFilters(
            filters=[MetadataFilter(key="year", value=2001), MetadataFilter(key="page", value=999)],
            condition=FilterCondition.OR,
        )
        passages = search(storage).rank(QueryBundle(QUESTION), 10, filters).passages
        assert files(passages) == {"导游00.pdf"}

    def test_documents_in_several_batches_are_ranked_together(
        self, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (reader,) = open_collections(storage, ["lakes"], EmbeddingConfig(), EMBEDDING)
        scope = resolve(parse_filters(["year>=2005", "page=1"]), reader.catalog)

        def scores() -> list[float]:
            dense = build_dense_retriever([SearchTarget(reader.snapshot(), scope)], EMBEDDING, 20)
            return [hit.score or 0.0 for hit in dense.retrieve("第7版")]

        expected = scores()
        monkeypatch.setattr(dense_retriever, "_DOCUMENTS_AT_ONCE", 3)
        assert scores() == pytest.approx(expected)
        assert len(expected) == 20

    def test_a_filter_does_not_last(self, storage: Path) -> None:
        searched = search(storage)
        before = [passage.node_id for passage in found(searched)]
        found(searched, "year=2001")
        assert [passage.node_id for passage in found(searched)] == before

    def test_an_unknown_key_is_refused(self, storage: Path) -> None:
        with pytest.raises(InputError, match=r"'yaer' in 'yaer=2001'.*city, year"):
            found(search(storage), "yaer=2001")


class TestMetadata:
    def test_passages_tell_what_is_noted_and_their_collection(self, storage: Path) -> None:
        passage = found(search(storage), "file=导游04.pdf")[0]
        assert passage.node.metadata["metadata"] == {"year": 2005, "city": "杭州"}
        assert passage.node.metadata["collection"] == "lakes"
        assert {"metadata", "collection"} <= set(passage.node.excluded_llm_metadata_keys)

    def test_an_open_search_sees_a_changed_sidecar_after_the_next_ingest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pdf = chinese_pdf(tmp_path / "docs" / "a.pdf")
        sidecar(pdf, {"year": 2001})
        ingest(tmp_path / "docs", tmp_path / "storage", collection="lakes")
        searched = search(tmp_path / "storage")
        assert found(searched, "year=2001")
        sidecar(pdf, {"year": 2002})
        monkeypatch.setattr(HashEmbedding, "_get_text_embedding", lambda *_: pytest.fail("embedded"))
        ingest(tmp_path / "docs", tmp_path / "storage", collection="lakes")
        monkeypatch.undo()
        assert found(searched, "year=2001") == []
        assert found(searched, "year=2002")[0].node.metadata["metadata"] == {"year": 2002}
        assert found(searched)[0].node.metadata["metadata"] == {"year": 2002}


class TestSeveralCollections:
    def test_both_are_searched_and_named(self, storage: Path) -> None:
        searched = search(storage, "planets", "lakes")
        lakes = found(searched)
        assert lakes[0].node.metadata["collection"] == "lakes"
        planets = found(searched, question="Which moon has a dense atmosphere of nitrogen?")
        assert planets[0].node.metadata["collection"] == "planets"
        assert "Titan" in planets[0].node.get_content()
        assert retrievers(lakes) >= {"dense", "bm25"} <= retrievers(planets)

    @pytest.mark.parametrize("names", [("lakes", "both"), ("both", "lakes")])
    def test_a_file_in_both_is_found_once_and_belongs_to_the_first(
        self, names: tuple[str, str], storage: Path
    ) -> None:
        passages = found(search(storage, *names), "file=导游03.pdf", top_k=50)
        assert {passage.node.metadata["collection"] for passage in passages} == {names[0]}
        sentences = [s["node_id"] for passage in passages for s in passage.node.metadata["sentences"]]
        assert len(sentences) == len(set(sentences)) > 0
        unfiltered = found(search(storage, *names, dense_top_k=500, bm25_top_k=500), top_k=100)
        assert len({passage.node_id for passage in unfiltered}) == len(unfiltered)
        assert {
            passage.node.metadata["collection"]
            for passage in unfiltered
            if passage.node.metadata["file_name"] == "导游03.pdf"
        } == {names[0]}

    def test_places_come_from_the_collection_of_the_passage(
        self, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        searched = search(storage, "lakes", "both")
        asked: list[Path] = []
        spans = Catalog.spans

        def watched(catalog: Catalog, document_id: str) -> Any:
            asked.append(catalog._path.parent)
            return spans(catalog, document_id)

        monkeypatch.setattr(Catalog, "spans", watched)
        question = "Which moon has a dense atmosphere of nitrogen?"
        for ranked in (searched.rank(QueryBundle(question)), searched.rank(QueryBundle(QUESTION))):
            assert ranked.spans(ranked.passages[0])
        assert [path.name for path in asked] == ["both", "lakes"]

    def test_what_one_of_them_notes_is_a_key_for_all(self, storage: Path) -> None:
        assert files(found(search(storage, "lakes", "planets"), "year=2003")) == {"导游02.pdf"}
        assert "planets.pdf" in files(
            found(search(storage, "lakes", "planets"), "year!=2003", question="Titan")
        )

    def test_the_same_name_twice_is_one(self, storage: Path) -> None:
        once, twice = (found(search(storage, *names)) for names in (["lakes"], ["lakes", "lakes"]))
        assert [passage.node_id for passage in once] == [passage.node_id for passage in twice]

    def test_languages_that_only_meet_here_are_several(self, storage: Path) -> None:
        readers = open_collections(storage, ["lakes", "planets"], EmbeddingConfig(), EMBEDDING)
        snapshots = [reader.snapshot() for reader in readers]
        assert not any(dense_retriever._of_several_languages([snapshot]) for snapshot in snapshots)
        assert dense_retriever._of_several_languages(snapshots)
        assert not dense_retriever._of_several_languages(snapshots[:1] * 2)

    def test_coverage_is_that_of_all_together(self, storage: Path) -> None:
        ranked = search(storage, "lakes", "planets").rank(QueryBundle("西湖 Titan"))
        assert ranked.queries[0].coverage == 1

    def test_none_is_refused(self, storage: Path) -> None:
        with pytest.raises(InputError, match="name at least one"):
            open_collections(storage, [], EmbeddingConfig(), EMBEDDING)

    def test_one_that_does_not_exist_is_named(self, storage: Path) -> None:
        with pytest.raises(CollectionNotFoundError, match="'seas'"):
            search(storage, "lakes", "seas")

    def test_another_embedding_is_refused_with_both_names(self, storage: Path, tmp_path: Path) -> None:
        shutil.copytree(storage, tmp_path / "storage")
        catalog = Catalog(collection_paths(tmp_path / "storage", "planets").catalog)
        catalog.set_meta(identity=json.dumps({**(catalog.identity or {}), "model": "e5"}))
        catalog.close()
        with pytest.raises(
            ConfigurationError,
            match=r"'lakes' with model = 'hash' and 'planets' with model = 'e5'.*one by one",
        ):
            search(tmp_path / "storage", "lakes", "planets")

    def test_one_that_was_never_completed_is_named(self, storage: Path, tmp_path: Path) -> None:
        shutil.copytree(storage / "lakes", tmp_path / "storage" / "lakes")
        Catalog(tmp_path / "storage" / "lakes" / "catalog.sqlite").close()
        (tmp_path / "storage" / "new").mkdir()
        Catalog(collection_paths(tmp_path / "storage", "new").catalog, create=True).close()
        with pytest.raises(StorageError, match="'new' was never completed"):
            search(tmp_path / "storage", "lakes", "new")

    def test_one_that_was_deleted_meanwhile_is_named(self, storage: Path, tmp_path: Path) -> None:
        shutil.copytree(storage, tmp_path / "storage")
        searched = search(tmp_path / "storage", "lakes", "planets")
        assert found(searched)
        shutil.rmtree(tmp_path / "storage" / "planets")
        with pytest.raises(CollectionNotFoundError, match=r"planets was deleted"):
            found(searched)

    def test_a_new_state_of_one_is_noticed(self, storage: Path, tmp_path: Path) -> None:
        for name, texts in (("a", WEST_LAKE), ("b", WEST_LAKE[:1])):
            chinese_pdf(tmp_path / name / f"{name}.pdf", texts)
            ingest(tmp_path / name, tmp_path / "storage", collection=name)
        searched = search(tmp_path / "storage", "a", "b")
        assert "planets.pdf" not in files(found(searched, question="Titan nitrogen"))
        english_pdf(tmp_path / "b" / "planets.pdf", SOLAR_SYSTEM)
        ingest(tmp_path / "b", tmp_path / "storage", collection="b")
        assert "planets.pdf" in files(found(searched, question="Titan nitrogen"))


class TestCrowding:
    def test_a_file_has_no_more_passages_than_it_may(self, storage: Path) -> None:
        searched = search(storage, "lakes", "planets", window_chars=50, max_per_file=1, candidates=10)
        passages = found(searched, top_k=20)
        names = [passage.node.metadata["file_name"] for passage in passages]
        assert len(names) == len(set(names)) == 20

    def test_without_a_cap_nothing_changes(self, storage: Path) -> None:
        names = [p.node.metadata["file_name"] for p in found(search(storage, "both", window_chars=50))]
        assert len(names) > len(set(names))

    def test_diversity_puts_a_copy_behind_what_is_new(self, storage: Path) -> None:
        plain = found(search(storage, window_chars=50, candidates=10))
        diverse = found(search(storage, window_chars=50, candidates=10, diversity=0.5))
        assert {passage.node_id for passage in plain} == {passage.node_id for passage in diverse}
        assert diverse[0].node_id == plain[0].node_id

        def distinct(passages: Sequence[NodeWithScore]) -> int:
            return len({passage.node.metadata["sentence"] for passage in passages[:3]})

        assert distinct(diverse) >= distinct(plain)


def test_words_of_the_glossary_find_what_shares_no_word_with_the_question(storage: Path) -> None:
    glossary = Glossary([GlossaryEntry(("塔尖高度",), ("雷峰塔", "tower"))])
    readers = open_collections(storage, ["lakes"], EmbeddingConfig(), EMBEDDING)
    searched = CollectionSearch(readers, EMBEDDING, None, RetrievalConfig(dense_weight=0), glossary=glossary)
    ranked = searched.rank(QueryBundle("塔尖高度？"))
    assert "雷峰塔" in ranked.passages[0].node.get_content()
    assert [query.query for query in ranked.queries] == ["塔尖高度？", "雷峰塔"]  # no English text is there
    assert [term.term for term in ranked.glossary] == ["塔尖高度"]
    assert ranked.rerank_query == "塔尖高度？"
    plain = searched.rank(QueryBundle(QUESTION))
    assert plain.queries == search(storage, "lakes", dense_weight=0).rank(QueryBundle(QUESTION)).queries


def test_each_part_of_a_question_is_searched_for(storage: Path) -> None:
    question = "西湖的平均水深和雷峰塔高度分别是多少？"
    ranked = run(search(storage, "lakes").search(question))
    assert [part.part for part in ranked.parts] == ["西湖的平均水深是多少？", "西湖的雷峰塔高度是多少？"]
    assert {passage_of(node).part for node in ranked.passages[:2]} == {part.part for part in ranked.parts}
    assert [query.query for query in ranked.queries] == [part.part for part in ranked.parts]
    plain = run(search(storage, "lakes", decomposition="none").search(question))
    assert not plain.parts
    assert {passage_of(node).part for node in plain.passages} == {""}


def test_a_language_model_names_the_parts_of_questions_that_have_several(
    storage: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "calls"
    llm = ScriptedLLM(default="西湖有多深？\n雷峰塔有多高？", journal=str(journal))
    readers = open_collections(storage, ["lakes"], EmbeddingConfig(), EMBEDDING)
    searched = CollectionSearch(readers, EMBEDDING, None, RetrievalConfig(), divider=QuestionDivider(llm))
    assert not run(searched.search(QUESTION)).parts
    assert not journal.exists()
    ranked = run(searched.search("西湖的平均水深和雷峰塔高度分别是多少？"))
    assert [part.part for part in ranked.parts] == ["西湖有多深？", "雷峰塔有多高？"]


def test_parts_by_a_language_model_need_one(storage: Path) -> None:
    config = Config(retrieval={"decomposition": "llm"})
    with pytest.raises(ConfigurationError, match=r"retrieval\.decomposition = 'llm' needs a language model"):
        assemble(storage, "lakes", config, embed_model=EMBEDDING)
