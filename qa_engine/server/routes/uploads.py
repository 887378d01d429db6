"""Uploads: one file by its name, or several in a form."""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Header
from fastapi import Path as PathParameter
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from qa_engine.server.access import Writer
from qa_engine.server.jobs.records import Job
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.parameters import Collection
from qa_engine.server.state import ServerState, State
from qa_engine.server.uploads.acceptance import Acceptance, Slots
from qa_engine.server.uploads.bodies import FormReader, counted, receive_file, too_large
from qa_engine.server.uploads.incoming import IncomingFile
from qa_engine.server.uploads.names import file_name_of

router = APIRouter(prefix="/api/v1/collections/{collection}/files", tags=["files"])
_DIGEST = re.compile(r"\s*([a-z0-9*_.-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*")
_PROBLEMS = (
    *("not_found", "payload_too_large", "unsupported_type", "queue_full"),
    *("digest_mismatch", "storage_busy", "storage_unavailable"),
)


class UnchangedFile(BaseModel):
    """A file that the collection has already.

    Attributes:
        name: its name.
        file_id: its id in the collection.
    """

    name: str
    file_id: str


class UnchangedFiles(BaseModel):
    """Nothing is to be done: the collection has these contents under these names already."""

    collection: str
    status: Literal["unchanged"]
    files: list[UnchangedFile]


@router.put(
    "/{name:path}", include_in_schema=False
)  # the other one matches no slashes, this one no line breaks
@router.put(
    "/{name}",
    status_code=202,
    response_model=Job,
    responses={200: {"model": UnchangedFiles}, **problem_responses(*_PROBLEMS, "precondition_failed")},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_file(
    collection: Collection,
    name: Annotated[str, PathParameter(description="The name under which the file will be known.")],
    request: Request,
    state: State,
    access: Writer,
    content_digest: Annotated[
        str | None, Header(description="`sha-256=:BASE64:`; the body is compared with it.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(description="`*` to have a file of this name refused instead of replaced.")
    ] = None,
) -> Response:
    """Brings a document into a collection under a name: a new file, or another content for the one of this name.

    It is a PDF, or of one of the formats whose endings `/api/v1/info` lists.

    202 names the job that ingests it; 200 says that the collection has this content under this name already.
    """
    access.require([collection])
    state.require_accepting()
    name = file_name_of(name)
    expected = _expected_digest(content_digest)
    uploads = state.uploads
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise ProblemError(
                "invalid_request", f"If-None-Match is {if_none_match[:80]!r}, and * is allowed."
            )
        await to_thread.run_sync(uploads.require_new, collection, name)
    with uploads.slots() as slots:
        await _admit(request, state, slots)
        file = await to_thread.run_sync(IncomingFile, uploads.incoming, name, limiter=uploads.threads)
        try:
            await receive_file(counted(request.stream(), uploads.max_bytes), file, uploads.threads)
            if expected is not None and expected != file.digest:
                raise ProblemError(
                    "digest_mismatch",
                    f"The SHA-256 of the body is {file.sha256}, and Content-Digest says another.",
                )
            accepted = await to_thread.run_sync(uploads.accept, collection, [file], limiter=uploads.threads)
        except ClientDisconnect:
            return Response(status_code=400)
        finally:
            file.discard()
    return _response(request, accepted)


@router.post(
    "",
    status_code=202,
    response_model=Job,
    responses={200: {"model": UnchangedFiles}, **problem_responses(*_PROBLEMS, "idempotency_mismatch")},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "metadata": {"type": "object"},
                        },
                    }
                }
            },
        }
    },
)
async def post_files(
    collection: Collection,
    request: Request,
    state: State,
    access: Writer,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=255, description="The same request with the same key is done once."),
    ] = None,
) -> Response:
    """Brings PDFs into a collection: parts `file` of a form, and one part `metadata`, a JSON object for all of them.

    202 names the job that ingests them; 200 says that the collection has all of these contents under these names already.
    """
    access.require([collection])
    state.require_accepting()
    uploads = state.uploads
    form = FormReader(request.headers.get("content-type", ""), uploads.incoming, uploads.threads)
    with uploads.slots() as slots:
        await _admit(request, state, slots)
        try:
            await form.read(
                counted(request.stream(), uploads.max_bytes), partial(to_thread.run_sync, slots.take)
            )
            key = (access.name, idempotency_key) if idempotency_key is not None else None
            accepted = await to_thread.run_sync(
                uploads.accept, collection, form.files, form.metadata, key, limiter=uploads.threads
            )
        except ClientDisconnect:
            return Response(status_code=400)
        finally:
            form.discard()
    return _response(request, accepted)


async def _admit(request: Request, state: ServerState, slots: Slots) -> None:
    """Refuses an upload before the first byte of its body is read.

    Raises:
        ProblemError: ``payload_too_large``, ``unsupported_type`` or ``queue_full``.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > state.uploads.max_bytes:
        raise too_large(state.uploads.max_bytes)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise ProblemError(
            "unsupported_type",
            f"The body has the Content-Encoding {encoding[:80]!r}.",
            "Send the file as it is.",
        )
    await to_thread.run_sync(slots.take)


def _expected_digest(header: str | None) -> bytes | None:
    """The SHA-256 that a ``Content-Digest`` names; None if it names none.

    Raises:
        ProblemError: ``malformed_request``; it cannot be read.
    """
    if header is None:
        return None
    for entry in header.split(","):
        match = _DIGEST.fullmatch(entry)
        if match is None:
            raise ProblemError(
                "malformed_request", f"Content-Digest is {header[:80]!r}.", "Write sha-256=:BASE64:"
            )
        if match[1] == "sha-256":
            try:
                return base64.b64decode(match[2], validate=True)
            except binascii.Error:
                raise ProblemError(
                    "malformed_request", f"The SHA-256 {match[2][:80]!r} is not Base64."
                ) from None
    return None


def _response(request: Request, accepted: Acceptance) -> Response:
    headers = {}
    if accepted.job_id is not None:
        headers["Location"] = f"{request.scope.get('root_path', '')}/api/v1/jobs/{accepted.job_id}"
    return Response(accepted.body, accepted.status, headers, "application/json")
