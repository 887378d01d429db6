"""Ingest runs: what is added, updated, left alone, removed, refused; and what the index holds afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest, ingest_locally, stored_files
from pdf_factory import (
    CHINESE_FONT,
    LEFT,
    SOLAR_SYSTEM,
    WEST_LAKE,
    PdfBuilder,
    broken_pdf,
    chinese_pdf,
    english_pdf,
    image_only_pdf,
    locked_pdf,
    not_a_pdf,
    zero_byte_pdf,
)
from processes import run_python

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.ocr import Recognition
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import ConfigurationError, IndexLockedError, InputError, StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths, list_collections
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.ingestion import pipeline
from qa_engine.ingestion.files import diff
from qa_engine.ingestion.reading import batches
from qa_engine.ingestion.report import FileResult, IngestProgress, IngestReport
from qa_engine.text.tokenizer import tokenize

pytestmark = pytest.mark.usefixtures("parsed_in_place", "vector_place")
BOTH = pytest.mark.parametrize("vector_place", ["folder", "server"], indirect=True)


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    """Added, updated, unchanged, deleted, failed."""
    return report.added, report.updated, report.unchanged, report.deleted, len(report.failures)


def plain(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


@BOTH
def test_new_files_are_added(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "西湖.pdf", header=None)
    english_pdf(docs / "deep" / "planets.pdf", header=None)
    report = ingest(docs, storage)
    assert counts(report) == (2, 0, 0, 0, 0)
    assert report.pages == 2
    assert report.seconds > 0
    stored = stored_files(storage)
    assert plain(stored["西湖.pdf"]) == plain("".join(WEST_LAKE))
    assert plain(stored["planets.pdf"]) == plain("".join(SOLAR_SYSTEM))


def test_number_of_nodes_is_reported(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    report = ingest(docs, storage)
    opened = Catalog(collection_paths(storage, "default").catalog)
    assert report.nodes == opened.node_count() > 5


def test_share_of_chinese_sentences_is_recorded(docs: Path, storage: Path) -> None:
    def share() -> float:
        return Catalog(collection_paths(storage, "default").catalog).chinese_share()

    chinese_pdf(docs / "a.pdf", header=None)
    ingest(docs, storage)
    assert share() == 1
    english_pdf(docs / "b.pdf", header=None)
    ingest(docs, storage)
    assert 0.2 < share() < 0.8


def test_second_run_changes_nothing(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    before = stored_files(storage)
    published = Catalog(collection_paths(storage, "default").catalog).published
    report = ingest(docs, storage)
    assert counts(report) == (0, 0, 1, 0, 0)
    assert (report.pages, report.nodes) == (0, 0)
    assert stored_files(storage) == before
    assert Catalog(collection_paths(storage, "default").catalog).published == published


def test_second_run_needs_no_model(docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)

    def refuse(*arguments: Any, **options: Any) -> None:
        pytest.fail("a model was built for nothing")

    monkeypatch.setattr(pipeline, "build_embedding", refuse)
    monkeypatch.setattr(HashEmbedding, "_get_text_embedding", refuse)
    assert ingest(docs, storage).unchanged == 1


def test_touched_file_is_unchanged_and_is_not_hashed_again_afterwards(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    os.utime(path, (1, 1))
    assert counts(ingest(docs, storage)) == (0, 0, 1, 0, 0)
    monkeypatch.setattr(diff, "file_digest", lambda path: pytest.fail("hashed again"))
    assert counts(ingest(docs, storage)) == (0, 0, 1, 0, 0)


@BOTH
def test_changed_file_replaces_its_old_sentences(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    english_pdf(docs / "b.pdf")
    ingest(docs, storage)
    english_pdf(docs / "a.pdf", ["Entirely new content. It has two sentences."])
    assert counts(ingest(docs, storage)) == (0, 1, 1, 0, 0)
    stored = stored_files(storage)
    assert "Entirely new content." in stored["a.pdf"]
    assert "西湖" not in stored["a.pdf"]
    assert "Jupiter" in stored["b.pdf"]


def test_file_that_changes_back_is_its_first_version_again(docs: Path, storage: Path) -> None:
    path = chinese_pdf(docs / "a.pdf")
    first = path.read_bytes()
    ingest(docs, storage)
    before = stored_files(storage)
    english_pdf(path)
    ingest(docs, storage)
    path.write_bytes(first)
    assert ingest(docs, storage).updated == 1
    assert stored_files(storage) == before


def test_change_that_keeps_size_and_modification_time_is_noticed(docs: Path, storage: Path) -> None:
    path = english_pdf(docs / "a.pdf", ["The answer is 41, as we all know."])
    ingest(docs, storage)
    status = path.stat()
    content = english_pdf(docs / "a.pdf", ["The answer is 42, as we all know."]).read_bytes()
    path.write_bytes(content[: status.st_size].ljust(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    while path.stat().st_ctime_ns == status.st_ctime_ns:  # the clocks of file systems are coarse
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ingest(docs, storage).updated == 1
    assert "42" in stored_files(storage)["a.pdf"]


def test_two_files_of_one_content_are_both_there(docs: Path, storage: Path) -> None:
    path = chinese_pdf(docs / "a.pdf")
    (docs / "b.pdf").write_bytes(path.read_bytes())
    report = ingest(docs, storage)
    assert counts(report) == (2, 0, 0, 0, 0)
    assert report.duplicate == 1
    stored = stored_files(storage)
    assert stored["a.pdf"] == stored["b.pdf"] != ""
    catalog = Catalog(collection_paths(storage, "default").catalog)
    assert len({record.document_id for record in catalog.files().values()}) == 1


def test_setting_that_changes_the_sentences_reads_the_files_again(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    report = ingest(docs, storage, config={"documents": {"max_sentence_chars": 50}})
    assert counts(report) == (0, 1, 0, 0, 0)
    stored_files(storage)


# -- removal


@BOTH
def test_vanished_file_stays_without_prune_and_goes_with_it(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    english_pdf(docs / "b.pdf").rename(docs / "gone.pdf")
    ingest(docs, storage)
    (docs / "gone.pdf").unlink()
    assert counts(ingest(docs, storage)) == (0, 0, 1, 0, 0)
    assert set(stored_files(storage)) == {"a.pdf", "gone.pdf"}
    assert counts(ingest(docs, storage, prune=True)) == (0, 0, 1, 1, 0)
    assert set(stored_files(storage)) == {"a.pdf"}


def test_prune_leaves_files_of_other_folders_alone(tmp_path: Path, storage: Path) -> None:
    for name in ("one", "other"):
        chinese_pdf(tmp_path / name / f"{name}.pdf")
        ingest(tmp_path / name, storage)
    (tmp_path / "other" / "other.pdf").unlink()
    assert ingest(tmp_path / "one", storage, prune=True).deleted == 0
    assert set(stored_files(storage)) == {"one.pdf", "other.pdf"}


def test_prune_of_a_folder_that_cannot_be_listed_is_refused(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(InputError, match="cannot be listed"):
            ingest(docs, storage, prune=True)
    assert set(stored_files(storage)) == {"a.pdf"}


def test_prune_of_a_folder_that_lost_its_last_file(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf").rename(docs / "b.pdf")
    ingest(docs, storage)
    (docs / "b.pdf").unlink()
    assert counts(ingest(docs, storage, prune=True)) == (0, 0, 0, 1, 0)
    assert stored_files(storage) == {}


@pytest.mark.parametrize("prune", [False, True])
@BOTH
def test_moved_file_is_the_same_file_and_not_read_again(
    prune: bool, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    path.rename(docs / "b.pdf")
    monkeypatch.setattr(HashEmbedding, "_get_text_embedding", lambda *_: pytest.fail("embedded again"))
    report = ingest(docs, storage, prune=prune)
    assert counts(report) == (0, 1, 0, 0, 0)
    assert (report.moved, report.vanished, report.nodes) == (1, 0, 0)
    assert set(stored_files(storage)) == {"b.pdf"}


def test_file_whose_name_is_not_utf8_survives_pruning(docs: Path, storage: Path) -> None:
    path = docs / os.fsdecode(b"caf\xe9.pdf")
    try:
        path.write_bytes(chinese_pdf(docs / "a.pdf").read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this disk takes UTF-8 names only")
    assert ingest(docs, storage, prune=True).added == 2
    assert counts(ingest(docs, storage, prune=True)) == (0, 0, 2, 0, 0)
    assert set(stored_files(storage)) == {"a.pdf", "caf\\xe9.pdf"}


# -- failures


def test_report_of_a_bad_file_whose_name_is_not_utf8_can_be_printed(docs: Path, storage: Path) -> None:
    try:
        broken_pdf(docs / os.fsdecode(b"caf\xe9.pdf"))
    except (OSError, UnicodeError):
        pytest.skip("this disk takes UTF-8 names only")
    (failure,) = ingest(docs, storage).failures
    assert failure.message.startswith("caf\\xe9.pdf")
    f"{failure.file}{failure.message}".encode()


def test_bad_files_among_good_ones_are_named_with_their_reasons(docs: Path, storage: Path) -> None:
    bad = {
        "broken.pdf": (broken_pdf, "damaged"),
        "empty.pdf": (zero_byte_pdf, "empty"),
        "locked.pdf": (locked_pdf, "locked"),
        "page.pdf": (not_a_pdf, "not_pdf"),
        "scan.pdf": (image_only_pdf, "no_text"),
    }
    for name, (make, _) in bad.items():
        make(docs / name)
    (docs / "link.pdf").symlink_to(docs / "nowhere")
    chinese_pdf(docs / "good.pdf")
    report = ingest(docs, storage)
    assert counts(report) == (1, 0, 0, 0, 6)
    reasons = {Path(failure.file).name: failure.reason for failure in report.failures}
    assert reasons == {name: reason for name, (_, reason) in bad.items()} | {"link.pdf": "unreadable"}
    assert all(Path(failure.file).name in failure.message for failure in report.failures)
    assert set(stored_files(storage)) == {"good.pdf"}


def test_only_bad_files_leave_an_empty_collection_that_a_good_file_completes(
    docs: Path, storage: Path
) -> None:
    broken_pdf(docs / "a.pdf")
    assert counts(ingest(docs, storage)) == (0, 0, 0, 0, 1)
    assert stored_files(storage) == {}
    chinese_pdf(docs / "a.pdf")
    assert counts(ingest(docs, storage)) == (1, 0, 0, 0, 0)
    assert set(stored_files(storage)) == {"a.pdf"}


def test_file_that_became_unreadable_keeps_its_earlier_version(docs: Path, storage: Path) -> None:
    path = chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    before = stored_files(storage)
    locked_pdf(path)
    assert counts(ingest(docs, storage, prune=True)) == (0, 0, 0, 0, 1)
    assert stored_files(storage) == before


def test_failed_file_is_tried_again(docs: Path, storage: Path) -> None:
    broken_pdf(docs / "a.pdf")
    assert ingest(docs, storage).failures == ingest(docs, storage).failures != []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
@pytest.mark.timeout(60)
def test_pipe_among_the_files_is_reported_and_holds_nothing_up(docs: Path, storage: Path) -> None:
    os.mkfifo(docs / "pipe.pdf")
    chinese_pdf(docs / "good.pdf")
    report = ingest(docs, storage)
    assert counts(report) == (1, 0, 0, 0, 1)
    assert report.failures[0].reason == "unreadable"


def test_pages_without_text_are_a_warning(docs: Path, storage: Path) -> None:
    image_only_pdf(docs / "a.pdf", text_pages=2)
    report = ingest(docs, storage, config={"documents": {"ocr": "never"}})
    assert report.added == 1
    assert len(report.warnings) == 1
    assert "a.pdf: page 3 of 3 left out: has no text layer and needs OCR" in report.warnings[0]


@pytest.mark.parametrize("prune", [False, True])
def test_path_that_does_not_exist_is_refused_before_anything_is_made(
    prune: bool, docs: Path, storage: Path
) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        ingest(docs / "nowhere", storage, prune=prune)
    assert not storage.exists()


def test_folder_without_pdfs_is_refused_before_anything_is_made(docs: Path, storage: Path) -> None:
    with pytest.raises(InputError, match="No documents"):
        ingest(docs, storage)
    assert not storage.exists()


@pytest.mark.parametrize("name", ["", "a\nb"])
def test_name_that_is_none_is_refused_before_anything_is_made(name: str, docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    with pytest.raises(InputError):
        ingest(docs, storage, collection=name)
    assert not storage.exists()


def test_another_embedding_is_refused_and_nothing_is_changed(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    before = stored_files(storage)
    english_pdf(docs / "b.pdf")
    with pytest.raises(ConfigurationError, match="context_sentences = 1"):
        ingest(docs, storage, config={"embedding": {"context_sentences": 3}})
    assert stored_files(storage) == before


def test_another_model_of_the_caller_is_refused(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    with pytest.raises(ConfigurationError, match=r"'hash'.*'other'"):
        ingest_locally(docs, storage, embed_model=HashEmbedding(model_name="other"))
    with pytest.raises(ConfigurationError, match="multilingual-e5-small"):
        ingest_locally(docs, storage)


def test_storage_below_a_file_is_one_clear_error(docs: Path, tmp_path: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"storage .*file/storage.* cannot be made"):
        ingest(docs, tmp_path / "file" / "storage")


def test_full_disk_while_publishing_is_one_clear_error_and_the_next_run_completes(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese_pdf(docs / "a.pdf")

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Bm25Folder, "write_manifest", full)
        with pytest.raises(StorageError, match="No space left on device"):
            ingest(docs, storage)
    assert counts(ingest(docs, storage)) == (0, 0, 1, 0, 0)
    assert set(stored_files(storage)) == {"a.pdf"}


def test_model_that_fails_midway_keeps_what_was_committed(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(HashEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            if any("Jupiter" in text for text in texts):
                raise ConnectionError("the service is gone")
            return super()._get_text_embeddings(texts)

    chinese_pdf(docs / "a.pdf")
    english_pdf(docs / "b.pdf")
    monkeypatch.setattr(batches, "MAX_BATCH_FILES", 1)
    with pytest.raises(ConnectionError):
        ingest_locally(docs, storage, embed_model=Failing(model_name="hash"))
    assert set(stored_files(storage)) == {"a.pdf"}
    assert counts(ingest(docs, storage)) == (1, 0, 1, 0, 0)


def test_run_beside_another_writer_is_refused(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    with writer_lock(collection_paths(storage, "default").root), pytest.raises(IndexLockedError):
        ingest(docs, storage)


def test_collections_are_apart(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage, collection="合同")
    english_pdf(docs / "b.pdf")
    ingest(docs / "b.pdf", storage, collection="planets")
    assert list_collections(storage) == ["planets", "合同"]
    assert set(stored_files(storage, "合同")) == {"a.pdf"}
    assert set(stored_files(storage, "planets")) == {"b.pdf"}


def test_old_lexical_indexes_do_not_pile_up(docs: Path, storage: Path) -> None:
    for number in range(5):
        english_pdf(docs / "a.pdf", [f"This is version {number} of the text."])
        ingest(docs, storage)
    folder = collection_paths(storage, "default").bm25
    assert sorted(path.name for path in folder.glob("*.json")) == ["4.json", "5.json"]
    assert len(list((folder / "segments").iterdir())) == 2


def test_small_runs_add_segments_that_are_merged_in_time(docs: Path, storage: Path) -> None:
    folder = collection_paths(storage, "default").bm25
    sizes = []
    for number in range(10):
        english_pdf(docs / f"{number}.pdf", [f"This is text number {number}."])
        assert ingest(docs, storage).added == 1
        sizes.append(len(Bm25Folder(folder).load(number + 1).segments))
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3]


def test_lexical_settings_take_effect_without_new_files(docs: Path, storage: Path) -> None:
    english_pdf(docs / "a.pdf")
    ingest(docs, storage)
    folder = Bm25Folder(collection_paths(storage, "default").bm25)
    assert folder.segments(1)[0]["context_sentences"] == 1
    ingest(docs, storage, config={"bm25": {"context_sentences": 0}})
    assert folder.segments(2)[0]["context_sentences"] == 0


def test_progress_is_told_of_every_file(docs: Path, storage: Path) -> None:
    class Recording(IngestProgress):
        def __init__(self) -> None:
            self.files: list[int] = []
            self.done: list[tuple[str, str]] = []

        def start(self, files: int) -> None:
            self.files.append(files)

        def file_done(self, result: FileResult) -> None:
            self.done.append((Path(result.path).name, result.reason or result.status))

    chinese_pdf(docs / "a.pdf")
    broken_pdf(docs / "b.pdf")
    progress = Recording()
    ingest(docs, storage, progress=progress)
    assert progress.files == [2]
    assert sorted(progress.done) == [("a.pdf", "added"), ("b.pdf", "damaged")]


def test_result_of_a_file_names_what_was_left_out(docs: Path, storage: Path) -> None:
    results: list[FileResult] = []
    progress = IngestProgress()
    progress.file_done = results.append  # type: ignore[method-assign]
    chinese_pdf(docs / "a.pdf", lines_per_page=4)
    ingest(docs, storage, progress=progress)
    ingest(docs, storage, progress=progress)
    (line, unchanged) = [result.to_dict() for result in results]
    assert {"role": "header", "text": "杭州风物志", "page": 1, "pages": line["pages"]} in line["left_out"]
    assert unchanged["left_out"] == ()


def test_settings_name_storage_and_collection(docs: Path, tmp_path: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    report = ingest_locally(
        docs,
        config={"storage": str(tmp_path / "named"), "collection": "c"},
        embed_model=HashEmbedding(model_name="hash"),
    )
    assert report.collection == "c"
    assert set(stored_files(tmp_path / "named", "c")) == {"a.pdf"}


def test_report_is_the_documented_object(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    broken_pdf(docs / "b.pdf")
    report = ingest(docs, storage).to_dict()
    assert report["collection"] == "default"
    counted = {"added": 1, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 1}
    assert report["files"] == counted
    assert (report["moved"], report["duplicate"], report["vanished"]) == (0, 0, 0)
    assert set(report["failures"][0]) == {"file", "reason", "message"}
    assert {"pages", "nodes", "seconds"} <= set(report)


def test_sentence_is_found_by_the_title_it_stands_under(docs: Path, storage: Path) -> None:
    builder = PdfBuilder(CHINESE_FONT).page()
    builder.put("第一章 年休假", LEFT, 100, 16)
    builder.put("员工每年享有八天，满十年的享有十二天。", LEFT, 130)
    builder.put("第二章 差旅费", LEFT, 170, 16)
    builder.put("部门负责人审批以后由财务部门支付。", LEFT, 200)
    builder.save(docs / "a.pdf")
    ingest(docs, storage)
    paths = collection_paths(storage, "default")
    opened = Catalog(paths.catalog)
    index = Bm25Folder(paths.bm25).load(opened.published)
    (record,) = opened.files().values()
    opened.close()
    # Sentences 0 and 2 are the titles themselves. Neighbours count as well, with less weight.
    best = index.search(tokenize("差旅费"), 2)
    assert {hit.node_id for hit in best} == {node_id(record.document_id, 2), node_id(record.document_id, 3)}


def test_file_that_waits_for_ocr_is_read_again_when_it_is_there_and_not_before(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_only_pdf(docs / "a.pdf", text_pages=2)
    english_pdf(docs / "b.pdf")
    for name in (
        "qa_engine.documents.pages.page_reader",
        "qa_engine.documents.pdf.reading",
        "qa_engine.ingestion.files.identity",
    ):
        monkeypatch.setattr(f"{name}.ocr_available", lambda: False)
    first = ingest(docs, storage)
    assert first.added == 2
    assert "pip install" in first.warnings[0]
    assert ingest(docs, storage).unchanged == 2
    found = [Line("This page was scanned.", 3, 72, 80, 200, 95, 11, 0)]
    monkeypatch.setattr("qa_engine.documents.pages.page_reader.ocr_available", lambda: True)
    monkeypatch.setattr("qa_engine.ingestion.files.identity.ocr_available", lambda: True)
    monkeypatch.setattr(
        "qa_engine.documents.pages.page_reader.recognise_page", lambda *arguments: Recognition(found, 0.9)
    )
    again = ingest(docs, storage)
    assert counts(again) == (0, 1, 1, 0, 0)
    assert again.warnings == []
    assert "This page was scanned." in stored_files(storage)["a.pdf"]
    assert ingest(docs, storage).unchanged == 2


def test_unchanged_corpus_needs_neither_models_nor_stores(docs: Path, storage: Path) -> None:
    english_pdf(docs / "a.pdf")
    ingest_locally(docs, storage=storage)
    code = (
        "import sys\n"
        "from qa_engine import ingest\n"
        "report = ingest(sys.argv[1], storage=sys.argv[2])\n"
        "heavy = {'llama_index.core', 'chromadb', 'onnxruntime', 'pymupdf'} & set(sys.modules)\n"
        "print(report.unchanged, sorted(heavy))\n"
    )
    assert run_python(code, str(docs), str(storage)).strip() == "1 []"


def test_stages_account_for_the_time_of_a_run(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    code = (
        "import sys\n"
        "from qa_engine import ingest\n"
        "report = ingest(sys.argv[1], storage=sys.argv[2])\n"
        "print(report.timings['loading'] > 0, sum(report.timings.values()) > 0.8 * report.seconds)\n"
    )
    assert run_python(code, str(docs), str(storage)) == "True True\n"


def test_files_are_being_read_while_libraries_are_imported(docs: Path, storage: Path) -> None:
    path = english_pdf(docs / "a.pdf")
    (docs / "copy.pdf").write_bytes(path.read_bytes())
    code = (
        "import sys\n"
        "from qa_engine import ingest\n"
        "from qa_engine.documents.processes.parsing_pool import ParsingPool\n"
        "begin = ParsingPool.begin\n"
        "def noted(pool, paths):\n"
        "    print(*paths, {'llama_index.core', 'chromadb'} & set(sys.modules))\n"
        "    begin(pool, paths)\n"
        "ParsingPool.begin = noted\n"
        "print(ingest(sys.argv[1], storage=sys.argv[2]).added)\n"
    )
    assert run_python(code, str(docs), str(storage)).split("\n") == [f"{path} set()", "2", ""]
