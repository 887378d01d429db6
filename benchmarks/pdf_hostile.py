"""Hostile PDFs, one after the other, each in a process of its own with a time limit, through ``parse_files``.

Run as a program it is such a process: one line of JSON says what became of the file, another one how many readable
characters plain PyMuPDF finds in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa_engine.documents.processes.parsing_pool import PAGES_AT_ONCE

MANIFEST = "manifest.json"
READ = "read"
CRASH, HANG, TRACEBACK = "crash", "hang", "traceback"
_EMPTY = frozenset({"empty"})
_BROKEN = frozenset({"damaged", "empty"})
_NOTHING_READABLE = frozenset({"no_text", "garbled"})
_OPENED = frozenset({READ, *_NOTHING_READABLE})
_RIGHT = {"zero_pages_in_mupdf": _EMPTY, "cannot_open_or_broken": _BROKEN}
_GARBLED_CATEGORY = "bad_tounicode_or_control_chars"
_READABLE_CHARS = 3
_SPARE = 30
"""Seconds for the start of the processes, so that the time limit of ours comes first."""
_GARBLED_CHARS = ("\ufffd", "\ue000", "\uf8ff")


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        outcome: ``read``, the reason of the ``DocumentError``, ``crash``, ``hang`` or ``traceback``.
        right: whether that is what it should be.
        with_password: the same with the password of the manifest; None if there is none.
        traceback: whether one was written, whatever the outcome.
        readable: readable characters that plain PyMuPDF finds; None if it does not survive the file.
        ended: exit status of the process (negative: the signal) and the end of what it wrote to standard error, if it
            said nothing about the file.
    """

    file: str
    category: str
    outcome: str
    right: bool
    with_password: str | None = None
    traceback: bool = False
    readable: int | None = None
    ended: str = ""


def judge(category: str, outcome: str, with_password: str | None, readable: int | None) -> bool:
    """Whether a file ended as it should.

    A file behind a password is ``locked`` without it, and opens with it; one without pages is ``empty``; a broken one
    ``damaged`` or ``empty``; any other one is read, or is ``no_text`` or ``garbled`` if nothing in it is readable.
    """
    if category == "password":
        return outcome == "locked" and (with_password is None or with_password in _OPENED)
    if category in _RIGHT:
        return outcome in _RIGHT[category]
    if outcome in _NOTHING_READABLE:
        unreadable = readable is not None and readable < _READABLE_CHARS
        return unreadable or (outcome == "garbled" and category == _GARBLED_CATEGORY)
    return outcome == READ


def run_hostile(folder: Path, parser: str, ocr: str, timeout: float) -> list[Outcome]:
    """Every file of the manifest that is there."""
    entries: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    outcomes = []
    for entry in entries:
        path = folder / entry["file"]
        if path.exists():
            # The limit is for so many pages at once; what the manifest says of damaged files may be no number.
            parts = -(-max(int(entry.get("pages") or 1), 1) // PAGES_AT_ONCE)
            password = entry.get("password") or ""
            outcomes.append(run_file(path, entry["category"], password, parser, ocr, timeout, parts))
    return outcomes


def run_file(
    path: Path, category: str, password: str, parser: str, ocr: str, timeout: float, parts: int = 1
) -> Outcome:
    """One file, and once more with its password if it has one.

    Args:
        path: of the file.
        category: of the manifest.
        password: of the manifest; empty if there is none.
        parser: of ours.
        ocr: of ours.
        timeout: seconds for one part of the file.
        parts: how many times ``timeout`` the whole file may take.
    """
    outcome, readable, traceback, ended = _child(path, parser, ocr, timeout, parts, "")
    with_password = None
    if password:
        with_password, _, another, ended_too = _child(path, parser, ocr, timeout, parts, password)
        traceback = traceback or another
        ended = ended or ended_too
    right = judge(category, outcome, with_password, readable) and not traceback
    return Outcome(path.name, category, outcome, right, with_password, traceback, readable, ended)


def summary_rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """One row a category: files, right ones, and what became of them."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.category].append(outcome)
    rows = []
    for category, group in [*sorted(groups.items()), ("all", list(outcomes))]:
        counts: dict[str, int] = defaultdict(int)
        for one in group:
            counts[one.outcome] += 1
        opened = [one.with_password in _OPENED for one in group if one.with_password]
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        rows.append(
            [
                category,
                str(len(group)),
                str(sum(one.right for one in group)),
                str(counts[CRASH]),
                str(counts[HANG]),
                str(sum(one.traceback for one in group)),
                f"{sum(opened)}/{len(opened)}" if opened else "",
                kinds,
            ]
        )
    return rows


def outcomes_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """For the results file."""
    return [asdict(outcome) for outcome in outcomes]


def _child(
    path: Path, parser: str, ocr: str, timeout: float, parts: int, password: str
) -> tuple[str, int | None, bool, str]:
    """Outcome, readable characters, whether a traceback was written, and how it ended if it said nothing."""
    command = [sys.executable, __file__, str(path), parser, ocr, str(timeout), password]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout * parts + _SPARE, check=False)
    except subprocess.TimeoutExpired as error:
        # What it had said before counts: the process may have hung in the second part, which is not ours.
        lines = (error.stdout or b"").splitlines()
        return (json.loads(lines[0])["outcome"] if lines else HANG), None, False, ""
    traceback = b"Traceback (most recent call last)" in done.stdout + done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b'{"')]
    outcome = next((item["outcome"] for item in said if "outcome" in item), None)
    readable = next((item["readable"] for item in said if "readable" in item), None)
    ended = ""
    if outcome is None:
        outcome = TRACEBACK if traceback else CRASH
        ended = f"status {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}"
    return outcome, readable, traceback, ended


def _parse(path: Path, parser: str, ocr: str, timeout: float, password: str) -> str:
    from pdf_readers import documents_config, load_ours

    from qa_engine.documents.processes.parsing_pool import parse_files
    from qa_engine.errors import DocumentError

    passwords = [password] if password else []
    config = documents_config(parser, ocr=ocr, timeout_seconds=timeout, passwords=passwords)
    if password and not hasattr(config, "passwords"):
        try:
            load_ours(path, parser, password=password)
        except DocumentError as error:
            return error.reason
        return READ
    [(_, result)] = parse_files([path], config, 1)
    return result.reason if isinstance(result, DocumentError) else READ


def _readable(path: Path) -> int:
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    with pymupdf.open(path, filetype="pdf") as document:
        if document.needs_pass:
            return 0
        text = "".join(page.get_text() for page in document)
    garbled, first, last = _GARBLED_CHARS
    return sum(char.isalnum() and char != garbled and not first <= char <= last for char in text)


def _main(path: str, parser: str, ocr: str, timeout: str, password: str) -> None:
    print(json.dumps({"outcome": _parse(Path(path), parser, ocr, float(timeout), password)}), flush=True)
    try:
        readable = _readable(Path(path))
    except Exception:  # noqa: BLE001 - whatever plain PyMuPDF makes of a hostile file
        return
    print(json.dumps({"readable": readable}), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:6])
