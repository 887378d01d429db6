from __future__ import annotations

import os
import sys
from threading import Barrier, Thread

import pytest

from qa_engine.models.runtime.onnx_runtime import disable_telemetry, telemetry_disabled

NAME = "ORT_DISABLE_TELEMETRY"


@pytest.fixture(autouse=True)
def not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)


def test_the_environment_is_as_it_was_after_an_error_too() -> None:
    with pytest.raises(ImportError), telemetry_disabled(), telemetry_disabled():
        assert os.environ[NAME] == "1"
        raise ImportError
    assert NAME not in os.environ


def test_threads_that_import_at_once_are_all_without() -> None:
    first_leaves, seen = Barrier(2), []

    def first() -> None:
        with telemetry_disabled():
            first_leaves.wait(10)

    with telemetry_disabled():
        thread = Thread(target=first)
        thread.start()
        first_leaves.wait(10)
        thread.join()
        seen.append(os.environ.get(NAME))
    assert seen == ["1"]
    assert NAME not in os.environ


def test_what_the_user_says_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "0")
    with telemetry_disabled():
        assert os.environ[NAME] == "0"
    disable_telemetry()
    assert os.environ[NAME] == "0"
