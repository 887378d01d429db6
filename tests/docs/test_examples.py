"""The example PDFs are those that their script makes, and the questions about them are sound."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest
from docs.pages import ROOT

from qa_engine import REFUSAL, QueryEngine
from qa_engine.documents.reader import PdfReader
from qa_engine.documents.sentences.node_parser import SentenceNodeParser

EXAMPLES = ROOT / "examples"
PDFS = sorted(EXAMPLES.glob("*.pdf"))


def _page_texts(path: Path) -> list[str]:
    with pymupdf.open(path) as document:
        return [page.get_text() for page in document]


def test_the_script_makes_the_committed_files(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_examples.py", tmp_path],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in PDFS]
    for path in PDFS:
        assert _page_texts(tmp_path / path.name) == _page_texts(path), (
            f"python scripts/make_examples.py: {path.name}"
        )


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.name)
def test_an_example_is_small_and_has_a_sentence_over_a_page_break(path: Path) -> None:
    nodes = SentenceNodeParser().get_nodes_from_documents(PdfReader().load_data(path))
    assert path.stat().st_size < 100_000
    assert 2 <= len(_page_texts(path)) <= 4
    assert any(node.metadata["page"] < node.metadata["page_end"] for node in nodes)


def test_questions_name_files_and_pages_that_exist() -> None:
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    assert len({question["question"] for question in questions}) == len(questions)
    assert sum(not question["answerable"] for question in questions) >= 4
    for question in questions:
        assert list(question) == ["question", "answer", "file", "page", "answerable"]
        if question["answerable"]:
            assert 1 <= question["page"] <= len(_page_texts(EXAMPLES / question["file"]))
        else:
            assert (question["answer"], question["file"], question["page"]) == (REFUSAL, None, None)


def test_the_questions_of_make_demo_are_answered_as_it_says(ingested: Path, local_model: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = dict(re.findall(r"^(QUESTION_\w+) := (.+)$", makefile, re.MULTILINE))
    engine = QueryEngine.open(ingested / "storage")
    cited = {name: [citation.file for citation in engine.query(asked[name]).citations[:1]] for name in asked}
    assert cited == {
        "QUESTION_ZH": ["员工手册.pdf"],
        "QUESTION_ZH_EN": ["buoy-trial-report.pdf"],
        "QUESTION_EN": ["buoy-trial-report.pdf"],
        "QUESTION_NONE": [],
    }


def test_the_example_application_runs(
    ingested: Path, local_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = runpy.run_path(str(EXAMPLES / "app.py"))
    names["main"]("default", str(ingested / "storage"))
    shown = capsys.readouterr().out
    assert "[1] 员工手册.pdf, page" in shown
    assert "净水机说明书.pdf" in shown


@pytest.mark.slow
def test_the_example_application_satisfies_pyright(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="pip install pyright, which downloads Node")
    config = {"include": [os.path.relpath(EXAMPLES / "app.py", tmp_path)], "typeCheckingMode": "strict"}
    config |= {"extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "-p", tmp_path, "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout
