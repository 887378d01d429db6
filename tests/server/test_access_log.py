"""A line a request: who, what and how long, and no content."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from served import served
from starlette.testclient import TestClient

from qa_engine.errors import InputError
from qa_engine.server.access import Access
from qa_engine.server.access_log import AccessLog, note, written_access_log
from qa_engine.server.metrics import ServerMetrics
from qa_engine.server.requests import RequestIds

logger = logging.getLogger("qa_engine.access")


@contextmanager
def lines(place: Path) -> Iterator[list[dict[str, Any]]]:
    """The lines that are written until the block ends; they are there then."""
    found: list[dict[str, Any]] = []
    with written_access_log(str(place)):
        yield found
    found += [json.loads(line) for line in place.read_text("utf-8").splitlines()]


def app_that_notes(log_questions: bool) -> FastAPI:
    app = FastAPI()
    app.state.server = type("State", (), {"metrics": ServerMetrics()})

    @app.get("/files/{name}")
    def show(request: Request, name: str) -> None:
        request.state.access = Access("网页")
        note(request, stages={"dense": 12.5, "total": 30.0}, refused=True, tokens={"prompt": 7})
        note(request, question="秘密\x1b[31m\u202e\ud800\n", answer=name)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the secret of /srv")

    app.add_middleware(AccessLog, log_questions)
    app.add_middleware(RequestIds)
    return app


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"server\.access_log"),
        written_access_log(str(tmp_path / "no" / "log")),
    ):
        pass
    assert not logger.handlers


def test_neither_names_nor_questions_are_written(tmp_path: Path) -> None:
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with lines(tmp_path / "log") as found:
        answered = client.get("/files/机密.pdf?q=secret")
        client.get("/nothing/secret")
    assert "秘密" not in (tmp_path / "log").read_text("utf-8")
    assert "secret" not in (tmp_path / "log").read_text("utf-8")
    line, missing = found
    assert line.pop("milliseconds") > 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "request_id": answered.headers["X-Request-ID"],
        "key": "网页",
        "client": "testclient",
        "method": "GET",
        "route": "/files/{name}",
        "status": 200,
        "stages": {"dense": 12.5, "total": 30.0},
        "refused": True,
        "tokens": {"prompt": 7},
    }
    assert (missing["route"], missing["status"], missing["key"]) == ("other", 404, None)


def test_questions_are_written_if_that_is_asked_for_and_steer_no_terminal(tmp_path: Path) -> None:
    client = TestClient(app_that_notes(log_questions=True), "http://localhost")
    with lines(tmp_path / "log") as found:
        client.get("/files/a")
    assert found[0]["question"] == "秘密\x1b[31m\u202e\ud800\n"
    raw = (tmp_path / "log").read_bytes()
    assert raw.count(b"\n") == 1
    assert not {0x1B, 0xE2} & set(raw.replace("秘密网页".encode(), b""))


def test_a_failure_is_a_line_too(tmp_path: Path) -> None:
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with lines(tmp_path / "log") as found:
        assert client.get("/broken").status_code == 500
    assert (found[0]["route"], found[0]["status"]) == ("/broken", 500)


def test_standard_error_gets_one_line_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with written_access_log("stderr"):
        client.get("/files/a")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [json.loads(line)["route"] for line in shown.err.splitlines()] == ["/files/{name}"]


def test_a_reader_that_stopped_reading_holds_up_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with os.fdopen(reader, "rb"), os.fdopen(writer, "w", encoding="utf-8") as unread:
        os.set_blocking(reader, False)
        monkeypatch.setattr(sys, "stderr", unread)
        with written_access_log("stderr"):
            monkeypatch.undo()
            for _ in range(400):  # a pipe takes 64 KiB
                assert client.get("/files/a").status_code == 200
            waiting = logger.handlers[0]
            assert isinstance(waiting, QueueHandler)
            assert waiting.queue.qsize() > 0
            while not waiting.queue.empty():
                with suppress(BlockingIOError):
                    os.read(reader, 1_000_000)


def test_a_full_disk_is_told_once_and_ends_no_request(caplog: pytest.LogCaptureFixture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with written_access_log("/dev/full"):
        assert [client.get("/files/a").status_code for _ in range(3)] == [200] * 3
    assert caplog.text.count("the access log cannot be written") == 1


def test_a_file_may_be_moved_away(tmp_path: Path) -> None:
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with written_access_log(str(tmp_path / "log")):
        client.get("/files/a")
        while not (tmp_path / "log").read_text("utf-8"):
            pass
        (tmp_path / "log").rename(tmp_path / "log.1")
        client.get("/files/b")
    assert all(len((tmp_path / name).read_text("utf-8").splitlines()) == 1 for name in ("log", "log.1"))


def test_requests_that_are_refused_early_have_a_line(tmp_path: Path) -> None:
    with lines(tmp_path / "log") as found, served(tmp_path / "storage", server={"host": "0.0.0.0"}) as server:
        server.client.get("/healthz", headers={"Host": "evil.example"})
        server.client.get("/api/v1/info", headers={"X-Request-ID": "proxy-7"})
        server.client.request("BREW", "/healthz")
    assert [(line["status"], line["route"], line["method"]) for line in found] == [
        (200, "/healthz", "GET"),  # of `served`
        (421, "other", "GET"),
        (401, "other", "GET"),
        (405, "/healthz", "BREW"),
    ]
    assert found[2]["request_id"] == "proxy-7"


def test_questions_are_noted_whole_or_in_events(storage: Path, tmp_path: Path) -> None:
    question = {"question": "Llama 2有多少参数？"}
    with lines(tmp_path / "log") as found, served(storage, "papers") as server:
        assert not server.client.post("/api/v1/ask", json=question).json()["refused"]
        with server.client.stream("POST", "/api/v1/ask", json=question | {"stream": True}) as stream:
            assert "event: done" in stream.read().decode()
        server.client.post("/api/v1/search", json=question)
        server.client.post("/api/v1/ask", json=question | {"collections": ["none"]})
        counted = server.client.get("/metrics").text
    assert "Llama" not in (tmp_path / "log").read_text("utf-8")
    whole, events, search, missing = found[1:5]
    assert (whole["refused"], events["refused"]) == (False, False)
    assert whole["stages"]["total"] > 0
    assert whole["stages"].keys() == events["stages"].keys()
    assert (search["route"], search["status"]) == ("/api/v1/search", 200)
    assert (missing["status"], missing["problem"]) == (404, "not_found")
    assert 'qa_engine_question_seconds_count{stage="total"} 2.0' in counted
    assert "qa_engine_running_questions 0.0" in counted
    assert "qa_engine_waiting_questions 0.0" in counted


def test_a_host_that_logs_nothing_of_it_has_no_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(app_that_notes(log_questions=False), "http://localhost")
    with caplog.at_level(logging.WARNING, "qa_engine"), written_access_log("off"):
        client.get("/files/a")
    assert not [record for record in caplog.records if record.name == logger.name]
