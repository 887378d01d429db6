"""Working directories with collections, for tests of several commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli.in_process import COLLECTION
from cli.indexed_files import CUT, ingest_pdfs, sentence_id, two_pages
from command_line import run
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from pdf_factory import broken_pdf, chinese_pdf, english_pdf, locked_pdf, zero_page_pdf


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory with the collection ``风景 名胜`` of one file; three others could not be ingested.

    ``ingest.json``, ``ingest.err`` and ``ingest.rc`` hold what the command printed, and its exit code.
    """
    folder = tmp_path_factory.mktemp("lake")
    (folder / "pdfs" / "下级").mkdir(parents=True)
    chinese_pdf(folder / "pdfs" / "下级" / "西湖介绍.pdf")
    broken_pdf(folder / "pdfs" / "broken.pdf")
    locked_pdf(folder / "pdfs" / "locked.pdf")
    zero_page_pdf(folder / "pdfs" / "nopages.pdf")
    done = run("ingest", "pdfs", "-c", "风景 名胜", "--json", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    (folder / "ingest.json").write_text(done.stdout, encoding="utf-8")
    (folder / "ingest.err").write_text(done.stderr, encoding="utf-8")
    (folder / "ingest.rc").write_text(str(done.returncode), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def pages_of_lake(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory with a collection of one Chinese file, four lines a page."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "pdfs").mkdir()
    chinese_pdf(folder / "pdfs" / "西湖.pdf", lines_per_page=4)
    done = run("ingest", "pdfs", cwd=folder, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def cited_answer(pages_of_lake: Path, model_cache: Path) -> dict[str, Any]:
    """An answer from `pages_of_lake` as JSON; the pictures of its citations are in ``cited``."""
    arguments = ("ask", "西湖的平均水深是多少？", "--json", "--images", "cited")
    done = run(*arguments, cwd=pages_of_lake, QA_ENGINE_CACHE=str(model_cache))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def one_file(tmp_path: Path, hash_embedding: HashEmbedding) -> tuple[Path, str]:
    """A working directory with a collection of one file, ``pdfs/a.pdf``, and the id of a sentence on two pages."""
    two_pages(tmp_path / "pdfs" / "a.pdf")
    folder = ingest_pdfs(tmp_path, hash_embedding)
    return folder, sentence_id(folder, CUT)


@pytest.fixture
def three_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with `COLLECTION`: 年报.pdf, its copy in ``old``, and planets.pdf, which is gone."""
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
    chinese_pdf(tmp_path / "pdfs" / "年报.pdf")
    (tmp_path / "pdfs" / "old").mkdir()
    shutil.copy(tmp_path / "pdfs" / "年报.pdf", tmp_path / "pdfs" / "old")
    english_pdf(tmp_path / "pdfs" / "planets.pdf")
    ingest(tmp_path / "pdfs", tmp_path / "storage", collection=COLLECTION)
    (tmp_path / "pdfs" / "planets.pdf").unlink()
    return tmp_path
