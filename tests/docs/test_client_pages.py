"""What the pages about other clients tell people to run works against a server that has the examples."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, Block, blocks
from served import ServedApp, served

ADDRESS = "http://127.0.0.1:8600"
PAGES = [ROOT / "docs" / name for name in ("openai-clients.md", "open-webui.md", "dify.md")]
NEEDED = {"langchain_openai"}


@pytest.fixture(scope="module")
def examples(ingested: Path, model_cache: Path) -> Iterator[ServedApp]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        with served(ingested / "storage") as server:
            yield server


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.mark.startswith("not run: needs a running server")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, examples: ServedApp, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    assert runnable(page)
    for block in runnable(page):
        code = block.code.replace(ADDRESS, examples.url)
        if block.is_shell:
            done = subprocess.run(
                ["bash", "-c", f"set -euo pipefail\n{code.replace('curl ', 'curl -sS --fail-with-body ')}"],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"{block.page.name}:{block.line}\n{done.stdout}\n{done.stderr}"
            shown = done.stdout
        else:
            if any(name in code for name in NEEDED):
                pytest.importorskip("langchain_openai")
            exec(compile("\n" * (block.line - 1) + code, str(page), "exec"), names)
            shown = capsys.readouterr().out
        assert "员工手册.pdf" in shown or "10" in shown, f"{block.page.name}:{block.line}\n{shown}"
