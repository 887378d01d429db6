"""One table of errors, rendered for every protocol."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from served import ServedApp
from starlette.responses import Response

from qa_engine import errors
from qa_engine.server.problem_kinds import PROBLEMS
from qa_engine.server.problems import ProblemError, problem_of, render, without_paths


def scope(path: str) -> dict[str, object]:
    return {"type": "http", "path": path, "state": {"request_id": "r1"}}


def body(response: Response) -> dict[str, object]:
    content: dict[str, object] = json.loads(bytes(response.body))
    return content


@pytest.mark.parametrize("code", PROBLEMS)
def test_each_error_is_rendered_for_each_protocol(code: str) -> None:
    problem = ProblemError(code, "Nothing was found under 'x'.", "Ask for 'y'.")
    kind = PROBLEMS[code]
    native = render(problem, scope("/api/v1/ask"))
    assert native.media_type == "application/problem+json"
    assert body(native) == {
        "type": f"https://github.com/qa-engine/qa-engine/blob/main/docs/server.md#{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": "Nothing was found under 'x'.",
        "code": code,
        "fix": "Ask for 'y'.",
        "request_id": "r1",
    }
    sentence = "Nothing was found under 'x'. Ask for 'y'."
    openai = render(problem, scope("/v1/chat/completions"))
    assert body(openai)["error"] | {"type": ""} == {
        "message": sentence,
        "type": "",
        "param": None,
        "code": code,
    }  # type: ignore[operator]
    assert {native.status_code, openai.status_code} == {kind.status}
    for path in ("/retrieval", "/dify/retrieval"):
        dify = render(problem, scope(path))
        told = {"unauthorized": 1001, "forbidden": 1002, "not_found": 2001}.get(code, kind.status)
        assert body(dify) == {"error_code": told, "error_msg": sentence}
        assert dify.status_code == (403 if code == "unauthorized" else kind.status)
    assert ("retry-after" in native.headers) == (kind.status in {429, 503})
    assert ("www-authenticate" in native.headers) == (kind.status == 401)


def test_the_documentation_lists_every_error_at_the_place_that_its_type_names() -> None:
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text("utf-8")
    rows = re.findall(r'^\| <a id="(\w+)"></a>`(\w+)` \| (\d+) \| ([^|]+) \| ([^|]*) \|$', page, re.MULTILINE)
    listed = [(place, code, int(status), title, fix.strip()) for place, code, status, title, fix in rows]
    assert listed == [(code, code, kind.status, kind.title, kind.fix) for code, kind in PROBLEMS.items()]
    assert problem_of(errors.InputError("x")).to_dict("")["type"].endswith("docs/server.md#invalid_request")


@pytest.mark.parametrize(
    "error",
    [
        errors.InputError("x"),
        errors.ConfigurationError("x"),
        errors.AuthenticationFailedError("x"),
        errors.CollectionNotFoundError("x"),
        errors.ModelUnavailableError("x"),
        errors.ServiceUnavailableError("x"),
        errors.StorageError("x"),
        errors.IndexLockedError("x"),
        errors.DocumentError("damaged", "x"),
    ],
)
def test_errors_of_the_package_have_a_code_of_their_own(error: errors.QAEngineError) -> None:
    assert problem_of(error).code != "internal"


def test_what_was_not_raised_on_purpose_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "qa_engine.server"):
        problem = problem_of(RuntimeError("the secret of /srv/data"), "r7")
    assert problem.code == "internal"
    assert "secret" not in json.dumps(problem.to_dict("r7"))
    assert "r7" in caplog.text
    assert "the secret of /srv/data" in caplog.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The index in /srv/my/storage cannot be read.", "The index in storage cannot be read."),
        ("'/a/b c' or (/x/y.pdf), C:\\data\\年报.pdf", "'b c' or (y.pdf), 年报.pdf"),
        ("./storage/x and ../y and ~/z", "x and y and z"),
        ("1/2 of the pages; 和/或; https://example.com/a", "1/2 of the pages; 和/或; https://example.com/a"),
    ],
)
def test_messages_lose_the_folders_of_local_paths(text: str, shown: str) -> None:
    assert without_paths(text) == shown


def test_unknown_addresses_and_methods_are_problems(server: ServedApp) -> None:
    missing = server.client.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = server.client.post("/healthz")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET"


def test_the_id_of_a_proxy_is_kept_and_a_strange_one_is_not(server: ServedApp) -> None:
    kept = server.client.get("/nothing", headers={"X-Request-ID": "proxy-1.2"})
    assert kept.headers["X-Request-ID"] == kept.json()["request_id"] == "proxy-1.2"
    made = server.client.get("/nothing", headers={"X-Request-ID": "a b<script>"})
    assert made.headers["X-Request-ID"] == made.json()["request_id"] != "a b<script>"
