"""What the server has done and is doing, in numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class ServerMetrics:
    """The metrics of one server, in a registry of its own. Thread-safe.

    Labels have few values: routes are templates, such as ``/api/v1/citations/{id}``, and never the path that was asked for.

    Attributes:
        requests: by route, method and status.
        question_seconds: how long the stages of questions took, and all of them (``total``).
        refusals: answers that refuse.
        running_questions: being answered now.
        waiting_questions: waiting for their turn.
        queued_files: waiting to be ingested.
        pages_ingested: pages that were read into collections.
        tokens: of language models, by kind: ``prompt`` and ``completion``.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "qa_engine_requests", "Requests.", ["route", "method", "status"], registry=self.registry
        )
        self.question_seconds = Histogram(
            "qa_engine_question_seconds",
            "Seconds of the stages of questions.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.refusals = Counter("qa_engine_refusals", "Answers that refuse.", registry=self.registry)
        self.running_questions = Gauge(
            "qa_engine_running_questions", "Questions being answered.", registry=self.registry
        )
        self.waiting_questions = Gauge(
            "qa_engine_waiting_questions", "Questions waiting for their turn.", registry=self.registry
        )
        self.queued_files = Gauge(
            "qa_engine_queued_files", "Files waiting to be ingested.", registry=self.registry
        )
        self.pages_ingested = Counter("qa_engine_pages_ingested", "Pages ingested.", registry=self.registry)
        self.tokens = Counter(
            "qa_engine_tokens", "Tokens of language models.", ["kind"], registry=self.registry
        )

    def count_request(self, route: str, method: str, status: int, notes: Mapping[str, Any]) -> None:
        """Counts a request that has been answered.

        Args:
            route: its template.
            method: its method; those that HTTP does not know count as ``other``.
            status: of the response.
            notes: what the route has noted of it; see `qa_engine.server.access_log.note`.
        """
        self.requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        for stage, milliseconds in notes.get("stages", {}).items():
            self.question_seconds.labels(stage).observe(milliseconds / 1000)
        if notes.get("refused"):
            self.refusals.inc()
        for kind, count in notes.get("tokens", {}).items():
            self.tokens.labels(kind).inc(count)

    def render(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)
