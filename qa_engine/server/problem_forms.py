"""The forms that problems take in the protocols of other products, which their clients read instead of problem objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Form = Literal["problem", "openai", "dify"]
"""Of the error of a route: a problem object, or that of OpenAI's or Dify's protocol."""
_PREFIXES: Sequence[tuple[str, Form]] = (
    ("/v1/", "openai"),
    ("/openwebui/", "openai"),
    ("/dify/", "dify"),
    ("/retrieval", "dify"),
)
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_DIFY_STATUS = {401: 403}
"""Dify looks for 403 when it is told a key."""
_DIFY_CODES = {"unauthorized": 1002, "forbidden": 1002, "not_found": 2001}

MEDIA_TYPES: Mapping[Form, str] = {
    "problem": "application/problem+json",
    "openai": "application/json",
    "dify": "application/json",
}
"""Of the body of an error."""
SCHEMAS: Mapping[str, dict[str, Any]] = {
    "OpenAIError": {
        "title": "OpenAIError",
        "description": "An error in the form of OpenAI's protocol.",
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string", "description": "What happened, and what mends it."},
                    "type": {"type": "string", "description": "The kind of error, as OpenAI names it."},
                    "param": {
                        "type": ["string", "null"],
                        "description": "The field that is wrong, such as messages[0].content.",
                    },
                    "code": {"type": "string", "description": "The stable name of the error."},
                },
            }
        },
    },
    "DifyError": {
        "title": "DifyError",
        "description": "An error in the form of Dify's external knowledge API.",
        "type": "object",
        "required": ["error_code", "error_msg"],
        "properties": {
            "error_code": {
                "type": "integer",
                "description": "1001 for a header Authorization of another form, 1002 for a key that is not known or not "
                "allowed, 2001 for a collection that does not exist, or else the HTTP status.",
            },
            "error_msg": {"type": "string", "description": "What happened, and what mends it."},
        },
    },
}
"""The JSON schemas of these errors, by their names among the components of the OpenAPI document."""
SCHEMA_NAMES: Mapping[Form, str] = {"problem": "ProblemObject", "openai": "OpenAIError", "dify": "DifyError"}


def form_of(path: str) -> Form:
    """The form of the errors of a path."""
    return next((form for prefix, form in _PREFIXES if path.startswith(prefix)), "problem")


def status_in(form: Form, status: int) -> int:
    """The HTTP status of a problem in a form.

    Args:
        form: of the error.
        status: of the problem.
    """
    return _DIFY_STATUS.get(status, status) if form == "dify" else status


def openai_error(
    status: int, code: str, sentence: str, errors: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The body of an error in OpenAI's protocol.

    Args:
        status: the HTTP status.
        code: the stable name of the error.
        sentence: what happened, and what mends it.
        errors: what is wrong where, as problem objects list it.
    """
    usual = "invalid_request_error" if status < 500 else "server_error"
    parameter = _parameter(errors[0]["pointer"]) if errors else None
    kind = _OPENAI_TYPES.get(status, usual)
    return {"error": {"message": sentence, "type": kind, "param": parameter or None, "code": code}}


def dify_error(status: int, code: str, sentence: str, malformed_header: bool) -> dict[str, Any]:
    """The body of an error in Dify's external knowledge API.

    Args:
        status: the HTTP status.
        code: the stable name of the error.
        sentence: what happened, and what mends it.
        malformed_header: whether the header ``Authorization`` is missing, or has no bearer key.
    """
    if code == "unauthorized" and malformed_header:
        return {"error_code": 1001, "error_msg": sentence}
    return {"error_code": _DIFY_CODES.get(code, status_in("dify", status)), "error_msg": sentence}


def _parameter(pointer: str) -> str:
    """The name of a field as OpenAI writes it.

    Example:
        >>> _parameter("#/messages/0/content")
        'messages[0].content'
    """
    parts = pointer.removeprefix("#/").replace("~1", "/").replace("~0", "~").split("/")
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", ".".join(parts)) if pointer.startswith("#/") else pointer
