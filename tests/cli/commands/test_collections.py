"""``list`` and ``collections``."""

from __future__ import annotations

import json
from pathlib import Path

from cli.in_process import output_of
from command_line import run


def test_list(three_files: Path) -> None:
    shown = output_of("list", place=three_files)
    assert "planets.pdf" in shown
    assert "gone" in shown
    assert "3 files" in shown
    listed = json.loads(output_of("list", "--json", place=three_files))
    assert list(listed) == ["collection", "files"]
    assert {file["path"].removeprefix(str(three_files)): file["gone"] for file in listed["files"]} == {
        "/pdfs/old/年报.pdf": False,
        "/pdfs/planets.pdf": True,
        "/pdfs/年报.pdf": False,
    }


def test_collections_lists_names_files_and_nodes(lake: Path) -> None:
    content = json.loads(run("collections", "--json", cwd=lake).stdout)["collections"]
    assert [(c["collection"], c["files"]) for c in content] == [("风景 名胜", 1)]
