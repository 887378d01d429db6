"""Additions, changes, moves, deletions, crashes and runs in any order, each run by another machine: in a search engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from chroma_process import ChromaProcess
from collection_machine import Collection, run_machine
from hypothesis import Phase
from search_server import SearchCluster
from shared_collection import cluster_variables, set_variables, shared_catalog, stored_in_cluster

from qa_engine.config import Config
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.reader import IndexReader
from qa_engine.index.search_engine.contents.contents import ContentIndex
from qa_engine.index.search_engine.contents.sentences import SentenceIndex
from qa_engine.index.search_engine.indices import delete_index
from qa_engine.index.search_engine.opening import registry_of
from qa_engine.index.search_engine.state.state_log import StateLog
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.report import IngestReport

WRITES: list[tuple[type, str]] = [
    (StateLog, "append"),
    (StateLog, "begin_anew"),
    (SentenceIndex, "put"),
    (SentenceIndex, "refresh"),
    (SentenceIndex, "delete"),
    (ContentIndex, "put"),
    (ContentIndex, "delete"),
    (SentenceVectorStore, "add"),
    (SentenceVectorStore, "delete_sentences"),
]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_is_reported_is_what_is_stored_over_many_histories(
    monkeypatch: pytest.MonkeyPatch,
    search_servers: Callable[[str], SearchCluster],
    chroma_server: ChromaProcess,
) -> None:
    server = search_servers("opensearch-2")

    class SharedCollection(Collection):
        """The collection is in a search engine; every run is one of a machine that knows nothing of it."""

        writes = WRITES

        def __init__(self) -> None:
            super().__init__()
            self.machines = 0
            set_variables(monkeypatch, cluster_variables(server, chroma_server, f"m{secrets.token_hex(4)}"))

        def teardown(self) -> None:
            registry = registry_of(Config.load().index)
            found = registry.find("default")
            if found is not None:
                registry.remove(found)
            delete_index(registry.engine, registry.state)
            super().teardown()

        def run(self, prune: bool) -> IngestReport:
            self.machines += 1
            self.storage = self.root / f"storage-{self.machines}"
            return super().run(prune)

        def stored(self) -> dict[str, str]:
            return stored_in_cluster(self.root / "reader")

        def catalog(self) -> Catalog:
            return shared_catalog(self.root / "reader")

        def reader(self, catalog: Catalog) -> IndexReader:
            return IndexReader(
                collection_paths(self.root / "reader", "default"), catalog, index=Config.load().index
            )

    run_machine(SharedCollection, monkeypatch, 25, 15, list(Phase))
