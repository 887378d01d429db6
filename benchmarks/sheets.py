"""Questions about cells of made workbooks: how often the answer cites the right row, by its range.

    python benchmarks/sheets.py

The workbooks are those of ``tests/made_workbooks.py``: merged headers, units above tables, several tables on a sheet,
groups, hidden rows, error values, and files of separated text. All of them are in one collection, with the default
configuration, and each question is asked of all of them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from report import RESULTS, Report, publish

from qa_engine import QueryEngine, ingest

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from made_workbooks import HELD_OUT_FILES, MADE_FILES, MadeFile


def measure(files: list[MadeFile], folder: Path) -> tuple[dict[str, float], list[str]]:
    """Shares of the questions of some files, and those that went wrong with what was cited."""
    docs = folder / "docs"
    docs.mkdir(parents=True)
    for made in files:
        made.write(docs / made.name)
    ingest(docs, folder / "storage", config={})
    total = cited = first = found = 0
    wrong = []
    with QueryEngine.open(folder / "storage") as engine:
        for made in files:
            for question, place in made.questions:
                total += 1
                answer = engine.query(question)
                places = [(one.file, one.page_label) for one in answer.citations]
                passages = [
                    (one["file"], label)
                    for one in answer.to_dict()["passages"]
                    for label in [one.get("page_label")]
                ]
                cited += (made.name, place) in places
                first += places[:1] == [(made.name, place)]
                found += made.name in [name for name, _ in passages]
                if (made.name, place) not in places:
                    wrong.append(f"{question} ({made.name} {place}): {places or answer.response}")
    return {
        "questions": total,
        "right row and range cited": cited / total,
        "cited first": first / total,
        "file among the passages": found / total,
    }, wrong


def main(out: Annotated[Path, typer.Option(help="Folder for the results.")] = RESULTS) -> None:
    """Measures both sets of workbooks: those by which the reader was made, and those that were written after it."""
    rows, results = [], {}
    for title, files in (("made", MADE_FILES), ("held out", HELD_OUT_FILES)):
        with tempfile.TemporaryDirectory() as folder:
            shares, wrong = measure(list(files), Path(folder))
        results[title] = {**shares, "wrong": wrong}
        texts = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in shares.values()]
        rows.append([title, str(len(files)), *texts])
    columns = ["workbooks", "files", "questions", "right row and range", "cited first", "file found"]
    notes = [f"wrong: {one}" for result in results.values() for one in result["wrong"]]
    publish(out, "sheets", [Report("Questions about cells", columns, rows, notes)], results)


if __name__ == "__main__":
    typer.run(main)
