"""The same question finds the same sentences in every process, whatever the collection has gone through."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest
from llama_index.core.vector_stores.types import VectorStoreQuery
from pdf_factory import chinese_pdf
from processes import run_python

from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
from qa_engine.index.vectors.exact_search import nearest
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild

pytestmark = pytest.mark.usefixtures("parsed_in_place")
QUESTIONS = [f"{number}号机组{part}的额定功率" for number in range(8) for part in ("水泵", "风机")]
ASK = f"""
import json, sys
from pathlib import Path
from hash_embedding import HashEmbedding
from llama_index.core.vector_stores.types import VectorStoreQuery
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
paths = collection_paths(Path(sys.argv[1]), "default")
model = HashEmbedding(model_name="hash")
with IndexReader(paths, Catalog(paths.catalog)) as reader:
    for question in {QUESTIONS}:
        query = VectorStoreQuery(query_embedding=model.get_query_embedding(question), similarity_top_k=50)
        print(json.dumps(reader.snapshot().store.query(query).ids))
"""


@pytest.fixture
def collection(docs: Path, storage: Path) -> Path:
    for number in range(2):
        parts = [("水泵", "风机", "电机", "阀门")[row % 4] + f"{row}" for row in range(400)]
        texts = [f"{row % 9}号机组{part}的额定功率为{row * 7 % 391}千瓦。" for row, part in enumerate(parts)]
        chinese_pdf(docs / f"{number}.pdf", [f"第{number}册{text}" for text in texts])
    ingest(docs, storage)
    return storage


def test_every_process_finds_the_same(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma adds what it has not yet written into its files to its graph when these are opened, each time otherwise."""
    found = []
    for seed in ("0", "1", "2"):
        monkeypatch.setitem(os.environ, "PYTHONHASHSEED", seed)
        found.append(run_python(ASK, str(collection)).splitlines())
    assert found[0] == found[1] == found[2]
    assert all(len(json.loads(line)) == 50 for line in found[0])


def has_vectors(storage: Path) -> bool:
    paths = collection_paths(storage, "default")
    with IndexReader(paths, Catalog(paths.catalog)) as reader:
        bm25 = reader.snapshot().bm25
        width = {
            one.segment.vectors.codes.shape[1] for one in bm25.segments if one.segment.vectors is not None
        }
        return nearest(bm25, [1.0] * min(width, default=1), 3) is not None


def test_vectors_follow_what_becomes_of_a_collection(collection: Path, docs: Path) -> None:
    assert has_vectors(collection)
    delete_files(["0.pdf"], collection)
    assert has_vectors(collection)
    chinese_pdf(docs / "2.pdf")
    ingest(docs / "2.pdf", collection)
    rebuild(collection)
    assert has_vectors(collection)
    other = HashEmbedding(model_name="other", dimension=64)
    rebuild(collection, part="embedding", embed_model=other)
    paths = collection_paths(collection, "default")
    with IndexReader(paths, Catalog(paths.catalog)) as reader:
        vector = other.get_query_embedding("西湖的平均水深是多少？")
        query = VectorStoreQuery(query_embedding=vector, similarity_top_k=3)
        found = nearest(reader.snapshot().bm25, vector, 3)
        assert found is not None
        assert [one.node_id for one in found] == reader.snapshot().store.query(query).ids
