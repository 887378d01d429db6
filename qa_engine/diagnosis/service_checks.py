"""Whether the configured services answer and take the key. Only free questions are asked, and only of what is configured."""

from __future__ import annotations

import time

import httpx

from qa_engine.config import LOCAL, Config, EmbeddingConfig, LlmConfig
from qa_engine.diagnosis.report import Check, error_sentence, failed, first_names, ok, run_check, warning
from qa_engine.errors import ConfigurationError, ServiceUnavailableError, StorageError
from qa_engine.models.remote.endpoints import address, resolve_endpoint
from qa_engine.text.one_line import one_line

PREPARE_AGAIN = "qa-engine models prepare --force"
"""The command that mends the local model and the dictionary."""
_SECONDS = 5.0
"""The time-out of one complete reply."""
_MOST_BYTES = 4_000_000
_FILES = ("model.onnx", "tokenizer.json", "pieces.sqlite3", "manifest.json")


def check_local_model(config: Config) -> Check:
    """Looks for the local model in the cache, and compares its vectors with the reference."""
    if LOCAL not in (config.embedding.provider, config.rerank.model):
        return ok("Skipped: neither embedding nor reranking uses the local model.")
    from qa_engine.models.e5.preparation import check, model_folder

    folder = model_folder()
    if not folder.is_dir():
        return warning(
            f"The local model is not prepared yet ({folder}): the first question or ingest does it, in some seconds.",
            "qa-engine models prepare",
        )
    lacking = [name for name in _FILES if not (folder / name).is_file() or not (folder / name).stat().st_size]
    if lacking:
        return failed(f"The local model in {folder} lacks {', '.join(lacking)}.", PREPARE_AGAIN)
    try:
        cosine = check(folder)
    except Exception as error:  # noqa: BLE001 - damaged files raise anything
        return failed(f"The local model in {folder} cannot be used: {error_sentence(error)}", PREPARE_AGAIN)
    return ok(f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).")


def check_dictionary(config: Config) -> Check:
    """Looks for the dictionary across languages in the cache, and reads all of it."""
    from qa_engine.retrieval.dictionary.table import check_table, table_file

    if not config.retrieval.dictionary:
        return ok("Skipped: retrieval.dictionary is off.")
    path = table_file()
    if not path.is_file():
        return warning(
            f"The dictionary is not prepared yet ({path}): the first question in another language than the documents does "
            "it, in some ten seconds.",
            "qa-engine models prepare",
        )
    try:
        return ok(f"The dictionary in {path} is good. {check_table(path)}.")
    except StorageError as error:
        return failed(str(error), PREPARE_AGAIN)


def check_services(config: Config) -> list[Check]:
    """Language model, embedding service and Chroma server, each of them once."""
    return [
        run_check("llm", _set("LLM__BASE_URL"), _check_llm, config),
        run_check("embedding_service", _set("EMBEDDING__BASE_URL"), _check_embedding, config),
        run_check("chroma_server", _set("INDEX__URL"), _check_chroma, config),
    ]


def _check_llm(config: Config) -> Check:
    if not config.llm.model:
        return ok("Skipped: no language model is configured (llm.model); answers are extractive.")
    return _check_models("llm", "language model", config.llm.model, config.llm)


def _check_embedding(config: Config) -> Check:
    if config.embedding.provider != "openai":
        return ok(f"Skipped: no service embeds (embedding.provider = {config.embedding.provider!r}).")
    return _check_models("embedding", "embedding model", config.embedding.model, config.embedding)


