"""Lets uploads in, and hands them on: nothing is acknowledged that is not on the disk."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from anyio import CapacityLimiter

from qa_engine.config import Config
from qa_engine.documents.files import path_text
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord, Metadata, file_id
from qa_engine.ingestion.files.identity import ReadingIdentity
from qa_engine.ingestion.files.uploads import UPLOADS_FOLDER, stored_upload, upload_path
from qa_engine.ingestion.maintenance.unused_uploads import uploads_lock
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.jobs.queue import JobQueue
from qa_engine.server.jobs.records import FileTask
from qa_engine.server.problems import ProblemError
from qa_engine.server.uploads.idempotency import (
    IdempotentRequest,
    create_table,
    earlier_response,
    remember,
)
from qa_engine.server.uploads.incoming import IncomingFile

_INCOMING = ".incoming"
_THREADS = 4
"""That write uploads at a time: more would wait for the disk."""
_UNMEASURED_SECONDS = 30
_MOST_SECONDS = 3600


@dataclass(frozen=True)
class Acceptance:
    """What became of an upload.

    Attributes:
        status: the status of the response: 202 with a job, 200 if nothing is to be done.
        body: the body of the response, in JSON.
        job_id: of the job; None without one.
    """

    status: int
    body: str
    job_id: str | None


@dataclass
class Slots:
    """Places in the queue that an upload holds until its job has them.

    Attributes:
        uploads: what gives them.
        count: how many.
    """

    uploads: Uploads
    count: int = 0

    def take(self) -> None:
        """Takes one more.

        Raises:
            ProblemError: ``queue_full``.
        """
        self.uploads.reserve()
        self.count += 1


class Uploads:
    """Where uploads come in. Its methods block, and may be called from several threads."""

    def __init__(self, config: Config, jobs: JobQueue, catalogs: Catalogs) -> None:
        """
        Args:
            config: the settings, with the storage.
            jobs: what ingests them.
            catalogs: of the collections.
        """
        self.incoming = config.storage / UPLOADS_FOLDER / _INCOMING / secrets.token_hex(8)
        """The folder for what this server is receiving."""
        self.max_bytes = config.server.max_upload_megabytes * 1_000_000
        self.threads = CapacityLimiter(_THREADS)
        self._config = config
        self._jobs = jobs
        self._catalogs = catalogs
        self._max_files = config.server.max_queued_files
        self._lock = Lock()
        self._reserved = 0
        create_table(jobs.store.database)

    def remove_leftovers(self) -> None:
        """Removes what servers that ended have left of files that they were receiving."""
        for folder in self.incoming.parent.glob("*"):
            if folder != self.incoming:
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Removes the folder for what is received, after the last request."""
        shutil.rmtree(self.incoming, ignore_errors=True)

    @contextmanager
    def slots(self) -> Iterator[Slots]:
        """Places in the queue for an upload, which are free again when the block ends."""
        slots = Slots(self)
        try:
            yield slots
        finally:
            with self._lock:
                self._reserved -= slots.count

    def reserve(self) -> None:
        """Takes a place in the queue.

        Raises:
            ProblemError: ``queue_full``; Retry-After goes by what a file took lately.
        """
        with self._lock:
            waiting = self._jobs.store.waiting_files() + self._reserved
            if waiting >= self._max_files:
                per_file = self._jobs.seconds_per_file or _UNMEASURED_SECONDS
                seconds = min(_MOST_SECONDS, math.ceil(per_file * (waiting + 1 - self._max_files)))
                raise ProblemError(
                    "queue_full",
                    f"{waiting} files wait to be ingested, and {self._max_files} may.",
                    retry_after=seconds,
                )
            self._reserved += 1

    def require_new(self, collection: str, name: str) -> None:
        """Raises `ProblemError` ``precondition_failed`` if a collection has a file of a name, or a job brings one in."""
        path = path_text(upload_path(name))
        if self._record(collection, path) is not None or self._jobs.store.awaits(collection, path):
            raise ProblemError(
                "precondition_failed",
                f"The collection {collection!r} has a file {name!r}.",
                "Leave If-None-Match out to replace it.",
            )

    def accept(
        self,
        collection: str,
        files: Sequence[IncomingFile],
        metadata: Metadata | None = None,
        request: tuple[str, str] | None = None,
    ) -> Acceptance:
        """Hands finished files on to a job. When this returns, files and job are on the disk.

        Args:
            collection: its name; it is made if it is missing.
            files: of different names.
            metadata: of all of them; None keeps what files of these names had.
            request: the owner and the key of a request that may come twice.

        Raises:
            InputError: the collection cannot have this name.
            ProblemError: ``idempotency_mismatch``.
            StorageError: the storage or the database cannot be written.
        """
        collection_paths(self._config.storage, collection)
        idempotent = None
        if request is not None:
            idempotent = IdempotentRequest(*request, _fingerprint(collection, files, metadata))
        tasks = [
            FileTask(path_text(upload_path(file.name)), file.name, file.sha256, metadata) for file in files
        ]
        unchanged = all(self._is_unchanged(collection, task) for task in tasks)
        database = self._jobs.store.database
        with uploads_lock(self._config.storage):
            with database.transaction() as connection:
                if idempotent is not None and (earlier := earlier_response(connection, idempotent)):
                    return _acceptance(*earlier)
            for file in files:
                # One that is unchanged may have been uploaded to the server of another machine.
                if not unchanged or not stored_upload(self._config.storage, file.sha256, file.name).exists():
                    file.store(self._config.storage)
            with database.transaction() as connection:
                if idempotent is not None and (earlier := earlier_response(connection, idempotent)):
                    return _acceptance(*earlier)
                if unchanged:
                    status, body = 200, json.dumps(_unchanged(collection, tasks), ensure_ascii=False)
                else:
                    job = self._jobs.store.add("ingest", collection, tasks, connection)
                    status, body = 202, job.model_dump_json()
                if idempotent is not None:
                    remember(connection, idempotent, status, body)
        self._jobs.wake()
        return _acceptance(status, body)

    def _is_unchanged(self, collection: str, task: FileTask) -> bool:
        """Whether the collection has this content under this name already, and no job will change that."""
        record = self._record(collection, task.path)
        if record is None or record.sha256 != task.sha256:
            return False
        if task.metadata is not None and dict(task.metadata) != dict(record.listed):
            return False
        reading = ReadingIdentity.of(self._config.documents)
        is_current = record.pipeline == reading.pipeline_of(record.file_name) and not (
            record.awaits_ocr and reading.ocr
        )
        return is_current and not self._jobs.store.awaits(collection, task.path)

    def _record(self, collection: str, path: str) -> FileRecord | None:
        try:
            with self._catalogs.opened(collection) as catalog:
                return catalog.file_at(path)
        except ProblemError:  # there is no such collection yet
            return None


def _fingerprint(collection: str, files: Sequence[IncomingFile], metadata: Metadata | None) -> str:
    noted = None if metadata is None else dict(metadata)
    asked = [collection, [[file.name, file.sha256] for file in files], noted]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _unchanged(collection: str, tasks: Sequence[FileTask]) -> dict[str, object]:
    files = [{"name": task.name, "file_id": file_id(task.path)} for task in tasks]
    return {"collection": collection, "status": "unchanged", "files": files}


def _acceptance(status: int, body: str) -> Acceptance:
    return Acceptance(status, body, json.loads(body)["id"] if status == 202 else None)
