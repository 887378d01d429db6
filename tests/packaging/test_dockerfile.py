"""The image of the server: what it is told to do exists, it does not run as root, and it takes nothing along."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from qa_engine.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", TEXT, re.MULTILINE)
FINAL = TEXT[TEXT.rindex("\nFROM ") :]


def test_it_copies_what_is_there_and_what_may_be_sent() -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert sent[0] == "*"
    for kind, arguments in INSTRUCTIONS:
        if kind == "COPY" and not arguments.startswith("--from"):
            for name in arguments.split()[:-1]:
                assert (ROOT / name).exists()
                assert f"!{name}" in sent


def test_it_installs_extras_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"pip install .*'\.\[([\w,]+)\]'", TEXT)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    assert "server" in extras


def test_its_commands_are_commands() -> None:
    (arguments,) = re.findall(r"^CMD (\[.*\])", FINAL, re.MULTILINE)
    command, *options = json.loads(arguments)
    assert command in get_command(app).list_commands(None)  # type: ignore[attr-defined, arg-type]
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    assert all(option in shown for option in options if option.startswith("--"))
    assert "models prepare" in TEXT


def test_it_runs_as_an_account_that_may_write_to_its_volume_alone() -> None:
    (user,) = re.findall(r"^USER (\d+)$", FINAL, re.MULTILINE)
    assert int(user) > 0
    (volume,) = re.findall(r"^VOLUME (\S+)$", FINAL, re.MULTILINE)
    assert f"install -d -o {user} -g {user} {volume}" in FINAL
    assert f"QA_ENGINE_STORAGE={volume}" in FINAL
