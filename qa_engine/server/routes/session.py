"""Sessions: a browser exchanges a key for a cookie, so that pages, pictures and downloads work in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse

from qa_engine.server.access import Access, Reader
from qa_engine.server.admission.login_page import is_local, login_page
from qa_engine.server.admission.sessions import COOKIE, SESSION_SECONDS
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import State

router = APIRouter(tags=["server"])
_FAULTS = {
    "unauthorized": "这个密钥不存在或已被删除。",
    "rate_limited": "错误的密钥太多，请稍后再试。",
}


class SessionRequest(BaseModel):
    """The key to exchange."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=200)]


class Session(BaseModel):
    """What the key of a request allows.

    Attributes:
        name: of the key; empty for a server that is open.
        scopes: what it may do.
        collections: the collections that it may see; null for all.
    """

    name: str
    scopes: list[str]
    collections: list[str] | None

    @classmethod
    def of(cls, access: Access) -> Session:
        """What an access allows."""
        collections = None if access.collections is None else sorted(access.collections)
        return cls(name=access.name, scopes=sorted(access.scopes), collections=collections)


@router.get("/api/v1/session", responses=problem_responses())
async def show_session(access: Reader) -> Session:
    """Says what the key of the request allows."""
    return Session.of(access)


@router.post("/api/v1/session", responses=problem_responses())
async def open_session(body: SessionRequest, request: Request, response: Response, state: State) -> Session:
    """Exchanges a key for a cookie, which lasts 30 days or until the key is removed. Needs no key in the header."""
    key = await state.authenticator.key(body.key, request.scope)
    set_cookie(response, request, await state.authenticator.open_session(key))
    return Session.of(key.access)


@router.delete("/api/v1/session", status_code=204, responses=problem_responses())
async def end_session(request: Request, response: Response, state: State) -> None:
    """Ends the session of the cookie."""
    if (session := request.cookies.get(COOKIE)) is not None:
        await state.authenticator.end_session(session)
    response.delete_cookie(
        COOKIE, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )


@router.get("/login", include_in_schema=False)
async def show_login(request: Request, next: str = "/") -> Response:
    """The form that asks for a key."""
    return login_page(request.scope, next)


@router.post("/login", include_in_schema=False)
async def log_in(
    request: Request, state: State, key: Annotated[str, Form()] = "", next: str = "/"
) -> Response:
    """Exchanges the key of the form for a cookie, and returns to the page that asked for it."""
    try:
        found = await state.authenticator.key(key.strip(), request.scope)
    except ProblemError as problem:
        return login_page(request.scope, next, problem.kind.status, _FAULTS[problem.code])
    target = next if is_local(next) else f"{request.scope.get('root_path', '')}/"
    response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
    set_cookie(response, request, await state.authenticator.open_session(found))
    return response


def set_cookie(response: Response, request: Request, session: str) -> None:
    """Puts the id of a session into a response. Scripts cannot read it, and other origins do not send it with a change."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=SESSION_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
