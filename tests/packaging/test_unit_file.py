"""The systemd unit of the documentation is one that systemd accepts, and runs a command that there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from qa_engine.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "deployment.md"


def unit() -> str:
    (text,) = re.findall(r"```ini\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


def test_it_runs_a_command_that_there_is() -> None:
    (command,) = re.findall(r"^ExecStart=\S+/qa-engine (\w+)$", unit(), re.MULTILINE)
    assert command in get_command(app).list_commands(None)  # type: ignore[attr-defined, arg-type]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    command = tmp_path / "qa-engine"
    command.write_text("#!/bin/sh\n", encoding="utf-8")
    command.chmod(0o755)
    file = tmp_path / "qa-engine.service"
    file.write_text(
        re.sub(r"(?<=^ExecStart=)\S+", str(command), unit(), flags=re.MULTILINE), encoding="utf-8"
    )
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    assert str(file.name) not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
