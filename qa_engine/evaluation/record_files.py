"""How the files of a run are written, so that they survive a crash, and how they are read again.

A record is a frozen dataclass, such as those of `qa_engine.evaluation.records`, and a JSON object in a file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from qa_engine.documents.files import open_regular
from qa_engine.errors import InputError, StorageError
from qa_engine.index.disk.atomic_file import file_mode, make_folder, open_private, write_atomically

_MAX_BYTES = 200_000_000
_T = TypeVar("_T")
_logger = logging.getLogger("qa_engine.evaluation")


class RecordLog(Generic[_T]):
    """A file of JSON lines that grows by one record, a dataclass, at a time; it need not exist.

    A last line that a crash cut off is removed when the log is opened. ``records`` are those that the file held then, in
    order.

    Raises:
        InputError: the file cannot be read, or a line is no such record.
        StorageError: the file cannot be repaired.
    """

    def __init__(self, path: Path, kind: type[_T]) -> None:
        self._path = path
        self.records = read_records(path, kind)
        with writing(path):
            _repair(path)

    def append(self, record: _T) -> None:
        """Adds a record; when this returns, it survives the end of the process and of the machine.

        Raises:
            StorageError: it cannot be written.
        """
        line = json_line(record).encode("utf-8", "replace")
        with writing(self._path), open_private(self._path, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def read_records(path: Path, kind: type[_T]) -> list[_T]:
    """The records of a file of JSON lines, in order; none without the file. A last line that was cut off is ignored.

    Raises:
        InputError: the file cannot be read, or a line is no record of class ``kind``.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(from_dict(kind, json.loads(line)))
        except ValueError as error:
            if number == len(lines):
                break
            raise InputError(
                f"Line {number} of {path} cannot be read ({error}): delete the line, or the file to begin anew."
            ) from None
    return records


def text_lines(path: Path, what: str) -> list[tuple[int, str]]:
    """The lines of a UTF-8 file that are not blank, with their numbers, from 1. Messages name ``what`` it holds.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        with open_regular(path) as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"The {what} in {path} cannot be read: it has more than {_MAX_BYTES:,} bytes.")
        lines = content.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"The {what} in {path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"The {what} in {path} cannot be read: it is not UTF-8 ({error.reason}).") from None
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def json_line(record: Any) -> str:
    """A record as a line of JSON, with its end."""
    return json.dumps(asdict(record), ensure_ascii=False) + "\n"


def replace_file(path: Path, content: str) -> None:
    """Writes a file, and its folder if missing; readers see the old or the new content as a whole.

    Raises:
        StorageError: it cannot be written.
    """
    with writing(path):
        make_folder(path.parent)
        write_atomically(path, content.encode("utf-8", "replace"))


def write_json(path: Path, content: Any) -> None:
    """Writes an object as the files of a run hold it; see `replace_file`."""
    replace_file(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def content_hash(content: Any) -> str:
    """The SHA-256 of content that can be JSON: the same for the same content, in every process."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@contextmanager
def exclusive(lock: Path, message: str) -> Iterator[None]:
    """Holds the lock file of a folder, for one process at a time.

    Raises:
        InputError: another process holds it, with ``message``.
        StorageError: the lock file cannot be written.
    """
    with ExitStack() as stack:
        with writing(lock):
            try:
                stack.enter_context(FileLock(lock, timeout=0, mode=file_mode(lock)))
            except Timeout:  # a subclass of OSError
                raise InputError(message) from None
        yield


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the block, which writes ``path``, into a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): check permissions and free space, or name another "
            "folder with --out."
        ) from error


def from_dict(kind: type[_T], content: Any) -> _T:
    """The record of class ``kind`` that ``asdict`` made an object of; keys that later versions added are ignored.

    Raises:
        ValueError: a required key is missing, or a value has another type; the message is one clause.
    """
    try:
        record: _T = _adapter(kind).validate_python(content)  # type: ignore[arg-type]
        return record
    except ValidationError as error:
        raise ValueError(validation_message(error)) from None


def validation_message(error: ValidationError) -> str:
    """The first problem of a validation as one clause: where it is, and what it is."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"at {place}: {first['msg']}" if place else first["msg"]


def _repair(path: Path) -> None:
    """Removes a last line that was cut off, or ends one that is whole."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        if not content or content.endswith(b"\n"):
            return
        end = content.rfind(b"\n") + 1
        try:
            json.loads(content[end:])
        except ValueError:
            file.truncate(end)
            _logger.warning("The last line of %s was cut off and is removed.", path)
        else:
            file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
