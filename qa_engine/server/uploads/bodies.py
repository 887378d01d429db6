"""Reads the bodies of uploads as they come: one file, or a form with several."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from qa_engine.index.files.metadata import checked_metadata
from qa_engine.index.records import Metadata
from qa_engine.server.problems import ProblemError
from qa_engine.server.uploads.incoming import IncomingFile
from qa_engine.server.uploads.names import file_name_of

_WRITE_BYTES = 1 << 20
"""Bytes that are collected before they are written: a change of threads costs more than to write a few."""
_MAX_METADATA = 1_000_000


async def counted(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The pieces of a body.

    Raises:
        ProblemError: ``payload_too_large``; there are more than ``limit`` bytes.
    """
    received = 0
    async for piece in body:
        received += len(piece)
        if received > limit:
            raise too_large(limit)
        yield piece


def too_large(limit: int) -> ProblemError:
    """The problem of a body with more than so many bytes."""
    return ProblemError(
        "payload_too_large",
        f"The body has more than the {limit:,} bytes that are allowed.",
        "Send fewer or smaller files, or raise server.max_upload_megabytes.",
    )


async def receive_file(body: AsyncIterator[bytes], file: IncomingFile, threads: CapacityLimiter) -> None:
    """Writes a body to a file, and finishes the file.

    Raises:
        ProblemError, StorageError: as `IncomingFile` does.
    """
    waiting = bytearray()
    async for piece in body:
        waiting += piece
        if len(waiting) >= _WRITE_BYTES:
            await to_thread.run_sync(file.write, bytes(waiting), limiter=threads)
            waiting.clear()
    await to_thread.run_sync(file.write, bytes(waiting), limiter=threads)
    await to_thread.run_sync(file.finish, limiter=threads)


@dataclass
class _Part:
    """A part of a form that is being read: its file, or its field and the bytes of it; and bytes to be written."""

    header: dict[bytes, bytes] = field(default_factory=dict)
    file: IncomingFile | None = None
    sent_name: str | None = None
    waiting: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


class FormReader:
    """Reads a ``multipart/form-data`` body: parts ``file``, and one part ``metadata`` with a JSON object."""

    def __init__(self, content_type: str, folder: Path, threads: CapacityLimiter) -> None:
        """
        Args:
            content_type: the header of the request.
            folder: for temporary files.
            threads: those that write.

        Raises:
            ProblemError: ``unsupported_type``; the body is no form.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise ProblemError(
                "unsupported_type",
                f"The Content-Type is {content_type[:80]!r}, and multipart/form-data is expected.",
                "Send a form, or send one file with PUT.",
            )
        self.files: list[IncomingFile] = []
        self.metadata: Metadata | None = None
        self._folder = folder
        self._threads = threads
        self._parts: list[_Part] = []
        self._ended = False
        self._field, self._value = bytearray(), bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": lambda: self._parts.append(_Part()),
                    "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": lambda data, start, end: self._parts[-1].waiting.extend(data[start:end]),
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed(str(error)) from None

    async def read(self, body: AsyncIterator[bytes], begin_file: Callable[[], Awaitable[None]]) -> None:
        """Reads the body, and finishes the files.

        Args:
            body: its pieces.
            begin_file: is called for each file but the first, before it is written.

        Raises:
            ProblemError: ``malformed_request``, ``invalid_request``, or what ``begin_file`` and `IncomingFile` raise.
            StorageError: as `IncomingFile` does.
        """
        async for piece in body:
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise _malformed(str(error)) from None
            await self._work_off(begin_file, least=_WRITE_BYTES)
        await self._work_off(begin_file, least=0)
        if not self._ended:
            raise _malformed("it ends before its last boundary")
        if not self.files:
            raise ProblemError("invalid_request", "The form has no part 'file'.", "Send one or more files.")
        names = [file.name for file in self.files]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ProblemError(
                "invalid_request", f"Two files have the name {doubled[0]!r}.", "Name each file otherwise."
            )

    def discard(self) -> None:
        """Removes the temporary files."""
        for file in self.files:
            file.discard()

    async def _work_off(self, begin_file: Callable[[], Awaitable[None]], least: int) -> None:
        """Writes what has come, of parts that are whole and of the one that is coming if it is so much."""
        while self._parts:
            part = self._parts[0]
            if part.sent_name is not None and part.file is None:
                if self.files:
                    await begin_file()
                name = file_name_of(part.sent_name)
                part.file = await to_thread.run_sync(IncomingFile, self._folder, name, limiter=self._threads)
                self.files.append(part.file)
            if part.file is None:
                if len(part.waiting) > _MAX_METADATA:
                    raise ProblemError("invalid_request", "The metadata has more than 1,000,000 bytes.")
                if part.is_whole:
                    self.metadata = _metadata(bytes(part.waiting))
            elif part.is_whole or len(part.waiting) >= least:
                await to_thread.run_sync(part.file.write, bytes(part.waiting), limiter=self._threads)
                part.waiting.clear()
                if part.is_whole:
                    await to_thread.run_sync(part.file.finish, limiter=self._threads)
            if not part.is_whole:
                return
            self._parts.pop(0)

    def _end_header(self) -> None:
        self._parts[-1].header[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _begin_content(self) -> None:
        part = self._parts[-1]
        _, options = parse_options_header(part.header.get(b"content-disposition", b"").decode("latin-1"))
        match options.get(b"name"):
            case b"file":
                part.sent_name = options.get(b"filename", b"").decode("utf-8", "replace")
            case b"metadata":
                pass
            case other:
                shown = (other or b"").decode("utf-8", "replace")
                raise ProblemError(
                    "invalid_request",
                    f"The form has a part {shown[:80]!r}.",
                    "Its parts are 'file', once or more, and 'metadata'.",
                )

    def _end_part(self) -> None:
        self._parts[-1].is_whole = True

    def _end(self) -> None:
        self._ended = True


def _metadata(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProblemError("invalid_request", f"The part 'metadata' is not JSON: {error}.") from None
    if not isinstance(parsed, dict):
        raise ProblemError("invalid_request", "The part 'metadata' is no object such as {\"year\": 2024}.")
    try:
        return dict(checked_metadata(parsed))
    except ValueError as error:
        raise ProblemError("invalid_request", f"The metadata cannot be used, {error}.") from None


def _malformed(why: str) -> ProblemError:
    return ProblemError("malformed_request", f"The form cannot be read: {why.rstrip('.')}.")
