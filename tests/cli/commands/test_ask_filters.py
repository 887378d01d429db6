"""``ask`` with metadata, filters and several collections."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import run
from pdf_factory import chinese_pdf, english_pdf


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Path:
    """A working directory with the collections ``lakes``, whose file has a year from a table, and ``planets``."""
    folder = tmp_path_factory.mktemp("filters")
    chinese_pdf(folder / "lakes" / "西湖.pdf")
    english_pdf(folder / "planets" / "planets.pdf")
    (folder / "files.csv").write_text("file,year\n西湖.pdf,2024\n", encoding="utf-8")
    for name, options in (("lakes", ("--metadata", "files.csv")), ("planets", ())):
        done = run("ingest", name, "-c", name, *options, cwd=folder, QA_ENGINE_CACHE=str(model_cache))
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.usefixtures("local_model")
def test_filters_and_collections_show_in_json(place: Path) -> None:
    options = (
        "-c",
        "planets",
        "-c",
        "lakes",
        "--filter",
        "year>=2020",
        "--filter",
        "page=1-3",
        "--search-only",
    )
    done = run("ask", "雷峰塔有多高？", *options, "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    passages = json.loads(done.stdout)["passages"]
    assert passages
    assert {(p["file"], p["collection"], p["metadata"]["year"]) for p in passages} == {
        ("西湖.pdf", "lakes", 2024)
    }


@pytest.mark.usefixtures("local_model")
def test_citations_of_several_collections_name_theirs(place: Path) -> None:
    done = run("ask", "雷峰塔有多高？", "-c", "planets", "-c", "lakes", "--images", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "lakes: 西湖.pdf 第1页" in done.stdout
    assert list((place / "out").glob("*.png"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-c", "lakes", "--filter", "year=>2020"), ["'year=>2020' is no filter"]),
        (("-c", "lakes", "--filter", "autor=Li"), ["'autor=Li'", "file, section, page", "year"]),
        (("-c", "lakes", "-c", "seas"), ["'seas'", "lakes, planets"]),
    ],
)
@pytest.mark.usefixtures("local_model")
def test_wrong_filters_exit_2(options: tuple[str, ...], words: list[str], place: Path) -> None:
    done = run("ask", "雷峰塔有多高？", *options, cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr
