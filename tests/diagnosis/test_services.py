"""Services that are not there, hang, refuse the key or are something else; and that nothing is asked unless configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from chroma_process import ChromaProcess
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from openai_server import closed_port
from pdf_factory import chinese_pdf

from qa_engine.config import Config
from qa_engine.diagnosis import service_checks
from qa_engine.diagnosis.doctor import diagnose
from qa_engine.diagnosis.report import Check
from qa_engine.diagnosis.service_checks import check_dictionary, check_local_model, check_services
from qa_engine.retrieval.dictionary.table import table_file

SECRET = "sk-very-secret-key"
MODELS = '{"data": [{"id": "qwen"}, {"id": "bge"}]}'


@contextmanager
def service(status: int, body: str = "", wait: float = 0) -> Iterator[tuple[str, list[Any]]]:
    """A server on loopback that answers everything alike; its address, and the requests that came in."""
    seen: list[Any] = []
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(
                (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            closing.wait(wait)
            self.send_response(status)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        closing.set()
        server.shutdown()
        server.server_close()


def looked(**settings: Any) -> dict[str, Check]:
    checks = {check.check: check for check in check_services(Config(**settings))}
    assert SECRET not in str([check.to_dict() for check in checks.values()])
    return checks


def llm(url: str, **settings: Any) -> Check:
    given = {"model": "qwen", "base_url": f"{url}/v1", "api_key": SECRET, **settings}
    return looked(llm=given)["llm"]


def test_nothing_is_asked_by_default(no_network: list[str]) -> None:
    checks = looked()
    assert {check.status for check in checks.values()} == {"ok"}
    assert all(check.message.startswith("Skipped") for check in checks.values())
    assert no_network == []


class TestModels:
    def test_service_that_takes_the_key_is_asked_for_its_models_only(self) -> None:
        with service(200, MODELS) as (url, seen):
            check = llm(url)
        assert (check.status, check.command) == ("ok", None)
        [(method, path, headers)] = seen
        assert (method, path, headers["authorization"]) == ("GET", "/v1/models", f"Bearer {SECRET}")

    def test_nobody_listens(self) -> None:
        port = closed_port()
        check = llm(f"http://127.0.0.1:{port}")
        assert (check.status, check.command) == ("failed", "export QA_ENGINE_LLM__BASE_URL=…")
        assert f"127.0.0.1:{port} cannot be reached" in check.message

    def test_service_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service_checks, "_SECONDS", 0.2)
        with service(200, MODELS, wait=5) as (url, _):
            check = llm(url)
        assert check.status == "failed"
        assert "did not answer within 0.2 seconds" in check.message

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_key_is_told_apart_from_no_answer(self, status: int) -> None:
        with service(status, f"wrong key {SECRET}") as (url, _):
            refused, none = llm(url), llm(url, api_key=None)
        assert (refused.status, refused.command) == ("failed", "export QA_ENGINE_LLM__API_KEY=…")
        assert f"refused the key (status {status})" in refused.message
        assert "none is set" in none.message

    @pytest.mark.parametrize(
        ("status", "body", "result", "words"),
        [
            (404, "", "ok", "was not checked"),
            (429, "", "warning", "quota"),
            (500, "", "failed", "status 500"),
            (307, "", "failed", "status 307"),
            (200, "<html>Welcome</html>", "failed", "no OpenAI-compatible service"),
            (200, '{"data": 3}', "failed", "no OpenAI-compatible service"),
            (200, '{"data": []}', "ok", "answers"),
            (200, '{"data": [{"id": "other"}]}', "warning", "it has other"),
        ],
    )
    def test_other_answers(self, status: int, body: str, result: str, words: str) -> None:
        with service(status, body) as (url, _):
            check = llm(url)
        assert check.status == result
        assert words in check.message

    @pytest.mark.parametrize(
        ("url", "key", "words"),
        [
            (None, None, "OpenAI needs an API key"),
            ("ftp://x", SECRET, "is not the address of a server"),
            ("http://127.0.0.1:1", "schlüssel\n", "a header cannot carry"),
        ],
    )
    def test_settings_that_cannot_be_used(self, url: str | None, key: str | None, words: str) -> None:
        check = looked(llm={"model": "qwen", "base_url": url, "api_key": key})["llm"]
        assert check.status == "failed"
        assert words in check.message

    def test_embedding_service(self) -> None:
        with service(200, MODELS) as (url, seen):
            settings = {"provider": "openai", "model": "bge", "base_url": f"{url}/v1"}
            check = looked(embedding=settings)["embedding_service"]
        assert check.status == "ok"
        assert len(seen) == 1


class TestChroma:
    @pytest.mark.parametrize(
        ("status", "words", "setting"),
        [(401, "refused the token", "TOKEN"), (404, "no database", "DATABASE"), (503, "status 503", "URL")],
    )
    def test_server_that_does_not_serve(self, status: int, words: str, setting: str) -> None:
        with service(status) as (url, seen):
            check = looked(index={"url": url, "token": SECRET, "tenant": "a/b"})["chroma_server"]
        assert (check.status, check.command) == ("failed", f"export QA_ENGINE_INDEX__{setting}=…")
        assert words in check.message
        assert seen[0][1] == "/api/v2/tenants/a%2Fb/databases/default_database"
        assert seen[0][2]["authorization"] == f"Bearer {SECRET}"

    def test_certificate_that_is_not_there(self, tmp_path: Path) -> None:
        settings = {"url": "https://127.0.0.1:1", "ca_file": str(tmp_path / "none.pem")}
        assert looked(index=settings)["chroma_server"].status == "failed"

    def test_collection_on_a_real_server_that_then_ends(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PARSING_POOL, ParsingInPlace)
        hashed = HashEmbedding(model_name="hash")
        chinese_pdf(tmp_path / "docs" / "a.pdf")

        def look(**settings: Any) -> dict[str, Check]:
            checks = diagnose(tmp_path / "storage", config=settings, embed_model=hashed).checks
            return {check.check: check for check in checks}

        with ChromaProcess(tmp_path) as server:
            index = {"url": server.url}
            ingest(tmp_path / "docs", tmp_path / "storage", config={"index": index})
            assert {check.status for check in look(index=index).values()} == {"ok"}
            unset = look()["vectors"]
            assert unset.status == "failed"
            assert "index.url" in unset.message
        checks = look(index=index)
        failed = {name for name, check in checks.items() if check.status == "failed"}
        assert failed == {"chroma_server", "vectors"}
        assert "see chroma_server" in checks["vectors"].message


class TestLocalModel:
    def test_model_that_is_not_prepared_is_a_warning(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
        check = check_local_model(Config())
        assert (check.status, check.command) == ("warning", "qa-engine models prepare")

    @pytest.mark.parametrize("content", [None, b"no model"])
    def test_model_that_is_damaged_fails(
        self, content: bytes | None, local_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
        folder = tmp_path / local_model.name
        folder.mkdir()
        for name in ("tokenizer.json", "pieces.sqlite3", "manifest.json"):
            (folder / name).write_bytes((local_model / name).read_bytes())
        if content is not None:
            (folder / "model.onnx").write_bytes(content)
        check = check_local_model(Config())
        assert (check.status, check.command) == ("failed", "qa-engine models prepare --force")
        assert str(folder) in check.message

    def test_model_that_nothing_uses_is_passed_over(self) -> None:
        settings = {"embedding": {"provider": "huggingface", "model": "x"}, "rerank": {"model": "none"}}
        check = check_local_model(Config(**settings))
        assert check.message.startswith("Skipped")


class TestDictionary:
    def test_missing_one_is_a_warning(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
        check = check_dictionary(Config())
        assert (check.status, check.command) == ("warning", "qa-engine models prepare")

    def test_damaged_one_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
        table_file().write_bytes(b"no SQLite file " * 1000)
        check = check_dictionary(Config())
        assert (check.status, check.command) == ("failed", "qa-engine models prepare --force")

    def test_one_that_is_off_is_not_looked_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
        check = check_dictionary(Config(retrieval={"dictionary": False}))
        assert check.status == "ok"
