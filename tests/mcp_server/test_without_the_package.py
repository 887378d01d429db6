"""Without the extra ``mcp``, what needs it says how to install it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.errors import ModelUnavailableError


def test_the_command_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa_engine.extras.find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["mcp", "--storage", str(tmp_path)])
    assert isinstance(done.exception, ModelUnavailableError)
    assert "pip install 'qa-engine[mcp]'" in str(done.exception)
    assert done.stdout == ""
