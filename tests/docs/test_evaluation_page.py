"""Compares what is documented about evaluations with what the code has."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from docs.pages import ROOT

from qa_engine.evaluation.comparison import Comparison
from qa_engine.evaluation.metrics.summary import MEASURES
from qa_engine.evaluation.questions.datasets import _COLUMNS
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.records import CaseResult, RunManifest, RunResults

PAGE = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("evaluate", RunResults), ("manifest", RunManifest), ("case", CaseResult), ("comparison", Comparison)],
)
def test_json_lists_every_key_of_an_evaluation(name: str, kind: type) -> None:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    table = text.partition(f"<!-- keys: {name} -->\n")[2].partition("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    documented = [key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)]
    assert documented == [field.name for field in fields(kind)]


def test_the_page_explains_every_measure_of_answers() -> None:
    section = PAGE.partition("\nAnswers:\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == list(MEASURES)


def test_the_page_lists_every_field_of_a_question_and_every_column_of_a_table() -> None:
    section = PAGE.partition("\n## Questions\n")[2].partition("\n### ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert listed == {*LabelledQuestion.model_fields, "answer"}
    for names in _COLUMNS.values():
        assert any(name in PAGE for name in names)
