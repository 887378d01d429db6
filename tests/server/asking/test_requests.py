"""What bodies mean, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.vector_stores.types import FilterCondition, FilterOperator
from pydantic import ValidationError
from starlette.requests import Request

from qa_engine.config import Config
from qa_engine.server.asking.requests import AskRequest, SearchRequest, asked_collections
from qa_engine.server.asking.responses import event_number, wants_events
from qa_engine.server.problems import ProblemError


@pytest.mark.parametrize(
    "fields",
    [
        {"questions": "多高？"},
        {"question": ""},
        {"question": "多高？", "top_k": 0},
        {"question": "多高？", "collections": [""]},
        {"question": "多高？", "filters": {"key": "page", "value": 1}},
        {"question": "多高？", "filters": {"filters": [{"key": "page", "value": 1, "operater": "=="}]}},
        {"question": "多高？", "filters": {"filters": [{"key": "page", "value": 1, "operator": "~"}]}},
        {"question": "多高？", "answer_id": "../../etc"},
        {"question": "多高？", "history": [{"role": "system", "content": "x"}]},
        {"question": "多高？", "history": [], "conversation_id": "c"},
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AskRequest.model_validate(fields)


@pytest.mark.parametrize("question", [" \n", "问" * 2001, "\ud800"])
def test_a_question_that_cannot_be_asked_is_refused(question: str) -> None:
    with pytest.raises(ProblemError) as refused:
        SearchRequest.model_construct(question=question).checked(Config())
    assert refused.value.members["errors"][0]["pointer"] == "#/question"


@pytest.mark.parametrize("filters", [["page"], {"filters": []}])
def test_filters_that_say_nothing(filters: Any) -> None:
    body = SearchRequest(question="多高？", filters=filters)
    if isinstance(filters, list):
        with pytest.raises(ProblemError) as refused:
            body.conditions()
        assert refused.value.members["errors"][0]["pointer"] == "#/filters"
    else:
        conditions = body.conditions()
        assert conditions is not None
        assert conditions.filters == []


def test_filters_of_llamaindex_and_of_the_command() -> None:
    nested = {"condition": "or", "filters": [{"key": "year", "value": [2020, 2021], "operator": "in"}]}
    body = SearchRequest.model_validate(
        {"question": "？", "filters": {"filters": [nested, {"key": "page", "value": 3}]}}
    )
    conditions = body.conditions()
    assert conditions is not None
    inner, leaf = conditions.filters
    assert inner.condition is FilterCondition.OR
    assert (leaf.key, leaf.value, leaf.operator) == ("page", 3, FilterOperator.EQ)
    assert len(SearchRequest(question="？", filters=["page=3", "file=a*"]).conditions().filters) == 2


def test_filters_that_are_nested_too_deeply_are_refused() -> None:
    filters: dict[str, Any] = {"filters": []}
    for _ in range(9):
        filters = {"filters": [filters]}
    with pytest.raises(ProblemError, match="nested"):
        SearchRequest.model_validate({"question": "？", "filters": filters}).conditions()


@pytest.mark.parametrize(
    ("named", "limited", "asked"),
    [
        (None, None, ("a", "b")),
        (["c", "a", "c"], None, ("c", "a")),
        (None, frozenset({"b", "z"}), ("b",)),
        (None, frozenset({"z", "y"}), ("y", "z")),
    ],
)
def test_collections(named: Any, limited: Any, asked: Any) -> None:
    assert asked_collections(named, ("a", "b"), limited) == asked


def _request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("accept", "stream", "wanted"),
    [
        ("", None, False),
        ("*/*", None, False),
        ("text/event-stream", None, True),
        ("text/event-stream", False, False),
        ("application/json", True, True),
        ("application/json, text/event-stream;q=0.5", None, False),
        ("application/json;q=0.1,TEXT/event-stream", None, True),
        ("text/event-stream;q=0", None, False),
        ("text/event-stream;q=x", None, False),
    ],
)
def test_who_wants_events(accept: str, stream: bool | None, wanted: bool) -> None:
    assert wants_events(_request(accept=accept), stream) is wanted


@pytest.mark.parametrize(
    ("text", "number"), [(None, 0), ("", 0), ("7", 7), ("-1", 0), ("x", 0), ("９", 0), ("9" * 99, 0)]
)
def test_the_last_event_that_is_known(text: str | None, number: int) -> None:
    assert event_number(text) == number
