"""OpenTelemetry: one trace a question, its stages as spans. Needs the extra ``otel``, and does nothing before `instrument`.

The spans are those of OpenInference for LlamaIndex: any OpenTelemetry backend reads them, and Phoenix shows them as traces
of language models. The span of a question also has the attributes ``qa_engine.collections``, ``qa_engine.passages`` and
``qa_engine.citations`` (their numbers), ``qa_engine.refused``, ``qa_engine.probability`` and the models.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler

from qa_engine.answering.answer import Answer
from qa_engine.conversation.session import AnswersQuestions, ChatSession
from qa_engine.engine import QueryEngine
from qa_engine.errors import ConfigurationError, ModelUnavailableError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

SERVICE_NAME = "qa-engine"
"""Service name of the traces, unless OTEL_SERVICE_NAME is set."""
_EXPORTERS = {"http/protobuf": "http", "grpc": "grpc"}
"""The last part of the name of the exporter's package, by protocol."""
_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTER_VARIABLE = "OTEL_TRACES_EXPORTER"


def instrument(tracer_provider: TracerProvider | None = None) -> TracerProvider:
    """Traces every question of this process from now on. Calling it again changes nothing.

    Args:
        tracer_provider: takes the spans. If None, the one that the program has set with OpenTelemetry, or else one of ours,
            which reads the variables of OpenTelemetry: ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_EXPORTER_OTLP_HEADERS``,
            ``OTEL_EXPORTER_OTLP_PROTOCOL``, ``OTEL_TRACES_EXPORTER`` (``otlp``, ``console`` or ``none``),
            ``OTEL_SERVICE_NAME``, ``OTEL_SDK_DISABLED`` and the others.

    Returns:
        The provider in use; ``force_flush`` and ``shutdown`` are its methods.

    Raises:
        ModelUnavailableError: the extra ``otel`` is not installed.
        ConfigurationError: a variable names an unknown exporter or protocol.
    """
    instrumentor = _import("openinference.instrumentation.llama_index").LlamaIndexInstrumentor()
    trace = _import("opentelemetry.trace")
    if instrumentor.is_instrumented_by_opentelemetry:
        return tracer_provider or trace.get_tracer_provider()
    provider = tracer_provider or _provider(trace)
    # The embedding's vectors would be the greater part of every trace.
    config = _import("openinference.instrumentation").TraceConfig(hide_embedding_vectors=True)
    instrumentor.instrument(tracer_provider=provider, config=config, skip_dep_check=True)

    # Before the handler that ends spans, because a span that has ended takes no attributes.
    get_dispatcher().span_handlers.insert(0, AnswerAttributes())
    return provider


def uninstrument() -> None:
    """Ends what `instrument` began. Spans that were recorded are still sent."""
    _import("openinference.instrumentation.llama_index").LlamaIndexInstrumentor().uninstrument()
    handlers = get_dispatcher().span_handlers
    handlers[:] = [handler for handler in handlers if not isinstance(handler, AnswerAttributes)]


class AnswerAttributes(BaseSpanHandler[BaseSpan]):
    """A handler of LlamaIndex's instrumentation that makes no spans, but adds attributes to the spans of questions."""

    def new_span(self, *args: Any, **kwargs: Any) -> None:
        """Makes no span: another handler does."""

    def prepare_to_exit_span(
        self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **kwargs: Any
    ) -> None:
        """Adds the attributes, if the span is that of a question and has an answer."""
        if isinstance(instance, QueryEngine | ChatSession) and isinstance(result, Answer):
            span = _import("openinference.instrumentation.llama_index").get_current_span()
            if span is not None and span.is_recording():
                engine = instance.engine if isinstance(instance, ChatSession) else instance
                span.set_attributes(_attributes(engine, result))

    def prepare_to_drop_span(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: there is no answer."""


def _attributes(engine: AnswersQuestions, answer: Answer) -> dict[str, Any]:
    condensation = answer.explanation.condensation if answer.explanation is not None else None
    attributes = {
        "qa_engine.collections": list(engine.collections),
        "qa_engine.passages": len(answer.source_nodes),
        "qa_engine.citations": len(answer.citations),
        "qa_engine.refused": answer.refused,
        "qa_engine.probability": answer.probability,
        **{f"qa_engine.model.{role}": name for role, name in answer.models.items()},
        "qa_engine.condensed_by": condensation.method if condensation is not None else None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _provider(trace: Any) -> TracerProvider:
    """The provider that the program has set, or a new one that is set for the program."""
    present: TracerProvider = trace.get_tracer_provider()
    if not isinstance(present, trace.ProxyTracerProvider):
        return present
    sdk = _import("opentelemetry.sdk.trace")
    export = _import("opentelemetry.sdk.trace.export")
    resource = _import("opentelemetry.sdk.resources").Resource.create(
        None if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": SERVICE_NAME}
    )
    provider: TracerProvider = sdk.TracerProvider(resource=resource)
    exporter = _exporter(export)
    if exporter is not None:
        provider.add_span_processor(export.BatchSpanProcessor(exporter))  # type: ignore[attr-defined]
    trace.set_tracer_provider(provider)
    return provider


def _exporter(export: Any) -> Any:
    """The exporter that the variables name; None for none."""
    name = os.environ.get(_EXPORTER_VARIABLE, "").strip() or "otlp"
    if name == "none":
        return None
    if name == "console":
        return export.ConsoleSpanExporter()
    if name != "otlp":
        raise ConfigurationError(
            f"{_EXPORTER_VARIABLE} = {name!r} is not known here: set otlp, console or none, or hand a tracer_provider with "
            "another exporter to qa_engine.telemetry.instrument."
        )
    variable = next((v for v in _PROTOCOL_VARIABLES if os.environ.get(v)), _PROTOCOL_VARIABLES[1])
    protocol = os.environ.get(variable, "").strip() or "http/protobuf"
    if protocol not in _EXPORTERS:
        raise ConfigurationError(f"{variable} = {protocol!r} is not known: set {' or '.join(_EXPORTERS)}.")
    kind = _EXPORTERS[protocol]
    package = "opentelemetry-exporter-otlp-proto-grpc" if kind == "grpc" else "qa-engine[otel]"
    return _import(f"opentelemetry.exporter.otlp.proto.{kind}.trace_exporter", package).OTLPSpanExporter()


def _import(module: str, package: str = "qa-engine[otel]") -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelUnavailableError(
            f"Traces need packages that are not installed ({error.name or module} is missing): pip install '{package}'"
        ) from None
