"""Traces of OpenTelemetry, and what is said where the extra is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai_server import OpenAIServer, chat, error
from pdf_factory import chinese_pdf
from processes import run_python

from qa_engine import Config, QueryEngine, ingest
from qa_engine.errors import ConfigurationError, ModelUnavailableError, ServiceUnavailableError
from qa_engine.telemetry import instrument, uninstrument

QUESTION = "长城总长是多少公里？"


class TestWithoutTheExtra:
    def test_one_sentence_names_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "openinference.instrumentation.llama_index", None)
        with pytest.raises(ModelUnavailableError, match=r"pip install 'qa-engine\[otel\]'") as caught:
            instrument()
        assert str(caught.value).count("\n") == 0

    def test_nothing_is_imported_unasked(self) -> None:
        code = (
            "import sys, qa_engine.engine, qa_engine.telemetry\n"
            "unasked = ('openinference', 'opentelemetry.exporter.otlp.proto.http')\n"
            "print([name for name in sys.modules if name.startswith(unasked)])"
        )
        assert run_python(code).strip() == "[]"


class TestVariables:
    @pytest.fixture(autouse=True)
    def extra(self) -> None:
        pytest.importorskip("openinference.instrumentation.llama_index")
        pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

    @pytest.mark.parametrize(
        ("name", "value", "told"),
        [
            ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, console or none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf or grpc"),
        ],
    )
    def test_what_is_not_known_is_refused_with_the_ways_out(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigurationError, match=f"{name} = '{value}'.*{told}"):
            instrument()

    @pytest.mark.slow
    def test_spans_reach_the_endpoint_that_they_name(
        self, stored: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        received: list[Any] = []
        with _Collector(received) as collector:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            monkeypatch.setenv("OTEL_SERVICE_NAME", "the-test")
            run_python(_PROGRAM, str(stored))
        assert {path for path, _ in received} == {"/v1/traces"}
        assert any(b"the-test" in body and b"QueryEngine.query" in body for _, body in received)


_PROGRAM = """
import sys
sys.path.insert(0, 'tests')
from hash_embedding import HashEmbedding
from qa_engine import QueryEngine
from qa_engine.telemetry import instrument
provider = instrument()
assert instrument() is provider
engine = QueryEngine.open(sys.argv[1], embed_model=HashEmbedding(model_name='hash'), config={'rerank': {'model': 'none'}})
engine.query('长城总长是多少公里？')
"""


class _Collector:
    """An OTLP endpoint on loopback."""

    def __init__(self, received: list[Any]) -> None:
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                import gzip

                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                received.append((self.path, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> _Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def stored(tmp_path: Path, hash_embedding: Any) -> Path:
    chinese_pdf(tmp_path / "长城.pdf", ["长城总长超过两万公里。", "长城始建于春秋战国时期。"])
    ingest(tmp_path, tmp_path / "storage", embed_model=hash_embedding, config={"rerank": {"model": "none"}})
    return tmp_path / "storage"


class TestTraces:
    @pytest.fixture
    def exporter(self) -> Iterator[Any]:
        pytest.importorskip("openinference.instrumentation.llama_index")
        memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        exporter = memory.InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        assert instrument(provider) is provider
        yield exporter
        uninstrument()

    def opened(self, storage: Path, embedding: Any, server: OpenAIServer) -> QueryEngine:
        config = Config(
            llm={"model": "m", "base_url": server.url, "max_retries": 0}, rerank={"model": "none"}
        )
        return QueryEngine.open(storage, config=config, embed_model=embedding)

    async def test_a_question_is_one_trace_with_its_stages_and_facts(
        self, stored: Path, hash_embedding: Any, exporter: Any
    ) -> None:
        with OpenAIServer(chat("长城超过两万公里[1]。")) as server:
            engine = self.opened(stored, hash_embedding, server)
            for way in ("query", "aquery", "stream", "astream"):
                exporter.clear()
                result = getattr(engine, way)(QUESTION)
                if way == "aquery":
                    await result
                elif way == "stream":
                    list(result)
                elif way == "astream":
                    [piece async for piece in result]
                spans = exporter.get_finished_spans()
                assert len({span.context.trace_id for span in spans}) == 1, way
                (root,) = [span for span in spans if span.parent is None]
                assert root.name == f"QueryEngine.{way}"
                names = {span.name for span in spans}
                assert {
                    "HybridRetriever.retrieve",
                    "VectorIndexRetriever.retrieve",
                    "BilingualBM25Retriever.retrieve",
                    "PassageBuilder._postprocess_nodes",
                } <= names
                assert any(name.startswith("CompatibleLLM.") for name in names), names
                facts = root.attributes
                assert facts["qa_engine.collections"] == ("default",)
                assert facts["qa_engine.refused"] is False
                assert facts["qa_engine.citations"] == 1
                assert facts["qa_engine.passages"] >= 1
                assert facts["qa_engine.model.llm"] == "m"
                assert root.status.is_ok

    def test_errors_are_in_the_trace(self, stored: Path, hash_embedding: Any, exporter: Any) -> None:
        with OpenAIServer(error(503)) as server:
            engine = self.opened(stored, hash_embedding, server)
            for ask in (engine.query, lambda question: list(engine.stream(question))):
                exporter.clear()
                with pytest.raises(ServiceUnavailableError):
                    ask(QUESTION)
                (root,) = [span for span in exporter.get_finished_spans() if span.parent is None]
                assert not root.status.is_ok
                assert root.events[0].name == "exception"

    def test_a_conversation_has_a_trace_for_each_question(
        self, stored: Path, hash_embedding: Any, exporter: Any
    ) -> None:
        with OpenAIServer(chat("两万公里[1]。"), chat("长城始建于什么时候？"), chat("春秋[1]。")) as server:
            session = self.opened(stored, hash_embedding, server).chat()
            session.ask(QUESTION)
            exporter.clear()
            session.ask("它始建于什么时候？")
        spans = exporter.get_finished_spans()
        (root,) = [span for span in spans if span.parent is None]
        assert (root.name, root.attributes["qa_engine.condensed_by"]) == ("ChatSession.ask", "llm")
        calls = {span.context.span_id: span for span in spans if span.name == "CompatibleLLM.chat"}
        # Its own method and the one that it inherits have a span each.
        assert len([call for call in calls.values() if call.parent.span_id not in calls]) == 2

    def test_two_streams_in_turns_are_two_traces(
        self, stored: Path, hash_embedding: Any, exporter: Any
    ) -> None:
        with OpenAIServer(chat("长城超过两万公里[1]。")) as server:
            engine = self.opened(stored, hash_embedding, server)
            one, other = engine.stream(QUESTION), engine.stream(QUESTION)
            next(one)
            next(other)
            list(one)
            list(other)
        roots = [span for span in exporter.get_finished_spans() if span.parent is None]
        assert [span.name for span in roots] == ["QueryEngine.stream"] * 2

    def test_it_ends_where_it_is_told_to(self, stored: Path, hash_embedding: Any, exporter: Any) -> None:
        uninstrument()
        with OpenAIServer(chat("长城超过两万公里[1]。")) as server:
            self.opened(stored, hash_embedding, server).query(QUESTION)
        assert exporter.get_finished_spans() == ()
