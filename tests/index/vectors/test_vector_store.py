"""Sentence nodes in a real Chroma: replaced and not kept, lean, in cosine, in batches."""

from __future__ import annotations

import math
import uuid
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.api.rust import RustBindingsAPI
from llama_index.core.schema import MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import VectorStoreQuery
from processes import run_python_forked

from qa_engine.config import IndexConfig
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.documents.sentence_texts import SentenceTexts
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.index.vectors.chroma_folder import open_chroma
from qa_engine.index.vectors.chroma_rows import sentence_of_row, stored_sentence
from qa_engine.index.vectors.locations import open_on_server
from qa_engine.index.vectors.vector_store import SentenceVectorStore


def node(ordinal: int, vector: list[float], text: str = "句子", document_id: str = "d") -> TextNode:
    return TextNode(
        id_=node_id(document_id, ordinal),
        text=text,
        embedding=vector,
        metadata={"file_name": "a.pdf", "page": 3, "page_end": 4, "paragraph": 2},
        start_char_idx=10,
        end_char_idx=12,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document_id)},
    )


def nearest(store: SentenceVectorStore, vector: list[float], top_k: int = 10) -> list[tuple[str, float]]:
    found = store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=top_k))
    assert found.ids is not None
    assert found.similarities is not None
    return list(zip(found.ids, found.similarities, strict=True))


@pytest.fixture(params=["folder", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SentenceVectorStore:
    if request.param == "folder":
        return SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True))
    config = IndexConfig(url=request.getfixturevalue("chroma_server").url)
    return SentenceVectorStore(open_on_server(config, f"test-{uuid.uuid4()}", create=True))


def test_node_comes_back_as_it_was(store: SentenceVectorStore) -> None:
    original = node(7, [1, 0], "西湖在杭州。")
    assert store.add([original]) == [original.node_id]
    back = store.sentences([original.node_id])[original.node_id]
    assert back.text == original.text
    assert back.metadata == original.metadata
    assert (back.start_char_idx, back.end_char_idx) == (10, 12)
    assert back.ref_doc_id == "d"
    assert back.get_content(metadata_mode=MetadataMode.EMBED) == "西湖在杭州。"
    assert back.get_content(metadata_mode=MetadataMode.LLM) == "西湖在杭州。"


def test_nodes_read_again_are_equal_to_the_order_of_their_metadata(store: SentenceVectorStore) -> None:
    original = node(0, [1, 0])
    store.add([original])
    hashes = {store.sentences([original.node_id])[original.node_id].hash for _ in range(20)}
    found = store.query(VectorStoreQuery(query_embedding=[1, 0], similarity_top_k=1))
    assert hashes == {found.nodes[0].hash if found.nodes else ""}


def test_node_stored_again_has_the_new_vector_and_text(store: SentenceVectorStore) -> None:
    store.add([node(0, [1, 0], "old")])
    store.add([node(0, [0, 1], "new")])
    assert store.count() == 1
    assert store.sentences([node_id("d", 0)])[node_id("d", 0)].text == "new"
    assert nearest(store, [0, 1]) == [(node_id("d", 0), pytest.approx(1))]


def test_similarity_is_the_cosine_whatever_the_length(store: SentenceVectorStore) -> None:
    store.add([node(0, [5, 0]), node(1, [0.1, 0.1]), node(2, [0, 3]), node(3, [-2, 0])])
    expected = {0: 1.0, 1: 1 / math.sqrt(2), 2: 0.0, 3: -1.0}
    assert nearest(store, [7, 0]) == [
        (node_id("d", n), pytest.approx(cosine, abs=1e-5)) for n, cosine in expected.items()
    ]


def test_query_of_an_empty_store_finds_nothing(store: SentenceVectorStore) -> None:
    assert nearest(store, [1, 0]) == []


