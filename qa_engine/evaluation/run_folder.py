"""The folder of a run: its files, and how an interrupted run is resumed.

``run.json`` (`RunManifest`) is written first and names what is asked. ``cases.jsonl`` holds one `CaseResult` a line, written
as soon as the case is done; the last line of an id counts. ``results.json`` (`RunResults`) holds the metrics, ``report.md``
and ``report.html`` show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from qa_engine.errors import InputError, StorageError
from qa_engine.evaluation.record_files import (
    RecordLog,
    exclusive,
    from_dict,
    json_line,
    read_records,
    replace_file,
    write_json,
    writing,
)
from qa_engine.evaluation.records import FORMAT, CaseResult, RunManifest, RunResults
from qa_engine.index.disk.atomic_file import make_folder

MANIFEST, CASES, RESULTS, REPORT = "run.json", "cases.jsonl", "results.json", "report.md"


class RunFolder:
    """An open run; `open_run_folder` makes one.

    Attributes:
        manifest: what is asked of which configuration, since when.
        done: the cases that have an answer from before, by id.
        failed: number of cases that failed before; they are asked again.
    """

    def __init__(self, path: Path, manifest: RunManifest) -> None:
        self._path = path
        self.manifest = _resumed_manifest(path, manifest)
        self._log = RecordLog(path / CASES, CaseResult)
        cases = {case.id: case for case in self._log.records}
        self.done = {case.id: case for case in cases.values() if case.failure is None}
        self.failed = len(cases) - len(self.done)

    def append(self, case: CaseResult) -> None:
        """Writes a case, see `RecordLog.append`."""
        self._log.append(case)

    def finish(self, results: RunResults, cases: Sequence[CaseResult], report: str) -> None:
        """Writes the metrics and the report, and the cases once more, each once and in the order of the questions.

        Raises:
            StorageError: they cannot be written.
        """
        replace_file(self._path / CASES, "".join(map(json_line, cases)))
        replace_file(self._path / REPORT, report)
        write_json(self._path / RESULTS, asdict(results))


@contextmanager
def open_run_folder(path: Path, manifest: RunManifest) -> Iterator[RunFolder]:
    """The folder of a run, new (made if missing) or resumed, for one process at a time.

    Raises:
        InputError: the folder holds something else, a run of other questions or of another configuration, or another
            process writes to it.
        StorageError: it cannot be written.
    """
    with writing(path):
        make_folder(path)
    message = f"Another process is evaluating into {path}: wait for it, or name another folder with --out."
    with exclusive(path / ".lock", message):
        yield RunFolder(path, manifest)


def read_run(folder: Path | str) -> tuple[RunResults, list[CaseResult]]:
    """The metrics and the cases of a finished run.

    Raises:
        InputError: the folder holds no finished run, or another version wrote it.
    """
    folder = Path(folder)
    try:
        results = from_dict(RunResults, json.loads((folder / RESULTS).read_text(encoding="utf-8")))
        (folder / CASES).stat()
    except FileNotFoundError:
        raise InputError(
            f"{folder} holds no finished evaluation: run qa-engine evaluate with --out {folder} first."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"The evaluation in {folder} cannot be read: {error}.") from None
    if results.manifest.format != FORMAT:
        raise InputError(
            f"The evaluation in {folder} has format {results.manifest.format}, this version reads {FORMAT}: evaluate again."
        )
    cases = {case.id: case for case in read_records(folder / CASES, CaseResult)}
    return results, list(cases.values())


def differences(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The settings that differ, as ``answering.passages was 5 and is 3``."""
    changes = []
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += differences(old, new, f"{prefix}{key}.")
        else:
            changes.append(f"{prefix}{key} was {old} and is {new}")
    return changes


def _resumed_manifest(path: Path, manifest: RunManifest) -> RunManifest:
    """The manifest in the folder, which must ask the same; ``manifest``, written there, if there is none."""
    try:
        content = (path / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        if any(entry.name != ".lock" for entry in path.iterdir()):
            raise InputError(
                f"{path} is not empty and holds no evaluation: name another folder with --out."
            ) from None
        write_json(path / MANIFEST, asdict(manifest))
        return manifest
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path / MANIFEST} cannot be read: {error}.") from None
    try:
        before = from_dict(RunManifest, json.loads(content))
    except ValueError as error:
        raise InputError(
            f"The evaluation in {path} cannot be read ({error}): name another folder with --out."
        ) from None
    _check_same(path, before, manifest)
    return before


def _check_same(path: Path, before: RunManifest, after: RunManifest) -> None:
    old, new = (replace(manifest, created_at="", questions_file="") for manifest in (before, after))
    if old == new:
        return
    way_out = "name another folder with --out, or delete this one to begin anew."
    if old.questions_sha256 != new.questions_sha256:
        raise InputError(
            f"{path} holds an evaluation of other questions ({old.questions} of {before.questions_file}, not these "
            f"{new.questions} of {after.questions_file}): {way_out}"
        )
    changes = differences(asdict(old), asdict(new))
    known = [change for change in changes if not change.startswith("fingerprint ")]
    shown = [change.removeprefix("configuration.") for change in known or changes]
    more = f", and {len(shown) - 3} more" if len(shown) > 3 else ""
    raise InputError(
        f"{path} holds an evaluation of another configuration ({'; '.join(shown[:3])}{more}): {way_out}"
    )
