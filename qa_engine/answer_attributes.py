"""What is known about an answer, as attributes of the OpenTelemetry span of its question."""

from __future__ import annotations

import inspect
from typing import Any

from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from openinference.instrumentation.llama_index import get_current_span

from qa_engine.answering.answer import Answer
from qa_engine.conversation.session import ChatSession
from qa_engine.engine import QueryEngine


class AnswerAttributes(BaseSpanHandler[BaseSpan]):
    """A handler of LlamaIndex's instrumentation that makes no spans of its own, but adds to those of questions."""

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> BaseSpan | None:
        """None: the spans are another handler's."""
        return None

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        result: Any | None = None,
        **kwargs: Any,
    ) -> BaseSpan | None:
        """Adds the attributes, if the span is that of a question and has an answer."""
        if isinstance(instance, QueryEngine | ChatSession) and isinstance(result, Answer):
            span = get_current_span()
            if span is not None and span.is_recording():
                engine = instance if isinstance(instance, QueryEngine) else instance.engine
                span.set_attributes(_attributes(engine, result))
        return None

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,
        instance: Any | None = None,
        err: BaseException | None = None,
        **kwargs: Any,
    ) -> BaseSpan | None:
        """Nothing: there is no answer."""
        return None


def _attributes(engine: QueryEngine, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "qa_engine.collections": list(engine.collections),
        "qa_engine.passages": len(answer.source_nodes),
        "qa_engine.citations": len(answer.citations),
        "qa_engine.refused": answer.refused,
    }
    if answer.probability is not None:
        found["qa_engine.probability"] = answer.probability
    for role, name in answer.models.items():
        found[f"qa_engine.model.{role}"] = name
    condensation = answer.explanation.condensation if answer.explanation is not None else None
    if condensation is not None:
        found["qa_engine.condensed_by"] = condensation.method
    return found
