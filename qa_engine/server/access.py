"""Who may do what: the access of a request, and the dependencies by which routes ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends
from starlette.requests import Request

from qa_engine.server.problems import ProblemError

Scope = Literal["read", "write", "admin"]
INCLUDED_SCOPES: dict[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}
"""What each scope allows."""


@dataclass(frozen=True)
class Access:
    """What the key of a request allows.

    Attributes:
        name: of the key; empty for a server that is open.
        scopes: what it may do.
        collections: the collections that it may see; None for all.
    """

    name: str = ""
    scopes: frozenset[Scope] = INCLUDED_SCOPES["admin"]
    collections: frozenset[str] | None = None

    @property
    def may_read(self) -> bool:
        """Whether it may do anything at all."""
        return "read" in self.scopes

    def sees(self, collection: str) -> bool:
        """Whether it may see a collection."""
        return self.collections is None or collection in self.collections

    def require(self, collections: Iterable[str]) -> None:
        """Raises `ProblemError` ``not_found`` if it may not see one of the collections: a key does not learn of others."""
        for name in collections:
            if not self.sees(name):
                raise ProblemError("not_found", f"There is no collection {name!r}.")


def access_of(request: Request) -> Access:
    """The access of a request, as `qa_engine.server.admission.authentication.Authentication` has found it."""
    access: Access = request.state.access
    return access


def require(scope: Scope) -> Callable[[Request], Access]:
    """A dependency of a route: the access of the request, if it has a scope.

    Raises:
        ProblemError: ``unauthorized`` without a key; ``forbidden`` if it lacks the scope; ``read_only`` for changes if the
            server allows none.
    """

    def access(request: Request) -> Access:
        found = access_of(request)
        if not found.may_read:
            raise ProblemError("unauthorized", "The request has no key.")
        if scope not in found.scopes:
            raise ProblemError("forbidden", f"The key {found.name!r} has not the scope {scope!r}.")
        changes = scope != "read" and request.method not in {"GET", "HEAD"}
        if changes and request.app.state.server.config.server.read_only:
            raise ProblemError("read_only", "This server lets nobody change collections.")
        return found

    return access


Reader = Annotated[Access, Depends(require("read"))]
Writer = Annotated[Access, Depends(require("write"))]
Administrator = Annotated[Access, Depends(require("admin"))]
"""The access of a request, for parameters of routes: with the scope that each needs."""
