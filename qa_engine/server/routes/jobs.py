"""The jobs: what they do, what becomes of them, and their end before their time."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi import Path as PathParameter
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from qa_engine.server.access import Access, Reader, Writer
from qa_engine.server.jobs.events import followed
from qa_engine.server.jobs.records import Job
from qa_engine.server.jobs.store import JobOverError
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])
JobId = Annotated[str, PathParameter(max_length=64, description="The id of a job.")]
_LARGEST = 2**53


class JobList(BaseModel):
    """A part of the jobs, the newest first.

    Attributes:
        data: the jobs.
        next_cursor: where the next part begins; null behind the oldest job.
    """

    data: list[Job]
    next_cursor: str | None


@router.get("", responses=problem_responses("storage_unavailable"))
async def jobs(
    state: State,
    access: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> JobList:
    """Lists the jobs of the collections that the key may see, the newest first."""
    found = await to_thread.run_sync(state.jobs.store.latest, limit + 1, cursor, access.collections)
    return JobList(data=found[:limit], next_cursor=found[limit - 1].id if len(found) > limit else None)


@router.get("/{job_id}", responses=problem_responses("not_found", "storage_unavailable"))
async def job(job_id: JobId, state: State, access: Reader) -> Job:
    """Tells what a job has done so far."""
    return await _visible_job(state, access, job_id)


@router.delete("/{job_id}", responses=problem_responses("not_found", "job_finished", "storage_unavailable"))
async def cancel(job_id: JobId, state: State, access: Writer) -> Job:
    """Cancels a job: at the next page, if it is in work. Files that are done stay."""
    await _visible_job(state, access, job_id)
    try:
        return await to_thread.run_sync(state.jobs.cancel, job_id)
    except JobOverError:
        raise ProblemError("job_finished", f"The job {job_id} is over.") from None
    except KeyError:
        raise _not_found(job_id) from None


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problem_responses("not_found", "storage_unavailable"),
    },
)
async def events(
    job_id: JobId,
    state: State,
    access: Reader,
    last_event_id: Annotated[int, Header(ge=0, le=_LARGEST)] = 0,
) -> StreamingResponse:
    """Tells what happens to a job until it is over, as server-sent events: job, file, pages, error, and at the end done.

    The header Last-Event-ID goes on behind an event that is known already.
    """
    await _visible_job(state, access, job_id)
    stream = followed(state.jobs.store, state.job_events, job_id, last_event_id, lambda: state.draining)
    headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _visible_job(state: ServerState, access: Access, job_id: str) -> Job:
    """A job of a collection that the key may see.

    Raises:
        ProblemError: ``not_found``.
    """
    found = await to_thread.run_sync(state.jobs.store.get, job_id)
    if found is None or not access.sees(found.collection):
        raise _not_found(job_id)
    return found


def _not_found(job_id: str) -> ProblemError:
    return ProblemError("not_found", f"There is no job {job_id!r}.", "Its id is in GET /api/v1/jobs.")
