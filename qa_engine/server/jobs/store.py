"""What the server remembers of jobs: their states, their files, and the events that clients follow.

A job that was added is on the disk, and so is every state that it had. Whatever happens to the process, each job ends.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from qa_engine.ingestion.report import FileStatus, utc_now
from qa_engine.server.database import ServerDatabase
from qa_engine.server.jobs.records import UNFINISHED, FileTask, Job, JobEvent, JobKind
from qa_engine.server.jobs.transitions import (
    cancel_files,
    finish_job,
    job_field,
    move_job,
    note_event,
    read_job,
    release_job,
    requeue_files,
    set_file,
)

_TABLES = (
    """CREATE TABLE IF NOT EXISTS jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, collection TEXT NOT NULL,
        state TEXT NOT NULL, message TEXT, cancelling INTEGER NOT NULL DEFAULT 0, warnings TEXT NOT NULL DEFAULT '[]',
        report TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT)""",
    """CREATE TABLE IF NOT EXISTS job_files (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, place INTEGER NOT NULL, path TEXT NOT NULL,
        name TEXT NOT NULL, sha256 TEXT NOT NULL, metadata TEXT, state TEXT NOT NULL, status TEXT,
        pages INTEGER NOT NULL DEFAULT 0, pages_read INTEGER NOT NULL DEFAULT 0, nodes INTEGER NOT NULL DEFAULT 0,
        reason TEXT, message TEXT, PRIMARY KEY (job, place))""",
    """CREATE TABLE IF NOT EXISTS job_events (
        job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, sequence INTEGER NOT NULL, kind TEXT NOT NULL,
        file TEXT, data TEXT NOT NULL, PRIMARY KEY (job, sequence))""",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state)",
)
_MARKS = ", ".join("?" * len(UNFINISHED))
_UNFINISHED_FILES = (
    f"FROM job_files JOIN jobs ON jobs.id = job_files.job WHERE jobs.state IN ({_MARKS}) "
    "AND job_files.state IN ('queued', 'reading')"
)


class JobOverError(Exception):
    """The job is over: nothing can be done about it any more."""


class JobStore:
    """The jobs of a server. Thread-safe; its methods block."""

    def __init__(
        self,
        database: ServerDatabase,
        changed: Callable[[], None] = lambda: None,
        ingested: Callable[[int], None] = lambda pages: None,
    ) -> None:
        """
        Args:
            database: where they are kept.
            changed: is called, from any thread, after each event.
            ingested: is called with the number of pages of each file that was read into a collection.
        """
        self.database = database
        self._changed = changed
        self._ingested = ingested
        database.create(*_TABLES)

    # -- what routes do

    def add(
        self,
        kind: JobKind,
        collection: str,
        files: Sequence[FileTask],
        connection: sqlite3.Connection | None = None,
    ) -> Job:
        """Queues a job.

        Args:
            kind, collection, files: what is to be done; at least one file, and no two of the same path.
            connection: of a transaction of the database that the job is to be a part of; None for one of its own.

        Raises:
            StorageError: the database cannot be written.
        """
        job_id = secrets.token_hex(8)
        with self._writing(connection) as writing:
            writing.execute(
                "INSERT INTO jobs (id, kind, collection, state, created_at) VALUES (?, ?, ?, 'queued', ?)",
                (job_id, kind, collection, utc_now()),
            )
            writing.executemany(
                "INSERT INTO job_files (job, place, path, name, sha256, metadata, state) "
                "VALUES (?, ?, ?, ?, ?, ?, 'queued')",
                [
                    (
                        job_id,
                        place,
                        file.path,
                        file.name,
                        file.sha256,
                        None if file.metadata is None else json.dumps(dict(file.metadata)),
                    )
                    for place, file in enumerate(files)
                ],
            )
            note_event(writing, job_id, "job", {"state": "queued"})
            return read_job(writing, job_id)

    def get(self, job_id: str) -> Job | None:
        """A job, or None."""
        with self.database.transaction() as connection:
            known = connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone()
            return read_job(connection, job_id) if known else None

    def latest(
        self, limit: int, before: str | None = None, collections: Collection[str] | None = None
    ) -> list[Job]:
        """Jobs, the newest first.

        Args:
            limit: how many at most.
            before: the id of a job; only older ones are wanted.
            collections: only jobs of these are wanted; None for all.
        """
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM jobs WHERE (?1 IS NULL OR number < (SELECT number FROM jobs WHERE id = ?1)) "
                "AND (?2 IS NULL OR collection IN (SELECT value FROM json_each(?2))) ORDER BY number DESC LIMIT ?3",
                (before, None if collections is None else json.dumps(sorted(collections)), limit),
            ).fetchall()
            return [read_job(connection, row["id"]) for row in rows]

    def cancel(self, job_id: str) -> Job:
        """Cancels a job that waits; notes for one in work that it is to be cancelled.

        Raises:
            KeyError: there is no such job.
            JobOverError: it is over.
        """
        with self._writing() as connection:
            row = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise KeyError(job_id)
            if row["state"] not in UNFINISHED:
                raise JobOverError(job_id)
            connection.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?", (job_id,))
            if row["state"] != "running":
                cancel_files(connection, job_id)
                finish_job(connection, job_id)
            return read_job(connection, job_id)

    def events(self, job_id: str, after: int = 0) -> list[JobEvent]:
        """The events of a job behind one of them, in order."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT sequence, kind, data FROM job_events WHERE job = ? AND sequence > ? ORDER BY sequence",
                (job_id, after),
            ).fetchall()
        return [JobEvent(row["sequence"], row["kind"], json.loads(row["data"])) for row in rows]

    def is_over(self, job_id: str) -> bool:
        """Whether nothing happens to a job any more; also of one that is not known."""
        sql = f"SELECT COUNT(*) FROM jobs WHERE id = ? AND state IN ({_MARKS})"
        return not self._value(sql, (job_id, *UNFINISHED))

    def waiting_files(self) -> int:
        """How many files of all jobs are still to be gone through."""
        return int(self._value(f"SELECT COUNT(*) {_UNFINISHED_FILES}", UNFINISHED))

    def is_busy(self, collection: str) -> bool:
        """Whether a job of the collection is not over."""
        sql = f"SELECT COUNT(*) FROM jobs WHERE collection = ? AND state IN ({_MARKS})"
        return bool(self._value(sql, (collection, *UNFINISHED)))

    def awaits(self, collection: str, path: str) -> bool:
        """Whether a job is still to go through a file."""
        sql = f"SELECT COUNT(*) {_UNFINISHED_FILES} AND jobs.collection = ? AND job_files.path = ?"
        return bool(self._value(sql, (*UNFINISHED, collection, path)))

    def awaited_contents(self) -> set[str]:
        """The SHA-256 of the uploaded contents that jobs still need."""
        with self.database.transaction() as connection:
            rows = connection.execute(f"SELECT DISTINCT sha256 {_UNFINISHED_FILES}", UNFINISHED).fetchall()
        return {row["sha256"] for row in rows}

    # -- what the worker does

    def recover(self) -> None:
        """Queues the jobs again that were in work when the server ended."""
        with self._writing() as connection:
            rows = connection.execute(
                "SELECT id, state, cancelling FROM jobs WHERE state IN ('running', 'interrupted') ORDER BY number"
            ).fetchall()
            for row in rows:
                if row["state"] == "running":
                    release_job(connection, row["id"])
                if row["cancelling"]:
                    cancel_files(connection, row["id"])
                    finish_job(connection, row["id"])
                else:
                    move_job(connection, row["id"], "queued")

    def next(self, excluded: Collection[str] = ()) -> Job | None:
        """The oldest job that waits, but for those of some collections; None without one."""
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND collection NOT IN (SELECT value FROM json_each(?)) "
                "ORDER BY number LIMIT 1",
                (json.dumps(sorted(excluded)),),
            ).fetchone()
            return read_job(connection, row["id"]) if row else None

    def start(self, job_id: str) -> None:
        """A job that waits is in work now."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET started_at = COALESCE(started_at, ?) WHERE id = ?", (utc_now(), job_id)
            )
            move_job(connection, job_id, "running")

    def tasks(self, job_id: str) -> list[FileTask]:
        """What is still to be done for a job."""
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT path, name, sha256, metadata FROM job_files WHERE job = ? AND state IN ('queued', 'reading') "
                "ORDER BY place",
                (job_id,),
            ).fetchall()
        return [
            FileTask(
                row["path"],
                row["name"],
                row["sha256"],
                None if row["metadata"] is None else json.loads(row["metadata"]),
            )
            for row in rows
        ]

    def is_cancelling(self, job_id: str) -> bool:
        """Whether a job is to be cancelled."""
        return bool(self._value("SELECT cancelling FROM jobs WHERE id = ?", (job_id,)))

    def pages_read(self, job_id: str, path: str, done: int, of: int) -> None:
        """So many pages of a file are read. Of a file, only the last such event is kept."""
        with self._writing() as connection:
            row = connection.execute(
                "SELECT name, state FROM job_files WHERE job = ? AND path = ?", (job_id, path)
            ).fetchone()
            if row is None or row["state"] not in {"queued", "reading"}:
                return
            if row["state"] == "queued":
                note_event(connection, job_id, "file", {"file": row["name"], "state": "reading"}, path)
            connection.execute(
                "UPDATE job_files SET state = 'reading', pages = ?, pages_read = ? WHERE job = ? AND path = ?",
                (of, done, job_id, path),
            )
            note_event(connection, job_id, "pages", {"file": row["name"], "read": done, "of": of}, path)
            connection.execute(
                "DELETE FROM job_events WHERE job = ?1 AND kind = 'pages' AND file = ?2 "
                "AND sequence < (SELECT MAX(sequence) FROM job_events WHERE job = ?1)",
                (job_id, path),
            )

    def file_done(self, job_id: str, path: str, status: FileStatus, pages: int = 0, nodes: int = 0) -> None:
        """A file is done."""
        with self._writing() as connection:
            set_file(
                connection, job_id, path, "done", status=status, pages=pages, pages_read=pages, nodes=nodes
            )
        if status in {"added", "updated"}:
            self._ingested(pages)

    def file_failed(self, job_id: str, path: str, reason: str, message: str) -> None:
        """A file cannot be ingested."""
        with self._writing() as connection:
            set_file(connection, job_id, path, "failed", reason=reason, message=message)

    def warn(self, job_id: str, warnings: Sequence[str]) -> None:
        """Adds warnings to the report of a job."""
        with self._writing() as connection:
            known = json.loads(job_field(connection, job_id, "warnings"))
            connection.execute(
                "UPDATE jobs SET warnings = ? WHERE id = ?",
                (json.dumps([*known, *warnings], ensure_ascii=False), job_id),
            )

    def wait(self, job_id: str, message: str) -> None:
        """Queues a job in work again, which cannot go on now; the message says why."""
        with self._writing() as connection:
            requeue_files(connection, job_id)
            move_job(connection, job_id, "queued", message)

    def interrupt(self, job_id: str) -> None:
        """The server ends while a job is in work."""
        with self._writing() as connection:
            release_job(connection, job_id)

    def finish(self, job_id: str, failure: tuple[str, str] | None = None) -> Job:
        """Ends a job in work. Files that were not gone through have failed, or were cancelled.

        Args:
            job_id: the job.
            failure: reason and message for files that were not gone through; None if they were cancelled.
        """
        with self._writing() as connection:
            if failure is None:
                cancel_files(connection, job_id)
            else:
                rest = connection.execute(
                    "SELECT path FROM job_files WHERE job = ? AND state IN ('queued', 'reading')", (job_id,)
                ).fetchall()
                for row in rest:
                    set_file(connection, job_id, row["path"], "failed", reason=failure[0], message=failure[1])
            if failure is not None:
                note_event(connection, job_id, "error", {"code": failure[0], "detail": failure[1]})
            finish_job(connection, job_id, failure[1] if failure else None)
            return read_job(connection, job_id)

    def forget(self, days: int) -> None:
        """Forgets the jobs that have been over for more than so many days."""
        limit = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM jobs WHERE finished_at < ?", (limit,))

    def _value(self, sql: str, values: Sequence[Any]) -> Any:
        with self.database.transaction() as connection:
            row = connection.execute(sql, values).fetchone()
            return row[0] if row else None

    @contextmanager
    def _writing(self, connection: sqlite3.Connection | None = None) -> Iterator[sqlite3.Connection]:
        if connection is not None:
            yield connection
            return
        with self.database.transaction() as own:
            yield own
        self._changed()
