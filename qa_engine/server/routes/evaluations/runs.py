"""Evaluations: what they measured, their reports and comparisons; and to start one."""

from __future__ import annotations

import json
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from qa_engine.evaluation import require_packages
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.reports.template_engine import report_policy
from qa_engine.server.access import Access, Administrator
from qa_engine.server.asking.requests import Body, Name, asked_collections
from qa_engine.server.evaluation.records import Run, WholeRun
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/evaluation", tags=["evaluation"])
RunName = Annotated[str, PathParameter(max_length=255, description="The name of an evaluation.")]


class RunRequest(Body):
    """An evaluation to start.

    Attributes:
        collections: the test questions of exactly these are asked; those of the server if none is named.
        retrieval_only: whether no answers are made.
    """

    collections: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    retrieval_only: bool = False


class RunList(BaseModel):
    """A part of the evaluations, the newest first.

    Attributes:
        data: the evaluations.
        next_cursor: where the next part begins; null behind the oldest.
    """

    data: list[Run]
    next_cursor: str | None


@router.get("/runs", responses=problem_responses("storage_unavailable"))
async def runs(
    state: State,
    access: Administrator,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=255)] = None,
) -> RunList:
    """Lists the evaluations in the folder `server.runs`, the newest first."""
    found, following = await state.read_files(state.runs.latest, access, limit, cursor)
    return RunList(data=found, next_cursor=following)


@router.post(
    "/runs",
    status_code=202,
    responses=problem_responses(
        "not_found", "read_only", "queue_full", "model_unavailable", "storage_unavailable"
    ),
)
async def start(body: RunRequest, state: State, access: Administrator, response: Response) -> Run:
    """Asks the test questions in a process that gives way to other questions. One runs at a time."""
    require_packages()
    state.require_accepting()
    collections = asked_collections(body.collections, state.engines.default, access.collections)
    access.require(collections)
    run = await to_thread.run_sync(_start, state, access, collections, body.retrieval_only)
    response.headers["Location"] = f"/api/v1/evaluation/runs/{run.name}"
    return run


def _start(state: ServerState, access: Access, collections: tuple[str, ...], retrieval_only: bool) -> Run:
    questions = [
        LabelledQuestion.model_validate(json.loads(line))
        for line in state.test_questions.lines(access, collections)
    ]
    if not questions:
        names = ", ".join(collections)
        raise ProblemError(
            "invalid_request",
            f"There are no test questions of {names}.",
            "Add one, or name other collections.",
        )
    return state.runs.get(access, state.evaluations.start(questions[::-1], collections, retrieval_only))


@router.get(
    "/comparison", responses=problem_responses("not_found", "model_unavailable", "storage_unavailable")
)
async def comparison(
    state: State,
    access: Administrator,
    before: Annotated[str, Query(max_length=255)],
    after: Annotated[str, Query(max_length=255)],
) -> dict[str, Any]:
    """Compares two evaluations question by question, as ``qa-engine evaluate --compare --json``."""
    return await state.read_files(state.runs.compare, access, before, after)


@router.get("/runs/{name}", responses=problem_responses("not_found", "storage_unavailable"))
async def run(name: RunName, state: State, access: Administrator) -> WholeRun:
    """Shows an evaluation with all that it measured, and its worst cases."""
    return await state.read_files(state.runs.show, access, name)


@router.delete(
    "/runs/{name}",
    responses=problem_responses("not_found", "read_only", "job_finished", "storage_unavailable"),
)
async def cancel(name: RunName, state: State, access: Administrator) -> Run:
    """Cancels an evaluation that this server runs. What it has asked stays in its folder."""
    await state.read_files(state.runs.get, access, name)
    if not await to_thread.run_sync(state.evaluations.cancel, name):
        raise ProblemError("job_finished", f"The evaluation {name!r} is not run by this server.")
    return await state.read_files(state.runs.get, access, name)


@router.get(
    "/runs/{name}/report",
    response_class=HTMLResponse,
    responses=problem_responses("not_found", "storage_unavailable"),
)
async def report(name: RunName, state: State, access: Administrator) -> HTMLResponse:
    """The report of an evaluation, a page that runs no script but its own and loads nothing."""
    content = await state.read_files(state.runs.report, access, name)
    return HTMLResponse(content, headers={"Content-Security-Policy": report_policy()})
