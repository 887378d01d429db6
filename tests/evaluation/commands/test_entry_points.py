"""The commands of evaluation are found without being imported by name, and say so if their extra is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command_line import ROOT, run
from typer.testing import CliRunner

from qa_engine.cli.app import COMMAND_GROUP, app
from qa_engine.errors import ModelUnavailableError
from qa_engine.evaluation.reports.html import write_html

COMMANDS = ("calibrate", "evaluate", "judge", "questions")


def test_the_project_file_declares_the_commands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(COMMANDS) <= set(project["entry-points"][COMMAND_GROUP])


def test_help_lists_the_commands_and_each_has_its_own_help() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "Labelled questions" in CliRunner().invoke(app, ["evaluate", "--help"]).stdout
    assert "generate" in CliRunner().invoke(app, ["questions", "--help"]).stdout


def test_other_commands_import_nothing_of_evaluation() -> None:
    code = (
        "import sys; from qa_engine.cli.app import app; app(['config', '--json'], standalone_mode=False); "
        "print(any(name.startswith('qa_engine.evaluation') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_the_script_works_in_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--out", "out"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "Name one file of questions, not 0" in done.stderr


def test_an_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    done = run("evaluation", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such command 'evaluation'" in done.stderr


@pytest.mark.parametrize("package", ["scipy", "jinja2"])
@pytest.mark.parametrize(
    "arguments", [["evaluate", "q.jsonl", "--out", "o"], ["calibrate", "q.jsonl"], ["judge", "run"]]
)
def test_a_missing_extra_is_one_sentence_and_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, package: str, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelUnavailableError) as caught:
        app(args=arguments, standalone_mode=False)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"Evaluation needs a package that is not installed ({package}): pip install 'qa-engine[eval]'."
    )


def test_reports_need_the_extra_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ModelUnavailableError, match=r"qa-engine\[eval\]"):
        write_html(tmp_path)


def test_questions_need_no_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    (tmp_path / "q.csv").write_text("question,answer\n塔有多高？,30米\n", encoding="utf-8")
    assert app(args=["questions", "import", "q.csv", "--out", "q.jsonl"], standalone_mode=False) is None
    assert (tmp_path / "q.jsonl").exists()
