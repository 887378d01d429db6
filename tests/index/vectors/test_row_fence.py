"""Rows of Chroma and two writers, of which one has lost its right without knowing it: on a real server."""

from __future__ import annotations

import uuid

import pytest
from chroma_process import ChromaProcess
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import VectorStoreQuery
from llama_index.vector_stores.chroma import ChromaVectorStore

from qa_engine.config import IndexConfig
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import IndexLockedError
from qa_engine.index.vectors.locations import open_on_server
from qa_engine.index.vectors.row_fence import RowFence
from qa_engine.index.vectors.vector_store import SentenceVectorStore


class Servers:
    """One collection of Chroma, and stores of writers that know the numbers of documents up to different ones."""

    def __init__(self, chroma: ChromaProcess) -> None:
        self.rows = open_on_server(IndexConfig(url=chroma.url), f"test-{uuid.uuid4()}", create=True)

    def writer(self, number: int) -> SentenceVectorStore:
        fence = RowFence(lambda ids: dict.fromkeys(ids, number), lambda: number, lambda: None)
        return SentenceVectorStore(self.rows, fence=fence)

    def numbers(self) -> list[object]:
        return [metadata["qa_number"] for metadata in self.rows.get(include=["metadatas"])["metadatas"] or []]


@pytest.fixture
def servers(chroma_server: ChromaProcess) -> Servers:
    return Servers(chroma_server)


def nodes() -> list[TextNode]:
    return [
        TextNode(
            id_=node_id("d", ordinal),
            text=f"Sentence {ordinal}.",
            embedding=[1.0, float(ordinal)],
            metadata={"page": 1},
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id="d")},
        )
        for ordinal in range(3)
    ]


def test_an_earlier_writer_deletes_no_row_of_a_later_one(servers: Servers) -> None:
    first, second = servers.writer(5), servers.writer(6)
    first.add(nodes())
    second.add(nodes())
    first.delete_sentences("d", 3)
    first.delete_documents(["d"])
    assert servers.numbers() == [6, 6, 6]


def test_a_later_writer_deletes_what_an_earlier_one_stores_late(servers: Servers) -> None:
    first, second = servers.writer(5), servers.writer(6)
    second.add(nodes())
    first.add(nodes()[:1])
    assert sorted(map(str, servers.numbers())) == ["5", "6", "6"]
    second.delete_sentences("d", 3)
    assert servers.numbers() == []
    first.add(nodes())
    second.delete_documents(["d"])
    assert servers.numbers() == []


def test_a_worker_says_the_number_itself(servers: Servers) -> None:
    SentenceVectorStore(servers.rows).add(nodes(), number=7)
    assert servers.numbers() == [7, 7, 7]


def test_the_number_is_no_metadata_of_a_node_and_hinders_no_other_program(servers: Servers) -> None:
    store = servers.writer(5)
    store.add(nodes())
    assert store.sentences([node_id("d", 0)])[node_id("d", 0)].metadata == {"page": 1}
    found = store.query(VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=1))
    assert found.nodes is not None
    assert found.nodes[0].metadata == {"page": 1}
    stock = ChromaVectorStore(chroma_collection=servers.rows)
    answered = stock.query(VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=1))
    assert answered.ids == [node_id("d", 0)]


def test_a_writer_that_has_lost_its_right_stores_and_deletes_nothing(servers: Servers) -> None:
    servers.writer(5).add(nodes())

    def lost() -> None:
        raise IndexLockedError("lost")

    store = SentenceVectorStore(servers.rows, fence=RowFence(lambda ids: {}, lambda: 9, lost))
    for write in (
        lambda: store.add(nodes()),
        lambda: store.delete_sentences("d", 3),
        lambda: store.delete_documents(["d"]),
        lambda: store.rename_file("d", 3, "b.pdf"),
    ):
        with pytest.raises(IndexLockedError):
            write()  # type: ignore[no-untyped-call]
    assert servers.numbers() == [5, 5, 5]
