"""``judgements.jsonl``: the verdicts of judges with their replies, so that no reply is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qa_engine.evaluation.record_files import RecordLog, exclusive, read_records

JUDGEMENTS = "judgements.jsonl"
"""Name of the file in the folder of a run."""


@dataclass(frozen=True)
class JudgedCase:
    """The verdict of a judge on a case: a line of the file. The last one for a case and a judge counts.

    Attributes:
        id: id of the case.
        judge: name of the judge, such as ``faithfulness``.
        model: name of the judging model.
        requests: a fingerprint of each request, which the model and every word of the prompt are part of.
        replies: the reply to each request as it was written; one fewer than requests if the last one failed.
        passing: the verdict; None without one.
        score: on the scale of the judge; None without one.
        reasoning: in the words of the judge.
        unparsed: why the reply could not be read; empty if it could.
        error: the error of the service; empty if it replied.
        seconds: duration of the requests.
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
        """Whether the judge has replied to all requests."""
        return not self.error and (self.score is not None or bool(self.unparsed))


class Judgements:
    """The judgements of a run; `open_judgements` opens those of a folder. Without one, they are kept in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._log = RecordLog(folder / JUDGEMENTS, JudgedCase) if folder is not None else None
        self.replies: dict[str, str] = {}
        """By the fingerprint of the request, from earlier runs and this one."""
        self.latest: dict[tuple[str, str], JudgedCase] = {}
        """By the id of the case and the judge."""
        for judged_case in self._log.records if self._log is not None else ():
            self._remember(judged_case)

    def add(self, judged_case: JudgedCase) -> None:
        """Adds a judgement; when this returns, it is on the disk."""
        if self._log is not None:
            self._log.append(judged_case)
        self._remember(judged_case)

    def _remember(self, judged_case: JudgedCase) -> None:
        self.latest[judged_case.id, judged_case.judge] = judged_case
        self.replies.update(zip(judged_case.requests, judged_case.replies, strict=False))


@contextmanager
def open_judgements(folder: Path) -> Iterator[Judgements]:
    """The judgements in the folder of a run, for one process at a time.

    Raises:
        InputError: another process is judging the same run, or the file cannot be read.
        StorageError: it cannot be written.
    """
    message = f"Another process is judging {folder}: wait for it, or stop it."
    with exclusive(folder / f"{JUDGEMENTS}.lock", message):
        yield Judgements(folder)


def read_judgements(folder: Path) -> list[JudgedCase]:
    """The lines of ``judgements.jsonl``, in order; none without the file.

    Raises:
        InputError: it cannot be read.
    """
    return read_records(folder / JUDGEMENTS, JudgedCase)


def latest_judgements(folder: Path) -> dict[str, list[JudgedCase]]:
    """The last judgement for each case and judge, by the id of the case, in the order of the judges' names.

    Raises:
        InputError: the judgements of the run cannot be read.
    """
    latest = {(item.id, item.judge): item for item in read_judgements(folder)}
    by_case: dict[str, list[JudgedCase]] = {}
    for item in sorted(latest.values(), key=lambda item: item.judge):
        by_case.setdefault(item.id, []).append(item)
    return by_case
