"""What changes about a file of a collection: its metadata, and whether it is there."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr
from starlette.requests import Request
from starlette.responses import Response

from qa_engine.index.records import FileRecord
from qa_engine.ingestion.maintenance.metadata import change_metadata
from qa_engine.server.access import Writer
from qa_engine.server.jobs.events import ended
from qa_engine.server.jobs.records import FileTask, Job
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.parameters import Collection, FileId
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/collections/{collection}/files", tags=["files"])


class MetadataChange(BaseModel):
    """What changes about the metadata of a file.

    Attributes:
        metadata: a value sets its key, null removes it; other keys stay.
    """

    model_config = ConfigDict(extra="forbid")

    metadata: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat | None]


class FileMetadata(BaseModel):
    """The metadata of a file.

    Attributes:
        file_id: the id of the file.
        file: its name.
        metadata: all of its metadata.
    """

    file_id: str
    file: str
    metadata: dict[str, str | int | float | bool]


@router.patch("/{file_id}", responses=problem_responses("not_found", "storage_busy", "storage_unavailable"))
async def change(
    collection: Collection, file_id: FileId, changes: MetadataChange, state: State, access: Writer
) -> FileMetadata:
    """Changes the metadata of a file. Filters of questions see it at once."""
    access.require([collection])
    state.require_accepting()
    return await state.change(_change, state, collection, file_id, changes)


@router.delete(
    "/{file_id}",
    responses={
        202: {"model": Job, "description": "It is done when the jobs before it are over."},
        **problem_responses("not_found", "storage_busy", "storage_unavailable"),
    },
)
async def delete(
    collection: Collection,
    file_id: FileId,
    request: Request,
    response: Response,
    state: State,
    access: Writer,
) -> Job:
    """Takes a file out of a collection, after the jobs that came before. A file that was uploaded is deleted with it.

    200 says that it is done; 202, with the address of the job in Location, that it waits.
    """
    access.require([collection])
    state.require_accepting()
    record = await state.read_files(_file, state, collection, file_id)
    job = await delete_file(state, collection, record)
    if not job.is_over:
        response.status_code = 202
        response.headers["Location"] = f"{request.scope.get('root_path', '')}/api/v1/jobs/{job.id}"
    return job


async def delete_file(state: ServerState, collection: str, record: FileRecord) -> Job:
    """Takes a file out of a collection, after the jobs that came before.

    Returns:
        Its job, which is over or waits for those before it.

    Raises:
        ProblemError: it failed.
    """
    task = FileTask(record.path, record.file_name)
    job = await to_thread.run_sync(state.jobs.add, "delete", collection, [task])
    wait = state.config.server.write_wait_seconds
    job = await ended(state.jobs.store, state.job_events, job.id, wait) or job
    if job.state == "failed":
        failed = job.files[0]
        code = "storage_busy" if failed.reason == "storage_busy" else "storage_unavailable"
        raise ProblemError(code, failed.message or "The file could not be deleted.")
    if job.is_over:
        await state.read_files(state.remove_unused_pages)
    return job


def _file(state: ServerState, collection: str, file_id: str) -> FileRecord:
    """The record of a file.

    Raises:
        ProblemError: ``not_found``; there is no such collection or file.
    """
    with state.catalogs.opened(collection) as catalog:
        return state.catalogs.file(catalog, collection, file_id)


def _change(state: ServerState, collection: str, file_id: str, changes: MetadataChange) -> FileMetadata:
    _file(state, collection, file_id)  # a file that is not there need not wait for its turn
    with state.jobs.turn(collection, state.config.server.write_wait_seconds):
        path = _file(state, collection, file_id).path
        record = change_metadata(path, changes.metadata, collection=collection, config=state.config)
    return FileMetadata(file_id=record.file_id, file=record.file_name, metadata=record.metadata)
