"""The files of a collection that people mean by a path, a name or a pattern."""

from __future__ import annotations

import difflib
import fnmatch
import os
import shlex
from collections.abc import Iterable, Sequence

from qa_engine.documents.files import path_text
from qa_engine.errors import InputError
from qa_engine.index.files.metadata import normal
from qa_engine.index.records import FileRecord

_NEAR = 3
"""Names that a message offers in place of one that fits no file."""
_LIKE = 0.5
"""The likeness from which a name is offered."""


def matching_files(records: Iterable[FileRecord], request: str) -> list[FileRecord]:
    """The files of a collection that a text stands for, by path: the most exact reading that fits any file counts.

    The text is a path; a name, or the end of a path; a pattern with ``*`` or ``?`` for a name, or, with a slash in it, for
    a path; or a folder, for all files below it. Of a file that is gone, the path it had is as good.
    """
    if not request.strip():
        return []
    text = normal(path_text(request))
    absolute = normal(path_text(os.path.abspath(request)))  # noqa: PTH100 - as the files were found
    paths = {normal(record.path): record for record in records}
    if match := paths.get(text) or paths.get(absolute):
        return [match]
    tests = (
        lambda path: path.endswith("/" + text.lstrip("/")),
        lambda path: _fits(path, text, absolute),
        lambda path: path.startswith(absolute.rstrip("/") + "/"),
    )
    for test in tests:
        if chosen := [record for path, record in sorted(paths.items()) if test(path)]:
            return chosen
    return []


def choose_files(records: Sequence[FileRecord], requests: Sequence[str], collection: str) -> list[FileRecord]:
    """The files of a collection that some texts stand for, each once, by path; see `matching_files`.

    Raises:
        InputError: one of them fits no file; the message offers names that are near.
    """
    matches = [(text, matching_files(records, text)) for text in requests]
    if missing := [text for text, found in matches if not found]:
        raise InputError(_no_such_file(records, missing, collection))
    chosen = {record.path: record for _, found in matches for record in found}
    return [chosen[path] for path in sorted(chosen)]


def near_names(records: Iterable[FileRecord], request: str) -> list[str]:
    """Names of files that resemble a text, the nearest first."""
    names = {normal(record.file_name): record.file_name for record in records}
    folded = {name.casefold(): original for name, original in names.items()}
    last = normal(path_text(request)).casefold().rstrip("/").rpartition("/")[2].strip("*?")
    if not last:
        return []
    alike = {name: _likeness(name, last) for name in folded}
    near = sorted((name for name in alike if alike[name] >= _LIKE), key=lambda name: (-alike[name], name))
    return [folded[name] for name in near[:_NEAR]]


def _likeness(name: str, request: str) -> float:
    """How much a name, with or without its suffix, resembles a text, 0 to 1."""
    if len(request) > 1 and request in name:
        return 1.0
    stem, dot, suffix = name.rpartition(".")
    if dot and request.endswith(dot + suffix):  # which many names have, and resemble one another for
        return _ratio(stem, request.removesuffix(dot + suffix))
    return max(_ratio(name, request), _ratio(stem, request))


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _fits(path: str, pattern: str, absolute: str) -> bool:
    if "/" not in pattern:
        return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
    return fnmatch.fnmatchcase(path, absolute) or fnmatch.fnmatchcase(path, "*/" + pattern.lstrip("/"))


def _no_such_file(records: Sequence[FileRecord], missing: Sequence[str], collection: str) -> str:
    shown = ", ".join(repr(path_text(text)) for text in missing)
    if not records:
        return f"The collection {collection!r} holds no file, so none is {shown}: qa-engine ingest PATH brings some in."
    near = list(dict.fromkeys(name for text in missing for name in near_names(records, text)))
    offer = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"No file of the collection {collection!r} is {shown}: {offer}"
        f"{'Its' if near else 'its'} files are listed by qa-engine list --collection {shlex.quote(collection)}."
    )
