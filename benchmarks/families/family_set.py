"""The whole set: the PDFs of all firms and years, and ``questions.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from families.figures import YEARS, Figures, Firm, read_firms
from families.questions import COUNTS, FamilyQuestion, Part, QuestionMaker
from families.report import ReportMaker

QUESTIONS_FILE = "questions.jsonl"
SEED = 7


@dataclass(frozen=True)
class FamilySet:
    """PDFs in a folder, and the questions about them."""

    directory: Path
    files: tuple[Path, ...]
    pages: int
    questions: tuple[FamilyQuestion, ...]


def make_set(
    out: Path,
    seed: int = SEED,
    counts: Mapping[str, int] = COUNTS,
    firms: Sequence[Firm] | None = None,
    years: Sequence[int] = YEARS,
) -> FamilySet:
    """Write the reports of all firms and ``questions.jsonl`` into a folder, which is made when missing.

    Args:
        out: the folder.
        seed: of figures, texts and questions; the same seed makes the same bytes.
        counts: questions of each kind.
        firms: all of `read_firms` unless given.
        years: that have a report.

    Raises:
        ValueError: the reports have not so many different questions of a kind.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures = [Figures(firm, seed) for firm in (firms or read_firms())]
    files, cells, pages = [], [], 0
    for one in figures:
        for year in years:
            count, found = ReportMaker(one, year).make(out)
            files.append(out / one.firm.file_of(year))
            cells += found
            pages += count
    questions = tuple(QuestionMaker(figures, cells, years, seed).make(counts))
    lines = (json.dumps(question.as_line(), ensure_ascii=False) + "\n" for question in questions)
    (out / QUESTIONS_FILE).write_text("".join(lines), encoding="utf-8")
    return FamilySet(out, tuple(files), pages, questions)


def read_questions(file: Path) -> tuple[FamilyQuestion, ...]:
    """The questions of a ``questions.jsonl``."""
    read = []
    for line in file.read_text(encoding="utf-8").splitlines():
        entry: dict[str, Any] = json.loads(line)
        parts = [
            Part(**{**part, "places": tuple(part["places"]), "others": tuple(part["others"])})
            for part in entry["parts"]
        ]
        read.append(FamilyQuestion(**{**entry, "pages": tuple(entry["pages"]), "parts": tuple(parts)}))
    return tuple(read)