def test_top_k_above_the_number_of_nodes(store: SentenceVectorStore) -> None:
    store.add([node(0, [1, 0])])
    assert len(nearest(store, [1, 0], top_k=1000)) == 1


def test_missing_ids_are_passed_over(store: SentenceVectorStore) -> None:
    store.add([node(0, [1, 0])])
    assert list(store.sentences(["nothing", node_id("d", 0), node_id("e", 0)])) == [node_id("d", 0)]
    assert store.sentences([]) == {}


def test_more_ids_than_one_statement_takes(store: SentenceVectorStore) -> None:
    store.add([node(n, [1, n]) for n in range(3)])
    assert len(store.sentences([node_id("d", ordinal) for ordinal in range(40_000)])) == 3


def test_delete_removes_the_sentences_of_one_document_only(store: SentenceVectorStore) -> None:
    store.add([*(node(n, [1, n]) for n in range(3)), node(0, [1, 9], document_id="other")])
    store.delete_sentences("d", 3)
    assert [identifier for identifier, _ in nearest(store, [1, 9])] == [node_id("other", 0)]


def test_delete_of_more_sentences_than_there_are(store: SentenceVectorStore) -> None:
    store.add([node(0, [1, 0])])
    store.delete_sentences("d", 20_000)
    store.delete_sentences("d", 3)
    store.delete_sentences("d", 0)
    assert store.count() == 0


def test_batches_stay_within_the_limit_of_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RustBindingsAPI, "get_max_batch_size", lambda self: 3)
    sizes: dict[str, list[int]] = {"upsert": [], "delete": [], "get": []}
    for name, seen in sizes.items():
        original = getattr(chromadb.Collection, name)

        def recording(self, *, ids=None, _original=original, _seen=seen, **values):
            if ids is not None:
                _seen.append(len(ids))
            return _original(self, ids=ids, **values)

        monkeypatch.setattr(chromadb.Collection, name, recording)
    store = SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True))
    store.add([node(n, [1, n]) for n in range(8)])
    assert store.count() == 8
    assert len(store.sentences([node_id("d", n) for n in range(8)])) == 8
    store.delete_sentences("d", 8)
    assert store.count() == 0
    assert sizes == {"upsert": [3, 3, 2], "delete": [3, 3, 2], "get": [3, 3, 2]}


def test_vector_of_another_length_is_refused_and_nothing_is_stored(store: SentenceVectorStore) -> None:
    store.add([node(0, [1, 0])])
    with pytest.raises(Exception, match="dimension"):
        store.add([node(1, [1, 0, 0])])
    assert store.count() == 1


def test_reader_does_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"are gone .* ingest the files"):
        open_chroma(tmp_path / "chroma", 1)


def test_store_is_shared_as_long_as_the_published_state_is_the_same(tmp_path: Path) -> None:
    first = open_chroma(tmp_path / "chroma", 0, create=True)
    assert open_chroma(tmp_path / "chroma", 0) is first
    assert open_chroma(tmp_path / "chroma", 1) is not first


def test_folder_that_was_deleted_and_made_again_is_opened_afresh(tmp_path: Path) -> None:
    import shutil

    SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True)).add([node(0, [1, 0])])
    shutil.rmtree(tmp_path / "chroma")
    again = SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True))
    assert again.count() == 0
    again.add([node(0, [1, 0])])
    assert again.count() == 1


def test_old_handle_goes_on_answering_after_a_newer_state_was_opened(tmp_path: Path) -> None:
    old = SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True))
    old.add([node(0, [1, 0])])
    SentenceVectorStore(open_chroma(tmp_path / "chroma", 1))
    assert [identifier for identifier, _ in nearest(old, [1, 0])] == [node_id("d", 0)]


