"""For those who run the server: its metrics, its configuration and the doctor."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from qa_engine.diagnosis.doctor import diagnose
from qa_engine.server.access import Administrator, access_of
from qa_engine.server.metrics import CONTENT_TYPE
from qa_engine.server.problems import ProblemError, problem_responses, without_folders
from qa_engine.server.state import State

router = APIRouter(tags=["administration"])


@router.get("/metrics", responses=problem_responses(), response_class=PlainTextResponse)
async def metrics(request: Request, state: State) -> Response:
    """The metrics, in the text format of Prometheus. Needs the scope read, unless `server.metrics_open` is set."""
    if not (state.config.server.metrics_open or access_of(request).may_read):
        raise ProblemError("forbidden", "The key has not the scope 'read'.")
    return Response(await to_thread.run_sync(state.metrics.render), media_type=CONTENT_TYPE)


@router.get("/api/v1/config", responses=problem_responses())
async def config(state: State, access: Administrator) -> dict[str, Any]:
    """The settings in force, as `qa-engine config --json`: without secrets, and of paths the last part alone."""
    shown: dict[str, Any] = without_folders(state.config.model_dump(mode="json"))
    return shown


@router.get("/api/v1/doctor", responses=problem_responses())
async def doctor(state: State, access: Administrator) -> dict[str, Any]:
    """What `qa-engine doctor --json` finds; it may take a while. One runs at a time."""
    diagnosis = await to_thread.run_sync(diagnose, None, None, state.config, limiter=state.doctor_thread)
    found: dict[str, Any] = without_folders(diagnosis.to_dict())
    return found
