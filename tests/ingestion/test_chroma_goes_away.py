"""Runs and readers whose Chroma server is killed and comes back; moving vectors there and back; questions meanwhile."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chroma_process import URL_VARIABLE, ChromaProcess
from command_line import run
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import ingest, ingest_and_die, stored_files
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from openai_server import closed_port
from pdf_factory import SOLAR_SYSTEM, WEST_LAKE, chinese_pdf, english_pdf
from processes import python

from qa_engine import QueryEngine
from qa_engine.config import Config, IndexConfig
from qa_engine.errors import QAEngineError, ServiceUnavailableError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors import backends, vector_store
from qa_engine.index.vectors.chroma_server import chroma_server as server_of
from qa_engine.index.vectors.locations import VectorLocation, drop_location
from qa_engine.ingestion.maintenance.rebuild import rebuild
from qa_engine.ingestion.reading import batches
from qa_engine.ingestion.report import FileResult, IngestProgress

pytestmark = pytest.mark.usefixtures("parsed_in_place")
TOKEN, TOKEN_VARIABLE = "s3cret-t0ken", "QA_ENGINE_INDEX__TOKEN"
HASH = HashEmbedding(model_name="hash")
CHANGED = "All of it was changed."
ASK = """
import sys
from hash_embedding import HashEmbedding
from qa_engine import QueryEngine
from qa_engine.config import Config
config = Config.load(rerank={"model": "none"})
engine = QueryEngine.open(sys.argv[1], embed_model=HashEmbedding(model_name="hash"), config=config)
print("ready", flush=True)
for line in sys.stdin:
    found = engine.retrieve(line.strip(), top_k=3)
    print(",".join(sorted({node.node.metadata["file_name"] for node in found})), flush=True)
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChromaProcess]:
    """A server that may be killed."""
    folder = tmp_path / "server"
    folder.mkdir()
    with ChromaProcess(folder) as running:
        monkeypatch.setenv(URL_VARIABLE, running.url)
        yield running


@pytest.fixture
def on_server(chroma_server: ChromaProcess, monkeypatch: pytest.MonkeyPatch) -> ChromaProcess:
    """The configuration names the server that all tests share."""
    monkeypatch.setenv(URL_VARIABLE, chroma_server.url)
    return chroma_server


def engine(storage: Path, *collections: str, **options: Any) -> QueryEngine:
    config = Config.load(rerank={"model": "none"})
    return QueryEngine.open(storage, collections or "default", config, embed_model=HASH, **options)


def files(found: Any) -> set[str]:
    return {node.node.metadata["file_name"] for node in found}


class At(IngestProgress):
    """Does something after so many files."""

    def __init__(self, count: int, action: Any) -> None:
        self.count, self.action = count, action

    def file_done(self, result: FileResult) -> None:
        self.count -= 1
        if self.count == 0:
            self.action()


