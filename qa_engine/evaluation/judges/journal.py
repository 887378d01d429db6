"""``judgements.jsonl``: what judges said, on disk before anything else happens with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from qa_engine.errors import InputError

JUDGEMENTS = "judgements.jsonl"
"""Name of the file in the folder of a run."""


@dataclass(frozen=True)
class JudgedCase:
    """What a judge said of a case: a line of the file. Of several for a case and a judge, the last holds.

    Attributes:
        id: of the case.
        judge: its name, such as ``faithfulness``.
        model: that judged.
        requests: a fingerprint of each request, which the model and every word of the prompt are part of.
        replies: the reply to each, as it was written; fewer than requests if the others failed or are to come.
        passing: the verdict; None for none.
        score: on the scale of the judge; None for none.
        reasoning: in the words of the judge.
        unparsed: why the reply could not be read; empty if it could.
        error: what the service said instead of replying; empty if it replied.
        seconds: that the requests took.
    """

    id: str
    judge: str
    model: str
    requests: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    passing: bool | None = None
    score: float | None = None
    reasoning: str = ""
    unparsed: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the judge has said all that it was asked for."""
        return not self.error and (self.score is not None or bool(self.unparsed))


_NAMES = {item.name for item in fields(JudgedCase)}


@dataclass
class Journal:
    """The file, open for appending.

    Attributes:
        replies: by the fingerprint of the request, from earlier runs and this one.
        latest: by the id of the case and the judge.
    """

    replies: dict[str, str] = field(default_factory=dict)
    latest: dict[tuple[str, str], JudgedCase] = field(default_factory=dict)
    _file: IO[bytes] | None = None

    def append(self, judged: JudgedCase) -> None:
        """Adds a line; when this returns, it is on the disk."""
        self._remember(judged)
        if self._file is not None:
            line = json.dumps(asdict(judged), ensure_ascii=False).encode("utf-8", "backslashreplace")
            self._file.write(line + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _remember(self, judged: JudgedCase) -> None:
        self.latest[judged.id, judged.judge] = judged
        self.replies.update(zip(judged.requests, judged.replies, strict=False))


@contextmanager
def open_journal(folder: Path | None) -> Iterator[Journal]:
    """The journal in the folder of a run, for one process at a time; one in memory without a folder.

    A line that a crash cut off is dropped.

    Raises:
        InputError: another process is judging the same run, or the file cannot be read or written.
    """
    if folder is None:
        yield Journal()
        return
    path = folder / JUDGEMENTS
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        with lock:
            journal = Journal()
            for judged in read_judgements(folder):
                journal._remember(judged)
            _mend(path)
            with path.open("ab") as file:
                journal._file = file
                yield journal
    except Timeout:
        raise InputError(f"Another process is judging {folder}: wait for it, or stop it.") from None
    except OSError as error:
        raise InputError(f"The judgements in {path} cannot be written: {error.strerror or error}.") from None


def read_judgements(folder: Path) -> list[JudgedCase]:
    """The lines of ``judgements.jsonl``, in order; none without the file.

    Raises:
        InputError: it cannot be read, or a line other than the last is none of ours.
    """
    path = folder / JUDGEMENTS
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"The judgements in {path} cannot be read: {error.strerror or error}.") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_judged(json.loads(line)))
        except (ValueError, TypeError, AttributeError):
            if number == len(lines):
                break  # cut off by a crash
            raise InputError(
                f"Line {number} of {path} is no judgement: take it out, or the file, to judge anew."
            ) from None
    return found


def latest_judgements(judged: Iterable[JudgedCase]) -> dict[str, list[JudgedCase]]:
    """What holds, by the id of the case, in the order of the judges' names."""
    latest = {(item.id, item.judge): item for item in judged}
    by_case: dict[str, list[JudgedCase]] = {}
    for _, item in sorted(latest.items(), key=lambda pair: pair[0][1]):
        by_case.setdefault(item.id, []).append(item)
    return by_case


def _judged(content: dict[str, Any]) -> JudgedCase:
    known = {name: value for name, value in content.items() if name in _NAMES}
    known |= {name: tuple(known.get(name, ())) for name in ("requests", "replies")}
    return JudgedCase(**known)


def _mend(path: Path) -> None:
    """Cuts off a line that has no end, or gives it one if it is whole."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        if not content or content.endswith(b"\n"):
            return
        whole = content.rfind(b"\n") + 1
        try:
            json.loads(content[whole:])
        except ValueError:
            file.truncate(whole)
        else:
            file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())
