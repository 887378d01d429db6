"""What steers a terminal arrives in no command's output, whoever has put it into names, metadata or settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run
from pdf_factory import broken_pdf, chinese_pdf
from typer.testing import CliRunner

from qa_engine.answering.answer import Answer
from qa_engine.cli.app import app
from qa_engine.cli.display.answers import show_answer

HOSTILE = "甲\x1b]0;owned\x07\x9b31m\u202efdp\nerror: 乙"
SHOWN = r"甲\x1b]0;owned\x07\x9b31m\u202efdp\nerror: 乙"
COLLECTION = "集\u202e合"
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="such names are not possible there")


def outputs(done: subprocess.CompletedProcess[str]) -> str:
    printed = done.stdout + done.stderr
    assert not _STEERING.search(printed), printed
    assert "\nerror: 乙" not in printed
    assert "Traceback" not in printed
    return printed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A collection with a file of a hostile name and metadata; another one failed."""
    folder = tmp_path_factory.mktemp("hostile")
    chinese_pdf(folder / "pdfs" / f"{HOSTILE}.pdf")
    broken_pdf(folder / "pdfs" / f"broken {HOSTILE}.pdf")
    facts = {"owner": "\x1b[31mred\x9b"}
    (folder / "pdfs" / f"{HOSTILE}.pdf.meta.json").write_text(json.dumps(facts), encoding="utf-8")
    done = run(
        "ingest",
        "pdfs",
        "-c",
        COLLECTION,
        "--report",
        "report.jsonl",
        cwd=folder,
        QA_ENGINE_CACHE=str(model_cache),
    )
    assert done.returncode == 1, done.stderr
    assert f"broken {SHOWN}" in done.stdout
    assert f"broken {SHOWN}" in done.stderr
    outputs(done)
    assert not _STEERING.search((folder / "report.jsonl").read_text(encoding="utf-8"))
    return folder


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["list"], "甲"),
        (["list", "--json"], "owned"),
        (["ask", "雷峰塔有多高？", "--images", "pages"], f"[1] {SHOWN}"),
        (["ask", "雷峰塔有多高？", "--search-only", "--explain"], f"1. {SHOWN}"),
        (["ask", "雷峰塔有多高？", "--json"], r"\u009b31m\u202e"),
        (["show", f"{HOSTILE}.pdf"], r"\x1b[31mred\x9b"),
        (["show", f"{HOSTILE[:-1]}.pdf"], "Did you mean"),
        (["show", f"{HOSTILE}.pdf", "--json"], r"\u009b"),
        (["delete", f"no {HOSTILE}.pdf"], SHOWN),
        (["ask", "雷峰塔", f"--{HOSTILE}"], "No such option"),
    ],
    ids=range(10),
)
def test_of_a_collection(folder: Path, model_cache: Path, arguments: list[str], shown: str) -> None:
    done = run(*arguments, "-c", COLLECTION, cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    assert shown in outputs(done)
    if "--images" in arguments:
        [picture] = (folder / "pages").iterdir()
        assert not re.search("[\n\x07\x1b\x9b\u202e]", picture.name)


def test_of_a_file(folder: Path) -> None:
    broken = f"pdfs/broken {HOSTILE}.pdf"
    assert SHOWN in outputs(run("inspect", broken, cwd=folder))
    assert SHOWN in outputs(run("inspect", f"{HOSTILE}.none", "--json", cwd=folder))


def test_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('"a\\u001b[31m\\nerror: 乙" = 1\n', encoding="utf-8")
    (tmp_path / "odd.toml").write_text('[llm]\nmodel = "m\\u009b\\u202e"\n', encoding="utf-8")
    assert r"a\x1b[31m\nerror: 乙" in outputs(run("config", "--config", "wrong.toml", cwd=tmp_path))
    assert r"m\x9b\u202e" in outputs(run("config", "--config", "odd.toml", cwd=tmp_path))
    shown = outputs(run("config", "--config", "odd.toml", "--json", cwd=tmp_path))
    assert json.loads(shown)["llm"]["model"] == "m\x9b\u202e"


def test_reply_of_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(Answer(response="第一行\r\n\x1b[2J第二行\x9b", unsupported=["\u202e3"]), False, False)
    assert capsys.readouterr().out.startswith("第一行\n\\x1b[2J第二行\\x9b\n")


def test_traceback_for_debugging(tmp_path: Path) -> None:
    done = run("ingest", HOSTILE, cwd=tmp_path, QA_ENGINE_DEBUG="1")
    assert "Traceback" in done.stderr
    assert not _STEERING.search(done.stderr)


def test_help_is_still_help() -> None:
    assert "Usage" in CliRunner().invoke(app, []).output
