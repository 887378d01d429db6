"""Delimited text (csv, tsv): one table a file, whatever its encoding and its delimiter are."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from qa_engine.documents.files import read_all
from qa_engine.documents.renditions.formats.sheets.sheet import Sheet
from qa_engine.documents.renditions.formats.sheets.workbook import MAX_CELLS
from qa_engine.documents.renditions.text_encoding import decoded
from qa_engine.errors import DocumentError

_DELIMITERS = ",;\t|，"
_SAMPLE = 20
"""Lines by which the delimiter is found."""
_MAX_FIELD = 1_000_000
_MAX_COLUMNS = 16_384
"""As in a workbook."""


def read_delimited(path: Path) -> Sheet:
    """The table of a file.

    Raises:
        DocumentError: it has too many cells, or one of them is too long.
    """
    text, doubts = decoded(read_all(path))
    if "\0" in text:
        raise DocumentError("damaged", f"{path.name} is no text: it has bytes of value 0.")
    sheet = Sheet("", doubts=doubts)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    csv.field_size_limit(_MAX_FIELD)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
            if len(row) > _MAX_COLUMNS:
                message = f"{path.name} has more than {_MAX_COLUMNS:,} columns in line {number}."
                raise DocumentError("too_large", message)
            for column, cell in enumerate(row, 1):
                if words := " ".join(cell.split()):
                    sheet.cells[number, column] = words
            if len(sheet.cells) > MAX_CELLS:
                raise DocumentError("too_large", f"{path.name} has more than {MAX_CELLS:,} cells: split it.")
    except csv.Error as error:
        raise DocumentError("damaged", f"{path.name} is no table of delimited text ({error}).") from error
    return sheet


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, more than one."""
    lines = [line for line in text.splitlines()[:_SAMPLE] if line.strip()]

    def score(mark: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        usual = max(counts, key=counts.count, default=0)
        return (counts.count(usual) if usual > 1 else 0), usual

    try:
        return max(_DELIMITERS, key=score)
    except csv.Error:
        return ","
