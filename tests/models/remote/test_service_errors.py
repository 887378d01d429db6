from __future__ import annotations

import httpx
import openai
import pytest

from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ModelUnavailableError,
    QAEngineError,
    ServiceUnavailableError,
)
from qa_engine.models.remote.service_errors import ServiceErrors

URL = "http://user:hidden@models.example:8000/v1"
KEY = "sk-abcdefghijklmnop"


def status_error(status: int, body: object) -> openai.APIStatusError:
    request = httpx.Request("POST", f"{URL}/chat/completions")
    response = httpx.Response(status, request=request, json=body)
    return openai.OpenAI(api_key="k")._make_status_error_from_response(response)


def message_of(error: Exception, what: str = "llm", kind: type[QAEngineError] = QAEngineError) -> str:
    with pytest.raises(kind) as raised, ServiceErrors(what, "qwen", URL, timeout_seconds=7):
        raise error
    assert raised.value.__cause__ is error
    text = str(raised.value)
    assert "hidden" not in text
    assert KEY not in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_names_variables_and_host_but_never_the_key(status: int) -> None:
    error = status_error(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    text = message_of(error, "embedding", AuthenticationFailedError)
    assert "QA_ENGINE_EMBEDDING__API_KEY" in text
    assert "OPENAI_API_KEY" in text
    assert "models.example:8000" in text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"message": "The model `qwen` does not exist", "code": "model_not_found"}}),
        (404, {"detail": "Not Found"}),
        (400, {"error": {"message": "Model Not Exist", "code": "invalid_request_error"}}),
        (400, {"error": {"message": "模型不存在，请检查模型代码。", "code": "1211"}}),
        (403, {"error": {"message": "Project has no access to model `qwen`", "code": "model_not_found"}}),
    ],
)
def test_unknown_model_names_model_host_and_where_to_choose(status: int, body: object) -> None:
    text = message_of(status_error(status, body), kind=ModelUnavailableError)
    assert "'qwen'" in text
    assert "models.example:8000" in text
    assert "/v1/models" in text
    assert "llm.model" in text


def test_not_found_without_a_word_about_models_mentions_the_path() -> None:
    assert "/v1" in message_of(status_error(404, {"detail": "Not Found"})).partition("wrong")[2]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_busy_or_failing_service(status: int) -> None:
    error = status_error(status, {"error": {"message": f"overloaded {KEY}"}})
    text = message_of(error, kind=ServiceUnavailableError)
    assert str(status) in text
    assert "overloaded" in text


def test_too_long_prompt_says_what_to_lower() -> None:
    error = status_error(400, {"error": {"message": "maximum context length is 4096 tokens. " + "x" * 5000}})
    text = message_of(error, kind=ConfigurationError)
    assert "maximum context length is 4096" in text
    assert "answering.passages" in text
    assert len(text) < 600


def test_html_error_page_becomes_one_short_sentence() -> None:
    request = httpx.Request("POST", URL)
    response = httpx.Response(502, request=request, text="<html>\n<h1>Bad   gateway</h1>" + "<p>" * 900)
    error = openai.OpenAI(api_key="k")._make_status_error_from_response(response)
    assert "Bad gateway" in message_of(error, kind=ServiceUnavailableError)


def test_time_out_says_seconds() -> None:
    request = httpx.Request("POST", URL)
    for error in (openai.APITimeoutError(request), httpx.ReadTimeout("slow", request=request)):
        text = message_of(error, kind=ServiceUnavailableError)
        assert "7 seconds" in text
        assert "llm.timeout_seconds" in text


def test_refused_connection_names_host_and_port() -> None:
    text = message_of(httpx.ConnectError("Connection refused"), kind=ServiceUnavailableError)
    assert "Nobody answers at models.example:8000" in text
    assert "llm.base_url" in text


def test_broken_connection_is_told_from_one_never_made() -> None:
    text = message_of(httpx.RemoteProtocolError("peer closed connection"), kind=ServiceUnavailableError)
    assert "broke off" in text


def test_errors_of_others_pass_unchanged() -> None:
    for error in (KeyError("x"), ConfigurationError("ours")):
        with pytest.raises(type(error)) as raised, ServiceErrors("llm", "m", None):
            raise error
        assert raised.value is error


async def test_works_around_awaits() -> None:
    async def fail() -> None:
        raise httpx.ReadError("gone")

    with pytest.raises(ServiceUnavailableError, match=r"api\.openai\.com"), ServiceErrors("llm", "m", None):
        await fail()
