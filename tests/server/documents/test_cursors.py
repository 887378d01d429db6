"""Cursors: they come back as they were made, and nothing else is taken for one."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.index.files.listing import FILE_ORDERS, FileOrder, order_value
from qa_engine.index.records import FileRecord
from qa_engine.server.documents.cursors import cursor_behind, read_cursor
from qa_engine.server.problems import ProblemError

orders = st.sampled_from(FILE_ORDERS)


@given(orders, st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**62))
def test_cursor_says_what_it_was_made_of(order: FileOrder, name: str, number: int) -> None:
    record = FileRecord(f"/{name}", name, number, 0, 0, "", "", "", ingested_at="2026", pages=number)
    cursor = cursor_behind(record, order)
    assert cursor.isascii()
    assert read_cursor(cursor, order) == (order_value(record, order), record.file_id)


@given(st.text(max_size=60), orders)
def test_any_other_text_is_refused(text: str, order: FileOrder) -> None:
    with pytest.raises(ProblemError) as refused:
        read_cursor(text, order)
    assert refused.value.code == "invalid_request"
    assert refused.value.members["errors"][0]["pointer"] == "query:cursor"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), orders)
def test_any_other_json_is_refused(content: object, order: FileOrder) -> None:
    for value in (
        content,
        [order],
        [order, content],
        [order, True, "x"],
        [order, None, "x"],
        [order, 2**63, "x"],
    ):
        with pytest.raises(ProblemError):
            read_cursor(urlsafe_b64encode(json.dumps(value).encode()).decode(), order)


def test_cursor_of_another_order_is_refused() -> None:
    record = FileRecord("/a", "a", 1, 0, 0, "", "", "")
    with pytest.raises(ProblemError, match="another order than '-name'"):
        read_cursor(cursor_behind(record, "name"), "-name")
