"""``doctor`` as a user runs it: exit codes, and what is on which stream."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from command_line import ROOT
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import chinese_pdf
from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.config import Config
from qa_engine.errors import CollectionNotFoundError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths, embedding_identity

SETTINGS = '[embedding]\nprovider = "huggingface"\nmodel = "m"\n[rerank]\nmodel = "none"\n'
"""Without the local model, which takes seconds to load."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sound collection, and settings that fit it in ``other.toml``."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "pdfs" / "年报.pdf")
    ingest(tmp_path / "pdfs", tmp_path / "storage")
    (tmp_path / "other.toml").write_text(SETTINGS, encoding="utf-8")
    catalog = Catalog(collection_paths(tmp_path / "storage", "default").catalog)
    catalog.set_meta(identity=json.dumps(embedding_identity(Config.of(tmp_path / "other.toml").embedding)))
    catalog.close()
    return tmp_path


def run(*arguments: str) -> Result:
    """Runs the command in this process, in the working directory of the test."""
    return CliRunner().invoke(app, ["doctor", "--config", "other.toml", *arguments])


def test_sound_collection(place: Path) -> None:
    done = run()
    assert (done.exit_code, done.stderr) == (0, "")
    assert "0 failed" in done.stdout


def test_failed_check_as_a_user_sees_it(place: Path) -> None:
    shutil.rmtree(place / "storage" / "default" / "bm25" / "segments")
    shim = [sys.executable, str(ROOT / "scripts" / "doctor.py"), "--config", "other.toml"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        shim, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "failed  bm25: " in done.stdout
    assert "→ qa-engine rebuild --collection default --storage storage" in done.stdout

    report = json.loads(run("-c", "default", "--json").stdout)
    assert (report["storage"], report["failed"]) == ("storage", 1)


def test_what_is_not_there(place: Path) -> None:
    done = run("-c", "x", "--json")
    assert isinstance(done.exception, CollectionNotFoundError)
    assert done.stdout == ""
    done = run("--storage", "none", "--json")
    assert done.exit_code == 2
    assert "The storage none does not exist" in done.stdout
    assert not (place / "none").exists()
