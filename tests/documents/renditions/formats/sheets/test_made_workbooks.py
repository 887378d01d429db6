"""Twenty files as teams have them: what each row of theirs says, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_workbooks import MADE_FILES, MadeFile

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf

pytest.importorskip("openpyxl", reason="needs openpyxl: pip install 'qa-engine[office]'")


@pytest.mark.parametrize("made", MADE_FILES, ids=lambda made: made.name)
def test_rows_say_their_cells_with_names_and_have_their_ranges(made: MadeFile, tmp_path: Path) -> None:
    path = tmp_path / made.name
    made.write(path)
    parsed = read_pdf(path, ReadingOptions())
    assert [(part.label, text) for part in parsed.paragraphs for text in part.row_texts] == list(made.rows)
    places = {place for place, _ in made.rows}
    assert all(place in places for _, place in made.questions)
