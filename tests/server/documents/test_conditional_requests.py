"""What clients have already, and which parts they ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from qa_engine.server.documents.conditional_requests import is_known, keep_plain_range, takes_gzip
from qa_engine.server.problems import ProblemError

ETAG = '"abc"'


def request(**headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "headers": pairs})


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"x"', False),
        ("abc", False),
        ('"abc', False),
        ("", False),
    ],
)
def test_known_version(header: str, known: bool) -> None:
    assert is_known(request(if_none_match=header), ETAG) is known


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("GZIP ; Q=1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("br", False),
        ("", False),
        ("identity;q=1, *;q=0", False),
    ],
)
def test_gzip(header: str, taken: bool) -> None:
    assert takes_gzip(request(accept_encoding=header)) is taken


@pytest.mark.parametrize(
    "header", ["bytes=0-0", "bytes=5-", "bytes=-3", "bytes=2-5", "bytes=0-99", "bytes = 0 - 4"]
)
def test_one_range_is_kept(header: str) -> None:
    asked = request(range=header)
    keep_plain_range(asked, ETAG, 10)
    assert "range" in request_headers(asked)


@pytest.mark.parametrize(
    "header", ["bytes=0-1,3-4", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes", "bytes=--1", ""]
)
def test_anything_else_means_the_whole(header: str) -> None:
    asked = request(range=header)
    keep_plain_range(asked, ETAG, 10)
    assert "range" not in request_headers(asked)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=11-12", "bytes=-0"])
def test_range_behind_the_end_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(ProblemError) as refused:
        keep_plain_range(request(range=header), ETAG, 10)
    assert (refused.value.code, refused.value.headers["Content-Range"]) == (
        "range_not_satisfiable",
        "bytes */10",
    )


def test_range_of_another_version_means_the_whole() -> None:
    asked = request(range="bytes=50-", if_range='"old"')
    keep_plain_range(asked, ETAG, 10)
    assert "range" not in request_headers(asked)
    same = request(range="bytes=5-", if_range=ETAG)
    keep_plain_range(same, ETAG, 10)
    assert "range" in request_headers(same)


@given(st.text("bytes=0123456789-, ", max_size=20), st.integers(0, 100))
def test_no_range_fails_otherwise(header: str, size: int) -> None:
    try:
        keep_plain_range(request(range=header), ETAG, size)
    except ProblemError as refused:
        assert refused.code == "range_not_satisfiable"


def request_headers(asked: Request) -> dict[str, str]:
    return dict(Request(asked.scope).headers)
