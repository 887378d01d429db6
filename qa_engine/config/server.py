"""The settings of the HTTP server, section ``server``."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from qa_engine.config.masking import MaskedUrl
from qa_engine.config.sections import Section

_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[?[0-9a-f:.]*:[0-9a-f:.]*\]?")


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it is no address such as 'https://qa.example.com' or 'https://example.com/docs/qa'")
    return url.rstrip("/")


def _host(name: str) -> str:
    if not _HOST.fullmatch(name.lower()):
        raise ValueError(
            f"{name!r} is no name of a host: write 'qa.example.com', '192.0.2.7', or '*.example.com' for all names below"
        )
    return name.lower()


def _origin(origin: str) -> str:
    if origin == "*":
        raise ValueError(
            "'*' would let every web page use the cookie of a reader: name the origins, such as 'https://wiki.example.com'"
        )
    parts = urlsplit(origin)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or origin != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError(
            f"{origin!r} is no origin: write scheme and host alone, such as 'https://wiki.example.com'"
        )
    return origin.lower()


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(f"{text!r} is no address of a proxy, such as '10.0.0.7' or '10.0.0.0/24'") from None


class ServerConfig(Section):
    """Where the HTTP server listens, and what it lets in."""

    host: str = "127.0.0.1"
    """Address to listen on. Any address but loopback needs a key, or ``--no-auth``."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8600
    """Port to listen on; 0 takes a free one."""
    public_url: Annotated[MaskedUrl, AfterValidator(_public_url)] | None = None
    """Address under which clients reach the server, such as ``https://qa.example.com``: links in answers begin with it."""
    allowed_hosts: list[Annotated[str, AfterValidator(_host)]] = []  # noqa: RUF012 - pydantic copies it
    """Names under which the server answers, besides loopback, its own address and that of `public_url`."""
    cors_origins: list[Annotated[str, AfterValidator(_origin)]] = []  # noqa: RUF012 - pydantic copies it
    """Origins of web pages that may ask the server from a browser."""
    trusted_proxies: list[Annotated[str, AfterValidator(_network)]] = []  # noqa: RUF012 - pydantic copies it
    """Addresses or networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    rate_limit: Annotated[str, Field(pattern=r"^(auto|off|[1-9][0-9]{0,4}/(second|minute|hour))$")] = "auto"
    """Requests of a key, or of an address where no key is needed; ``auto`` is ``600/minute``, and none on loopback."""
    max_body_kilobytes: Annotated[int, Field(ge=1, le=1_048_576)] = 1024
    """The largest body of a request, uploads aside, in units of 1,024 bytes."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Connections at a time; beyond, those that wait for their client make room."""
    head_seconds: Annotated[float, Field(gt=0, le=600)] = 10
    """Within which the head of a request must be there."""
    body_seconds: Annotated[float, Field(gt=0, le=600)] = 30
    """A client that sends less than 100 bytes a second of a body, or reads less of an answer, for so long is left."""
    max_upload_megabytes: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Largest body of an upload. Files that are larger than ``documents.max_file_megabytes`` are not read."""
    max_queued_files: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Uploaded files that may wait to be ingested; more are refused."""
    ingestion_threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads of the embedding model for uploaded files, and processes that read them without ``ingestion.workers``."""
    write_wait_seconds: Annotated[float, Field(ge=0, le=600)] = 10
    """How long a deletion or a change of metadata may wait for the jobs before it."""
    job_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long jobs that are over can still be looked at."""
    read_only: bool = False
    """Refuses uploads, deletions and whatever else changes collections."""
    access_log: str = "stderr"
    """Where a line for each request is written: ``stderr``, ``off``, or the path of a file."""
    log_questions: bool = False
    """Writes questions and answers into the access log."""
    metrics_open: bool = False
    """Shows ``/metrics`` without a key."""
    draining_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    """How long answers in work may still take after SIGTERM."""
    page_seconds: Annotated[float, Field(gt=0, le=600)] = 10
    """Limit for drawing one page."""
    page_cache_megabytes: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    """Disk space for images of pages; those that were looked at least recently go first."""
    citation_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    """How long the text of a citation is kept after it was last sent, so that its link still shows it when the file has
    changed or gone; 0 keeps none."""
    max_running_questions: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Questions that are answered at a time; not set is 2 for each processor core, or 32 with a language model."""
    max_waiting_questions: Annotated[int, Field(ge=0, le=100_000)] = 64
    """Questions that may wait for their turn; more are refused at once."""
    first_piece_seconds: Annotated[float, Field(gt=0, le=3600)] = 60
    """Limit for the first words of an answer, from when its question has its turn."""
    question_seconds: Annotated[float, Field(gt=0, le=3600)] = 180
    """Limit for a whole answer, from when its question has its turn."""
    resume_seconds: Annotated[float, Field(ge=0, le=3600)] = 10
    """How long an answer goes on whose stream was lost, if the client has named its ``answer_id``."""
    answer_hours: Annotated[float, Field(ge=0, le=876_000)] = 24
    """How long answers are kept; 0 keeps none."""
    mcp: Literal["off", "read", "write"] = "off"
    """Whether ``/mcp`` offers the documents as tools: those that read, or with ``write`` also to delete documents."""
    openai_citations: Literal["markdown", "none"] = "markdown"
    """Whether answers of ``/v1/chat/completions`` have a list of sources with links below them."""
    conversation_days: Annotated[float, Field(ge=0, le=36_500)] = 90
    """How long a conversation is kept after its last question; 0 keeps it for ever."""
    runs: Path | None = None
    """Folder of the evaluations that the server shows and runs; not set is ``_server/runs`` in the storage."""
