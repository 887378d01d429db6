"""``list``, ``show FILE`` and ``delete``: in this process, and once as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import run
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf, english_pdf
from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.errors import InputError

NAME = "我的 集合"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a collection: 年报.pdf, its copy in another folder, and planets.pdf, which is gone."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "pdfs" / "年报.pdf")
    (tmp_path / "pdfs" / "old").mkdir()
    shutil.copy(tmp_path / "pdfs" / "年报.pdf", tmp_path / "pdfs" / "old")
    english_pdf(tmp_path / "pdfs" / "planets.pdf")
    ingest(tmp_path / "pdfs", tmp_path / "storage", collection=NAME)
    (tmp_path / "pdfs" / "planets.pdf").unlink()
    return tmp_path


def told(*arguments: str, place: Path) -> str:
    """What a command prints that ends well; it runs in this process."""
    done = CliRunner().invoke(app, [*arguments, "-c", NAME, "--storage", str(place / "storage")])
    assert done.exit_code == 0, done.exception
    return done.stdout


def refused(*arguments: str, place: Path) -> str:
    """The sentence with which a command refuses its arguments."""
    done = CliRunner().invoke(app, [*arguments, "-c", NAME, "--storage", str(place / "storage")])
    assert isinstance(done.exception, InputError)
    assert done.stdout == ""
    return str(done.exception)


def test_list(place: Path) -> None:
    shown = told("list", place=place)
    assert "planets.pdf" in shown
    assert "gone" in shown
    assert "3 files" in shown
    listed = json.loads(told("list", "--json", place=place))
    assert list(listed) == ["collection", "files"]
    assert {file["path"].removeprefix(str(place)): file["gone"] for file in listed["files"]} == {
        "/pdfs/old/年报.pdf": False,
        "/pdfs/planets.pdf": True,
        "/pdfs/年报.pdf": False,
    }


def test_show_of_a_file(place: Path) -> None:
    shown = told("show", "old/年报.pdf", place=place)
    assert "100% Chinese" in shown
    assert str(place / "pdfs" / "年报.pdf") in shown
    facts = json.loads(told("show", "planets.pdf", "--json", place=place))
    assert (facts["collection"], facts["file"], facts["state"]) == (NAME, "planets.pdf", "gone")
    several = refused("show", "年报.pdf", place=place)
    assert "2 files" in several
    assert str(place / "pdfs" / "old" / "年报.pdf") in several
    assert "nor a file of the collection" in (none := refused("show", "planet.pdf", place=place))
    assert none.endswith("Did you mean the file planets.pdf?")


def test_delete(place: Path) -> None:
    assert "did you mean planets.pdf? Its files" in refused("delete", "planet.pdf", place=place)
    report = json.loads(told("delete", "plan*", "old/年报.pdf", "--json", place=place))
    assert list(report) == ["collection", "deleted", "nodes", "seconds", "files"]
    assert {file["file"]: file["shared"] for file in report["files"]} == {
        "年报.pdf": True,
        "planets.pdf": False,
    }
    assert f"1 file left the collection {NAME}" in told("delete", "年报.pdf", place=place)
    assert "holds no file" in told("list", place=place)


def test_as_a_user_runs_it(place: Path) -> None:
    done = run("delete", "none.pdf", "--collection", NAME, cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No file of the collection '我的 集合' is 'none.pdf'" in done.stderr
    assert "Traceback" not in done.stderr
