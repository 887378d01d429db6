"""Forms cut into pieces anywhere, and forms that are wrong."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from anyio import CapacityLimiter
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.server.problems import ProblemError
from qa_engine.server.uploads.bodies import FormReader

TYPE = "multipart/form-data; boundary=x-y"


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return (
        f'--x-y\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
    )


def read(folder: Path, body: bytes, cuts: list[int], content_type: str = TYPE) -> FormReader:
    async def pieces() -> AsyncIterator[bytes]:
        places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
        for start, end in pairwise(places):
            yield body[start:end]

    async def begin() -> None:
        pass

    async def main() -> FormReader:
        form = FormReader(content_type, folder, CapacityLimiter(1))
        try:
            await form.read(pieces(), begin)
        finally:
            form.discard()
        return form

    return anyio.run(main)


@given(st.lists(st.integers(0, 10_000), max_size=12), st.binary(max_size=300))
def test_a_form_is_read_whatever_pieces_it_comes_in(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "incoming"
    first, second = b"%PDF-1" + content, b"\r\n--x-%PDF-\r\n" + content
    body = (
        part("file", first, "a/年报.pdf")
        + part("metadata", b'{"year": 2024}')
        + part("file", second, "b.pdf")
    )
    form = read(folder, body + b"--x-y--\r\n", cuts)
    assert [(file.name, file.sha256) for file in form.files] == [
        ("年报.pdf", hashlib.sha256(first).hexdigest()),
        ("b.pdf", hashlib.sha256(second).hexdigest()),
    ]
    assert form.metadata == {"year": 2024}
    assert list(folder.iterdir()) == []


PDF = part("file", b"%PDF-1", "a.pdf")
END = b"--x-y--\r\n"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_request"),
        (b"nothing of a form", "malformed_request"),
        (PDF, "malformed_request"),
        (PDF + END[:-4], "malformed_request"),
        (END, "invalid_request"),
        (part("metadata", b"{}") + END, "invalid_request"),
        (PDF + part("metadata", b"[1]") + END, "invalid_request"),
        (PDF + part("metadata", b"{" * 9) + END, "invalid_request"),
        (PDF + part("metadata", b'{"page": 1}') + END, "invalid_request"),
        (PDF + part("other", b"x") + END, "invalid_request"),
        (PDF + PDF + END, "invalid_request"),
        (part("file", b"%PDF-1", "") + END, "invalid_request"),
        (part("file", b"%PDF-1") + END, "invalid_request"),
        (part("file", b"", "a.pdf") + END, "invalid_request"),
        (part("file", b"PK\x03\x04", "a.pdf") + END, "unsupported_type"),
        (b"--x-y\r\n" + b"A: " + b"x" * 9000 + b"\r\n\r\n" + END, "malformed_request"),
    ],
)
def test_what_is_wrong_with_a_form_is_named_and_leaves_nothing(
    body: bytes, code: str, tmp_path: Path
) -> None:
    with pytest.raises(ProblemError) as raised:
        read(tmp_path, body, [3, 50])
    assert raised.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kind", ["", "application/pdf", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_other_bodies_are_refused_before_they_are_read(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as raised:
        read(tmp_path, b"", [], kind)
    assert raised.value.code in {"unsupported_type", "malformed_request"}
