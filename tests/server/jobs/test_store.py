"""Jobs on the disk: their states, whatever order things happen in and whenever the server ends."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from qa_engine.ingestion.files.uploads import upload_path
from qa_engine.server.database import ServerDatabase
from qa_engine.server.jobs.records import UNFINISHED, FileTask, Job
from qa_engine.server.jobs.store import JobOverError, JobStore


def task(name: str, sha256: str = "0" * 64) -> FileTask:
    return FileTask(str(upload_path(name)), name, sha256)


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(ServerDatabase(tmp_path / "server.sqlite3"))


def started(store: JobStore, *names: str) -> Job:
    job = store.add("ingest", "default", [task(name) for name in names])
    store.start(job.id)
    return job


def test_a_job_tells_what_it_does_and_ends_with_its_report(store: JobStore) -> None:
    job = started(store, "a.pdf", "坏.pdf")
    for done in (4, 8, 9):
        store.pages_read(job.id, "upload:/a.pdf", done, 9)
    store.file_done(job.id, "upload:/a.pdf", "added", 9, 120)
    store.file_failed(job.id, "upload:/坏.pdf", "damaged", "坏.pdf is damaged.")
    ended = store.finish(job.id)
    assert (ended.state, ended.counts.done, ended.counts.failed, ended.cancellable) == (
        "partly_failed",
        1,
        1,
        False,
    )
    assert ended.report is not None
    assert ended.report["files"] == {"added": 1, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 1}
    assert (ended.report["pages"], ended.report["nodes"]) == (9, 120)
    assert ended.report["failures"] == [
        {"file": "坏.pdf", "reason": "damaged", "message": "坏.pdf is damaged."}
    ]
    events = store.events(job.id)
    assert [event.kind for event in events] == ["job", "job", "file", "pages", "file", "file", "job", "done"]
    assert events[-1].data == ended.report
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    assert store.events(job.id, events[3].sequence) == events[4:]


def test_a_follower_of_pages_misses_none_though_only_the_last_are_kept(store: JobStore) -> None:
    job = started(store, "a.pdf")
    seen: list[tuple[int, object]] = []
    for done in range(1, 6):
        store.pages_read(job.id, "upload:/a.pdf", done, 9)
        after = seen[-1][0] if seen else 0
        seen += [
            (event.sequence, event.data["read"])
            for event in store.events(job.id, after)
            if event.kind == "pages"
        ]
    assert [read for _, read in seen] == [1, 2, 3, 4, 5]
    assert len({sequence for sequence, _ in seen}) == 5


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_is_over_is_not(store: JobStore) -> None:
    job = store.add("ingest", "default", [task("a.pdf")])
    assert store.cancel(job.id).state == "cancelled"
    assert store.next() is None
    with pytest.raises(JobOverError):
        store.cancel(job.id)
    with pytest.raises(KeyError):
        store.cancel("0")


def test_files_that_all_failed_and_files_given_up(store: JobStore) -> None:
    job = started(store, "a.pdf", "b.pdf")
    store.file_failed(job.id, "upload:/a.pdf", "damaged", "x")
    ended = store.finish(job.id, ("model_unavailable", "The model is gone."))
    assert (ended.state, ended.message) == ("failed", "The model is gone.")
    assert [file.reason for file in ended.files] == ["damaged", "model_unavailable"]
    assert [event.kind for event in store.events(job.id)][-3:] == ["error", "job", "done"]


def test_jobs_of_one_collection_keep_their_order_while_another_waits(store: JobStore) -> None:
    first = store.add("ingest", "default", [task("a.pdf")])
    store.add("ingest", "default", [task("a.pdf")])
    other = store.add("ingest", "other", [task("a.pdf")])
    assert [store.next(excluded).id for excluded in ((), {"default"})] == [first.id, other.id]  # type: ignore[union-attr]
    store.start(first.id)
    store.wait(first.id, "Another process writes.")
    waiting = store.next()
    assert waiting is not None
    assert (waiting.id, waiting.message) == (first.id, "Another process writes.")
    assert [job.id for job in store.latest(1, collections={"other"})] == [other.id]
    assert [job.id for job in store.latest(9, before=other.id)][-1] == first.id


def test_old_jobs_are_forgotten_with_their_files_and_events(store: JobStore) -> None:
    job = started(store, "a.pdf")
    store.finish(job.id)
    kept = store.add("ingest", "default", [task("a.pdf")])
    store.forget(1)
    assert store.get(job.id) is not None
    store.forget(-1)
    assert (store.get(job.id), store.events(job.id)) == (None, [])
    assert store.get(kept.id) is not None


class JobLife(RuleBasedStateMachine):
    """Any order of what may happen to jobs, with the server being killed in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.open()
        self.known: dict[str, int] = {}
        """The acknowledged jobs, with the number of their files."""
        self.over: dict[str, Job] = {}
        self.running: str | None = None
        self.sequences: dict[str, int] = {}

    def open(self) -> None:
        self.database = ServerDatabase(Path(self.folder.name) / "server.sqlite3")
        self.store = JobStore(self.database)

    def teardown(self) -> None:
        self.running = None
        self.kill()
        while (job := self.store.next()) is not None:
            self.store.start(job.id)
            for one in self.store.tasks(job.id):
                self.store.file_done(job.id, one.path, "added")
            self.store.finish(job.id)
        for job_id in self.known:
            job = self.store.get(job_id)
            assert job is not None
            assert job.is_over
            assert job.counts.queued == job.counts.reading == 0
        assert self.store.awaited_contents() == set()
        self.database.close()
        self.folder.cleanup()

    @rule(files=st.integers(1, 3), collection=st.sampled_from(["a", "b"]))
    def add(self, files: int, collection: str) -> None:
        tasks = [task(f"{place}.pdf", f"{place}") for place in range(files)]
        self.known[self.store.add("ingest", collection, tasks).id] = files

    @precondition(lambda self: self.running is None)
    @rule(excluded=st.sets(st.sampled_from(["a", "b"]), max_size=1))
    def begin(self, excluded: set[str]) -> None:
        job = self.store.next(excluded)
        if job is not None:
            assert job.collection not in excluded
            self.store.start(job.id)
            self.running = job.id

    @precondition(lambda self: self.running is not None)
    @rule(how=st.sampled_from(["pages", "done", "failed", "unknown"]), place=st.integers(0, 2))
    def report(self, how: str, place: int) -> None:
        assert self.running is not None
        path = str(upload_path(f"{place}.pdf" if how != "unknown" else "x.pdf"))
        if how == "pages":
            self.store.pages_read(self.running, path, 1, 2)
        elif how == "failed":
            self.store.file_failed(self.running, path, "damaged", "x")
        else:
            self.store.file_done(self.running, path, "added", 2, 3)

    @precondition(lambda self: self.running is not None)
    @rule(how=st.sampled_from(["finish", "fail", "wait", "interrupt"]))
    def end(self, how: str) -> None:
        assert self.running is not None
        if how == "finish":
            self.store.finish(self.running)
        elif how == "fail":
            self.store.finish(self.running, ("storage_unavailable", "x"))
        elif how == "wait":
            self.store.wait(self.running, "x")
        else:
            self.store.interrupt(self.running)
        self.running = None

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = list(self.known)[data.draw(st.integers(0, len(self.known) - 1))]
        try:
            job = self.store.cancel(job_id)
            assert job.state in {"running", "cancelled", "succeeded", "partly_failed", "failed"}
            assert not job.cancellable
        except JobOverError:
            assert job_id in self.over

    @rule()
    def kill(self) -> None:
        self.running = None
        self.database.close()
        self.open()
        self.store.recover()

    @invariant()
    def nothing_is_lost_and_what_is_over_stays(self) -> None:
        jobs = {job.id: job for job in self.store.latest(1000)}
        assert set(jobs) == set(self.known)
        for job_id, job in jobs.items():
            assert len(job.files) == self.known[job_id]
            assert sum(job.counts.model_dump().values()) == len(job.files)
            if job_id in self.over:
                assert job == self.over[job_id]
            assert (job.report is not None) == (job.finished_at is not None) == job.is_over
            assert job.is_over == (job.state not in UNFINISHED)
            if job.is_over:
                self.over[job_id] = job
            events = self.store.events(job_id)
            assert (events[-1].kind == "done") == job.is_over
            assert events[-1].sequence >= self.sequences.get(job_id, 0)
            self.sequences[job_id] = events[-1].sequence
        assert self.store.waiting_files() == sum(
            job.counts.queued + job.counts.reading for job in jobs.values()
        )
        assert sum(job.state == "running" for job in jobs.values()) == (self.running is not None)


TestJobLife = JobLife.TestCase
TestJobLife.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
