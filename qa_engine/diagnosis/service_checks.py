"""Whether the configured services answer and take the key. Only free questions are asked, and only of what is configured."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qa_engine.config import LOCAL, Config
from qa_engine.diagnosis.report import Check, error_sentence, failed, first_names, ok, run_check, warning
from qa_engine.errors import ConfigurationError, ServiceUnavailableError
from qa_engine.models.remote.endpoints import address, resolve_endpoint
from qa_engine.text.one_line import one_line

if TYPE_CHECKING:
    import httpx

_SECONDS = 5.0
"""The time-out of one complete reply."""
_MOST_BYTES = 4_000_000
_NAME = "local_model"
_FILES = ("model.onnx", "tokenizer.json", "pieces.sqlite3", "manifest.json")
_AGAIN = "qa-engine models prepare --force"


@dataclass(frozen=True)
class _Reply:
    status: int
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def check_local_model(config: Config) -> Iterator[Check]:
    """Looks for the local model in the cache, and compares its vectors with the reference."""
    if LOCAL not in (config.embedding.provider, config.rerank.model):
        yield ok(_NAME, "Skipped: neither embedding nor reranking uses the local model.")
        return
    from qa_engine.models.e5.preparation import check, model_folder

    folder = model_folder()
    if not folder.is_dir():
        yield warning(
            _NAME,
            f"The local model is not prepared yet ({folder}): the first question or ingest does it, in some seconds.",
            "qa-engine models prepare",
        )
        return
    lacking = [name for name in _FILES if not (folder / name).is_file() or not (folder / name).stat().st_size]
    if lacking:
        yield failed(_NAME, f"The local model in {folder} lacks {', '.join(lacking)}.", _AGAIN)
        return
    try:
        cosine = check(folder)
    except Exception as error:  # noqa: BLE001 - damaged files raise anything
        yield failed(_NAME, f"The local model in {folder} cannot be used: {error_sentence(error)}", _AGAIN)
        return
    yield ok(_NAME, f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).")


def check_services(config: Config) -> list[Check]:
    """Language model, embedding service and Chroma server, each of them once."""
    return [
        *run_check("llm", _set("LLM__BASE_URL"), lambda: _check_llm(config)),
        *run_check("embedding_service", _set("EMBEDDING__BASE_URL"), lambda: _check_embedding(config)),
        *run_check("chroma_server", _set("INDEX__URL"), lambda: _check_chroma(config)),
    ]


def _check_llm(config: Config) -> Iterator[Check]:
    if not config.llm.model:
        yield ok("llm", "Skipped: no language model is configured (llm.model); answers are extractive.")
        return
    yield _check_models("llm", "llm", "language model", config.llm.model, config)


def _check_embedding(config: Config) -> Iterator[Check]:
    if config.embedding.provider != "openai":
        yield ok(
            "embedding_service",
            f"Skipped: no service embeds (embedding.provider = {config.embedding.provider!r}).",
        )
        return
    yield _check_models("embedding_service", "embedding", "embedding model", config.embedding.model, config)


def _check_models(check: str, section: str, what: str, model: str, config: Config) -> Check:
    """Asks a service with OpenAI's protocol for the list of its models, which costs nothing."""
    import httpx

    settings = config.llm if section == "llm" else config.embedding
    has_key = settings.api_key is not None and bool(settings.api_key.get_secret_value().strip())
    set_key, set_url = _set(f"{section.upper()}__API_KEY"), _set(f"{section.upper()}__BASE_URL")
    try:
        endpoint = resolve_endpoint(section, settings.base_url, settings.api_key)
    except ConfigurationError as error:
        return failed(check, str(error), set_url if "base_url =" in str(error) else set_key)
    place = address(endpoint.base_url)
    who = f"The service of the {what} {model!r} at {place}"
    try:
        with httpx.Client(timeout=_SECONDS) as client:
            headers = {"Authorization": f"Bearer {endpoint.api_key}"}
            reply = _get(client, endpoint.base_url.rstrip("/") + "/models", headers)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return failed(check, _no_answer(who, error, f"{section}.base_url"), set_url)
    except ValueError:
        return failed(
            check, f"The key for {place} holds characters that cannot be sent: correct it.", set_key
        )
    if reply.status in {401, 403}:
        key = "refused the key" if has_key else "asks for a key, and none is set"
        return failed(check, f"{who} {key} (status {reply.status}).", set_key)
    return _check_reply(check, reply, who, model, section)