def _check_models(section: str, what: str, model: str, settings: LlmConfig | EmbeddingConfig) -> Check:
    """Asks a service with OpenAI's protocol for the list of its models, which costs nothing."""
    has_key = settings.api_key is not None and bool(settings.api_key.get_secret_value().strip())
    set_key, set_url = _set(f"{section.upper()}__API_KEY"), _set(f"{section.upper()}__BASE_URL")
    try:
        endpoint = resolve_endpoint(section, settings.base_url, settings.api_key)
    except ConfigurationError as error:
        return failed(str(error), set_url if "base_url =" in str(error) else set_key)
    place = address(endpoint.base_url)
    who = f"The service of the {what} {model!r} at {place}"
    try:
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} | endpoint.headers
        reply = _get(endpoint.base_url.rstrip("/") + "/models", headers)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return failed(_no_answer(who, error, f"{section}.base_url"), set_url)
    except ValueError:
        return failed(f"The key for {place} holds characters that cannot be sent: correct it.", set_key)
    if reply.status_code in {401, 403}:
        key = "refused the key" if has_key else "asks for a key, and none is set"
        return failed(f"{who} {key} (status {reply.status_code}).", set_key)
    return _check_reply(reply, who, model, section)


def _check_reply(reply: httpx.Response, who: str, model: str, section: str) -> Check:
    """The check that follows from the reply of a service that accepted the key, or needed none."""
    status = reply.status_code
    if status == 429:
        return warning(f"{who} takes no more requests now (status 429): check the quota of the account.")
    if status in {404, 405, 501}:
        return ok(
            f"{who} answers, and lists no models (status {status}), so the name of the model was not checked."
        )
    set_url = _set(f"{section.upper()}__BASE_URL")
    if status != 200:
        return failed(f"{who} failed (status {status}): try again later, or name another.", set_url)
    try:
        names = [str(entry["id"]) for entry in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return failed(
            f"What answers at {section}.base_url is no OpenAI-compatible service: that address usually ends in /v1.",
            set_url,
        )
    if names and model not in names:
        return warning(
            f"{who} answers, and does not list this model; it has {first_names(names)}.",
            _set(f"{section.upper()}__MODEL"),
        )
    return ok(f"{who} answers and takes the key." if names else f"{who} answers.")


def _check_chroma(config: Config) -> Check:
    index = config.index
    if index.url is None:
        return ok("Skipped: no Chroma server is configured (index.url); vectors are in the storage.")
    from qa_engine.index.vectors.chroma_server import ChromaServer

    who = f"The Chroma server at {address(index.url)}"
    quick = index.model_copy(update={"timeout_seconds": min(index.timeout_seconds, _SECONDS)})
    try:
        status = ChromaServer(quick).database_status()
    except ConfigurationError as error:
        setting = "TOKEN" if "index.token" in str(error) else "CA_FILE" if "ca_file" in str(error) else "URL"
        return failed(str(error), _set(f"INDEX__{setting}"))
    except ServiceUnavailableError as error:
        return failed(str(error), _set("INDEX__URL"))
    has_token = index.token is not None and bool(index.token.get_secret_value())
    if status in {401, 403}:
        refusal = "refused the token" if has_token else "asks for a token, and none is set"
        return failed(f"{who} {refusal} (status {status}).", _set("INDEX__TOKEN"))
    if status == 404:
        return failed(
            f"{who} has no database {index.database!r} of the tenant {index.tenant!r}, or is no Chroma server (status 404).",
            _set("INDEX__DATABASE"),
        )
    if status != 200:
        return failed(f"{who} failed (status {status}): look at the server.", _set("INDEX__URL"))
    return ok(f"{who} answers{' and takes the token' if has_token else ''}.")


def _get(url: str, headers: dict[str, str]) -> httpx.Response:
    """A reply, within the time for all of it."""
    until = time.monotonic() + _SECONDS
    content = b""
    with httpx.stream("GET", url, headers=headers, timeout=_SECONDS) as response:
        for piece in response.iter_bytes():
            content += piece
            if time.monotonic() > until:
                raise httpx.ReadTimeout(f"no complete reply within {_SECONDS:g} s")
            if len(content) > _MOST_BYTES:
                break
    return httpx.Response(response.status_code, content=content)


def _no_answer(who: str, error: Exception, setting: str) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"{who} did not answer within {_SECONDS:g} seconds: look at the server, or correct {setting}."
    message = one_line(str(error), 200).rstrip(".") or type(error).__name__
    return f"{who} cannot be reached ({message}): look whether it is running, or correct {setting}."


def _set(name: str) -> str:
    """The command that changes a setting."""
    return f"export QA_ENGINE_{name}=…"
