"""Errors over HTTP: what each error of the package is there, and how it is rendered for the protocol of the request.

The native form is the problem object of RFC 9457. ``code`` is the stable name of an error, ``fix`` says what mends it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from qa_engine import errors
from qa_engine.server.paths import route_path
from qa_engine.server.problem_forms import (
    MEDIA_TYPES,
    SCHEMA_NAMES,
    Form,
    dify_error,
    form_of,
    openai_error,
    status_in,
)
from qa_engine.server.problem_kinds import PROBLEMS

logger = logging.getLogger("qa_engine.server")

ERRORS_PAGE = "https://github.com/qa-engine/qa-engine/blob/main/docs/server.md#"
"""``type`` of a problem: this page with the code as its anchor."""
_LOCAL_PATH = re.compile(
    r"""(?:(?<=[\s'"(=,:])|^)(?:[A-Za-z]:[\\/]|\.{0,2}/(?!/)|~/)(?:[^\s'",;:()]*[\\/])*(?=[^\s'",;:()\\/])"""
)


_OF_ERRORS: Sequence[tuple[type[errors.QAEngineError], str]] = (
    (errors.CollectionNotFoundError, "not_found"),
    (errors.InputError, "invalid_request"),
    (errors.AuthenticationFailedError, "model_unavailable"),
    (errors.ConfigurationError, "misconfigured"),
    (errors.ModelUnavailableError, "model_unavailable"),
    (errors.IndexUnavailableError, "storage_unavailable"),
    (errors.ServiceUnavailableError, "model_unavailable"),
    (errors.IndexLockedError, "storage_busy"),
    (errors.StorageError, "storage_unavailable"),
    (errors.DocumentError, "invalid_request"),
)
"""The codes of the package's own errors: the first class that fits."""
_OF_STATUS = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    416: "range_not_satisfiable",
}
_RETRY_SECONDS = 5
_EVERYWHERE = (
    *(
        "malformed_request",
        "unauthorized",
        "forbidden",
        "request_timeout",
        "payload_too_large",
        "address_too_long",
    ),
    *(
        "host_not_allowed",
        "invalid_request",
        "rate_limited",
        "headers_too_large",
        "internal",
        "not_ready",
        "draining",
    ),
)
"""What every route may answer."""


class ProblemError(Exception):
    """An error that a client sees. Raise it anywhere below a route.

    Args:
        code: one of `PROBLEMS`.
        detail: one sentence about the case at hand, with the offending value; no local path.
        fix: what mends it, instead of the fix in the table.
        headers: of the response.
        members: further members of the problem object.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        fix: str = "",
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.members = code, detail, members
        self.kind = PROBLEMS[code]
        self.fix = fix or self.kind.fix
        self.headers = dict(headers or {})
        if self.kind.status in {429, 503}:
            self.headers.setdefault("Retry-After", str(members.get("retry_after", _RETRY_SECONDS)))
        if self.kind.status == 401:
            self.headers.setdefault("WWW-Authenticate", "Bearer")

    @property
    def sentence(self) -> str:
        """What happened, and what mends it."""
        return f"{self.detail} {self.fix}".strip()

    def to_dict(self, request_id: str) -> dict[str, Any]:
        """The problem object of RFC 9457."""
        return {
            "type": f"{ERRORS_PAGE}{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.code,
            "fix": self.fix,
            "request_id": request_id,
            **self.members,
        }


def problem_of(error: BaseException, request_id: str = "") -> ProblemError:
    """The problem that tells a client about an error; whatever was not raised on purpose is logged and told as 500."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, errors.QAEngineError):
        code = next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), None)
        if code is not None:
            if PROBLEMS[code].status >= 500:
                logger.warning("request %s: %s", request_id, error)
            return ProblemError(code, without_paths(str(error)))
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException) and error.status_code in _OF_STATUS:
        return ProblemError(
            _OF_STATUS[error.status_code], f"{str(error.detail).rstrip('.')}.", headers=error.headers
        )
    logger.error("request %s failed: %s: %s", request_id, type(error).__name__, error, exc_info=error)
    return ProblemError("internal", "The request could not be handled.")


