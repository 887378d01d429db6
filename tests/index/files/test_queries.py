"""Conditions on files, asked in SQL: they mean what the functions on metadata mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_engine.index.catalog import Catalog
from qa_engine.index.files.metadata import ORDERS, as_text, ordered, same
from qa_engine.index.files.queries import (
    CONTAINS,
    CONTAINS_CASELESS,
    FileCondition,
    document_condition,
    metadata_condition,
    name_condition,
    no_metadata_condition,
    pattern_condition,
)
from qa_engine.index.records import DocumentParts, FileRecord, Scalar

PATH = "/docs/2024/年报 cafe\u0301.pdf"
scalars = st.one_of(
    st.text(st.characters(), max_size=6),
    st.sampled_from(["2024", "2024.0", "007", "true", "A", "a", "caf\u00e9", "cafe\u0301", "\ud800", ""]),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
# A file cannot have a value with NUL (see `checked_metadata`), but a condition can.
values = scalars.filter(lambda value: not isinstance(value, str) or "\0" not in value)
keys = st.sampled_from(["year", "年份", "a.b", 'q"k', "k'", "$"])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """One file, whose metadata the tests change."""
    catalog = Catalog(tmp_path_factory.mktemp("files") / "catalog.sqlite", create=True)
    catalog.begin("d", 1)
    catalog.commit(record(), DocumentParts([], [["x"]]))
    yield catalog
    catalog.close()


def record(listed: dict[str, Scalar] | None = None, sidecar: dict[str, Scalar] | None = None) -> FileRecord:
    return FileRecord(PATH, Path(PATH).name, 1, 1, 1, "", "", "d", listed=listed or {}, sidecar=sidecar or {})


def holds(catalog: Catalog, condition: FileCondition) -> bool:
    rows = catalog.matching_files(condition, [condition.negation()])
    assert len(catalog.matching_files(condition.negation())) == 1 - len(rows)
    assert all(row[2] == 0 for row in rows)
    return bool(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(keys, values, scalars, st.booleans())
def test_values_compare_as_in_python(
    catalog: Catalog, key: str, value: Scalar, argument: Scalar, in_sidecar: bool
) -> None:
    catalog.touch(record({key: "other"}, {key: value}) if in_sidecar else record({key: value}))
    expected = {order: ordered(order, value, argument) for order in ORDERS}
    expected["="] = same(value, argument)
    expected[CONTAINS] = as_text(argument) in as_text(value)
    expected[CONTAINS_CASELESS] = as_text(argument).casefold() in as_text(value).casefold()
    for operator, truth in expected.items():
        assert holds(catalog, metadata_condition(key, operator, argument)) == truth, operator
    assert holds(catalog, no_metadata_condition(key)) == (value == "")
    assert not holds(catalog, metadata_condition("missing", "=", argument))
    assert holds(catalog, no_metadata_condition("missing"))


@given(keys)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_keys_that_files_have(catalog: Catalog, key: str) -> None:
    catalog.touch(record({key: 1}, {"own": 2}))
    assert set(catalog.metadata_keys()) == {key, "own"}
    assert catalog.has_metadata_key(key)
    assert not catalog.has_metadata_key(key + "x")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (pattern_condition("年报 caf\u00e9.pdf"), True),
        (pattern_condition("*.pdf"), True),
        (pattern_condition("2024/*"), True),
        (pattern_condition("024/*"), False),
        (pattern_condition("*.PDF"), False),
        (name_condition(CONTAINS, "caf\u00e9"), True),
        (name_condition(CONTAINS, "CAF\u00c9"), False),
        (name_condition(CONTAINS_CASELESS, "CAF\u00c9"), True),
        (document_condition(["c", "d"]), True),
        (document_condition([]), False),
        (FileCondition.joined("AND", []), True),
        (FileCondition.joined("OR", []), False),
    ],
)
def test_names_and_documents(catalog: Catalog, condition: FileCondition, expected: bool) -> None:
    assert holds(catalog, condition) == expected


def test_replaced_files_count_only_if_they_are_asked_for(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite", create=True)
    catalog.begin("d", 1)
    catalog.commit(record({"year": 2024}), DocumentParts([], [["x"]]))
    catalog.remove(PATH)
    condition = metadata_condition("year", "=", 2024)
    assert catalog.matching_files(condition) == []
    assert catalog.matching_files(condition, former=True) == [(PATH, "d")]
    catalog.close()
