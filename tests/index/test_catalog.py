"""The catalog: which files a collection holds, and what a crash left."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from qa_engine.documents.blocks import Span
from qa_engine.errors import StorageError
from qa_engine.index.bm25.segment import DocumentTerms
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import DocumentParts, DocumentRecord, FileRecord, Scalar, StoredSentence

SPANS = [Span(0, 5, 1, 72.04, 90.0, 500.0, 101.96), Span(5, 9, 2, 72.0, 90.0, 300.0, 102.0)]
TERMS = [["西湖", "杭州"], [], ["lake"]]
PARTS = DocumentParts(SPANS, TERMS)


def record(
    path: str = "/docs/a.pdf", document_id: str = "d1", sha256: str = "1", chinese_nodes: int = 2
) -> FileRecord:
    return FileRecord(
        path=path,
        file_name=Path(path).name,
        size=10,
        modified_ns=1,
        changed_ns=2,
        sha256=sha256,
        pipeline="p",
        document_id=document_id,
        pages=2,
        nodes=3,
        chinese_nodes=chinese_nodes,
        awaits_ocr=0,
        ingested_at="2024-01-01T00:00:00+00:00",
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite", create=True)


def commit(catalog: Catalog, of: FileRecord, nodes: int = 3) -> None:
    catalog.begin(of.document_id, nodes)
    catalog.commit(of, PARTS)


def noted_of(catalog: Catalog, document_ids: list[str]) -> dict[str, list[dict[str, Scalar]]]:
    return {key: [file.metadata for file in files] for key, files in catalog.files_of(document_ids).items()}


def live_terms(catalog: Catalog) -> list[DocumentTerms]:
    return list(catalog.terms(list(catalog.live_documents())))


def test_new_catalog_is_empty(catalog: Catalog) -> None:
    assert catalog.files() == {}
    assert catalog.identity is None
    assert (catalog.published, catalog.changes, catalog.node_count()) == (0, 0, 0)
    assert live_terms(catalog) == []
    assert catalog.unfinished() == []


def test_announced_document_is_unfinished_until_it_is_committed(catalog: Catalog) -> None:
    catalog.begin("d1", 3)
    assert catalog.unfinished() == [("d1", 3)]
    assert catalog.node_count() == 0
    assert live_terms(catalog) == []
    catalog.commit(record(), PARTS)
    assert catalog.unfinished() == []
    assert catalog.node_count() == 3
    assert catalog.files() == {"/docs/a.pdf": record()}


def test_sections_and_what_is_noted_come_back_for_live_documents(catalog: Catalog) -> None:
    noted = replace(record(), listed={"year": 2023, "by": "李"}, sidecar={"year": 2024, "draft": False})
    catalog.begin("d1", 3)
    assert catalog.sections() == {}
    catalog.commit(noted, replace(PARTS, sections=["一", "一 › 风险"]))
    commit(catalog, record("/docs/b.pdf", "d2"))
    assert catalog.files()["/docs/a.pdf"] == noted
    assert noted_of(catalog, ["d1", "d2", "gone"]) == {
        "d1": [{"year": 2024, "by": "李", "draft": False}],
        "d2": [{}],
    }
    assert noted_of(catalog, []) == {}
    assert catalog.sections() == {"d1": ["一", "一 › 风险"]}
    changes = catalog.changes
    catalog.touch(replace(noted, sidecar={}))
    assert noted_of(catalog, ["d1"]) == {"d1": [{"year": 2023, "by": "李"}]}
    assert catalog.changes == changes
    catalog.remove("/docs/a.pdf")
    # Readers of the published state ask for it still.
    assert catalog.sections() == {"d1": ["一", "一 › 风险"]}
    assert noted_of(catalog, ["d1"]) == {"d1": [{"year": 2023, "by": "李"}]}
    assert list(catalog.files_of(["d1", "d2"])) == ["d1", "d2"]
    assert list(catalog.files_of(["d2"])) == ["d2"]
    catalog.forget("d1")
    assert catalog.sections() == {}
    assert noted_of(catalog, ["d1"]) == {}
    assert list(catalog.files_of(["d1", "d2"])) == ["d2"]


def test_committed_terms_and_places_come_back(catalog: Catalog) -> None:
    commit(catalog, record())
    assert live_terms(catalog) == [DocumentTerms("d1", TERMS)]
    rounded = [Span(0, 5, 1, 72.0, 90.0, 500.0, 102.0), SPANS[1]]
    assert list(catalog.spans("d1")) == rounded


def test_places_of_an_unknown_or_unfinished_document_are_none(catalog: Catalog) -> None:
    catalog.begin("d1", 3)
    assert not catalog.spans("d1")
    assert not catalog.spans("unknown")


def test_new_version_makes_the_old_one_stale(catalog: Catalog) -> None:
    commit(catalog, record(document_id="d1"))
    commit(catalog, record(document_id="d2", sha256="2"), nodes=5)
    assert catalog.unfinished() == [("d1", 3)]
    assert catalog.node_count() == 5
    assert [record.document_id for record in catalog.files().values()] == ["d2"]
    assert [terms.document_id for terms in live_terms(catalog)] == ["d2"]


def test_announcing_a_new_version_leaves_the_old_one_live(catalog: Catalog) -> None:
    commit(catalog, record(document_id="d1"))
    catalog.begin("d2", 5)
    assert catalog.node_count() == 3
    assert catalog.unfinished() == [("d2", 5)]


def test_removed_file_becomes_stale_and_is_forgotten_afterwards(catalog: Catalog) -> None:
    commit(catalog, record())
    catalog.remove("/docs/a.pdf")
    assert catalog.files() == {}
    assert catalog.unfinished() == [("d1", 3)]
    catalog.forget("d1")
    assert catalog.unfinished() == []


def test_live_document_cannot_be_forgotten(catalog: Catalog) -> None:
    commit(catalog, record())
    catalog.forget("d1")
    assert catalog.node_count() == 3


def test_removing_what_is_not_there_changes_no_file(catalog: Catalog) -> None:
    commit(catalog, record())
    catalog.remove("/docs/other.pdf")
    assert list(catalog.files()) == ["/docs/a.pdf"]


def test_commits_and_removals_are_changes_and_touches_are_none(catalog: Catalog) -> None:
    commit(catalog, record())
    assert catalog.changes == 1
    catalog.touch(record(sha256="1"))
    assert catalog.changes == 1
    catalog.remove("/docs/a.pdf")
    assert catalog.changes == 2


def test_published_is_what_readers_see_until_the_next_publish(catalog: Catalog) -> None:
    commit(catalog, record())
    assert catalog.published == 0
    assert catalog.publish() == catalog.published == catalog.changes == 1
    commit(catalog, record("/docs/b.pdf", "d2"))
    assert (catalog.published, catalog.changes) == (1, 2)


def test_share_of_chinese_is_taken_over_all_files(catalog: Catalog) -> None:
    assert catalog.chinese_share() == 0
    commit(catalog, record("/docs/a.pdf", "d1", chinese_nodes=3))
    assert catalog.chinese_share() == 1
    commit(catalog, record("/docs/b.pdf", "d2", chinese_nodes=0))
    assert catalog.chinese_share() == 0.5
    catalog.remove("/docs/b.pdf")
    assert catalog.chinese_share() == 1


def test_state_survives_closing_and_opening(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    first = Catalog(path, create=True)
    first.set_meta(name="合同", identity='{"model": "m", "pass_chars": 70}')
    commit(first, record())
    first.begin("d9", 7)
    first.close()
    second = Catalog(path)
    assert second.meta("name") == "合同"
    assert second.identity == {"model": "m", "pass_chars": 70}
    assert second.node_count() == 3
    assert second.unfinished() == [("d9", 7)]
    assert Catalog(path, create=True).node_count() == 3


def test_other_connection_sees_a_commit_at_once(tmp_path: Path) -> None:
    writer = Catalog(tmp_path / "catalog.sqlite", create=True)
    reader = Catalog(tmp_path / "catalog.sqlite")
    commit(writer, record())
    writer.publish()
    assert reader.published == 1
    assert reader.node_count() == 3


def test_catalog_that_does_not_exist_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="catalog"):
        Catalog(tmp_path / "catalog.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    for create in (False, True):
        with pytest.raises(StorageError, match=r"catalog\.sqlite cannot be used"):
            Catalog(path, create=create)


def test_empty_file_is_refused_by_a_reader(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be used"):
        Catalog(tmp_path / "catalog.sqlite")


def test_other_format_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    Catalog(path, create=True).set_meta(format="99")
    with pytest.raises(StorageError, match=r"format 99.*reads 5"):
        Catalog(path)


def test_closed_catalog_says_so_in_one_sentence(catalog: Catalog) -> None:
    catalog.close()
    with pytest.raises(StorageError, match="cannot be used"):
        catalog.files()


def test_failed_commit_changes_nothing(catalog: Catalog) -> None:
    commit(catalog, record())
    broken = record(document_id="d2")
    object.__setattr__(broken, "pages", object())
    catalog.begin("d2", 1)
    with pytest.raises(StorageError):
        catalog.commit(broken, PARTS)
    assert [r.document_id for r in catalog.files().values()] == ["d1"]
    assert catalog.unfinished() == [("d2", 1)]
    assert catalog.changes == 1


def test_path_with_marks_that_mean_something_in_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "50% off? #1 合同"
    folder.mkdir()
    Catalog(folder / "catalog.sqlite", create=True).close()
    assert Catalog(folder / "catalog.sqlite").files() == {}
    assert [path.name for path in folder.iterdir()] == ["catalog.sqlite"]


def test_many_threads_may_read_while_one_writes(catalog: Catalog) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(100):
                assert catalog.node_count() % 3 == 0
                catalog.files()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for number in range(30):
        commit(catalog, record(f"/docs/{number}.pdf", f"d{number}"))
    for thread in readers:
        thread.join()
    assert failures == []
    assert catalog.node_count() == 90


def test_database_is_sound_after_all_this(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    catalog = Catalog(path, create=True)
    commit(catalog, record())
    catalog.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_files_of_the_same_content_share_a_document_until_the_last_is_gone(catalog: Catalog) -> None:
    commit(catalog, record("/docs/b.pdf"))
    catalog.link(record("/docs/a.pdf"))
    assert catalog.node_count() == 3
    assert [file.path for file in catalog.files_of(["d1"])["d1"]] == ["/docs/a.pdf", "/docs/b.pdf"]
    assert [file.path for file in catalog.files_with_content("1")] == ["/docs/a.pdf", "/docs/b.pdf"]
    catalog.remove("/docs/b.pdf")
    assert catalog.unfinished() == []
    assert [file.path for file in catalog.files_of(["d1"])["d1"]] == ["/docs/a.pdf"]
    commit(catalog, record("/docs/a.pdf", "d2", "2"))
    assert catalog.unfinished("stale") == [("d1", 3)]
    assert catalog.unfinished("writing") == []


def test_replaced_document_comes_back_with_its_content(catalog: Catalog) -> None:
    commit(catalog, record())
    commit(catalog, record(document_id="d2", sha256="2"))
    assert catalog.document("d1") == DocumentRecord("d1", "stale", 3, 2, 2, 0)
    catalog.link(record())
    assert catalog.document("d1") == DocumentRecord("d1", "live", 3, 2, 2, 0)
    assert catalog.unfinished() == [("d2", 3)]
    assert list(catalog.files_of(["d1", "d2"])) == ["d1", "d2"]
    catalog.forget("d2")
    assert list(catalog.files_of(["d1", "d2"])) == ["d1"]


def test_document_that_is_being_written_is_none_yet(catalog: Catalog) -> None:
    catalog.begin("d1", 3)
    assert catalog.document("d1") is None
    assert catalog.document("unknown") is None


def test_what_is_written_together_is_written_at_once_or_not_at_all(catalog: Catalog) -> None:
    def write_and_fail() -> None:
        with catalog.together():
            commit(catalog, record())
            assert catalog.node_count() == 3
            raise KeyError("x")

    with pytest.raises(KeyError):
        write_and_fail()
    assert catalog.files() == {}
    assert catalog.unfinished() == []
    with catalog.together():
        commit(catalog, record())
    assert catalog.node_count() == 3


def test_terms_of_another_tokenizer_take_the_place_of_the_old(catalog: Catalog) -> None:
    commit(catalog, record())
    catalog.replace_terms("d1", [["x"], [], ["y"]])
    assert live_terms(catalog) == [DocumentTerms("d1", [["x"], [], ["y"]])]


def test_sentences_that_name_another_file_are_as_they_were_stored(catalog: Catalog) -> None:
    moved = record("/a.pdf", "d")
    catalog.begin("d", 1)
    catalog.commit(moved, DocumentParts([], [[]], sentences=[StoredSentence("d-0000000", "一。", {}, 0, 2)]))
    catalog.rename_sentences("d", "b.pdf")
    assert catalog.sentences("d")[0].metadata["file_name"] == "b.pdf"
    assert catalog.damaged() == (set(), set(), 0)


def test_no_checksum_is_kept_of_a_file_that_is_gone(catalog: Catalog) -> None:
    commit(catalog, record("/a.pdf", "d"))
    assert catalog.meta("file_checksum /a.pdf") is not None
    catalog.remove("/a.pdf")
    assert catalog.meta("file_checksum /a.pdf") is None
