"""The doctor looks at a search engine and the collections in it; faults are made on purpose, and mended as it says."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chroma_process import ChromaProcess
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from pdf_factory import chinese_pdf, english_pdf
from search_server import SearchCluster, free_port
from shared_index import index_settings

import qa_engine
from qa_engine.config import Config
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.diagnosis.report import Check, Diagnosis
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.opening import open_catalog
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.indices import delete_index
from qa_engine.index.search_engine.opening import registry_of
from qa_engine.ingestion.writing.session import write_session

NAME = "资料 É"


@dataclass
class Place:
    """A collection of two files in a search engine, and a machine that asks for it."""

    search: SearchCluster
    config: Config
    storage: Path
    model: HashEmbedding

    def diagnose(self, collections: Any = None) -> Diagnosis:
        return diagnose(self.storage, collections, self.config, embed_model=self.model)

    def check(self, name: str) -> Check:
        (found,) = [check for check in self.diagnose().checks if check.check == name]
        return found

    def failed(self) -> dict[str, Check]:
        return {check.check: check for check in self.diagnose().checks if check.status == "failed"}

    def send(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.search.nodes[0].send(method, path, body)
        assert status < 300, answer
        return answer

    @property
    def registered(self) -> Any:
        return registry_of(self.config.index).find(NAME)

    def catalog(self) -> SharedCatalog:
        opened = open_catalog(self.storage, NAME, self.config.index)
        assert isinstance(opened, SharedCatalog)
        return opened

    def number(self) -> int:
        """The number of the first document."""
        with closing(self.catalog()) as catalog:
            return min(number for number, _ in catalog.visible().values())


def place_of(folder: Path, search: SearchCluster, chroma: ChromaProcess, model: HashEmbedding) -> Place:
    config = Config(index=index_settings(search, chroma), retrieval={"dictionary": False})
    files = [chinese_pdf(folder / "files" / "西湖.pdf"), english_pdf(folder / "files" / "planets.pdf")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        report = qa_engine.ingest(files, folder / "one", NAME, config, embed_model=model)
    assert report.added == 2
    return Place(search, config, folder / "two", model)


@pytest.fixture
def place(
    tmp_path: Path, search_server: SearchCluster, chroma_server: ChromaProcess, hash_embedding: HashEmbedding
) -> Place:
    return place_of(tmp_path, search_server, chroma_server, hash_embedding)


def test_a_whole_collection_has_no_fault_on_a_machine_that_has_never_seen_it(place: Place) -> None:
    diagnosis = place.diagnose()
    assert diagnosis.failed == 0, [check.message for check in diagnosis.checks]
    names = [check.check for check in diagnosis.checks if check.collection == NAME]
    assert {"writer", "indices", "catalog", "replica", "sentences", "contents", "terms"} <= set(names)
    assert {"vectors", "published", "documents", "files"} <= set(names)
    (engine,) = [check for check in diagnosis.checks if check.check == "search_engine"]
    assert place.search.url in engine.message
    assert not diagnosis.empty


def test_what_workers_are_storing_is_not_taken_for_rubbish(place: Place) -> None:
    document = "0123456789abcdef0123"
    with write_session(place.config, place.storage, NAME, create=False) as session:
        assert isinstance(session.catalog, SharedCatalog)
        session.catalog.announce([document])
        source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)}
        session.nodes.store.add(
            [TextNode(id_=node_id(document, 0), text="One.", embedding=[1.0] * 512, relationships=source)]
        )
    assert list(place.failed()) == ["documents"]
    with write_session(place.config, place.storage, NAME, create=False) as session:
        session.nodes.delete_unfinished()
    assert place.failed() == {}


def lose_a_sentence(place: Place) -> None:
    number = place.number()
    place.send("DELETE", f"/{place.registered.sentences}/_doc/{number}-3?routing={number}&refresh=true")


def change_a_sentence(place: Place) -> None:
    number = place.number()
    path = f"/{place.registered.sentences}/_update/{number}-3?routing={number}&refresh=true"
    place.send("POST", path, {"doc": {"text": "Something else."}})


def double_a_sentence(place: Place) -> None:
    number, index = place.number(), place.registered.sentences
    source = place.send("GET", f"/{index}/_doc/{number}-3?routing={number}")["_source"]
    place.send("PUT", f"/{index}/_doc/other?routing={number}&refresh=true", source)


def leave_an_orphan(place: Place) -> None:
    place.send(
        "PUT",
        f"/{place.registered.sentences}/_doc/999-0?routing=999&refresh=true",
        {"number": 999, "ordinal": 0},
    )


def lose_terms(place: Place) -> None:
    number, index = place.number(), place.registered.sentences
    with closing(place.catalog()) as catalog:
        script = f"ctx._source.remove('{catalog.field}_count')"
    path = f"/{index}/_update/{number}-3?routing={number}&refresh=true"
    place.send("POST", path, {"script": script})


def lose_contents(place: Place) -> None:
    place.send("DELETE", f"/{place.registered.documents}/_doc/{place.number()}?refresh=true")


def damage_contents(place: Place) -> None:
    path = f"/{place.registered.documents}/_update/{place.number()}?refresh=true"
    place.send("POST", path, {"doc": {"spans": "AAAA"}})


def damage_the_replica(place: Place) -> None:
    with closing(place.catalog()) as catalog:
        file = catalog.path
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE files SET file_name = 'other'")
        connection.commit()


FAULTS: dict[str, tuple[Callable[[Place], None], str]] = {
    "lose a sentence": (lose_a_sentence, "sentences"),
    "change a sentence": (change_a_sentence, "sentences"),
    "double a sentence": (double_a_sentence, "sentences"),
    "leave an orphan": (leave_an_orphan, "sentences"),
    "lose terms": (lose_terms, "terms"),
    "lose contents": (lose_contents, "contents"),
    "damage contents": (damage_contents, "contents"),
    "damage the replica": (damage_the_replica, "replica"),
}


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_its_command_mends_it(fault: str, place: Place) -> None:
    make, name = FAULTS[fault]
    make(place)
    failed = place.failed()
    assert list(failed) == [name], failed
    for _ in range(2):  # of a document that was doubled, the surplus belongs to nobody when it is made anew
        for check in failed.values():
            assert check.command is not None
            mend(place, check.command)
        failed = place.failed()
    assert failed == {}


def mend(place: Place, command: str) -> None:
    """Does what a command says; those of this package in this process, with the model of the test."""
    if command.startswith(("rm ", "curl ")):
        subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)
        return
    from qa_engine.ingestion.maintenance.delete import delete_files
    from qa_engine.ingestion.maintenance.rebuild import rebuild

    for part in command.split(" && "):
        assert f"--collection '{NAME}' --storage {place.storage}" in part
        if part.startswith("qa-engine rebuild --collection"):
            rebuild(place.storage, NAME, place.config, embed_model=place.model)
            continue
        paths = part.partition(" --collection")[0].split()[2:]
        if part.startswith("qa-engine delete"):
            delete_files(paths, place.storage, NAME, place.config)
        else:
            assert part.startswith("qa-engine ingest")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(PARSING_POOL, ParsingInPlace)
                qa_engine.ingest(paths, place.storage, NAME, place.config, embed_model=place.model)


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
def test_what_the_configuration_says_otherwise_is_warned_of(place: Place) -> None:
    place.config = place.config.model_copy(
        update={"bm25": place.config.bm25.model_copy(update={"k1": 1.5})}, deep=True
    )
    check = place.check("indices")
    assert (check.status, "k1 = 1.2" in check.message) == ("warning", True)
    mend_all(check.command)
    assert place.check("indices").status == "ok"


def mend_all(command: str | None) -> None:
    assert command is not None
    subprocess.run(command, shell=True, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
def test_lost_parts_of_the_state_are_told(place: Place) -> None:
    state = registry_of(place.config.index).state
    mark = place.registered.mark
    with closing(place.catalog()):
        pass
    place.send("DELETE", f"/{state}/_doc/{mark}:change:{3:012d}?refresh=true")
    failed = place.failed()
    assert "_snapshot" in str(failed["catalog"].command)
    assert "sentences" not in failed


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
def test_a_lost_index_is_told_and_nothing_else_of_the_collection(place: Place) -> None:
    delete_index(registry_of(place.config.index).engine, place.registered.documents)
    failed = place.failed()
    assert list(failed) == ["indices"]
    assert place.registered.documents in failed["indices"].message


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
def test_indices_of_no_collection_are_warned_of_and_those_of_other_installations_are_not(
    place: Place,
) -> None:
    prefix = place.config.index.search_prefix
    orphan, other = f"{prefix}-old-0123456789ab-tokens-1", f"{prefix}-b-0123456789ab-tokens-1"
    for index in (orphan, other, f"{prefix}-b-state-1"):
        place.send("PUT", f"/{index}", {"settings": {"number_of_replicas": 0}})
    check = place.check("search_leftovers")
    assert check.status == "warning"
    assert orphan in check.message
    assert other not in str(check)
    mend_all(check.command)
    assert place.check("search_leftovers").status == "ok"


@pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)
def test_a_blocked_index_is_a_full_disk(place: Place) -> None:
    index = place.registered.sentences
    place.send("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": True})
    check = place.check("search_disk")
    assert (check.status, index in check.message) == ("failed", True)
    mend_all(check.command)
    assert place.check("search_disk").status != "failed"


def test_a_search_engine_that_is_not_there_is_the_one_fault(
    tmp_path: Path, hash_embedding: HashEmbedding
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    config = Config(index={"search_url": address, "url": address}, retrieval={"dictionary": False})
    diagnosis = diagnose(tmp_path, None, config, embed_model=hash_embedding)
    failed = [check for check in diagnosis.checks if check.status == "failed"]
    assert [check.check for check in failed] == ["chroma_server", "search_engine"]
    assert failed[1].command == "export QA_ENGINE_INDEX__SEARCH_URL=…"
    assert not diagnosis.empty
    assert json.dumps(diagnosis.to_dict())
