"""``ingest`` as a user runs it: exit codes, and what is on which stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import assert_refused, run
from pdf_factory import chinese_pdf


def test_bad_files_are_named_with_reasons_and_the_rest_goes_on(lake: Path) -> None:
    report = json.loads((lake / "ingest.json").read_text(encoding="utf-8"))
    assert (lake / "ingest.rc").read_text() == "1"
    assert report["collection"] == "风景 名胜"
    assert report["files"] == {"added": 1, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 3}
    reasons = {Path(f["file"]).name: f["reason"] for f in report["failures"]}
    assert reasons == {"broken.pdf": "damaged", "locked.pdf": "locked", "nopages.pdf": "empty"}
    assert report["pages"] >= 1
    assert report["nodes"] > 5
    assert "Traceback" not in (lake / "ingest.err").read_text(encoding="utf-8")


def test_a_second_run_skips_what_is_unchanged(lake: Path, model_cache: Path) -> None:
    file = "pdfs/下级/西湖介绍.pdf"
    done = run("ingest", file, "-c", "风景 名胜", "--json", cwd=lake, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0
    assert json.loads(done.stdout)["files"]["unchanged"] == 1


def test_prune_removes_what_is_gone(tmp_path: Path, local_model: Path) -> None:
    (tmp_path / "in").mkdir()
    keep, drop = tmp_path / "in" / "keep.pdf", tmp_path / "in" / "drop.pdf"
    chinese_pdf(keep, ["苹果是一种水果。"])
    chinese_pdf(drop, ["香蕉是另一种水果。"])
    assert run("ingest", "in", cwd=tmp_path).returncode == 0
    drop.unlink()
    without = json.loads(run("ingest", "in", "--json", cwd=tmp_path).stdout)["files"]
    assert without["deleted"] == 0
    pruned = json.loads(run("ingest", "in", "--prune", "--json", cwd=tmp_path).stdout)["files"]
    assert (pruned["deleted"], pruned["unchanged"]) == (1, 1)
    found = json.loads(run("ask", "香蕉是什么？", "--search-only", "--json", cwd=tmp_path).stdout)
    assert all("香蕉" not in passage["text"] for passage in found["passages"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["does-not-exist"], ["does-not-exist", "does not exist"]),
        (["empty"], ["No documents", "empty"]),
        ([], ["No path was given"]),
        (["empty", "--uploads"], ["--uploads takes no PATH", "empty"]),
        (["--uploads"], ["no collection"]),
        (["empty", "--collection", ""], ["collection"]),
    ],
)
def test_wrong_paths_exit_2(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    if arguments[-1:] == [""]:
        chinese_pdf(tmp_path / "empty" / "a.pdf", ["甲。"])
    assert_refused(run("ingest", *arguments, cwd=tmp_path), 2, *words)


def test_a_storage_that_cannot_be_made_exits_3(tmp_path: Path) -> None:
    chinese_pdf(tmp_path / "a.pdf", ["甲是乙。"])
    (tmp_path / "file").write_text("in the way")
    done = run("ingest", "a.pdf", "--storage", "file/storage", cwd=tmp_path)
    assert_refused(done, 3, "file/storage")


def test_a_missing_argument_exits_2(tmp_path: Path) -> None:
    assert run("ingest", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(("content", "word"), [("year\n2024\n", "column 'file'"), (None, "cannot be read")])
def test_a_table_that_cannot_be_used_exits_2(content: str | None, word: str, tmp_path: Path) -> None:
    chinese_pdf(tmp_path / "lakes" / "西湖.pdf")
    if content is not None:
        (tmp_path / "bad.csv").write_text(content, encoding="utf-8")
    name = "bad.csv" if content is not None else "none.csv"
    done = run("ingest", "lakes", "-c", "lakes", "--metadata", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