def without_paths(text: str) -> str:
    """A message without the folders of local paths: of each path its last part is left.

    Example:
        >>> without_paths("The index in /srv/storage/default cannot be read.")
        'The index in default cannot be read.'
    """
    return _LOCAL_PATH.sub("", text)


def without_folders(content: Any) -> Any:
    """JSON without the folders of local paths, which are nobody's business."""
    if isinstance(content, str):
        return without_paths(content)
    if isinstance(content, dict):
        return {name: without_folders(value) for name, value in content.items()}
    if isinstance(content, list):
        return [without_folders(value) for value in content]
    return content


def render(problem: ProblemError, scope: Scope) -> Response:
    """The response for a problem, in the form of the protocol that the path of the request belongs to."""
    form, request_id = form_of(route_path(scope)), request_id_of(scope)
    scope.get("state", {}).setdefault("notes", {})["problem"] = problem.code  # for the access log
    status = status_in(form, problem.kind.status)
    if form == "openai":
        body = openai_body(problem)
    elif form == "dify":
        bearer = Headers(scope={"headers": scope.get("headers", [])}).get("authorization", "")
        malformed = not bearer.lower().startswith("bearer ")
        body = dify_error(status, problem.code, problem.sentence, malformed)
    else:
        body = problem.to_dict(request_id)
    return JSONResponse(body, status, problem.headers, MEDIA_TYPES[form])


def openai_body(problem: ProblemError) -> dict[str, Any]:
    """A problem in the form of OpenAI's protocol."""
    return openai_error(
        problem.kind.status, problem.code, problem.sentence, problem.members.get("errors", ())
    )


def request_id_of(scope: Scope) -> str:
    """The id of a request, as `qa_engine.server.requests.RequestIds` gave it."""
    return str(scope.get("state", {}).get("request_id", ""))


def handle_errors(app: FastAPI) -> None:
    """Has an application answer with problem objects, whatever goes wrong below its routes."""

    async def handle(request: Request, error: Exception) -> Response:
        return render(problem_of(error, request_id_of(request.scope)), request.scope)

    for kind in (ProblemError, errors.QAEngineError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def problem_responses(*codes: str, form: Form = "problem") -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route for the OpenAPI document: the problems that it can answer with.

    Every route answers with some of them, which need not be named.

    Args:
        codes: of `PROBLEMS`.
        form: that the path of the route gives them.
    """
    named: dict[int, list[str]] = {}
    for code in dict.fromkeys((*_EVERYWHERE, *codes)):
        named.setdefault(status_in(form, PROBLEMS[code].status), []).append(code)
    content = {MEDIA_TYPES[form]: {"schema": {"$ref": f"#/components/schemas/{SCHEMA_NAMES[form]}"}}}
    return {
        status: {"description": f"{HTTPStatus(status).phrase}: {', '.join(codes_of)}", "content": content}
        for status, codes_of in sorted(named.items())
    }


def _invalid(error: RequestValidationError) -> ProblemError:
    """The problem of a body or of parameters that do not fit."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return ProblemError("malformed_request", "The body is not valid JSON.")
    entries = [{"pointer": _pointer(fault["loc"]), "detail": str(fault["msg"])} for fault in faults[:20]]
    first = entries[0] if entries else {"pointer": "", "detail": "It cannot be used"}
    return ProblemError(
        "invalid_request",
        f"{first['pointer']}: {first['detail']}.",
        "Correct what errors lists; the OpenAPI document says what is allowed.",
        errors=entries,
    )


def _pointer(location: Sequence[int | str]) -> str:
    """Where a fault is: a JSON pointer into the body, as ``#/question``, or the name of a parameter, as ``query:limit``."""
    kind, *rest = location or ("body",)
    if kind == "body":
        return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)
    return f"{kind}:{'.'.join(map(str, rest))}"
