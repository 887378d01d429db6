"""A collection in a search engine, as any machine sees it: everything that is stored, compared."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from chroma_process import ChromaProcess
from search_server import SearchCluster

from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import open_catalog
from qa_engine.index.reader import IndexReader
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.vectors import locations
from qa_engine.index.vectors.row_fence import ROW_NUMBER


def cluster_variables(
    search: SearchCluster, chroma: ChromaProcess, prefix: str, **more: str
) -> dict[str, str]:
    """The environment of processes whose collections are in a search engine."""
    index = {
        "url": chroma.url,
        "search_url": ",".join(search.urls),
        "search_prefix": prefix,
        "search_replicas": "0" if len(search.nodes) == 1 else "1",
        "search_lease_seconds": "3",
        **more,
    }
    variables = {f"QA_ENGINE_INDEX__{name.upper()}": value for name, value in index.items()}
    return {**variables, "QA_ENGINE_INGESTION__LOCK_TIMEOUT_SECONDS": "30"}


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    """Has this process and its children use them."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def shared_catalog(storage: Path, collection: str = "default") -> SharedCatalog:
    """The catalog, for reading, by way of a storage folder."""
    catalog = open_catalog(storage, collection, Config.load().index)
    assert isinstance(catalog, SharedCatalog)
    return catalog


def stored_in_cluster(storage: Path, collection: str = "default") -> dict[str, str]:
    """The names of the files in a collection, with the text of all their nodes; fails if its parts disagree."""
    with closing(shared_catalog(storage, collection)) as catalog:
        records = list(catalog.files().values())
        numbers = catalog.numbers({record.document_id for record in records})
        live = catalog.live_documents()
        assert catalog.unfinished() == []
        assert catalog.published == catalog.changes
        assert live.keys() == numbers.keys() == catalog.published_state().documents.keys()
        expected = {
            (numbers[record.document_id], ordinal): node_id(record.document_id, ordinal)
            for record in records
            for ordinal in range(record.nodes)
        }
        catalog.sentence_index.refresh()
        given_up = {one.number for one in catalog.abandoned()}
        keys = [key for key in catalog.sentence_index.stored_keys() if key[0] not in given_up]
        assert sorted(keys) == sorted(expected)
        assert len(catalog.open_lexical(Config.load().bm25)) == len(expected)
        assert catalog.damaged() == (set(), set(), 0)
        texts = {document_id: catalog.sentences(document_id) for document_id in live}
        assert sum(map(len, texts.values())) == len(expected)
        if locations.VectorLocation.of(catalog) is None:
            assert expected == {}
            return {}
        paths = collection_paths(storage, collection)
        vectors = locations.open_vectors(paths, catalog, Config.load().index)
        stored = vectors.get(include=["documents", "metadatas"])
        assert sorted(stored["ids"]) == sorted(expected.values())
        rows = dict(zip(stored["ids"], stored["documents"] or [], strict=True))
        assert rows == {one.node_id: one.text for own in texts.values() for one in own}
        # A request of a killed process that arrived late may have put an earlier number into a row: never a later one.
        known = {identifier: number for (number, _), identifier in expected.items()}
        for identifier, metadata in zip(stored["ids"], stored["metadatas"] or [], strict=True):
            assert metadata is not None
            assert int(str(metadata[ROW_NUMBER])) <= known[identifier]
        return {
            record.file_name: "".join(one.text for one in texts[record.document_id]) for record in records
        }


def check_published(storage: Path, collection: str = "default") -> None:
    """Every document of the published state is whole, for a machine that has never read the collection."""
    catalog = shared_catalog(storage, collection)
    if catalog.published == 0:
        catalog.close()
        return
    config = Config.load()
    with IndexReader(collection_paths(storage, collection), catalog, index=config.index) as reader:
        snapshot = reader.snapshot()
        for document_id in snapshot.bm25.document_ids:
            document = catalog.document(document_id)
            assert document is not None
            assert catalog.files_of([document_id])[document_id]
            ids = [node_id(document_id, ordinal) for ordinal in range(document.nodes)]
            assert set(snapshot.store.sentences(ids)) == set(ids)
            assert not ids or snapshot.store.vectors(ids) is not None
