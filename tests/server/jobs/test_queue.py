"""Jobs in real processes: what becomes of the files when one is unreadable, the process dies, or somebody cancels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from job_children import CRASHING, DEAD, WAITING

from qa_engine.errors import IndexLockedError
from qa_engine.index.collection import collection_paths
from qa_engine.index.disk.writer_lock import writer_lock
from qa_engine.server.jobs.child import ChildTask
from qa_engine.server.jobs.process import ChildProcess
from qa_engine.server.jobs.records import FileTask, Job
from qa_engine.server.jobs.worker import MAX_CRASHES

if TYPE_CHECKING:
    from conftest import Jobs
else:
    Jobs = object


def reads(job: Job) -> bool:
    return any(file.state == "reading" for file in job.files)


def test_a_job_brings_its_files_in_and_names_those_that_cannot_be_read(jobs: Jobs) -> None:
    tasks = [jobs.upload("年报 #1.pdf"), jobs.upload("坏.pdf", b"%PDF-1.7 and nothing else")]
    job = jobs.store.add("ingest", "default", tasks)
    jobs.start()
    job = jobs.wait(job)
    assert job.state == "partly_failed"
    good, bad = job.files
    assert (good.state, good.status, good.pages, good.pages_read, good.nodes) == ("done", "added", 1, 1, 1)
    assert (bad.state, bad.reason) == ("failed", "damaged")
    assert bad.message is not None
    assert bad.message.startswith("坏.pdf ")
    assert jobs.files() == {"年报 #1.pdf": 1}
    again = jobs.wait(jobs.add("年报 #1.pdf"))
    assert (again.state, again.files[0].status) == ("succeeded", "unchanged")


def test_deletions_can_be_repeated_and_the_bytes_go_with_the_last_file(jobs: Jobs) -> None:
    first = jobs.add("a.pdf", "b.pdf")
    gone = jobs.store.add("delete", "default", [FileTask("upload:/a.pdf", "a.pdf")])
    again = jobs.store.add("delete", "default", [FileTask("upload:/a.pdf", "a.pdf")])
    jobs.start()
    over = jobs.wait(first)
    assert (over.state, over.message) == ("succeeded", None)
    assert "error" not in [event.kind for event in jobs.store.events(first.id)]
    assert [jobs.wait(job).state for job in (gone, again)] == ["succeeded", "succeeded"]
    assert jobs.wait(gone).files[0].nodes == 1
    assert jobs.files() == {"b.pdf": 1}
    jobs.stop()
    assert jobs.contents() == 1


def test_the_file_that_ends_the_process_fails_and_the_others_are_ingested(jobs: Jobs) -> None:
    job = jobs.add("a.pdf", "crash1.pdf", "b.pdf", "crash2.pdf")
    jobs.start(CRASHING)
    job = jobs.wait(job)
    assert [(file.state, file.reason) for file in job.files] == [
        ("done", None),
        ("failed", "crashed"),
        ("done", None),
        ("failed", "crashed"),
    ]
    assert job.state == "partly_failed"
    after = jobs.wait(jobs.add("c.pdf"))
    assert after.state == "succeeded"
    assert jobs.files() == {"a.pdf": 1, "b.pdf": 1, "c.pdf": 1}


def test_a_job_whose_processes_all_end_is_given_up(jobs: Jobs) -> None:
    job = jobs.add("a.pdf")
    jobs.start(DEAD)
    job = jobs.wait(job)
    assert (job.state, job.files[0].reason) == ("failed", "crashed")
    assert job.message == f"The job was given up after {MAX_CRASHES + 1} of its processes ended."


def test_a_job_in_work_is_cancelled_at_the_next_page_and_leaves_no_trace(jobs: Jobs) -> None:
    queue = jobs.start(WAITING)
    assert jobs.wait(jobs.add("a.pdf")).state == "succeeded"
    job = jobs.add("wait.pdf", "b.pdf")
    jobs.wait(job, reads)
    assert not queue.cancel(job.id).cancellable
    job = jobs.wait(job)
    assert (job.state, job.counts.cancelled) == ("cancelled", 2)
    assert jobs.files() == {"a.pdf": 1}
    jobs.stop()
    assert jobs.contents() == 1


def test_a_job_that_was_interrupted_goes_on_with_the_next_start(jobs: Jobs) -> None:
    jobs.start(WAITING)
    job = jobs.add("wait.pdf")
    jobs.wait(job, reads)
    jobs.stop()
    stopped = jobs.store.get(job.id)
    assert stopped is not None
    assert (stopped.state, stopped.files[0].state) == ("interrupted", "queued")
    jobs.start()
    assert jobs.wait(job).state == "succeeded"
    assert jobs.files() == {"wait.pdf": 1}
    states = [event.data["state"] for event in jobs.store.events(job.id) if event.kind == "job"]
    assert states == ["queued", "running", "interrupted", "queued", "running", "succeeded"]


def test_a_job_waits_for_another_process_that_writes(jobs: Jobs) -> None:
    jobs.start()
    root = collection_paths(jobs.storage, "default").root
    root.mkdir()
    with writer_lock(root):
        job = jobs.wait(jobs.add("a.pdf"), lambda job: job.message is not None)
        assert job.state == "queued"
        assert job.message is not None
        assert f"process {os.getpid()}" in job.message
        assert str(jobs.storage) not in job.message
    assert jobs.wait(job).state == "succeeded"


def test_what_stops_a_whole_job_is_told_with_its_code(jobs: Jobs) -> None:
    jobs.start()
    assert jobs.wait(jobs.add("a.pdf")).state == "succeeded"
    jobs.stop()
    jobs.config.embedding.pass_chars = 50
    jobs.start()
    job = jobs.wait(jobs.add("b.pdf"))
    assert (job.state, job.files[0].reason) == ("failed", "misconfigured")
    assert job.message is not None
    assert "pass_chars" in job.message


def test_the_process_of_a_job_ends_with_the_server(jobs: Jobs) -> None:
    process = ChildProcess(WAITING)
    messages = process.perform(ChildTask("ingest", "default", jobs.config, (jobs.upload("wait.pdf"),)))
    assert next(messages)["event"] == "pages"
    assert process._process.stdin is not None
    process._process.stdin.close()
    assert list(messages) == []
    process.close()


def test_short_writes_take_turns_with_the_jobs_of_their_collection(jobs: Jobs) -> None:
    queue = jobs.start(WAITING)
    job = jobs.add("wait.pdf")
    with queue.turn("other", 0), pytest.raises(IndexLockedError), queue.turn("default", 0):
        pass
    jobs.wait(job, reads)
    queue.cancel(job.id)
    with queue.turn("default", 60):
        after = jobs.add("b.pdf")
        with pytest.raises(IndexLockedError), queue.turn("default", 0):
            pass
        assert jobs.store.get(after.id) == after
    assert jobs.wait(after).state == "succeeded"


def test_of_two_queues_on_one_storage_one_does_the_jobs(jobs: Jobs, tmp_path: Path) -> None:
    first = jobs.start(WAITING)
    job = jobs.add("wait.pdf")
    jobs.wait(job, reads)
    second = jobs.start()
    first.stop()
    assert jobs.wait(job).state == "succeeded"
    second.stop()
