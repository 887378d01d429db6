"""The table of errors over HTTP: the status of each, what happened, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProblemKind:
    """A line of the table of errors.

    Attributes:
        status: the HTTP status.
        title: what happened, in words that fit every case.
        fix: what mends it; empty where only the case at hand can say.
    """

    status: int
    title: str
    fix: str = ""


PROBLEMS: Mapping[str, ProblemKind] = {
    "malformed_request": ProblemKind(400, "The request cannot be read", "See the OpenAPI document."),
    "digest_mismatch": ProblemKind(
        400, "The body is not the one that was announced", "Send it again; some of it was lost or changed."
    ),
    "unsupported": ProblemKind(
        400, "The request asks for something that is not offered", "Leave it out of the request."
    ),
    "unauthorized": ProblemKind(401, "A key is needed", "Send a key: Authorization: Bearer qae_…"),
    "forbidden": ProblemKind(403, "The key does not allow this", "Use a key with the scope that is named."),
    "read_only": ProblemKind(403, "The server changes nothing", "Start the server without --read-only."),
    "not_found": ProblemKind(404, "There is no such thing"),
    "method_not_allowed": ProblemKind(
        405, "The address does not know this method", "Use one of the methods in Allow."
    ),
    "not_acceptable": ProblemKind(
        406, "The form that was asked for is not offered", "Accept application/json."
    ),
    "request_timeout": ProblemKind(408, "The request did not come in time", "Send it again."),
    "idempotency_mismatch": ProblemKind(
        409, "The idempotency key was used for another request", "Use a new key."
    ),
    "conversation_busy": ProblemKind(
        409, "A question of this conversation is being answered", "Wait for its answer."
    ),
    "job_finished": ProblemKind(409, "The job is over", "Nothing is left to cancel."),
    "already_exists": ProblemKind(409, "It exists already", "Choose another name."),
    "nothing_ingested": ProblemKind(
        409, "The collection holds nothing yet", "Upload documents, and ask when their job is done."
    ),
    "elsewhere": ProblemKind(
        404,
        "The file is on another machine",
        "Ask the server that it was uploaded to, or upload it to this one, too.",
    ),
    "gone": ProblemKind(
        410, "This version of the document is gone", "Ask again: the document has another version now."
    ),
    "precondition_failed": ProblemKind(412, "A condition of the request does not hold"),
    "payload_too_large": ProblemKind(413, "The body is too large", "Send a smaller one."),
    "address_too_long": ProblemKind(414, "The address is too long", "Send values in the body."),
    "unsupported_type": ProblemKind(415, "The content is of a type that is not read"),
    "range_not_satisfiable": ProblemKind(
        416, "The file has no such range", "Ask for a range within its length."
    ),
    "host_not_allowed": ProblemKind(
        421, "The server does not answer under this name", "Add it to server.allowed_hosts."
    ),
    "invalid_request": ProblemKind(422, "The request holds a value that cannot be used"),
    "page_not_drawn": ProblemKind(422, "The page cannot be drawn", "Open the file itself."),
    "file_not_read": ProblemKind(422, "The file cannot be read again", "Open the file itself."),
    "rate_limited": ProblemKind(429, "Too many requests", "Wait as long as Retry-After says."),
    "queue_full": ProblemKind(429, "The queue is full", "Wait as long as Retry-After says."),
    "headers_too_large": ProblemKind(431, "The header is too large", "Send fewer or shorter header fields."),
    "internal": ProblemKind(500, "The server failed", "Look for the request_id in the log of the server."),
    "model_unavailable": ProblemKind(
        503, "A model does not answer", "Try again; if it stays, see /api/v1/doctor."
    ),
    "storage_unavailable": ProblemKind(
        503, "The index cannot be used", "Try again; if it stays, see /api/v1/doctor."
    ),
    "storage_busy": ProblemKind(
        503, "Another process writes to the collection", "Try again when it is done."
    ),
    "misconfigured": ProblemKind(
        503, "The configuration of the server is wrong", "Mend the configuration and start again."
    ),
    "too_many_connections": ProblemKind(
        503, "The server has no connection left", "Try again in a few seconds."
    ),
    "not_ready": ProblemKind(503, "The server is starting", "Try again in a few seconds."),
    "draining": ProblemKind(503, "The server is stopping", "Try again in a few seconds."),
    "model_timeout": ProblemKind(
        504, "The answer took too long", "Ask again, or raise server.question_seconds."
    ),
}
"""All errors by their codes."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "ProblemObject",
    "description": "An error in the form of RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "fix", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "The place in the documentation."},
        "title": {"type": "string", "description": "What happened, in words that fit every case."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened in this case."},
        "code": {"type": "string", "enum": sorted(PROBLEMS), "description": "The stable name of the error."},
        "fix": {"type": "string", "description": "What mends it."},
        "request_id": {"type": "string", "description": "The id of the request in the log of the server."},
        "retry_after": {"type": "integer", "description": "Seconds to wait, of errors with Retry-After."},
        "citation": {"type": "object", "description": "Of gone, for a citation: what was cited."},
        "passages": {
            "type": "array",
            "description": "Of model_timeout: the passages that were found by then.",
            "items": {"type": "object"},
        },
        "errors": {
            "type": "array",
            "description": "Of invalid_request: what is wrong where.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}  # fmt: skip
"""The JSON schema of a problem object, a component of the OpenAPI document."""
