"""Files a part at a time: each once and in order, also while files come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.index.catalog import Catalog
from qa_engine.index.files.listing import FILE_ORDERS, FileOrder, order_value
from qa_engine.index.files.queries import CONTAINS_CASELESS, name_condition
from qa_engine.index.records import DocumentParts, FileRecord, file_id

NAMES = ["a.pdf", "年报.pdf", "B.pdf", "b.pdf", "%_.pdf", "<i>.pdf"]


def add(catalog: Catalog, path: str, **values: Any) -> FileRecord:
    document = f"d{path}"
    record = FileRecord(path, Path(path).name, values.pop("size", 1), 1, 1, "", "", document, **values)
    catalog.begin(document, 1)
    catalog.commit(record, DocumentParts([], [["x"]]))
    return record


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(Catalog(tmp_path / "catalog.sqlite", create=True)) as opened:
        yield opened


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Files of which many have the same name, pages and size."""
    path = tmp_path_factory.mktemp("forty") / "catalog.sqlite"
    with closing(Catalog(path, create=True)) as opened, opened.together():
        for number in range(40):
            add(
                opened,
                f"/{number}/{NAMES[number % 6]}",
                size=number % 4,
                pages=number % 3,
                ingested_at=f"2026-0{number % 5}",
            )
        yield opened


def parts(catalog: Catalog, limit: int, order: FileOrder) -> Iterator[list[FileRecord]]:
    after = None
    while part := catalog.files_after(limit, order, after):
        yield part
        after = (order_value(part[-1], order), part[-1].file_id)


@given(st.integers(1, 50), st.sampled_from(FILE_ORDERS))
def test_parts_of_any_size_are_all_files_in_order(forty: Catalog, limit: int, order: FileOrder) -> None:
    found = [record for part in parts(forty, limit, order) for record in part]
    keys = [(order_value(record, order), record.file_id) for record in forty.files().values()]
    expected = sorted(keys, reverse=order.startswith("-"))
    assert [(order_value(record, order), record.file_id) for record in found] == expected


def test_files_that_come_and_go_meanwhile_neither_repeat_nor_hide_others(catalog: Catalog) -> None:
    for name in "bdfhj":
        add(catalog, f"/{name}.pdf")
    listing = parts(catalog, 2, "name")
    seen = [record.file_name for record in next(listing)]
    add(catalog, "/a.pdf")
    add(catalog, "/e.pdf")
    catalog.remove("/d.pdf")  # the one that the next part begins behind
    seen += [record.file_name for part in listing for record in part]
    assert seen == ["b.pdf", "d.pdf", "e.pdf", "f.pdf", "h.pdf", "j.pdf"]


def test_condition_leaves_some_out(forty: Catalog) -> None:
    found = forty.files_after(100, where=name_condition(CONTAINS_CASELESS, "B.PDF"))
    assert {record.file_name for record in found} == {"B.pdf", "b.pdf"}
    first, second = found[:2]
    after = (first.file_name, first.file_id)
    assert forty.files_after(1, after=after, where=name_condition(CONTAINS_CASELESS, "B.PDF")) == [second]


def test_file_is_found_by_its_id_and_by_its_path(forty: Catalog) -> None:
    record = forty.files()["/7/年报.pdf"]
    assert forty.file_with_id(record.file_id) == record == forty.file_at("/7/年报.pdf")
    assert forty.file_with_id(file_id("/elsewhere/年报.pdf")) is None
    assert forty.file_at("/elsewhere/年报.pdf") is None


def test_id_stays_when_the_content_changes(catalog: Catalog) -> None:
    before = add(catalog, "/a.pdf")
    catalog.remove("/a.pdf")
    after = add(catalog, "/a.pdf", size=2)
    assert before.file_id == after.file_id
    assert len(after.file_id) == 16
