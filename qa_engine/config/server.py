"""The settings of the HTTP server, section ``server``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from qa_engine.config.masking import MaskedUrl
from qa_engine.config.sections import Section


class ServerConfig(Section):
    """Where the HTTP server listens, and what it lets in."""

    host: str = "127.0.0.1"
    """Address to listen on. Any address but loopback needs a key, or ``--no-auth``."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8600
    """Port to listen on; 0 takes a free one."""
    public_url: MaskedUrl | None = None
    """Address under which clients reach the server, such as ``https://qa.example.com``: links in answers begin with it."""
    draining_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    """How long answers in work may still take after SIGTERM."""
