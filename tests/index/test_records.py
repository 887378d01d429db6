"""The places of lines, as the catalog keeps them."""

from __future__ import annotations

import json
import zlib

import pytest

from qa_engine.documents.blocks import Span
from qa_engine.index.records import pack_spans, unpack_spans

SPANS = [
    Span(0, 12, 1, 70.04, 90.0, 310.26, 102.5),
    Span(13, 40, 1, 70.0, 104.1, -3.3, 118.0),
    Span(41, 90_000, 1200, 0.0, 0.0, 14_400.0, 1e4),
]
ROUNDED = [
    Span(0, 12, 1, 70.0, 90.0, 310.3, 102.5),
    Span(13, 40, 1, 70.0, 104.1, -3.3, 118.0),
    Span(41, 90_000, 1200, 0.0, 0.0, 14_400.0, 1e4),
]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_places_come_back_to_a_tenth_of_a_point(count: int) -> None:
    found = unpack_spans(pack_spans(SPANS[:count]))
    assert list(found) == ROUNDED[:count]
    assert len(found) == count


def test_parts_are_as_of_a_list() -> None:
    found = unpack_spans(pack_spans(SPANS))
    assert found[-1] == ROUNDED[-1]
    assert found[1:5] == ROUNDED[1:5]
    with pytest.raises(IndexError):
        found[3]


def test_places_that_an_earlier_version_packed_are_read() -> None:
    assert list(unpack_spans(None)) == []
    for spans in (ROUNDED, []):
        rows = [list(vars(span).values()) for span in spans]
        assert list(unpack_spans(zlib.compress(json.dumps(rows).encode()))) == spans
