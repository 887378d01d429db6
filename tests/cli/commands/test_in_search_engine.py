"""A tour of the commands over a collection in a search engine, on two machines that share no folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chroma_process import ChromaProcess
from pdf_factory import chinese_pdf, english_pdf
from search_server import SearchCluster
from shared_index import index_settings, variables
from typer.testing import CliRunner

from qa_engine.cli.app import app
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True),
]
NAME = f"年报 É{'长' * 60}"


@pytest.fixture(autouse=True)
def configured(
    search_server: SearchCluster,
    chroma_server: ChromaProcess,
    local_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables(index_settings(search_server, chroma_server)).items():
        monkeypatch.setenv(name, value)


def run(machine: str, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--storage", machine])
    assert done.exit_code == status, (done.exception, done.output)
    return done.stdout


def parsed(machine: str, *arguments: str, status: int = 0) -> Any:
    return json.loads(run(machine, *arguments, "-c", NAME, "--json", status=status))


def refusal(machine: str, *arguments: str) -> Exception:
    done = CliRunner().invoke(app, [*arguments, "--storage", machine])
    assert isinstance(done.exception, InputError | ConfigurationError), done.output
    return done.exception


def test_what_one_machine_ingests_the_commands_of_another_list_answer_show_and_delete(tmp_path: Path) -> None:
    files = [chinese_pdf(tmp_path / "files" / "西湖.pdf"), english_pdf(tmp_path / "files" / "planets.pdf")]
    report = parsed("one", "ingest", *map(str, files))
    assert report["files"]["added"] == 2

    listed = json.loads(run("two", "collections", "--json"))["collections"]
    assert [(one["collection"], one["files"]) for one in listed] == [(NAME, 2)]
    assert [file["gone"] for file in parsed("two", "list")["files"]] == [False, False]
    assert parsed("two", "show", "西湖.pdf")["state"] == "unchanged"
    answer = parsed("two", "ask", "西湖有多大？")
    (citation, *_) = answer["citations"]
    assert citation["file"] == "西湖.pdf"
    passages = parsed("two", "ask", "西湖有多大？", "--search-only", "--filter", "file_name=planets.pdf")[
        "passages"
    ]
    assert {passage["file"] for passage in passages} <= {"planets.pdf"}
    both = json.loads(run("two", "ask", "西湖有多大？", "-c", NAME, "-c", NAME, "--json"))
    assert both["answer"] == answer["answer"]

    shown = parsed("two", "show", citation["id"], "--out", "pictures")
    assert len(shown["images"]) == citation["page_end"] - citation["page"] + 1
    shutil.move(tmp_path / "files", tmp_path / "elsewhere")
    told = CliRunner().invoke(app, ["show", citation["id"], "-c", NAME, "--json", "--storage", "two"])
    assert json.loads(told.stdout)["images"] == []
    assert "is not on this machine" in told.stderr
    assert parsed("two", "show", "西湖.pdf")["state"] == "elsewhere"
    diagnosis = parsed("two", "doctor")
    assert diagnosis["failed"] == 0
    assert not [
        check for check in diagnosis["checks"] if check["check"] == "files" and check["status"] != "ok"
    ]

    deleted = parsed("two", "delete", "西湖.pdf")
    assert deleted["deleted"] == 1
    assert [file["file"] for file in parsed("one", "list")["files"]] == ["planets.pdf"]
    assert json.loads(run("two", "delete", "--whole-collection", "-c", NAME, "--json"))["removed"]
    assert isinstance(refusal("one", "list", "-c", NAME), CollectionNotFoundError)
    assert json.loads(run("one", "collections", "--json"))["collections"] == []
    assert not list(Path("two").rglob("*.sqlite"))


def test_a_collection_that_is_in_the_other_place_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(chinese_pdf(tmp_path / "西湖.pdf"))
    with monkeypatch.context() as unset:
        for name in ("SEARCH_URL", "URL"):
            unset.delenv(f"QA_ENGINE_INDEX__{name}")
        run("one", "ingest", file, "-c", NAME)
    for command in (["list"], ["ask", "西湖有多大？"], ["ingest", file], ["delete", "西湖.pdf"]):
        error = refusal("one", *command, "-c", NAME)
        assert isinstance(error, ConfigurationError)
        assert "qa-engine move" in str(error)
    (check,) = [
        one
        for one in json.loads(run("one", "doctor", "--json", status=2))["checks"]
        if one["check"] == "storage"
    ]
    assert check["status"] == "warning"
    assert "qa-engine move" in check["command"]

    run("two", "ingest", file, "-c", NAME)
    run("two", "list", "-c", NAME)
    monkeypatch.delenv("QA_ENGINE_INDEX__SEARCH_URL")
    for command in (["list"], ["ask", "西湖有多大？"], ["ingest", file]):
        error = refusal("two", *command, "-c", NAME)
        assert isinstance(error, ConfigurationError)
        assert "index.search_url" in str(error)
