"""Parsing in processes of their own: no file can hold a run up or take it down."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from pdf_factory import WEST_LAKE, PdfBuilder, broken_pdf, chinese_pdf, english_pdf, locked_pdf
from pydantic import SecretStr

from qa_engine.config import DocumentsConfig
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.processes.parsing_pool import (
    ParsingPool,
    parse_files,
    result_or_error,
    run_in_worker,
)
from qa_engine.documents.processes.worker_pool import WORKER_NAME
from qa_engine.errors import DocumentError

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")


def reasons(paths: list[Path], config: DocumentsConfig | None = None, workers: int = 1) -> list[str]:
    """``read`` or the reason of failure of each file, in the order of the results."""
    results = []
    for (path, result), expected in zip(
        parse_files(paths, config or DocumentsConfig(), workers), paths, strict=True
    ):
        assert path == expected
        results.append(result.reason if isinstance(result, DocumentError) else "read")
    return results


def workers() -> list[threading.Thread]:
    """The threads of workers; each of them ends after its process."""
    return [thread for thread in threading.enumerate() if thread.name == WORKER_NAME]


def endless(path: Path, depth: int = 40) -> Path:
    """A small file with one page that takes for ever: forms in forms, each painted twice by the next."""
    document = PdfBuilder().page().document
    inner, painted = "", b""
    for _ in range(depth):
        xref = document.get_new_xref()
        resources = f"/Resources<</XObject<<{inner}>>>>"
        document.update_object(xref, f"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]{resources}>>")
        document.update_stream(xref, painted or b"q Q")
        inner, painted = f"/F {xref} 0 R", b"/F Do /F Do"
    page = document[0]
    page.insert_text((72, 72), "text")
    (stream,) = page.get_contents()
    document.update_stream(stream, document.xref_stream(stream) + b" /F Do")
    document.xref_set_key(page.xref, "Resources", f"<</XObject<<{inner}>>>>")
    document.save(path)
    return path


def wait_until_read(path: Path) -> None:
    """Returns when a child of this process has the file open."""
    while True:
        for children in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
            for child in children.read_text().split():
                with contextlib.suppress(OSError):
                    if any(link.readlink() == path for link in Path(f"/proc/{child}/fd").iterdir()):
                        return
        time.sleep(0.01)


def bomb(path: Path) -> Path:
    """Some kilobytes that unfold to millions of characters on one page."""
    builder = PdfBuilder().page()
    builder.put("a", 72, 100)
    (stream,) = builder.document[0].get_contents()
    lines = b"".join(b"1 0 0 1 72 %d Tm (%s) Tj " % (50 + n % 700, b"ab" * 200) for n in range(120_000))
    builder.document.update_stream(stream, b"BT /helv 1 Tf " + lines + b"ET")
    return builder.save(path, deflate=True)


def test_no_files_start_no_process() -> None:
    assert list(parse_files([], DocumentsConfig())) == []
    assert workers() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_files(workers: int, tmp_path: Path) -> None:
    paths = [
        chinese_pdf(tmp_path / "long.pdf", WEST_LAKE * 60),
        broken_pdf(tmp_path / "broken.pdf"),
        *(english_pdf(tmp_path / f"{n}.pdf") for n in range(5)),
    ]
    assert reasons(paths, workers=workers) == ["read", "damaged", *["read"] * 5]


def test_caller_who_gives_up_does_not_wait_for_the_file(tmp_path: Path) -> None:
    """What a thread reads cannot be closed by another: it is told to stop, and leaves no process."""
    given_up = threading.Event()
    paths = [chinese_pdf(tmp_path / "a.pdf"), endless(tmp_path / "slow.pdf"), chinese_pdf(tmp_path / "b.pdf")]
    results = ParsingPool(DocumentsConfig(timeout_seconds=600)).parse(paths, given_up.is_set)
    assert next(results)[0] == paths[0]
    wait_until_read(paths[1])
    given_up.set()
    assert list(results) == []  # and no error of a file that took too long
    assert workers() == []


def test_result_is_what_was_read(tmp_path: Path) -> None:
    ((_, parsed),) = parse_files([chinese_pdf(tmp_path / "a.pdf", header=None)], DocumentsConfig())
    assert isinstance(parsed, ParsedPdf)
    assert parsed.text.split("\n") == WEST_LAKE


def test_file_that_blocks_times_out_and_the_others_are_read(tmp_path: Path) -> None:
    paths = [endless(tmp_path / "slow.pdf"), chinese_pdf(tmp_path / "good.pdf")]
    results = dict(parse_files(paths, DocumentsConfig(timeout_seconds=5)))
    error = results[paths[0]]
    assert isinstance(error, DocumentError)
    assert error.reason == "timeout"
    assert str(error) == "slow.pdf was not read within documents.timeout_seconds = 5."
    assert isinstance(results[paths[1]], ParsedPdf)


def test_file_whose_process_dies_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    paths = [endless(tmp_path / "killer.pdf"), chinese_pdf(tmp_path / "good.pdf")]
    results: dict[Path, object] = {}
    pool = ParsingPool(DocumentsConfig())
    pool.parse_one(chinese_pdf(tmp_path / "first.pdf"))
    assert pool._pool is not None
    worker = pool._pool.submit(os.getpid).result()
    consumer = threading.Thread(target=lambda: results.update(pool.parse(paths)))
    consumer.start()
    wait_until_read(paths[0])
    os.kill(worker, signal.SIGKILL)
    consumer.join()
    error = results[paths[0]]
    assert isinstance(error, DocumentError)
    assert error.reason == "crashed"
    assert "killer.pdf" in str(error)
    assert isinstance(results[paths[1]], ParsedPdf)


def test_file_that_needs_too_much_memory_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    paths = [bomb(tmp_path / "bomb.pdf"), chinese_pdf(tmp_path / "good.pdf")]
    assert reasons(paths, DocumentsConfig(memory_megabytes=256)) == ["too_large", "read"]


def test_unforeseen_error_of_a_library_is_the_failure_of_one_file(tmp_path: Path) -> None:
    future: Future[None] = Future()
    future.set_exception(OverflowError("first line\nsecond line"))
    result = result_or_error(tmp_path / "odd.pdf", future, DocumentsConfig())
    assert isinstance(result, DocumentError)
    assert result.reason == "damaged"
    assert str(result) == "odd.pdf cannot be read (OverflowError: first line)."


def test_consumer_that_stops_early_leaves_no_process_behind(tmp_path: Path) -> None:
    paths = [chinese_pdf(tmp_path / "a.pdf"), endless(tmp_path / "slow.pdf")]
    results = parse_files(paths, DocumentsConfig(timeout_seconds=600))
    next(results)
    results.close()
    assert workers() == []


@pytest.mark.parametrize("guard", ["", 'if __name__ == "__main__":\n    '])
def test_scripts_with_and_without_a_main_guard(guard: str, tmp_path: Path) -> None:
    path = chinese_pdf(tmp_path / "a.pdf")
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from qa_engine.config import DocumentsConfig\n"
        "from qa_engine.documents.processes.parsing_pool import parse_files\n"
        "print('once')\n"
        f"{guard}print([len(result.pages) for _, result in parse_files([Path({str(path)!r})], DocumentsConfig(), 2)])\n"
        f"{guard}assert __file__ and __name__ == '__main__'\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stderr == ""
    assert done.stdout == "once\n[1]\n"


def test_works_from_standard_input(tmp_path: Path) -> None:
    path = chinese_pdf(tmp_path / "a.pdf")
    done = subprocess.run(
        [sys.executable, "-"],
        input="from pathlib import Path\n"
        "from qa_engine.config import DocumentsConfig\n"
        "from qa_engine.documents.processes.parsing_pool import parse_files\n"
        f"print([len(result.pages) for _, result in parse_files([Path({str(path)!r})], DocumentsConfig())])\n",
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert (done.stdout, done.returncode) == ("[1]\n", 0), done.stderr


def test_nothing_of_the_host_changes_while_a_process_starts(tmp_path: Path) -> None:
    main = sys.modules["__main__"]
    before = dict(vars(main))
    seen: list[dict[str, object]] = []
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(0.0005):
            state = {name: vars(main).get(name) for name in ("__spec__", "__file__")}
            if state not in seen:
                seen.append(state)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert reasons([chinese_pdf(tmp_path / "a.pdf")], workers=2) == ["read"]
    finally:
        stopped.set()
        watcher.join()
    assert seen == [{name: before.get(name) for name in ("__spec__", "__file__")}]


def test_task_on_a_file_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert run_in_worker(tmp_path / "a.pdf", DocumentsConfig(), os.getpid) != os.getpid()
    with pytest.raises(DocumentError, match=r"a\.pdf cannot be read \(ZeroDivisionError"):
        run_in_worker(tmp_path / "a.pdf", DocumentsConfig(), divmod, 1, 0)
    assert workers() == []


def test_log_records_of_the_worker_reach_the_host(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = locked_pdf(tmp_path / "a.pdf", password="geheim")
    config = DocumentsConfig(passwords=[SecretStr("geheim")])
    with caplog.at_level(logging.INFO, "qa_engine.documents"):
        assert reasons([path], config) == ["read"]
    assert "a.pdf is locked: 1 passwords are tried." in caplog.messages
    assert "geheim" not in caplog.text


class TestBegin:
    def test_first_files_are_read_before_anyone_asks_and_only_once(self, tmp_path: Path) -> None:
        path = chinese_pdf(tmp_path / "a.pdf")
        with ParsingPool(DocumentsConfig(timeout_seconds=60)) as pool:
            pool.begin([path])
            (begun,) = pool._started_jobs.values()
            begun.result()
            path.unlink()  # it cannot be read again: what was begun is what `parse` gives
            ((result, parsed),) = pool.parse([path])
        assert result == path
        assert isinstance(parsed, ParsedPdf)

    def test_no_more_is_begun_than_parse_would(self, tmp_path: Path) -> None:
        paths = [english_pdf(tmp_path / f"{n}.pdf") for n in range(9)]
        with ParsingPool(DocumentsConfig(), workers=2) as pool:
            pool.begin(paths)
            assert list(pool._started_jobs) == paths[:4]
            assert [path for path, _ in pool.parse(paths)] == paths
            assert pool._started_jobs == {}

    def test_what_was_begun_and_is_not_wanted_is_given_up(self, tmp_path: Path) -> None:
        with ParsingPool(DocumentsConfig(timeout_seconds=3600)) as pool:
            pool.begin([endless(tmp_path / "slow.pdf")])
        assert workers() == []

    def test_nothing_begins_no_process(self) -> None:
        with ParsingPool(DocumentsConfig()) as pool:
            pool.begin([])
            assert workers() == []

    def test_pool_can_be_asked_again(self, tmp_path: Path) -> None:
        """A copy of a file that could not be read is tried after the others."""
        paths = [english_pdf(tmp_path / "a.pdf"), english_pdf(tmp_path / "b.pdf")]
        with ParsingPool(DocumentsConfig()) as pool:
            for path in paths:
                assert [result for result, _ in pool.parse([path])] == [path]
        assert workers() == []
