"""Runs what the documentation tells people to run: page by page, in the order of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs.forked_command import NO_NETWORK, forked_command
from docs.pages import PAGES, ROOT, Block, blocks

_TRANSLATION, _ORIGINAL = ROOT / "README.zh-CN.md", ROOT / "README.md"
_RUNNING = [page for page in PAGES if any(block.runs for block in blocks(page))]

_FROM_NOTHING = {"README.md", "README.zh-CN.md", "getting-started.md", "ingestion.md", "json.md"}
"""Pages that ingest the examples themselves; the others rely on that having been done."""


@pytest.fixture(scope="module")
def forked() -> Iterator[str]:
    """The command of a shell that runs in processes with the libraries imported, which saves two seconds each time."""
    with forked_command() as command:
        yield command


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", _RUNNING, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(
    page: Path,
    ingested: Path,
    local_model: Path,
    forked: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    running = [block for block in blocks(page) if block.runs]
    shutil.copytree(ingested / "examples", tmp_path / "examples")
    if page.name not in _FROM_NOTHING:
        shutil.copytree(ingested / "storage", tmp_path / "storage")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in running:
        if not block.is_shell:
            source = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
            exec(source, names)
        elif page != _TRANSLATION:
            _run_in_shell(block, tmp_path, forked)
    capsys.readouterr()


def _run_in_shell(block: Block, folder: Path, command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{NO_NETWORK}{os.pathsep}{ROOT}"}
    prelude = f'set -euo pipefail\nqa-engine() {{ {command} "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", prelude + block.code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = f"{block.page.name}:{block.line}\n{block.code}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, told
    assert "tried to reach" not in done.stderr, told
    assert "Unexpected" not in done.stderr, told


def test_the_translation_shows_the_commands_of_the_original() -> None:
    def commands(page: Path) -> list[str]:
        code = "".join(block.code for block in blocks(page) if block.is_shell and block.mark)
        return [line.partition("  #")[0].rstrip() for line in code.splitlines()]

    assert commands(_TRANSLATION) == commands(_ORIGINAL)


def test_unmarked_commands_are_few_and_known() -> None:
    """Shell blocks are run, or say why not; those that install or need a checkout are listed here."""
    beginnings = ("make ", "pip install", "git clone", "python benchmarks/")
    for page in PAGES:
        for block in blocks(page):
            if block.is_shell and not block.mark:
                assert block.code.startswith(beginnings), (
                    f"{page.name}:{block.line} is neither run nor marked"
                )
