"""What people call a file of a collection, and what is offered in place of a name that fits none."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from qa_engine.errors import InputError
from qa_engine.index.files.matching import choose_files, matching_files, near_names
from qa_engine.index.records import FileRecord

PATHS = [
    "/data/2023/年报.pdf",
    "/data/2024/年报.pdf",
    "/data/2024/年报摘要.pdf",
    "/data/2024/Café [1].pdf",
    "/data/2024/Café 1.pdf",
    "/other/report",
]
RECORDS = [
    FileRecord(path, Path(path).name, 1, 1, 1, "", "", str(number)) for number, path in enumerate(PATHS)
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/data/2023/年报.pdf", [0]),
        ("年报.pdf", [0, 1]),
        ("2024/年报.pdf", [1]),
        ("年报*.pdf", [0, 1, 2]),
        ("2024/*报*.pdf", [1, 2]),
        ("/data/*/年报.pdf", [0, 1]),
        ("Café [1].pdf", [3]),
        ("Café [12].pdf", [4]),
        (unicodedata.normalize("NFD", "Café 1.pdf"), [4]),
        ("/data/2024", [1, 2, 3, 4]),
        ("/data/2024/", [1, 2, 3, 4]),
        ("report", [5]),
        ("", []),
        ("  ", []),
        ("/", [0, 1, 2, 3, 4, 5]),
        ("报.pdf", []),
        ("/data/20", []),
        ("REPORT", []),
    ],
)
def test_most_exact_reading_counts(wanted: str, found: list[int]) -> None:
    assert {record.path for record in matching_files(RECORDS, wanted)} == {PATHS[number] for number in found}


def test_relative_path_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = FileRecord(str(tmp_path / "a.pdf"), "a.pdf", 1, 1, 1, "", "", "9")
    other = FileRecord("/elsewhere/a.pdf", "a.pdf", 1, 1, 1, "", "", "8")
    assert matching_files([record, other], "./a.pdf") == [record]
    assert matching_files([record, other], "a.pdf") == [record]


def test_files_that_several_texts_stand_for_are_chosen_once() -> None:
    chosen = choose_files(RECORDS, ["年报*.pdf", "2023/年报.pdf", "report"], "c")
    assert [record.path for record in chosen] == sorted([*PATHS[:3], PATHS[5]])


def test_text_that_fits_no_file_is_refused_with_near_names() -> None:
    with pytest.raises(InputError) as raised:
        choose_files(RECORDS, ["年报.pdf", "年报摘.pdf", "repot"], "我的 集合")
    text = str(raised.value)
    assert "'年报摘.pdf', 'repot'" in text
    assert "did you mean 年报摘要.pdf" in text
    assert "report" in text
    assert "qa-engine list --collection '我的 集合'" in text


@pytest.mark.parametrize(
    ("wanted", "first"), [("年报摘", "年报摘要.pdf"), ("x/Cafe 1.pdf", "Café 1.pdf"), ("zzz", None)]
)
def test_near_names(wanted: str, first: str | None) -> None:
    assert next(iter(near_names(RECORDS, wanted)), None) == first


def test_collection_without_files_says_so() -> None:
    with pytest.raises(InputError, match="holds no file"):
        choose_files([], ["a.pdf"], "c")