def test_vectors_written_by_another_process_are_found(tmp_path: Path) -> None:
    reader = SentenceVectorStore(open_chroma(tmp_path / "chroma", 0, create=True))
    assert nearest(reader, [1, 0]) == []
    done = run_python_forked(
        "import sys\n"
        "from pathlib import Path\n"
        "from qa_engine.index.vectors.chroma_folder import open_chroma\n"
        "open_chroma(Path(sys.argv[1]), 0).upsert(ids=['d-0000000'], embeddings=[[1.0, 0.0]], documents=['x'],"
        " metadatas=[{'document_id': 'd'}])\n",
        str(tmp_path / "chroma"),
    )
    assert done.returncode == 0, done.stderr
    reopened = SentenceVectorStore(open_chroma(tmp_path / "chroma", 1))
    assert [identifier for identifier, _ in nearest(reopened, [1, 0])] == ["d-0000000"]


class TestTextsElsewhere:
    """The texts of the nodes are read from the catalog."""

    @pytest.fixture
    def both(self, store: SentenceVectorStore, tmp_path: Path) -> tuple[SentenceVectorStore, list[TextNode]]:
        nodes = [node(ordinal, [1, ordinal], f"第{ordinal}句。") for ordinal in range(3)]
        store.add(nodes)
        catalog = Catalog(tmp_path / "catalog.sqlite", create=True)
        catalog.begin("d", 3)
        record = FileRecord("/d.pdf", "d.pdf", 1, 1, 1, "1", "p", "d", nodes=3)
        stored = [stored_sentence(one) for one in nodes]
        catalog.commit(record, DocumentParts([], [[]] * 3, sentences=stored))
        catalog.close()
        texts = SentenceTexts(tmp_path / "catalog.sqlite")
        return SentenceVectorStore(store._collection, texts=texts), nodes

    def test_nodes_are_the_same_as_those_of_chroma(
        self, store: SentenceVectorStore, both: tuple[SentenceVectorStore, list[TextNode]]
    ) -> None:
        reading, nodes = both
        ids = [one.node_id for one in nodes]
        there, here = store.sentences(ids), reading.sentences(ids)
        assert there == here
        assert [there[name].hash for name in ids] == [here[name].hash for name in ids]
        query = VectorStoreQuery(query_embedding=nodes[1].embedding, similarity_top_k=3)
        from_chroma, from_catalog = store.query(query), reading.query(query)
        assert from_catalog.nodes == from_chroma.nodes
        assert (from_catalog.ids, from_catalog.similarities) == (from_chroma.ids, from_chroma.similarities)

    def test_chroma_is_asked_for_no_text(
        self, both: tuple[SentenceVectorStore, list[TextNode]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reading, nodes = both
        asked: list[Any] = []
        query = reading._collection.query

        def watched(**arguments: Any) -> Any:
            asked.append(arguments["include"])
            return query(**arguments)

        monkeypatch.setattr(reading._collection, "query", watched)
        monkeypatch.setattr(reading._collection, "get", None)
        reading.query(VectorStoreQuery(query_embedding=nodes[0].embedding, similarity_top_k=1))
        assert reading.stored_sentences([nodes[2].node_id])[nodes[2].node_id].text == "第2句。"
        assert asked == [["distances"]]

    def test_node_without_a_text_is_not_found(
        self, both: tuple[SentenceVectorStore, list[TextNode]], tmp_path: Path
    ) -> None:
        reading, nodes = both
        catalog = Catalog(tmp_path / "catalog.sqlite")
        catalog.remove("/d.pdf")
        catalog.forget("d")
        catalog.close()
        found = reading.query(VectorStoreQuery(query_embedding=nodes[0].embedding, similarity_top_k=3))
        assert (found.nodes, found.ids, found.similarities) == ([], [], [])


def test_place_of_a_sentence_stored_before_it_was_one_key() -> None:
    row = {"document_id": "a", "page": 2, "start": 10, "end": 12}
    former = sentence_of_row("a-0000000", "文", row)
    assert (former.start_char_idx, former.end_char_idx, dict(former.metadata)) == (10, 12, {"page": 2})