def library(docs: Path, count: int) -> None:
    for number in range(count):
        english_pdf(docs / f"{number}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM])


def test_server_that_goes_away_in_a_run_loses_nothing(
    server: ChromaProcess, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    monkeypatch.setattr(backends, "ATTEMPTS", 2)
    library(docs, 4)
    chinese_pdf(docs / "old.pdf")
    ingest(docs / "old.pdf", storage)
    english_pdf(docs / "old.pdf", [CHANGED], header=None)
    with pytest.raises(ServiceUnavailableError, match="cannot be reached") as raised:
        ingest(docs, storage, progress=At(2, server.kill))
    message = str(raised.value)
    assert server.url in message
    assert "run the same command again" in message
    assert raised.value.exit_code == 3
    catalog = Catalog(collection_paths(storage, "default").catalog)
    assert len(catalog.files()) == 3
    assert catalog.published == catalog.changes
    catalog.close()
    with pytest.raises(ServiceUnavailableError):
        ingest(docs, storage)

    server.start()
    assert files(engine(storage).retrieve("This is text 0.", top_k=3)) <= {"0.pdf", "1.pdf", "old.pdf"}
    report = ingest(docs, storage)
    assert (report.added, report.updated, report.unchanged) == (2, 1, 2)
    stored = stored_files(storage)
    assert set(stored) == {"old.pdf", *(f"{number}.pdf" for number in range(4))}
    assert stored["old.pdf"] == CHANGED


@pytest.mark.slow
def test_run_outlives_a_server_that_is_started_again(
    server: ChromaProcess, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    monkeypatch.setattr(backends, "ATTEMPTS", 8)
    library(docs, 3)
    restarting = threading.Thread(target=server.start)

    def restart() -> None:
        server.kill()
        restarting.start()

    assert ingest(docs, storage, progress=At(1, restart)).added == 3
    restarting.join()
    assert len(stored_files(storage)) == 3


def test_engine_answers_again_when_the_server_does(server: ChromaProcess, docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    asked = engine(storage)
    assert files(asked.retrieve(WEST_LAKE[0])) == {"lake.pdf"}
    server.kill()
    with pytest.raises(ServiceUnavailableError, match=server.url):
        asked.retrieve(WEST_LAKE[0])
    assert ingest(docs, storage).unchanged == 1  # which needs no server
    (docs / "lake.pdf.meta.json").write_text('{"year": 2024}')
    assert ingest(docs, storage).updated == 1  # nor does this
    server.start()
    assert files(asked.retrieve(WEST_LAKE[0])) == {"lake.pdf"}
    server.kill()
    server.start()
    assert files(asked.retrieve(WEST_LAKE[0])) == {"lake.pdf"}


@pytest.mark.parametrize(
    ("method", "call", "when"),
    [
        ("SentenceVectorStore.add", 1, "after"),
        pytest.param("Catalog.commit", 1, "after", marks=pytest.mark.slow),
        pytest.param("SentenceVectorStore.delete_sentences", 1, "after", marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_run_that_is_killed_is_completed_by_the_next(
    method: str, call: int, when: str, on_server: ChromaProcess, docs: Path, storage: Path
) -> None:
    chinese_pdf(docs / "changed.pdf")
    english_pdf(docs / "gone.pdf")
    ingest(docs, storage)
    english_pdf(docs / "changed.pdf", [CHANGED], header=None)
    (docs / "gone.pdf").unlink()
    arguments = (str(docs), str(storage), method, call, when, False, on_server.url)
    process = fork_server().Process(target=ingest_and_die, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert ingest(docs, storage, prune=True).failures == []
    assert stored_files(storage) == {"changed.pdf": CHANGED}


def test_another_process_asks_while_files_come_and_go(
    on_server: ChromaProcess, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    with python(ASK, str(storage)) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"

        def ask(question: str) -> set[str]:
            assert other.stdin is not None
            assert other.stdout is not None
            print(question, file=other.stdin, flush=True)
            return set(other.stdout.readline().strip().split(","))

        seen: list[set[str]] = []
        library(docs, 3)
        ingest(docs, storage, progress=At(3, lambda: seen.append(ask("This is text 0."))))
        assert seen == [{"lake.pdf"}]  # stored already, but not published
        assert "0.pdf" in ask("This is text 0.")
        for number in range(3):
            (docs / f"{number}.pdf").unlink()
        ingest(docs, storage, prune=True)
        assert ask("This is text 0.") == {"lake.pdf"}
        other.stdin.close()


def test_filters_and_two_collections_in_one_question(
    on_server: ChromaProcess, docs: Path, storage: Path
) -> None:
    chinese_pdf(docs / "zh" / "西湖.pdf")
    english_pdf(docs / "en" / "planets.pdf", SOLAR_SYSTEM)
    english_pdf(docs / "en" / "text.pdf", ["This is another text about planets."])
    (docs / "en" / "text.pdf.meta.json").write_text('{"year": 2024}')
    ingest(docs / "zh", storage, collection="合同 2024")
    ingest(docs / "en", storage, collection="planets")
    both = engine(storage, "合同 2024", "planets")
    assert "西湖.pdf" in files(both.retrieve(WEST_LAKE[0], top_k=3))
    assert "planets.pdf" in files(both.retrieve(SOLAR_SYSTEM[0], top_k=3))
    for key, value, expected in (
        ("year", 2024, "text.pdf"),
        ("file", "西湖*", "西湖.pdf"),
        ("page", 1, None),
    ):
        where = MetadataFilters(filters=[MetadataFilter(key=key, value=value)])
        found = files(both.retrieve(SOLAR_SYSTEM[0], top_k=10, filters=where))
        assert found == {expected} if expected else len(found) == 3
    place = VectorLocation.of(Catalog(collection_paths(storage, "合同 2024").catalog))
    assert place is not None
    assert place.name.startswith("qa-2024-")


def test_copy_of_the_storage_answers_from_what_it_knows(
    on_server: ChromaProcess, docs: Path, storage: Path, tmp_path: Path
) -> None:
    library(docs, 2)
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    copy = shutil.copytree(storage, tmp_path / "copy")
    english_pdf(docs / "0.pdf", [CHANGED])
    english_pdf(docs / "new.pdf", ["This is text 5."])
    ingest(docs, storage)
    assert "new.pdf" in files(engine(storage).retrieve("This is text 5.", top_k=5))
    # The vectors of the old 0.pdf are gone from the server. Its sentences are in the catalog, where BM25 finds them.
    assert files(engine(copy).retrieve(WEST_LAKE[0], top_k=10)) == {"1.pdf", "lake.pdf"}
    assert files(engine(copy).retrieve("This is text 5.", top_k=10)) == {"0.pdf", "1.pdf", "lake.pdf"}


def test_vectors_move_to_a_server_and_back(
    chroma_server: ChromaProcess, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(docs, 2)
    chinese_pdf(docs / "lake.pdf")
    ingest(docs, storage)
    before = stored_files(storage)
    # Two of the files say nearly the same: which comes first is chance.
    found = sorted(node.node.get_content() for node in engine(storage).retrieve(SOLAR_SYSTEM[1]))
    monkeypatch.setenv(URL_VARIABLE, chroma_server.url)
    rebuild(storage, part="vectors", config=Config.load(), embed_model=HASH)
    assert stored_files(storage) == before
    assert sorted(node.node.get_content() for node in engine(storage).retrieve(SOLAR_SYSTEM[1])) == found
    assert ingest(docs, storage).unchanged == 3
    monkeypatch.delenv(URL_VARIABLE)
    rebuild(storage, part="vectors", config=Config.load(), embed_model=HASH)
    assert stored_files(storage) == before
    assert sorted(node.node.get_content() for node in engine(storage).retrieve(SOLAR_SYSTEM[1])) == found


@pytest.mark.slow
def test_vectors_move_from_one_server_to_another(
    server: ChromaProcess,
    chroma_server: ChromaProcess,
    docs: Path,
    storage: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library(docs, 2)
    ingest(docs, storage)
    before = stored_files(storage)
    monkeypatch.setenv(URL_VARIABLE, chroma_server.url)
    rebuild(storage, part="vectors", config=Config.load(), embed_model=HASH)
    assert server_of(IndexConfig(url=server.url)).list_collections() == []
    server.kill()
    assert stored_files(storage) == before


def test_move_that_the_server_breaks_off_is_completed_by_the_next(
    server: ChromaProcess, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "ATTEMPTS", 1)
    library(docs, 3)
    monkeypatch.delenv(URL_VARIABLE)
    ingest(docs, storage)
    before = stored_files(storage)
    add = vector_store.SentenceVectorStore.add

    def dying(self: Any, nodes: Any, **options: Any) -> list[str]:
        server.kill()
        return add(self, nodes, **options)

    monkeypatch.setenv(URL_VARIABLE, server.url)
    with monkeypatch.context() as patch:
        patch.setattr(vector_store.SentenceVectorStore, "add", dying)
        with pytest.raises(QAEngineError, match=server.url):
            rebuild(storage, part="vectors", config=Config.load(), embed_model=HASH)
    server.start()
    with monkeypatch.context() as patch:
        patch.delenv(URL_VARIABLE)
        assert stored_files(storage) == before  # readers go on with what they had
    rebuild(storage, part="vectors", config=Config.load(), embed_model=HASH)
    assert stored_files(storage) == before


def test_command_without_a_server_ends_with_exit_code_3_and_one_sentence(
    docs: Path, tmp_path: Path, local_model: Path
) -> None:
    chinese_pdf(docs / "lake.pdf")
    assert_says_so(["ingest", "docs"], tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("local_model")
def test_commands_with_and_without_a_server(docs: Path, tmp_path: Path, chroma_server: ChromaProcess) -> None:
    chinese_pdf(docs / "lake.pdf")
    settings = {TOKEN_VARIABLE: TOKEN, URL_VARIABLE: chroma_server.url}
    done = run("ingest", "docs", cwd=tmp_path, **settings)
    assert done.returncode == 0, done.stderr
    shown = run("config", cwd=tmp_path, **settings)
    assert chroma_server.url in shown.stdout
    assert TOKEN not in done.stdout + done.stderr + shown.stdout
    assert_says_so(["ask", "西湖有多大？"], tmp_path)


def assert_says_so(command: list[str], folder: Path) -> None:
    """That no server is there, and nothing else."""
    url = f"http://127.0.0.1:{closed_port()}"
    done = run(*command, cwd=folder, **{TOKEN_VARIABLE: TOKEN, URL_VARIABLE: url})
    assert done.returncode == 3, done.stderr
    assert f"The Chroma server at {url} cannot be reached" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_vectors_that_a_server_has_lost_are_embedded_again(
    on_server: ChromaProcess, docs: Path, storage: Path
) -> None:
    library(docs, 2)
    report = ingest(docs, storage)
    paths = collection_paths(storage, "default")
    place = VectorLocation.of(Catalog(paths.catalog))
    assert place is not None
    drop_location(paths, place, IndexConfig(url=on_server.url))
    shutil.rmtree(docs)
    done = rebuild(storage, part="embedding", config=Config.load(), embed_model=HASH)
    assert done.nodes == report.nodes
    assert files(engine(storage).retrieve("This is text 1.", top_k=5)) == {"0.pdf", "1.pdf"}
