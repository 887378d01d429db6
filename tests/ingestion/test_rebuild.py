"""What is made anew from stored sentences: for another model, in another place, after damage, and after a crash."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import URL_VARIABLE, ingest, make_deadly, stored_files
from llama_index.core.vector_stores.types import VectorStoreQuery
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf

from qa_engine import ingest as ingest_locally
from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, IndexLockedError, StorageError
from qa_engine.index import catalog as catalogs
from qa_engine.index.bm25 import folder as bm25_folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.index.reader import IndexReader
from qa_engine.index.vectors.locations import open_vectors
from qa_engine.index.vectors.token_store import TokenStore, token_file
from qa_engine.ingestion.maintenance import reembedding
from qa_engine.ingestion.maintenance.rebuild import Part, rebuild
from qa_engine.ingestion.writing import publishing, stored_nodes
from qa_engine.text.tokenizer import tokenize

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")
OTHER = HashEmbedding(model_name="other", dimension=64)


def reader_of(storage: Path) -> IndexReader:
    paths = collection_paths(storage, "default")
    return IndexReader(paths, Catalog(paths.catalog))


def found(reader: IndexReader, model: HashEmbedding, question: str = "Which planet is the largest?") -> str:
    """The best sentence of the dense retriever."""
    vector = model.get_query_embedding(question)
    hits = reader.snapshot().store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=1))
    assert hits.nodes
    return hits.nodes[0].get_content()


@pytest.fixture
def collection(docs: Path, storage: Path) -> Path:
    chinese_pdf(docs / "a.pdf")
    english_pdf(docs / "b.pdf", SOLAR_SYSTEM)
    ingest(docs, storage)
    return storage


def test_lexical_index_that_is_gone_comes_back(collection: Path) -> None:
    shutil.rmtree(collection_paths(collection, "default").bm25)
    report = rebuild(collection, embed_model=HASH)
    assert (report.part, report.documents) == ("bm25", 2)
    assert report.nodes == len(reader_of(collection).snapshot().bm25)
    stored_files(collection)
    assert reader_of(collection).snapshot().bm25.search(tokenize("西湖"), 1)


def test_terms_of_another_tokenizer_are_made_anew_and_no_file_is_read(
    collection: Path, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reader_of(collection).snapshot().bm25.search(tokenize("西湖在哪里"), 5)
    for module in (bm25_folder, catalogs, publishing):
        monkeypatch.setattr(module, "TOKENIZER_VERSION", "another")
    monkeypatch.setattr(stored_nodes, "tokenize", lambda text: ["x", *tokenize(text)])
    report = ingest(docs, collection)
    assert (report.unchanged, report.updated) == (2, 0)
    after = reader_of(collection).snapshot().bm25
    assert after.search(["x"], 1)
    assert [hit.node_id for hit in after.search(tokenize("西湖在哪里"), 5)] == [hit.node_id for hit in before]


def test_collection_is_embedded_with_another_model_and_files_stay_unchanged(
    collection: Path, docs: Path
) -> None:
    old = reader_of(collection)
    best = found(old, HASH)
    with pytest.raises(ConfigurationError, match="rebuild --embedding --collection default"):
        ingest_locally(docs, collection, embed_model=OTHER)
    report = rebuild(collection, part="embedding", embed_model=OTHER)
    assert report.nodes == len(reader_of(collection).snapshot().bm25)
    assert found(reader_of(collection), OTHER) == best
    with pytest.raises(ConfigurationError, match="another model meanwhile"):
        old.snapshot()
    assert ingest_locally(docs, collection, embed_model=OTHER).unchanged == 2
    assert_nothing_is_left(collection)


def assert_nothing_is_left(storage: Path) -> None:
    """One Chroma collection, one file of token vectors at most, no rebuild under way."""
    paths = collection_paths(storage, "default")
    catalog = Catalog(paths.catalog)
    store = reader_of(storage).snapshot().store
    assert len(store._collection._client.list_collections()) == 1
    assert store.count() == catalog.node_count()
    kept = token_file(catalog, paths)
    assert [path.name for path in paths.root.glob("tokens*")] == ([kept.name] if kept else [])
    assert catalog.rebuilt() == {}
    assert not catalog.meta("rebuild")
    assert not catalog.meta("former_vectors")
    assert catalog.published == catalog.changes
    catalog.close()


def rebuild_and_die(storage: str, part: Part, method: str, call: int, when: str) -> None:
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    owners: dict[str, Any] = {
        "Catalog": Catalog,
        "module": reembedding,
        "StoredNodes": stored_nodes.StoredNodes,
    }
    make_deadly(owners, method, call, when)
    reembedding.BATCH_SENTENCES = 1
    rebuild(storage, part=part, embed_model=OTHER if part == "embedding" else HASH)


@pytest.mark.parametrize(
    ("part", "method", "call", "when"),
    [
        ("embedding", "Catalog.mark_rebuilt", 1, "after"),
        ("embedding", "Catalog.mark_rebuilt", 2, "before"),
        ("embedding", "module.publish", 1, "before"),
        ("embedding", "StoredNodes.drop_superseded", 2, "before"),
        ("vectors", "Catalog.mark_rebuilt", 1, "after"),
        ("vectors", "module.publish", 1, "after"),
    ],
)
def test_rebuild_that_was_killed_goes_on_where_it_was(
    part: Part, method: str, call: int, when: str, collection: Path, docs: Path
) -> None:
    best = found(reader_of(collection), HASH)
    process = fork_server().Process(target=rebuild_and_die, args=(str(collection), part, method, call, when))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL

    model = OTHER if part == "embedding" else HASH
    switched = method == "StoredNodes.drop_superseded"
    assert found(reader_of(collection), model if switched else HASH) == best
    if not switched and part == "embedding":
        # The old model is still the one of the collection; a file more is for the rebuild to catch up with.
        english_pdf(docs / "c.pdf", ["This file came in between."])
        assert ingest(docs, collection).added == 1
    report = rebuild(collection, part=part, embed_model=model)
    assert found(reader_of(collection), model) == best
    assert report.documents == (3 if not switched and part == "embedding" else 2)
    assert_nothing_is_left(collection)
    if part == "embedding":
        assert ingest_locally(docs, collection, embed_model=OTHER).unchanged == report.documents
    else:
        stored_files(collection)


def test_only_what_is_missing_is_done_again(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "BATCH_SENTENCES", 1)
    total = len(reader_of(collection).snapshot().bm25)
    with monkeypatch.context() as patch:
        marks = []

        def interrupted(self: Catalog, documents: list[str]) -> None:
            original(self, documents)
            marks.append(documents)
            raise KeyboardInterrupt

        original = Catalog.mark_rebuilt
        patch.setattr(Catalog, "mark_rebuilt", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rebuild(collection, part="embedding", embed_model=OTHER)
    report = rebuild(collection, part="embedding", embed_model=OTHER)
    assert 0 < report.nodes < total
    assert_nothing_is_left(collection)


def test_rebuild_for_a_third_model_gives_up_the_one_for_the_second(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Catalog, documents: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "mark_rebuilt", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rebuild(collection, part="embedding", embed_model=OTHER)
    third = HashEmbedding(model_name="third", dimension=32)
    rebuild(collection, part="embedding", embed_model=third)
    assert json.loads(Catalog(collection_paths(collection, "default").catalog).meta("identity") or "")[
        "model"
    ] == ("third")
    assert_nothing_is_left(collection)


@pytest.mark.usefixtures("local_model")
def test_other_token_vectors_are_made_from_stored_sentences(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest_locally(docs, storage)
    paths = collection_paths(storage, "default")
    for bits in (2, 0, 4):
        report = ingest_locally(docs, storage, config={"embedding": {"token_bits": bits}})
        assert (report.unchanged, report.updated) == (1, 0)
        catalog = Catalog(paths.catalog)
        path = token_file(catalog, paths)
        assert (path is None) is (bits == 0)
        if path is not None:
            tokens = TokenStore(path)
            assert tokens.codec.bits == bits
            assert tokens.count() == catalog.node_count()
            tokens.close()
        catalog.close()
        assert_nothing_is_left(storage)


def test_empty_collection_has_nothing_to_rebuild(docs: Path, storage: Path) -> None:
    english_pdf(docs / "a.pdf").rename(docs / "a.bak")
    ingest(docs, storage, prune=True)
    for part in ("bm25", "embedding", "vectors"):
        assert rebuild(storage, part=part, embed_model=HASH).nodes == 0  # type: ignore[arg-type]


def test_what_cannot_be_rebuilt_is_refused_in_a_sentence(collection: Path) -> None:
    with pytest.raises(CollectionNotFoundError, match="'nothing'"):
        rebuild(collection, "nothing")
    with pytest.raises(ConfigurationError, match="'rows' is no part"):
        rebuild(collection, part="rows")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="was embedded with"):
        rebuild(collection, part="vectors", embed_model=OTHER)
    root = collection_paths(collection, "default").root
    with writer_lock(root), pytest.raises(IndexLockedError, match=f"process {os.getpid()}"):
        rebuild(collection, config=Config())


def test_vectors_that_are_missing_are_not_passed_over(collection: Path) -> None:
    paths = collection_paths(collection, "default")
    catalog = Catalog(paths.catalog)
    (document_id, *_) = catalog.live_documents()
    open_vectors(paths, catalog, Config().index).delete(ids=[node_id(document_id, 0)])
    catalog.close()
    with pytest.raises(StorageError, match=r"1 of [\d,]+ sentences have no vector .* rebuild --embedding"):
        rebuild(collection, part="vectors", embed_model=HASH)
    assert found(reader_of(collection), HASH)  # the old ones are served meanwhile
    rebuild(collection, part="embedding", embed_model=HASH)
    assert rebuild(collection, part="vectors", embed_model=HASH).nodes == sum(
        reader_of(collection).catalog.live_documents().values()
    )
