"""The evaluations in a folder: what they measured, their worst cases, their reports and comparisons."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from qa_engine.errors import InputError, StorageError
from qa_engine.evaluation.comparison import compare
from qa_engine.evaluation.record_files import from_dict, read_records
from qa_engine.evaluation.records import CaseResult, RunManifest
from qa_engine.evaluation.reports.html import HTML_REPORT, OUTCOMES, outcome_of
from qa_engine.evaluation.run_folder import CASES, MANIFEST, RESULTS
from qa_engine.index.files.queries import FileCondition
from qa_engine.server.access import Access
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.evaluation.records import Measure, Place, Run, RunState, WholeRun, WorstCase
from qa_engine.server.evaluation.running import EvaluationRunner
from qa_engine.server.problems import ProblemError, without_folders

_SHOWN_OF_RETRIEVAL = ("mrr@10", "hit@1", "page_hit@1", "within_600")
_SHOWN_OF_ANSWERS = (
    *("contains_answer", "citation_precision", "citation_recall"),
    *("refusal_accuracy", "numbers_supported"),
)
_WORST = 50
_CITES_ANOTHER = "cites another place"
"""Outcome of an answer that is not known to be wrong, but cites other places than the one that answers."""


class Runs:
    """The evaluations in a folder. Its methods block, so call them from threads.

    The name of a run is looked for among the folders that are there, and never becomes a part of a path.
    """

    def __init__(self, folder: Path, runner: EvaluationRunner, catalogs: Catalogs) -> None:
        """
        Args:
            folder: of the runs; it need not exist.
            runner: knows those that the server has started.
            catalogs: of the collections.
        """
        self._folder = folder
        self._catalogs = catalogs
        self._runner = runner

    def latest(self, access: Access, limit: int, behind: str | None) -> tuple[list[Run], str | None]:
        """Runs, the newest first, and the name of the last one if there are more.

        Args:
            access: sees the collections that were asked.
            limit: greatest number of them.
            behind: name of the run that the list goes on behind; None begins with the newest.
        """
        all_runs = sorted(self._all(), key=lambda run: (run.created_at, run.name), reverse=True)
        seen = [run for run in all_runs if all(map(access.sees, run.collections))]
        names = [run.name for run in seen]
        start = names.index(behind) + 1 if behind in names else len(names) if behind is not None else 0
        part = seen[start : start + limit]
        return part, part[-1].name if start + limit < len(seen) else None

    def get(self, access: Access, name: str) -> Run:
        """A run.

        Raises:
            ProblemError: ``not_found``: there is none, or it asked collections that the access does not see.
        """
        for run in self._all(name):
            if all(map(access.sees, run.collections)):
                return run
        raise ProblemError("not_found", f"There is no evaluation {name!r}.")

    def show(self, access: Access, name: str) -> WholeRun:
        """A run with all that it measured.

        Raises:
            ProblemError: as `get`.
            InputError: its cases cannot be read.
        """
        run = self.get(access, name)
        path = self._path(name)
        results = None if path is None else _json(path / RESULTS)
        cases: list[CaseResult] = []
        if path is not None and (path / CASES).is_file():
            read = read_records(path / CASES, CaseResult)
            cases = list({case.id: case for case in read}.values())
        outcomes = [outcome_of(case) for case in cases]
        counts, order = Counter(outcomes), [*OUTCOMES, _CITES_ANOTHER]
        faults = [
            _CITES_ANOTHER if outcome == "answered" and case.measures.get("citation_recall") == 0 else outcome
            for outcome, case in zip(outcomes, cases, strict=True)
        ]
        bad = [pair for pair in zip(faults, cases, strict=True) if OUTCOMES.get(pair[0], "bad") == "bad"]
        bad.sort(key=lambda pair: order.index(pair[0]))
        return WholeRun(
            **run.model_dump(),
            results=without_folders(results),
            outcomes={name: counts[name] for name in OUTCOMES if counts[name]},
            worst=self._placed([_worst(outcome, case) for outcome, case in bad[:_WORST]], run.collections),
        )

    def report(self, access: Access, name: str) -> bytes:
        """The report of a run, an HTML page.

        Raises:
            ProblemError: ``not_found``: there is no such run, or it has no report.
        """
        self.get(access, name)
        path = self._path(name)
        with suppress(OSError):
            if path is not None:
                return (path / HTML_REPORT).read_bytes()
        raise ProblemError("not_found", f"The evaluation {name!r} has no report.")

    def compare(self, access: Access, before: str, after: str) -> dict[str, Any]:
        """The comparison of two runs, as `qa-engine evaluate --compare --json`, with their names.

        Raises:
            ProblemError: ``not_found``.
            InputError: one has not finished, or they have no question in common.
        """
        folders = []
        for name in (before, after):
            self.get(access, name)
            path = self._path(name)
            if path is None:
                raise InputError(f"The evaluation {name!r} has no results yet.")
            folders.append(path)
        found = compare(*folders).to_dict()
        whole: dict[str, Any] = without_folders({**found, "before": before, "after": after})
        return whole

    def _placed(self, worst: list[WorstCase], collections: Iterable[str]) -> list[WorstCase]:
        """Cases whose places name the files in the collections."""
        places = [place for case in worst for place in (case.expected, *case.found) if place is not None]
        missing = {place.file for place in places}
        for collection in collections:
            with suppress(ProblemError, StorageError), self._catalogs.opened(collection) as catalog:
                for name in list(missing):
                    condition = FileCondition("files.file_name = ?", (name,))
                    for record in catalog.files_after(1, where=condition):
                        missing.discard(name)
                        for place in places:
                            if place.file == name:
                                place.collection, place.file_id = collection, record.file_id
        return worst

    def _all(self, only: str | None = None) -> Iterator[Run]:
        rows = self._runner.rows()
        for path in self._folders():
            row = rows.pop(path.name, None)
            if only in (None, path.name) and (run := self._run(path, row)) is not None:
                yield run
        for name, row in rows.items():
            # One whose folder has been deleted is gone; one that has made none yet, or failed before that, is not.
            if only in (None, name) and row["state"] != "finished":
                yield self._run_without_folder(row)

    def _folders(self) -> Iterator[Path]:
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and Path(entry.path, MANIFEST).is_file():
                    yield Path(entry.path)

    def _path(self, name: str) -> Path | None:
        return next((path for path in self._folders() if path.name == name), None)

    def _run(self, path: Path, row: Mapping[str, Any] | None) -> Run | None:
        """A run by its folder; None for one that this version cannot read."""
        try:
            manifest = from_dict(RunManifest, _json(path / MANIFEST))
        except ValueError:
            return None
        results, progress = _json(path / RESULTS), self._runner.progress
        runs = progress is not None and progress.name == path.name
        state: RunState = "running" if runs else "finished"
        if not runs and results is None:
            state = "running" if _locked(path / ".lock") else row["state"] if row else "failed"
        failures = (results or {}).get("failures", {})
        return Run(
            name=path.name,
            state="failed" if state == "finished" and results is None else state,
            fault=str(row["fault"]) if row and state == "failed" else "",
            created_at=manifest.created_at,
            finished_at=results and results.get("finished_at"),
            collections=manifest.collection,
            questions=manifest.questions,
            done=progress.done if progress and runs else results and results.get("cases"),
            failed=progress.failed if progress and runs else sum(failures.values()),
            retrieval_only=manifest.retrieval_only,
            fingerprint=manifest.fingerprint,
            models=without_folders(manifest.models),
            measures=_measures(results or {}),
            has_report=results is not None and (path / HTML_REPORT).is_file(),
        )

    def _run_without_folder(self, row: Mapping[str, Any]) -> Run:
        progress = self._runner.progress
        runs = progress is not None and progress.name == row["name"]
        return Run(
            name=row["name"],
            state=row["state"],
            fault=row["fault"],
            created_at=datetime.fromtimestamp(row["started"], UTC).isoformat(timespec="seconds"),
            finished_at=None,
            collections=json.loads(row["collections"]),
            questions=row["questions"],
            done=progress.done if progress and runs else None,
            failed=0,
            retrieval_only=bool(row["retrieval_only"]),
            fingerprint="",
            models={},
            measures={},
            has_report=False,
        )


def _measures(results: Mapping[str, Any]) -> dict[str, Measure]:
    """The main measures: of the last stage of retrieval, and of answers."""
    stages = list(results.get("retrieval", {}).values())
    found = {name: stages[-1][name] for name in _SHOWN_OF_RETRIEVAL if stages and name in stages[-1]}
    answers = results.get("answers", {})
    found |= {name: answers[name] for name in _SHOWN_OF_ANSWERS if name in answers}
    return {name: Measure.model_validate(content) for name, content in found.items()}


def _worst(outcome: str, case: CaseResult) -> WorstCase:
    gold = case.gold
    return WorstCase(
        question=case.question,
        outcome=outcome,
        expected=Place(file=gold.file, page=gold.page) if gold.file else None,
        found=[Place(file=one.file, page=one.page) for one in case.passages[:3]],
        answer=case.answer,
        fault="" if case.failure is None else without_folders(case.failure.message),
    )


def _json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _locked(lock: Path) -> bool:
    """Whether another process holds the lock of a run."""
    if not lock.is_file():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except TimeoutError:
        return True
    except OSError:
        return False