def _check_reply(check: str, reply: _Reply, who: str, model: str, section: str) -> Check:
    """The check that follows from the reply of a service that accepted the key, or needed none."""
    if reply.status == 429:
        return warning(
            check, f"{who} takes no more requests now (status 429): check the quota of the account."
        )
    if reply.status in {404, 405, 501}:
        return ok(
            check,
            f"{who} answers, and lists no models (status {reply.status}), so the name of the model was not checked.",
        )
    set_url = _set(f"{section.upper()}__BASE_URL")
    if reply.status != 200:
        return failed(
            check, f"{who} failed (status {reply.status}): try again later, or name another.", set_url
        )
    try:
        names = [str(entry["id"]) for entry in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return failed(
            check,
            f"What answers at {section}.base_url is no OpenAI-compatible service: that address usually ends in /v1.",
            set_url,
        )
    if names and model not in names:
        return warning(
            check,
            f"{who} answers, and does not list this model; it has {first_names(names)}.",
            _set(f"{section.upper()}__MODEL"),
        )
    return ok(check, f"{who} answers and takes the key." if names else f"{who} answers.")


def _check_chroma(config: Config) -> Iterator[Check]:
    index, name = config.index, "chroma_server"
    if index.url is None:
        yield ok(name, "Skipped: no Chroma server is configured (index.url); vectors are in the storage.")
        return
    from qa_engine.index.vectors.chroma_server import ChromaServer

    who = f"The Chroma server at {address(index.url)}"
    quick = index.model_copy(update={"timeout_seconds": min(index.timeout_seconds, _SECONDS)})
    try:
        status = ChromaServer(quick).database_status()
    except ConfigurationError as error:
        setting = "TOKEN" if "index.token" in str(error) else "CA_FILE" if "ca_file" in str(error) else "URL"
        yield failed(name, str(error), _set(f"INDEX__{setting}"))
        return
    except ServiceUnavailableError as error:
        yield failed(name, str(error), _set("INDEX__URL"))
        return
    has_token = index.token is not None and bool(index.token.get_secret_value())
    if status in {401, 403}:
        refusal = "refused the token" if has_token else "asks for a token, and none is set"
        yield failed(name, f"{who} {refusal} (status {status}).", _set("INDEX__TOKEN"))
    elif status == 404:
        yield failed(
            name,
            f"{who} has no database {index.database!r} of the tenant {index.tenant!r}, or is no Chroma server (status 404).",
            _set("INDEX__DATABASE"),
        )
    elif status != 200:
        yield failed(name, f"{who} failed (status {status}): look at the server.", _set("INDEX__URL"))
    else:
        yield ok(name, f"{who} answers{' and takes the token' if has_token else ''}.")


def _get(client: httpx.Client, url: str, headers: dict[str, str]) -> _Reply:
    """A reply, within the time for all of it."""
    import httpx

    until = time.monotonic() + _SECONDS
    content = b""
    with client.stream("GET", url, headers=headers) as response:
        for piece in response.iter_bytes():
            content += piece
            if time.monotonic() > until:
                raise httpx.ReadTimeout(f"no complete reply within {_SECONDS:g} s")
            if len(content) > _MOST_BYTES:
                break
        return _Reply(response.status_code, content)


def _no_answer(who: str, error: Exception, setting: str) -> str:
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return f"{who} did not answer within {_SECONDS:g} seconds: look at the server, or correct {setting}."
    message = one_line(str(error), 200).rstrip(".") or type(error).__name__
    return f"{who} cannot be reached ({message}): look whether it is running, or correct {setting}."


def _set(name: str) -> str:
    """The command that changes a setting."""
    return f"export QA_ENGINE_{name}=…"
