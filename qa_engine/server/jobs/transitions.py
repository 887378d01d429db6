"""What happens to a job within a transaction of the database, with the event that tells of it."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any

from qa_engine.index.records import file_id
from qa_engine.ingestion.report import utc_now
from qa_engine.server.jobs.records import (
    NEXT_STATES,
    UNFINISHED,
    FileState,
    Job,
    JobFile,
    JobState,
    counts_of,
    final_state,
    report_of,
)


def note_event(
    connection: sqlite3.Connection, job_id: str, kind: str, data: dict[str, Any], file: str | None = None
) -> None:
    """Adds an event to the log of a job."""
    connection.execute(
        "INSERT INTO job_events (job, sequence, kind, file, data) "
        "SELECT ?1, COALESCE(MAX(sequence), 0) + 1, ?2, ?3, ?4 FROM job_events WHERE job = ?1",
        (job_id, kind, file, json.dumps(data, ensure_ascii=False)),
    )


def job_field(connection: sqlite3.Connection, job_id: str, name: str) -> Any:
    """The value of a column of a job."""
    return connection.execute(f"SELECT {name} FROM jobs WHERE id = ?", (job_id,)).fetchone()[0]


def move_job(
    connection: sqlite3.Connection, job_id: str, state: JobState, message: str | None = None
) -> None:
    """Changes the state of a job."""
    current: JobState = job_field(connection, job_id, "state")
    if state not in NEXT_STATES[current]:
        raise ValueError(f"The job {job_id} is {current} and cannot become {state}.")
    connection.execute("UPDATE jobs SET state = ?, message = ? WHERE id = ?", (state, message, job_id))
    note_event(connection, job_id, "job", {"state": state} | ({"message": message} if message else {}))


def release_job(connection: sqlite3.Connection, job_id: str) -> None:
    """A job in work is interrupted."""
    requeue_files(connection, job_id)
    move_job(connection, job_id, "interrupted")


def requeue_files(connection: sqlite3.Connection, job_id: str) -> None:
    """Files that are being read wait again."""
    connection.execute(
        "UPDATE job_files SET state = 'queued', pages_read = 0 WHERE job = ? AND state = 'reading'", (job_id,)
    )


def set_file(
    connection: sqlite3.Connection, job_id: str, path: str, state: FileState, **values: str | int
) -> None:
    """Changes what is known of a file that is still to be gone through."""
    row = connection.execute(
        "SELECT name, state FROM job_files WHERE job = ? AND path = ?", (job_id, path)
    ).fetchone()
    if row is None or row["state"] not in {"queued", "reading"}:
        return
    names = ", ".join(f"{name} = ?" for name in ("state", *values))
    connection.execute(
        f"UPDATE job_files SET {names} WHERE job = ? AND path = ?", (state, *values.values(), job_id, path)
    )
    told = {name: value for name, value in values.items() if name != "pages_read"}
    note_event(connection, job_id, "file", {"file": row["name"], "state": state, **told}, path)


def cancel_files(connection: sqlite3.Connection, job_id: str) -> None:
    """Cancels the files that are still to be gone through."""
    rest = connection.execute(
        "SELECT path FROM job_files WHERE job = ? AND state IN ('queued', 'reading')", (job_id,)
    ).fetchall()
    for row in rest:
        set_file(connection, job_id, row["path"], "cancelled")


def finish_job(connection: sqlite3.Connection, job_id: str, message: str | None = None) -> None:
    """Ends a job whose files have all been gone through: with its report."""
    now = utc_now()
    job = read_job(connection, job_id)
    seconds = 0.0
    if job.started_at is not None:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(job.started_at)).total_seconds()
    warnings = json.loads(job_field(connection, job_id, "warnings"))
    report = report_of(job.kind, job.collection, job.files, seconds, warnings)
    connection.execute(
        "UPDATE jobs SET report = ?, finished_at = ? WHERE id = ?",
        (json.dumps(report, ensure_ascii=False), now, job_id),
    )
    move_job(connection, job_id, final_state(job.files), message)
    note_event(connection, job_id, "done", report)


def read_job(connection: sqlite3.Connection, job_id: str) -> Job:
    """A job with its files."""
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    files = [
        JobFile(
            file_id=file_id(file["path"]),
            **{name: file[name] for name in JobFile.model_fields if name != "file_id"},
        )
        for file in connection.execute("SELECT * FROM job_files WHERE job = ? ORDER BY place", (job_id,))
    ]
    return Job(
        id=row["id"],
        kind=row["kind"],
        collection=row["collection"],
        state=row["state"],
        message=row["message"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        counts=counts_of(files),
        files=files,
        report=json.loads(row["report"]) if row["report"] else None,
        cancellable=row["state"] in UNFINISHED and not row["cancelling"],
    )
