"""Glossary files: encodings, what a row may hold, and the line of each fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.errors import ConfigurationError
from qa_engine.retrieval.glossary.files import GlossaryEntry, read_glossary

ROWS = '毛利率|gross margin,毛利,营业成本,@income_statement\n\n# 注释\n浮标,"buoy, floating"\n'
ENTRIES = [
    GlossaryEntry(("毛利率", "gross margin"), ("毛利", "营业成本"), ("income_statement",)),
    GlossaryEntry(("浮标",), ("buoy, floating",)),
]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "words.csv"
    path.write_bytes(content)
    return path


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.csv does not exist: correct retrieval\.glossary"):
        read_glossary(tmp_path / "gone.csv")


def test_a_folder_is_no_glossary(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_glossary(tmp_path)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("甲,乙\n浮标\n", "line 2: '浮标' stands alone"),
        ("甲,乙\n\n浮标；航标\n", "line 3: .*separate the cells by commas, not by '；'"),
        ("浮标，航标\n", "line 1: .*not by '，'"),
        ("浮标,@balance_sheet\n", "line 1: '浮标' stands alone"),
        (",buoy\n", "line 1: the first cell, which is the term, is empty"),
        ('甲,乙\n浮标,"buoy\n丙,丁\n', "line 2: it is no valid CSV"),
        (f"浮标,{'长' * 201}\n", "line 1: .* has 201 characters, more than 200"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, rows: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"words.csv, {fault}"):
        read_glossary(written(tmp_path, rows.encode()))


@pytest.mark.parametrize("content", [b"\xff\xfe" + "浮标,buoy".encode("utf-16-le"), b"a,\x81\xff\xff"])
def test_other_encodings_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="neither UTF-8 nor GBK"):
        read_glossary(written(tmp_path, content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_rows_are_read_in_every_usual_encoding(tmp_path: Path, encoding: str, line_end: str) -> None:
    content = ROWS.replace("\n", line_end).encode(encoding)
    assert read_glossary(written(tmp_path, content)) == ENTRIES


def test_an_empty_file_has_no_entries(tmp_path: Path) -> None:
    assert read_glossary(written(tmp_path, b"")) == []
