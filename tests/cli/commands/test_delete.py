"""``delete``: in this process, and once as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from cli.in_process import COLLECTION, output_of, refusal_of
from command_line import run


def test_delete(three_files: Path) -> None:
    assert "did you mean planets.pdf? Its files" in refusal_of("delete", "planet.pdf", place=three_files)
    report = json.loads(output_of("delete", "plan*", "old/年报.pdf", "--json", place=three_files))
    assert list(report) == ["collection", "deleted", "nodes", "seconds", "files"]
    assert {file["file"]: file["shared"] for file in report["files"]} == {
        "年报.pdf": True,
        "planets.pdf": False,
    }
    assert f"1 file left the collection {COLLECTION}" in output_of("delete", "年报.pdf", place=three_files)
    assert "holds no file" in output_of("list", place=three_files)


def test_as_a_user_runs_it(three_files: Path) -> None:
    done = run("delete", "none.pdf", "--collection", COLLECTION, cwd=three_files)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No file of the collection '我的 集合' is 'none.pdf'" in done.stderr
    assert "Traceback" not in done.stderr
