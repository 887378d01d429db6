"""``qa-engine keys``: made once, listed without secrets, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from qa_engine.cli.app import app
from qa_engine.errors import CollectionNotFoundError, InputError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        (["--scope", "root"], InputError, "no scope 'root'"),
        (["-c", "none"], CollectionNotFoundError, "no collection 'none'"),
    ],
)
def test_a_scope_or_a_collection_that_is_not_there_is_refused(
    tmp_path: Path, options: list[str], kind: type[InputError], words: str
) -> None:
    done = run("add", "a", *options, "--storage", str(tmp_path))
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)
    assert kind.exit_code == 2
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


def test_a_storage_without_keys_has_none_and_is_left_as_it_is(tmp_path: Path) -> None:
    assert json.loads(run("list", "--json", "--storage", str(tmp_path)).stdout) == {"keys": []}
    assert not list(tmp_path.iterdir())


def test_a_key_is_shown_once_listed_and_removed(tmp_path: Path) -> None:
    place = ("--storage", str(tmp_path))
    made = run("add", "网页", "--scope", "write", *place)
    secret = made.stdout.strip()
    assert secret.startswith("qae_")
    again = run("add", "网页", *place)
    assert isinstance(again.exception, InputError)
    other = json.loads(run("add", "b", "--json", *place).stdout)
    assert other["key"].startswith("qae_")
    assert other | {"key": ""} == {"name": "b", "scope": "read", "collections": None, "key": ""}

    listed = run("list", "--json", *place).stdout
    assert [(key["name"], key["scope"], key["used"]) for key in json.loads(listed)["keys"]] == [
        ("b", "read", None),
        ("网页", "write", None),
    ]
    table = run("list", *place).stdout
    assert "网页" in table
    assert secret[4:] not in listed + table

    assert json.loads(run("remove", "b", "--json", *place).stdout) == {"removed": "b"}
    assert isinstance(run("remove", "b", *place).exception, InputError)


def test_keys_can_be_limited_to_collections(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "papers").symlink_to(storage / "papers")
    run("add", "a", "-c", "papers", "--storage", str(tmp_path))
    assert json.loads(run("list", "--json", "--storage", str(tmp_path)).stdout)["keys"][0]["collections"] == [
        "papers"
    ]
