"""The keys that let clients in, for those who run the server."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field, field_validator

from qa_engine.server.access import Access, Administrator, Scope
from qa_engine.server.admission.keys import Key
from qa_engine.server.asking.requests import Body, Name
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.session import set_cookie
from qa_engine.server.state import State
from qa_engine.text.one_line import is_text

router = APIRouter(prefix="/api/v1/keys", tags=["administration"])


class KeyRequest(Body):
    """A key to make.

    Attributes:
        name: of the key; no other has it.
        scope: what it allows.
        collections: the collections that it is limited to; none for all.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    scope: Scope
    collections: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)

    @field_validator("collections")
    @classmethod
    def _texts(cls, names: list[str]) -> list[str]:
        if not all(map(is_text, names)):
            raise ValueError("a name holds lone surrogates, which are no text")
        return names


class ShownKey(BaseModel):
    """A key, without its secret.

    Attributes:
        name: of the key.
        scope: what it allows.
        collections: the collections that it is limited to; null for all.
        created_at: when it was made, in UTC.
        used_at: when it was used last, to a minute; null if never.
        own: whether it is the key of the request.
    """

    name: str
    scope: Scope
    collections: list[str] | None
    created_at: str
    used_at: str | None
    own: bool

    @classmethod
    def of(cls, key: Key, access: Access) -> ShownKey:
        """A key as a request sees it."""
        collections = None if key.collections is None else sorted(key.collections)
        own = key.name == access.name
        return cls(
            name=key.name,
            scope=key.scope,
            collections=collections,
            created_at=key.created,
            used_at=key.used,
            own=own,
        )


class NewKey(ShownKey):
    """A key with its secret, which is shown this once.

    Attributes:
        secret: what clients send.
    """

    secret: str


class KeyList(BaseModel):
    """All keys, by name."""

    data: list[ShownKey]


@router.get("", responses=problem_responses("storage_unavailable"))
async def keys(state: State, access: Administrator) -> KeyList:
    """Lists the keys, without their secrets. Needs a key that is not limited to collections."""
    _require_unlimited(access)
    found = await to_thread.run_sync(state.authenticator.keys.all)
    return KeyList(data=[ShownKey.of(key, access) for key in found])


@router.post(
    "",
    status_code=201,
    responses=problem_responses("read_only", "already_exists", "storage_unavailable"),
)
async def add(
    body: KeyRequest, request: Request, response: Response, state: State, access: Administrator
) -> NewKey:
    """Makes a key. With the first one the server is closed: it must be for all, and a browser gets a session with it."""
    _require_unlimited(access)
    authenticator = state.authenticator
    closes = not authenticator.no_auth and not await authenticator.needs_key()
    if closes and (body.scope != "admin" or body.collections):
        raise ProblemError(
            "invalid_request",
            "The first key closes the server: with this one nobody could make another.",
            "Begin with a key of the scope admin for all collections.",
        )
    if await to_thread.run_sync(authenticator.keys.named, body.name) is not None:
        raise ProblemError("already_exists", f"There is a key {body.name!r} already.")
    secret = await to_thread.run_sync(authenticator.keys.add, body.name, body.scope, body.collections)
    key = await to_thread.run_sync(authenticator.keys.named, body.name)
    if key is None:
        raise ProblemError("not_found", f"The key {body.name!r} has just been removed.")
    if closes:
        set_cookie(response, request, await authenticator.open_session(key))
    response.headers["Cache-Control"] = "no-store"
    return NewKey(**ShownKey.of(key, access).model_dump(), secret=secret)


@router.delete(
    "/{name}", status_code=204, responses=problem_responses("not_found", "read_only", "storage_unavailable")
)
async def remove(
    name: Annotated[str, PathParameter(max_length=64, description="The name of a key.")],
    state: State,
    access: Administrator,
    confirm: Annotated[bool, Query(description="Needed for the key of the request itself.")] = False,
) -> Response:
    """Removes a key: it lets nobody in any more, nor do the sessions that were opened with it."""
    _require_unlimited(access)
    if await to_thread.run_sync(state.authenticator.keys.named, name) is None:
        raise ProblemError("not_found", f"There is no key {name!r}.")
    if name == access.name and not confirm:
        raise ProblemError(
            "invalid_request", f"{name!r} is the key of this request.", "Send confirm=true to remove it."
        )
    await to_thread.run_sync(state.authenticator.keys.remove, name)
    return Response(status_code=204)


def _require_unlimited(access: Access) -> None:
    if access.collections is not None:
        raise ProblemError(
            "forbidden",
            f"The key {access.name!r} is limited to collections.",
            "Use a key with the scope 'admin' for all collections.",
        )
