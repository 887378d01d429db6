"""What a client sends as a name is only a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.ingestion.files.uploads import upload_path
from qa_engine.server.problems import ProblemError
from qa_engine.server.uploads.names import file_name_of


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("年报 #1 100%.pdf", "年报 #1 100%.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.pdf", "a.pdf"),
        ("a\nb\x00\u202ec.pdf", "abc.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        (" a.pdf ", "a.pdf"),
        (".pdf", ".pdf"),
    ],
)
def test_folders_and_control_characters_go(sent: str, name: str) -> None:
    assert file_name_of(sent) == name


@pytest.mark.parametrize("sent", ["", ".", "..", "a/", "a/..", "\n", "\u200b", "年" * 86, "x" * 256])
def test_what_leaves_no_name_is_refused(sent: str) -> None:
    with pytest.raises(ProblemError) as raised:
        file_name_of(sent)
    assert raised.value.code == "invalid_request"


@given(st.text())
def test_a_name_never_leads_anywhere_and_stays_as_it_is(sent: str) -> None:
    try:
        name = file_name_of(sent)
    except ProblemError:
        return
    assert upload_path(name).parts == ("upload:", name)
    assert Path("/storage", name).resolve().parent == Path("/storage")
    assert len(name.encode()) <= 255
    assert file_name_of(name) == name
