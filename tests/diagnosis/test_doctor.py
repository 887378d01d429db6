"""Collections that are damaged in every part: each fault is named, with what mends it, and the other checks go on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest
from pdf_factory import chinese_pdf, english_pdf
from processes import python

from qa_engine.answering.refusal.calibration import LOCAL_CALIBRATION, store_calibration
from qa_engine.config import Config
from qa_engine.diagnosis import doctor, sqlite_faults
from qa_engine.diagnosis import storage_checks as place_checks
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import CollectionNotFoundError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.index.vectors.token_store import TOKEN_BITS, TokenStore
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild
from qa_engine.models.token_codes import DIMENSION, TokenCodec

if TYPE_CHECKING:
    from diagnosis.conftest import Place

HASH = HashEmbedding(model_name="hash")
HOLD = """
import sys
from dataclasses import replace
from pathlib import Path
from qa_engine.index.disk.writer_lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
TORN = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.executemany("INSERT INTO meta VALUES (?, ?)", [(str(n), "x" * 999) for n in range(500)])
os.kill(os.getpid(), signal.SIGKILL)
"""
OFFLINE = {"embedding": {"provider": "huggingface", "model": "other"}, "rerank": {"model": "none"}}


def digests(folder: Path) -> dict[Path, str]:
    """What is in a folder, but for Chroma's own files, which opening them writes to."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and "chroma" not in str(path.relative_to(folder))
    ]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def damage(file: Path, how: str) -> None:
    content = file.read_bytes()
    file.write_bytes(
        {"empty": b"", "half": content[: len(content) // 2], "noise": os.urandom(len(content))}[how]
    )


def hold_tokens(place: Place, bits: Any = 4) -> Path:
    """Gives the collection token vectors of all its sentences, and returns their file."""
    catalog = place.catalog()
    file = place.paths.tokens(bits)
    store = TokenStore(file, TokenCodec(bits, np.zeros(DIMENSION, np.float32)))
    vector = np.full((1, DIMENSION), DIMENSION**-0.5, np.float32)
    for document_id, nodes in catalog.live_documents().items():
        ids = [node_id(document_id, ordinal) for ordinal in range(nodes)]
        store.put(ids, [vector] * nodes)
    store.close()
    catalog.set_meta(**{TOKEN_BITS: str(bits)})
    catalog.close()
    return file


class TestSound:
    @pytest.mark.usefixtures("dictionary")
    def test_sound_collection_passes_and_stays_as_it_was(self, place: Place) -> None:
        hold_tokens(place)
        before = digests(place.storage)
        checks = place.look()
        assert {check.status for check in checks.values()} == {"ok"}
        assert all(check.command is None for check in checks.values())
        assert digests(place.storage) == before

    def test_report_is_one_object_with_the_documented_keys(self, place: Place) -> None:
        report = diagnose(place.storage, "default", embed_model=HASH).to_dict()
        assert list(report) == ["storage", "checks", "failed"]
        assert report["failed"] == 0
        assert {tuple(check) for check in report["checks"]} == {
            ("collection", "check", "status", "message", "command")
        }
        assert json.loads(json.dumps(report)) == report

    def test_all_collections_are_looked_at_by_their_names(self, place: Place, tmp_path: Path) -> None:
        chinese_pdf(tmp_path / "more" / "a.pdf", ["苹果是一种水果。"])
        ingest(tmp_path / "more", place.storage, collection="年报 2024")
        seen = {check.collection for check in diagnose(place.storage, embed_model=HASH).checks}
        assert seen == {None, "default", "年报 2024"}

    def test_collection_that_is_not_there_is_refused(self, place: Place) -> None:
        with pytest.raises(CollectionNotFoundError, match=r"'x'.*default"):
            diagnose(place.storage, ["x"])

    @pytest.mark.parametrize("make", [None, Path.mkdir, Path.touch])
    def test_storage_without_a_collection_is_one_failed_check(self, make: Any, tmp_path: Path) -> None:
        if make is not None:
            make(tmp_path / "none")
        diagnosis = diagnose(tmp_path / "none", config=OFFLINE)
        (check,) = [check for check in diagnosis.checks if check.status == "failed"]
        assert diagnosis.empty
        assert (check.check, check.collection) == ("storage", None)
        assert str(tmp_path / "none") in check.message
        assert (check.command or "").startswith("qa-engine ingest PATH")


class TestVectors:
    def test_missing_node_is_named_with_its_file_and_the_command_brings_it_back(self, place: Place) -> None:
        vectors = place.vectors()
        vectors.delete(ids=[vectors.get(limit=1)["ids"][0]])
        (check,) = place.failed().values()
        assert check.check == "vectors"
        assert "1 sentence of 15 missing" in check.message
        assert ".pdf" in check.message
        take, bring = (shlex.split(part) for part in (check.command or "").split(" && "))
        assert (take[:2], bring[:2]) == (["qa-engine", "delete"], ["qa-engine", "ingest"])
        assert take[3:] == ["--collection", "default", "--storage", str(place.storage)]
        delete_files(take[2], place.storage)
        ingest(Path(bring[2]), place.storage)
        assert place.failed() == {}

    def test_nodes_that_nobody_has_are_orphans_until_the_vectors_are_rebuilt(self, place: Place) -> None:
        width = len(place.vectors().get(limit=1, include=["embeddings"])["embeddings"][0])
        place.vectors().upsert(
            ids=["gone-0000001", "what", "no-number-x"],
            embeddings=np.ones((3, width)),
            documents=["a", "b", "c"],
        )
        (check,) = place.failed().values()
        assert check.check == "vectors"
        assert (
            "3 sentences that no document of the catalog has (gone-0000001, no-number-x, what)"
            in check.message
        )
        assert (check.command or "").startswith("qa-engine rebuild --vectors --collection default")
        rebuild(place.storage, part="vectors", embed_model=HASH)
        assert place.failed() == {}

    def test_missing_node_of_a_file_that_is_gone_is_embedded_again(self, place: Place) -> None:
        vectors = place.vectors()
        vectors.delete(ids=[vectors.get(limit=1)["ids"][0]])
        catalog = place.catalog()
        for file in catalog.files().values():
            catalog.remove(file.path)
            catalog.link(replace(file, path=f"/gone/{file.file_name}"))
        catalog.publish()
        catalog.close()
        rebuild(place.storage, embed_model=HASH)
        failed = place.failed()
        assert failed.keys() == {"vectors"}
        assert (failed["vectors"].command or "").startswith(
            "qa-engine rebuild --embedding --collection default"
        )
        assert rebuild(place.storage, part="embedding", embed_model=HASH).nodes == 15
        assert place.failed() == {}

    @pytest.mark.parametrize("how", ["empty", "half", "noise", "gone"])
    def test_damaged_chroma_fails_alone_and_is_made_again_from_the_catalog(
        self, how: str, place: Place
    ) -> None:
        database = place.paths.chroma / "chroma.sqlite3"
        if how == "gone":
            shutil.rmtree(place.paths.chroma)
        else:
            damage(database, how)
        (check,) = place.failed().values()
        assert check.check == "vectors"
        assert str(place.paths.chroma) in check.message
        assert database.exists() == (how != "gone")
        first, _, last = (check.command or "").rpartition(" && ")
        assert first == ("" if how == "gone" else f"rm -r {place.paths.chroma}")
        assert last.startswith("qa-engine rebuild --embedding --collection default")
        shutil.rmtree(place.paths.chroma, ignore_errors=True)
        rebuild(place.storage, part="embedding", embed_model=HASH)
        assert place.failed() == {}

    def test_sentence_that_the_catalog_lacks_is_read_again(self, place: Place) -> None:
        connection = sqlite3.connect(place.paths.catalog)
        connection.execute("DELETE FROM sentences WHERE key = (SELECT MAX(key) FROM sentences)")
        connection.commit()
        connection.close()
        (check,) = place.failed().values()
        assert check.check == "sentences"
        assert "1 sentence of 15 missing in the catalog" in check.message
        take, bring = (shlex.split(part) for part in (check.command or "").split(" && "))
        delete_files(take[2], place.storage)
        ingest(Path(bring[2]), place.storage)
        assert place.failed() == {}

    def test_catalog_without_a_place_of_vectors(self, place: Place) -> None:
        catalog = place.catalog()
        catalog.set_meta(vector_store="", vector_collection="")
        catalog.close()
        assert set(place.failed()) == {"vectors"}


class TestBm25:
    def test_segment_that_is_gone_fails_alone_and_a_rebuild_mends_it(self, place: Place) -> None:
        (segment,) = (place.paths.bm25 / "segments").iterdir()
        shutil.rmtree(segment)
        (check,) = place.failed().values()
        assert check.check == "bm25"
        assert check.command == f"qa-engine rebuild --collection default --storage {place.storage}"
        rebuild(place.storage)
        assert place.failed() == {}

    @pytest.mark.parametrize("name", ["rows.npy", "lengths.npy", "starts.npy", "documents.json"])
    @pytest.mark.parametrize("how", ["empty", "half", "noise"])
    def test_damaged_segment_fails_alone(self, name: str, how: str, place: Place) -> None:
        (segment,) = (place.paths.bm25 / "segments").iterdir()
        damage(segment / name, how)
        assert set(place.failed()) == {"bm25"}

    def test_manifest_that_is_gone(self, place: Place) -> None:
        catalog = place.catalog()
        Bm25Folder(place.paths.bm25).manifest(catalog.published).unlink()
        catalog.close()
        assert set(place.failed()) == {"published", "bm25"}

    def test_document_that_counts_no_longer_and_index_of_another_tokenizer(self, place: Place) -> None:
        catalog = place.catalog()
        manifest = Bm25Folder(place.paths.bm25).manifest(catalog.published)
        facts = json.loads(manifest.read_text())
        document = next(iter(catalog.live_documents()))
        catalog.close()
        facts["segments"][0]["dead"] = [document]
        manifest.write_text(json.dumps(facts))
        (check,) = place.failed().values()
        assert "1 document missing" in check.message
        manifest.write_text(json.dumps({**facts, "analyser": "old-1"}))
        (check,) = place.failed().values()
        assert "old-1" in check.message

    def test_terms_of_another_tokenizer(self, place: Place) -> None:
        catalog = place.catalog()
        catalog.set_meta(analyser="old-1")
        catalog.close()
        (check,) = place.failed().values()
        assert check.check == "terms"
        assert "old-1" in check.message

    def test_other_neighbours_are_a_warning(self, place: Place) -> None:
        check = place.look(config={"bm25": {"context_sentences": 2}})["bm25"]
        assert (check.status, "bm25.context_sentences" in check.message) == ("warning", True)


class TestCatalog:
    @pytest.mark.parametrize("how", ["empty", "half", "noise", "gone", "folder"])
    def test_damaged_catalog_fails_and_what_needs_none_goes_on(self, how: str, place: Place) -> None:
        if how in ("gone", "folder"):
            place.paths.catalog.unlink()
            if how == "folder":
                place.paths.catalog.mkdir()
        else:
            damage(place.paths.catalog, how)
        checks = place.look()
        assert [name for name, check in checks.items() if check.status == "failed"] == ["catalog"]
        assert str(place.paths.catalog) in checks["catalog"].message
        assert (checks["catalog"].command or "").startswith(
            f"rm -r {place.paths.root} && qa-engine ingest PATH"
        )
        assert {"permissions", "writer", "disk_space"} <= checks.keys()

    def test_catalog_of_another_format(self, place: Place) -> None:
        catalog = place.catalog()
        catalog.set_meta(format="3")
        catalog.close()
        assert "format 3" in place.failed()["catalog"].message

    def test_values_that_no_version_writes(self, place: Place) -> None:
        with sqlite3.connect(place.paths.catalog) as connection:
            connection.execute("UPDATE files SET listed = 'no json'")
        assert set(place.failed()) == {"catalog"}

    def test_catalog_in_use_is_not_called_damaged(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (sqlite_faults, doctor):
            monkeypatch.setattr(module, "_SECONDS", 0.1)
        connection = sqlite3.connect(place.paths.catalog, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            check = diagnose(place.storage, "default", embed_model=HASH).checks[-1]
        finally:
            connection.close()
        assert (check.check, check.status) == ("catalog", "failed")
        assert "in use by another process" in check.message
        assert (check.command or "").startswith("qa-engine doctor")

    def test_what_a_killed_process_left_half_written_is_not_called_damaged(self, place: Place) -> None:
        with python(TORN, str(place.paths.catalog)) as process:
            assert process.wait() == -signal.SIGKILL
        assert place.paths.catalog.with_name("catalog.sqlite-journal").exists()
        assert place.failed() == {}

    def test_state_that_was_not_published(self, place: Place) -> None:
        catalog = place.catalog()
        catalog.count_change()
        catalog.close()
        (check,) = place.failed().values()
        assert check.check == "published"
        assert (check.command or "").startswith("qa-engine ingest ")
        place.ingest()
        assert place.failed() == {}

    def test_what_a_run_that_was_cut_off_left(self, place: Place) -> None:
        catalog = place.catalog()
        catalog.begin("half", 3)
        catalog.close()
        (check,) = place.failed().values()
        assert check.check == "documents"
        assert "half" in check.message
        place.ingest()
        assert place.failed() == {}

    def test_other_embedding_than_the_configured_one(self, place: Place) -> None:
        check = place.failed(embed_model=None, config=OFFLINE)["embedding"]
        assert "'hash'" in check.message
        assert "'other'" in check.message
        assert (check.command or "").startswith("qa-engine rebuild --embedding --collection default")


class TestCalibration:
    def test_models_without_a_calibration_are_a_warning_with_the_command(self, place: Place) -> None:
        assert place.look(embed_model=None)["calibration"].status == "ok"
        check = place.look(embed_model=None, config={"rerank": {"model": "none"}})["calibration"]
        assert (check.status, check.command.split(" --")[0]) == (
            "warning",
            "qa-engine calibrate QUESTIONS.jsonl",
        )
        assert "no question is refused" in check.message

    def test_one_for_another_reranker_does_not_count(self, place: Place) -> None:
        catalog = place.catalog()
        store_calibration(catalog, LOCAL_CALIBRATION, "none", {})
        catalog.close()
        assert place.look(config={"rerank": {"model": "none"}})["calibration"].status == "ok"
        assert (
            place.look(embed_model=None, config={"rerank": {"model": "other"}})["calibration"].status
            == "warning"
        )


class TestTokens:
    def test_missing_and_unknown_ones(self, place: Place) -> None:
        file = hold_tokens(place)
        catalog = place.catalog()
        document = next(iter(catalog.live_documents()))
        catalog.close()
        store = TokenStore(file)
        store.delete(document)
        assert "missing in the token vectors" in place.failed()["token_vectors"].message
        vector = np.full((1, DIMENSION), DIMENSION**-0.5, np.float32)
        store.put([node_id("strange", 0)], [vector])
        store.close()
        (check,) = place.failed().values()
        assert "strange-0000000" in check.message
        assert (check.command or "").startswith("qa-engine rebuild --embedding")

    @pytest.mark.parametrize("how", ["empty", "half", "noise", "gone"])
    def test_damaged_file_fails_alone(self, how: str, place: Place) -> None:
        file = hold_tokens(place)
        if how == "gone":
            file.unlink()
        else:
            damage(file, how)
        (check,) = place.failed().values()
        assert check.check == "token_vectors"
        assert str(file) in check.message
        assert (f"rm {file} && " in (check.command or "")) == (how != "gone")


class TestWriter:
    @pytest.mark.usefixtures("dictionary")
    def test_differences_behind_a_writer_are_warnings_that_name_it(self, place: Place) -> None:
        vectors = place.vectors()
        vectors.delete(ids=[vectors.get(limit=1)["ids"][0]])
        catalog = place.catalog()
        catalog.begin("half", 3)
        catalog.count_change()
        catalog.close()
        with python(HOLD, str(place.paths.root)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            checks = place.look()
            assert process.poll() is None
            process.kill()
        assert not [name for name, check in checks.items() if check.status == "failed"]
        late = {name for name, check in checks.items() if check.status == "warning"}
        assert late == {"writer", "published", "documents", "vectors"}
        assert all(f"rocess {process.pid}" in checks[name].message for name in late)

    def test_note_of_a_killed_writer_is_no_failure(self, place: Place) -> None:
        with python(HOLD, str(place.paths.root)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
        assert (place.paths.root / "writer.json").exists()
        check = place.look()["writer"]
        assert check.status == "ok"
        assert f"Process {process.pid}" in check.message

    def test_looking_does_not_take_the_right_to_write(self, place: Place) -> None:
        place.look()
        with writer_lock(place.paths.root):
            assert place.look()["writer"].status == "warning"

    @pytest.mark.parametrize("note", ["", "{}", "[]", '{"process": "x"}', "\udcff"])
    def test_unreadable_note(self, note: str, place: Place) -> None:
        (place.paths.root / "writer.json").write_bytes(note.encode("utf-8", "surrogateescape"))
        assert place.look()["writer"].status == "ok"


class TestPlace:
    def test_files_that_are_gone_or_changed_are_a_warning(self, tmp_path: Path) -> None:
        docs, storage = tmp_path / "docs", tmp_path / "store"
        chinese_pdf(docs / "changed.pdf")
        chinese_pdf(docs / "touched.pdf", ["苹果。"])
        english_pdf(docs / "gone.pdf")
        ingest(docs, storage)
        (docs / "gone.pdf").unlink()
        os.utime(docs / "touched.pdf", (1, 1))
        english_pdf(docs / "changed.pdf", ["Other text."])
        diagnosis = diagnose(storage, embed_model=HASH)
        assert diagnosis.failed == 0
        check = diagnosis.checks[-1]
        assert (check.check, check.status) == ("files", "warning")
        assert f"1 changed ({docs / 'changed.pdf'})" in check.message
        assert f"1 gone ({docs / 'gone.pdf'})" in check.message
        assert "touched" not in check.message
        assert (check.command or "").count(" && ") == 1

    def test_what_may_not_be_written_is_named(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        denied = place.paths.bm25
        monkeypatch.setattr(
            place_checks.os, "access", lambda path, mode: not (path == denied and mode == os.W_OK)
        )
        check = place.failed()["permissions"]
        assert f"{denied} cannot be written" in check.message
        assert check.command == f"chmod -R u+rwX {place.paths.root}"

    @pytest.mark.parametrize(("free", "status"), [(100, "failed"), (250_000_000, "warning"), (10**12, "ok")])
    def test_disk_space(self, free: int, status: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage(place.storage)._replace(free=free)
        monkeypatch.setattr(place_checks.shutil, "disk_usage", lambda path: usage)
        monkeypatch.setattr(place_checks, "folder_size", lambda folder: 200_000_000)
        check = place.look()["disk_space"]
        assert check.status == status
        assert "free" in check.message


def test_page_lists_every_check(place: Place) -> None:
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    in_storage, _, in_search_engine = page.partition("With `index.search_url`")
    rows = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
    # These are made where a search engine answers.
    of_search_engine = {"search_health", "search_disk", "search_leftovers"}
    assert set(rows.findall(in_storage)) == {"storage", "local_model", *of_search_engine, *place.look()}
    assert {"indices", "replica", "contents"} <= set(rows.findall(in_search_engine))


def test_every_failed_check_has_a_command(place: Place) -> None:
    damage(place.paths.chroma / "chroma.sqlite3", "noise")
    shutil.rmtree(place.paths.bm25)
    catalog = Catalog(collection_paths(place.storage, "default").catalog)
    catalog.set_meta(analyser="old", identity="", published="0")
    catalog.close()
    failed = place.failed(embed_model=None, config=Config(**OFFLINE))
    assert failed.keys() == {"embedding", "published", "terms", "bm25", "vectors"}
    assert all(check.command for check in failed.values())
