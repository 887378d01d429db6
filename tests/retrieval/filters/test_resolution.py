"""Filters held against a catalog: which documents are left, and what is still to be asked of their sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from qa_engine.errors import InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import DocumentParts, FileRecord
from qa_engine.retrieval.filters import resolution as module
from qa_engine.retrieval.filters.conditions import ALWAYS
from qa_engine.retrieval.filters.expressions import parse_filters
from qa_engine.retrieval.filters.resolution import Scope, resolve

FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "/docs/2023/年报.pdf": (
        {"year": 2023, "team": "A", "date": "2023-05-01"},
        ["第一章", "第一章 › 风险因素"],
    ),
    "/docs/2024/年报.pdf": ({"year": 2024, "draft": True, "date": "2024-01-31"}, ["风险"]),
    "/docs/plan[1].pdf": ({"year": "n/a", "team": ""}, []),
    "/docs/cafe\u0301.pdf": ({}, ["Risk"]),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = Catalog(tmp_path_factory.mktemp("scope") / "catalog.sqlite", create=True)
    for path, (metadata, sections) in FILES.items():
        document_id = Path(path).as_posix()
        catalog.begin(document_id, 1)
        record = FileRecord(path, Path(path).name, 1, 1, 1, "", "", document_id, sidecar=metadata)
        catalog.commit(record, DocumentParts([], [["x"]], sections=sections))
    return catalog


def left(scope: Scope) -> list[str]:
    """The documents that are left, numbered as in `FILES`."""
    return [str(number) for number, path in enumerate(FILES, 1) if path in scope.conditions]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (["file=年报.pdf"], "12"),
        (["file!=年报.pdf"], "34"),
        (["file=年*.pdf", "year>2023"], "2"),
        (["file=2023/年报.pdf"], "1"),
        (["file=202?/*.pdf"], "12"),
        (["file=/docs/2023/年报.pdf"], "1"),
        (["file=docs/*"], "1234"),
        (["file=023/年报.pdf"], ""),
        (["file=plan[1].pdf"], "3"),
        (["file=plan?1?.pdf"], "3"),
        (["file=caf\u00e9.pdf"], "4"),
        (["file_name=年报.pdf"], "12"),
        (["year=2023"], "1"),
        (["year=2023.0"], "1"),
        (["year!=2023"], "234"),
        (["year>=2023"], "12"),
        (["year<2024"], "1"),
        (["year=n/a"], "3"),
        (["date>=2024-01-01"], "2"),
        (["date<2024"], ""),
        (["draft=true"], "2"),
        (["draft=True"], ""),
        (["team=A"], "1"),
        (["section=风险"], "12"),
        (["section!=风险"], "1234"),
        (["section=risk"], "4"),
        (["section=第一章 › 风"], "1"),
        (["page=999"], "1234"),
        (["year=2023", "year=2024"], ""),
    ],
)
def test_documents_that_are_left(expressions: list[str], expected: str, catalog: Catalog) -> None:
    assert "".join(left(resolve(parse_filters(expressions), catalog))) == expected


@pytest.mark.parametrize(
    ("key", "operator", "value", "expected"),
    [
        ("year", FilterOperator.IN, [2023, 2024], "12"),
        ("year", FilterOperator.NIN, [2023, 2024], "34"),
        ("team", FilterOperator.IS_EMPTY, None, "234"),
        ("date", FilterOperator.TEXT_MATCH, "2023", "1"),
        ("team", FilterOperator.TEXT_MATCH_INSENSITIVE, "a", "1"),
        ("team", FilterOperator.CONTAINS, "a", ""),
        ("file", FilterOperator.IN, ["plan*", "2023/*"], "13"),
        ("file", FilterOperator.CONTAINS, "报", "12"),
        ("section", FilterOperator.NIN, ["风险", "risk"], "1234"),
        ("page", FilterOperator.IN, [1, 2], "1234"),
        ("page", FilterOperator.IN, [], ""),
    ],
)
def test_operators_of_llamaindex(
    key: str, operator: FilterOperator, value: Any, expected: str, catalog: Catalog
) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key=key, operator=operator, value=value)])
    assert "".join(left(resolve(filters, catalog))) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [(FilterCondition.AND, ""), (FilterCondition.OR, "123"), (FilterCondition.NOT, "4")],
)
def test_conditions_of_llamaindex(condition: FilterCondition, expected: str, catalog: Catalog) -> None:
    leaves = [MetadataFilter(key="file", value="年报.pdf"), MetadataFilter(key="file", value="plan*")]
    assert "".join(left(resolve(MetadataFilters(filters=leaves, condition=condition), catalog))) == expected


def test_no_filter_leaves_everything(catalog: Catalog) -> None:
    for filters in (None, MetadataFilters(filters=[])):
        scope = resolve(filters, catalog)
        assert scope.complete
        assert list(scope.groups()) == [(ALWAYS, None)]


def test_what_is_settled_for_a_file_is_not_asked_of_its_sentences(catalog: Catalog) -> None:
    leaves = [MetadataFilter(key="year", value=2023), MetadataFilter(key="page", value=2)]
    scope = resolve(MetadataFilters(filters=leaves, condition=FilterCondition.OR), catalog)
    groups = dict(scope.groups())
    assert groups.pop(ALWAYS) == ["/docs/2023/年报.pdf"]
    assert [len(ids or ()) for ids in groups.values()] == [3]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (
            "autor=Li",
            r"'autor' in 'autor=Li' is nothing to filter by: known are file, section, page and.* date, draft, team, year",
        ),
        ("autor!=Li", r"'autor!=Li'"),
        ("file>a", r"'file>a' is no filter"),
        ("section>=a", r"'section>=a' is no filter"),
        ("page=x", r"'page=x' is no filter: a page is a whole number"),
        ("page!=x", r"'page!=x' is no filter"),
        ("page>=2.5", r"'page>=2.5' is no filter"),
    ],
)
def test_filters_that_cannot_be_used_are_repeated(expression: str, told: str, catalog: Catalog) -> None:
    with pytest.raises(InputError, match=told):
        resolve(parse_filters([expression]), catalog)


@pytest.mark.parametrize(
    ("key", "operator", "value"),
    [
        ("year", FilterOperator.IN, 2023),
        ("year", FilterOperator.EQ, [2023]),
        ("year", FilterOperator.EQ, None),
        ("year", FilterOperator.ANY, 2023),
        ("page", FilterOperator.CONTAINS, 3),
        ("page", FilterOperator.EQ, float("inf")),
        ("page", FilterOperator.LT, float("nan")),
        ("file", FilterOperator.IS_EMPTY, None),
        ("team", FilterOperator.EQ, "a\0b"),
        ("file", FilterOperator.EQ, "\udcff"),
        ("team", FilterOperator.IN, ["a", "\ud800"]),
        ("te\0am", FilterOperator.EQ, "a"),
        ("section\udcff", FilterOperator.EQ, "a"),
    ],
)
def test_operators_that_do_not_fit_are_refused(
    key: str, operator: FilterOperator, value: Any, catalog: Catalog
) -> None:
    filters = MetadataFilters(filters=[MetadataFilter(key=key, operator=operator, value=value)])
    with pytest.raises(InputError, match="is no filter"):
        resolve(filters, catalog)


def test_without_any_metadata_the_message_says_so(tmp_path: Path) -> None:
    empty = Catalog(tmp_path / "catalog.sqlite", create=True)
    with pytest.raises(InputError, match="no file has metadata"):
        resolve(parse_filters(["year=1"]), empty)
    assert resolve(parse_filters(["year=1"]), empty, ["year"]).conditions == {}


def test_a_section_that_fits_too_many_is_refused(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_SECTIONS", 1)
    with pytest.raises(InputError, match="fits 2 sections, more than 1"):
        resolve(parse_filters(["section=风险"]), catalog)
