"""Commands about the collection `COLLECTION` that run in this process."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.errors import InputError

COLLECTION = "我的 集合"


def output_of(*arguments: str, place: Path) -> str:
    """The output of a command that succeeds; it runs in this process."""
    done = CliRunner().invoke(app, [*arguments, "-c", COLLECTION, "--storage", str(place / "storage")])
    assert done.exit_code == 0, done.exception
    return done.stdout


def refusal_of(*arguments: str, place: Path) -> str:
    """The sentence with which a command refuses its arguments; it runs in this process."""
    done = CliRunner().invoke(app, [*arguments, "-c", COLLECTION, "--storage", str(place / "storage")])
    assert isinstance(done.exception, InputError)
    assert done.stdout == ""
    return str(done.exception)
