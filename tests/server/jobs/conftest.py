from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition

import pytest
from job_children import PLAIN
from pdf_factory import english_pdf

from qa_engine.config import Config
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.ingestion.files.uploads import stored_upload, upload_path
from qa_engine.ingestion.maintenance.unused_uploads import uploads_lock
from qa_engine.server.database import ServerDatabase
from qa_engine.server.jobs.queue import JobQueue
from qa_engine.server.jobs.records import FileTask, Job
from qa_engine.server.jobs.store import JobStore
from qa_engine.server.jobs.worker import JobWorker


class Jobs:
    """A queue over an empty storage, with the real local model. The test says when it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = folder / "storage"
        self.config = Config(storage=self.storage)
        self.database = ServerDatabase(self.storage / "_server" / "server.sqlite3")
        self._changed = Condition()
        self._made: dict[str, bytes] = {}
        self.store = JobStore(self.database, self._notify)
        self.queue: JobQueue | None = None

    def start(self, child_module: str = PLAIN) -> JobQueue:
        """Starts another queue over the same jobs."""
        worker = JobWorker(self.store, self.config, child_module=child_module)
        self.queue = JobQueue(self.store, worker)
        self.queue.start()
        return self.queue

    def stop(self) -> None:
        if self.queue is not None:
            self.queue.stop()
            self.queue = None

    def upload(self, name: str, content: bytes | None = None) -> FileTask:
        """Stores a PDF of a page that says its name, or other bytes."""
        if content is None:
            content = self._made.get(name) or self._make(name)
        sha256 = hashlib.sha256(content).hexdigest()
        target = stored_upload(self.storage, sha256, "a.pdf")
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        return FileTask(str(upload_path(name)), name, sha256)

    def add(self, *names: str) -> Job:
        with uploads_lock(self.storage):
            job = self.store.add("ingest", "default", [self.upload(name) for name in names])
        if self.queue is not None:
            self.queue.wake()
        return job

    def wait(self, job: Job, until: Callable[[Job], bool] = lambda job: job.is_over) -> Job:
        """The job as soon as something holds for it."""
        with self._changed:
            while not until(now := self._get(job)):
                assert self._changed.wait(60), now
            return now

    def files(self) -> dict[str, int]:
        """The names of the files in the collection, with the number of their sentences; fails if anything is unfinished."""
        catalog = Catalog(collection_paths(self.storage, "default").catalog)
        assert catalog.unfinished() == []
        assert catalog.published == catalog.changes
        files = {record.file_name: record.nodes for record in catalog.files().values()}
        catalog.close()
        return files

    def contents(self) -> int:
        """The number of contents that are stored."""
        return sum(not path.name.startswith(".") for path in (self.storage / "uploads").iterdir())

    def _make(self, name: str) -> bytes:
        pdf = english_pdf(self.folder / "made.pdf", [f"This is the file {name} itself."], header=None)
        self._made[name] = pdf.read_bytes()  # another run makes other bytes
        return self._made[name]

    def _get(self, job: Job) -> Job:
        found = self.store.get(job.id)
        assert found is not None
        return found

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


@pytest.fixture
def jobs(tmp_path: Path, local_model: Path) -> Iterator[Jobs]:
    one = Jobs(tmp_path)
    yield one
    one.stop()
    one.database.close()
