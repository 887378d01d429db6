"""What the page about LangChain tells people to write runs, where LangChain is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "langchain.md"


def test_the_code_of_the_page_runs(
    ingested: Path, local_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("langchain_core")
    shutil.copytree(ingested / "storage", tmp_path / "storage")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(PAGE):
        exec(compile("\n" * (block.line - 1) + block.code, str(PAGE), "exec", dont_inherit=True), names)
    shown = capsys.readouterr().out
    assert "净水机说明书.pdf 2" in shown
    assert "24个月" in shown
    retrieved = names["document"]
    assert retrieved.metadata["file"]
    assert retrieved.id
