"""The error tree: exit codes, and errors that travel between processes."""

from __future__ import annotations

import pickle

import pytest

from qa_engine import errors
from qa_engine.errors import DocumentError, QAEngineError


def every_error() -> list[type[QAEngineError]]:
    return [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, QAEngineError)
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("QAEngineError", 1),
        ("DocumentError", 1),
        ("InputError", 2),
        ("ConfigurationError", 2),
        ("AuthenticationFailedError", 2),
        ("CollectionNotFoundError", 2),
        ("ModelUnavailableError", 3),
        ("ServiceUnavailableError", 3),
        ("StorageError", 3),
        ("IndexLockedError", 3),
    ],
)
def test_exit_code(name: str, code: int) -> None:
    assert getattr(errors, name).exit_code == code


def test_every_error_has_a_documented_exit_code_and_says_what_to_do() -> None:
    assert len(every_error()) >= 10
    for kind in every_error():
        assert kind.exit_code in {1, 2, 3}
        assert kind.__doc__


def test_document_error_keeps_reason_and_message_across_processes() -> None:
    error = pickle.loads(pickle.dumps(DocumentError("locked", "a.pdf is locked.")))
    assert isinstance(error, DocumentError)
    assert error.reason == "locked"
    assert str(error) == "a.pdf is locked."
