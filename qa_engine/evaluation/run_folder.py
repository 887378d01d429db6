"""The folder of a run: written case by case, and taken up again where a run broke off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from qa_engine.errors import InputError, StorageError
from qa_engine.evaluation.fingerprint import differences
from qa_engine.evaluation.results import (
    CASES,
    MANIFEST,
    REPORT,
    RESULTS,
    CaseResult,
    RunManifest,
    RunResults,
    from_dict,
    to_dict,
)


class RunFolder:
    """An open run; `opened` makes one.

    Attributes:
        manifest: what is asked of what, since when.
        done: the cases that have an answer from before, by id.
        failed: how many were asked before and failed; they are asked again.
    """

    def __init__(self, path: Path, manifest: RunManifest) -> None:
        self._path = path
        self.manifest, cases = _taken_up(path, manifest)
        self.done = {case.id: case for case in cases.values() if case.failure is None}
        self.failed = len(cases) - len(self.done)

    def append(self, case: CaseResult) -> None:
        """Writes a case, so that it survives the process and the machine going down.

        Raises:
            StorageError: it cannot be written.
        """
        line = json.dumps(to_dict(case), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with _writing(self._path), (self._path / CASES).open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def finish(self, results: RunResults, cases: Sequence[CaseResult], report: str) -> None:
        """Writes the figures and the report, and the cases once more, each once and in the order of the questions.

        Raises:
            StorageError: they cannot be written.
        """
        lines = "".join(json.dumps(to_dict(case), ensure_ascii=False) + "\n" for case in cases)
        _replace(self._path / CASES, lines)
        _replace(self._path / REPORT, report)
        _replace(self._path / RESULTS, written_json(to_dict(results)))


@contextmanager
def opened(path: Path, manifest: RunManifest) -> Iterator[RunFolder]:
    """The folder of a run, new or to be taken up again; nobody else writes to it meanwhile.

    Args:
        path: made if missing.
        manifest: what is to be asked of what.

    Raises:
        InputError: the folder holds something else, a run of other questions or of another configuration, or one that
            another process is at.
        StorageError: it cannot be written.
    """
    from filelock import FileLock, Timeout

    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / ".lock")
    with _writing(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:  # an OSError, too
            raise InputError(
                f"Another process is evaluating into {path}: wait for it, or name another folder with --out."
            ) from None
    try:
        yield RunFolder(path, manifest)
    finally:
        lock.release()


def _taken_up(path: Path, manifest: RunManifest) -> tuple[RunManifest, dict[str, CaseResult]]:
    """The manifest of the folder, made if there is none, and the cases in it by id."""
    try:
        content = (path / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        if any(entry.name != ".lock" for entry in path.iterdir()):
            raise InputError(
                f"{path} is not empty and holds no evaluation: name another folder with --out."
            ) from None
        _replace(path / MANIFEST, written_json(to_dict(manifest)))
        return manifest, {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path / MANIFEST} cannot be read: {error}.") from None
    try:
        before = from_dict(RunManifest, json.loads(content))
        cases = {case.id: case for case in _read_cases(path / CASES)}
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"The evaluation in {path} cannot be read ({error}): name another folder with --out."
        ) from None
    _check_same(path, before, manifest)
    return before, cases


def _check_same(path: Path, before: RunManifest, now: RunManifest) -> None:
    old, new = (replace(manifest, created_at="", questions_file="") for manifest in (before, now))
    if old == new:
        return
    way_out = "name another folder with --out, or delete this one to begin anew."
    if old.questions_sha256 != new.questions_sha256:
        raise InputError(
            f"{path} holds an evaluation of other questions ({old.questions} of {before.questions_file}, not these "
            f"{new.questions} of {now.questions_file}): {way_out}"
        )
    told = differences(to_dict(old), to_dict(new))
    shown = [
        what.removeprefix("configuration.") for what in told if not what.startswith("fingerprint ")
    ] or told
    more = f", and {len(shown) - 3} more" if len(shown) > 3 else ""
    raise InputError(
        f"{path} holds an evaluation of another configuration ({'; '.join(shown[:3])}{more}): {way_out}"
    )


def _read_cases(path: Path) -> Iterator[CaseResult]:
    """The cases of a file. What a crash left of a last line is cut off."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
            os.fsync(file.fileno())
    for line in whole.split(b"\n"):
        if line.strip():
            yield from_dict(CaseResult, json.loads(line))


def _replace(path: Path, content: str) -> None:
    """Writes a file so that it is there as a whole or as it was."""
    part = path.with_name(f"{path.name}.part")
    with _writing(path.parent):
        with part.open("w", encoding="utf-8", errors="replace") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}): check permissions and free space, or name another "
            "folder with --out."
        ) from error


def written_json(content: Any) -> str:
    """An object as the files of a run hold it."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
