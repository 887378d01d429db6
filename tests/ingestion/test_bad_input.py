"""What happens to files and disks while a run is at work: a clear reason, nothing corrupt, and a next run that completes."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ingest_process import PARSING_POOL, ParsingInPlace, ingest, stored_files
from pdf_factory import SOLAR_SYSTEM, chinese_pdf, english_pdf
from processes import run_python_forked

from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.errors import DocumentError

INGEST = """
import resource, sys
from pathlib import Path
from ingest_process import ParsingInPlace, batches, ingest, ingest_run
from qa_engine.errors import QAEngineError

ingest_run.ParsingPool = ParsingInPlace
batches.MAX_BATCH_FILES = 1
# A file of the index that is to grow beyond this: the disk is full.
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    ingest(Path(sys.argv[1]), Path(sys.argv[2]))
except QAEngineError as error:
    print(type(error).__name__, error)
else:
    print("done")
if "again" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    report = ingest(Path(sys.argv[1]), Path(sys.argv[2]))
    print(report.added + report.unchanged, "there", report.failures)
"""


def meddling(monkeypatch: pytest.MonkeyPatch, path: Path, meddle: object) -> None:
    """Does something to a file right after it has been read."""

    class Meddling(ParsingInPlace):
        def parse(
            self, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False
        ) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
            for found, parsed in super().parse(paths, stopped):
                if found == path:
                    meddle()  # type: ignore[operator]
                yield found, parsed

    monkeypatch.setattr(PARSING_POOL, Meddling)


def test_file_that_changes_while_it_is_read_is_named_and_taken_by_the_next_run(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = english_pdf(docs / "a.pdf", ["The first version."], header=None)
    chinese_pdf(docs / "b.pdf", header=None)
    meddling(monkeypatch, path, lambda: english_pdf(path, ["The second version."], header=None))
    report = ingest(docs, storage)
    assert [(failure.reason, failure.message) for failure in report.failures] == [
        ("changed", "a.pdf changed while it was read: run again.")
    ]
    assert set(stored_files(storage)) == {"b.pdf"}
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    assert ingest(docs, storage).added == 1
    assert stored_files(storage)["a.pdf"] == "The second version."


def test_file_that_only_looks_changed_is_taken(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = english_pdf(docs / "a.pdf")
    meddling(monkeypatch, path, lambda: os.utime(path, (1, 1)))
    assert ingest(docs, storage).added == 1
    assert ingest(docs, storage).unchanged == 1


@pytest.mark.parametrize("update", [False, True])
def test_file_that_vanishes_while_it_is_read_is_named(
    update: bool, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    path = english_pdf(docs / "a.pdf", ["The first version."], header=None)
    chinese_pdf(docs / "b.pdf", header=None)
    if update:
        ingest(docs, storage)
        english_pdf(path, ["The second version."], header=None)
    meddling(monkeypatch, path, path.unlink)
    report = ingest(docs, storage)
    (failure,) = report.failures
    assert (failure.reason, Path(failure.file).name) == ("unreadable", "a.pdf")
    # An earlier version stays until someone prunes.
    assert set(stored_files(storage)) == ({"a.pdf", "b.pdf"} if update else {"b.pdf"})
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    assert ingest(docs, storage, prune=True).failures == []
    assert set(stored_files(storage)) == {"b.pdf"}


@pytest.mark.usefixtures("parsed_in_place")
def test_links_in_a_circle_and_into_nowhere(docs: Path, storage: Path) -> None:
    english_pdf(docs / "deep" / "a.pdf")
    (docs / "deep" / "up").symlink_to(docs, target_is_directory=True)
    (docs / "circle.pdf").symlink_to(docs / "circle.pdf")
    (docs / "nowhere.pdf").symlink_to(docs / "missing.pdf")
    report = ingest(docs, storage)
    assert report.added == 1
    assert sorted(Path(failure.file).name for failure in report.failures) == ["circle.pdf", "nowhere.pdf"]
    assert {failure.reason for failure in report.failures} == {"unreadable"}


@pytest.mark.usefixtures("parsed_in_place")
def test_odd_names_are_kept_apart_moved_and_pruned(docs: Path, storage: Path) -> None:
    names = [
        "line\nbreak.pdf",
        "tab\t.pdf",
        "年报\u3000.pdf",
        " .pdf",
        os.fsdecode("报告".encode("gbk")) + ".pdf",
    ]
    kept = []
    for number, name in enumerate(names):
        try:
            content = english_pdf(docs / "plain.pdf", [f"This is text {number}."], header=None).read_bytes()
            (docs / name).write_bytes(content)
            kept.append(docs / name)
        except (OSError, UnicodeError):
            continue
    (docs / "plain.pdf").unlink()
    assert ingest(docs, storage).added == len(kept)
    assert ingest(docs, storage, prune=True).unchanged == len(kept)
    moved = docs / "deep"
    moved.mkdir()
    for path in kept:
        path.rename(moved / path.name)
    report = ingest(docs, storage)
    assert (report.moved, report.vanished, report.failures) == (len(kept), 0, [])
    for path in moved.iterdir():
        path.unlink()
    assert ingest(docs, storage, prune=True).deleted == len(kept)
    assert stored_files(storage) == {}


@pytest.mark.parametrize("limit", [60_000, 200_000])
def test_full_disk_is_one_clear_error_and_the_next_run_completes(
    limit: int, docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    for number in range(30):
        english_pdf(docs / f"{number:02}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM], header=None)
    done = run_python_forked(INGEST, str(docs), str(storage), str(limit))
    output, errors = done.stdout, done.stderr
    told = output.strip().splitlines()[-1] if output.strip() else errors
    assert told.startswith("StorageError"), (output, errors)
    assert "free" in told
    report = ingest(docs, storage)
    assert report.failures == []
    assert report.added + report.unchanged == 30
    assert len(stored_files(storage)) == 30


def test_process_that_met_a_full_disk_goes_on_when_there_is_space(docs: Path, storage: Path) -> None:
    for number in range(12):
        english_pdf(docs / f"{number:02}.pdf", [f"This is text {number}.", *SOLAR_SYSTEM], header=None)
    done = run_python_forked(INGEST, str(docs), str(storage), "300000", "again")
    output, errors = done.stdout, done.stderr
    first, last = output.strip().splitlines()
    assert first.startswith("StorageError"), (output, errors)
    assert last == "12 there []"
    assert len(stored_files(storage)) == 12


@pytest.mark.usefixtures("parsed_in_place")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_storage_that_may_not_be_written_is_one_clear_error(docs: Path, storage: Path) -> None:
    english_pdf(docs / "a.pdf")
    ingest(docs, storage)
    english_pdf(docs / "b.pdf")
    folders = [storage, *(path for path in storage.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        done = run_python_forked(INGEST, str(docs), str(storage), str(resource.RLIM_INFINITY))
        assert "StorageError" in done.stdout, (done.stdout, done.stderr)
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert ingest(docs, storage).added == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("parsed_in_place")
def test_ten_thousand_tiny_files(docs: Path, storage: Path) -> None:
    one = english_pdf(docs / "0.pdf", ["This is all."], header=None).read_bytes()
    for number in range(1, 10_000):
        # A comment at the end makes it another file.
        (docs / f"{number}.pdf").write_bytes(one + b"\n%% " + str(number).encode() + b"\n")
    report = ingest(docs, storage)
    assert (report.added, report.failures) == (10_000, [])
    assert len(stored_files(storage)) == 10_000
    again = ingest(docs, storage)
    assert again.unchanged == 10_000
    assert again.seconds < 20
