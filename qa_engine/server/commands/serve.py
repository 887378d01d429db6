"""``qa-engine serve``."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

from qa_engine.cli.options import CollectionsOption, ConfigOption, StorageOption, load_config
from qa_engine.server import require_packages


def serve(
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Address to listen on [default: 127.0.0.1]."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="Port to listen on [default: 8600].")
    ] = None,
    collection: CollectionsOption = None,
    storage: StorageOption = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Let everybody in who can reach the address, without a key.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Refuse uploads, deletions and other changes of collections.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Offer the documents as tools at /mcp, for programs that speak MCP.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Serve the web page and the HTTP API, until the process is asked to stop."""
    require_packages()
    from qa_engine.server.process import run

    settings = load_config(config)
    if storage is not None:
        settings = settings.model_copy(update={"storage": storage})
    options: dict[str, Any] = {"host": host, "port": port, "read_only": read_only or None}
    named = {name: value for name, value in options.items() if value is not None}
    if mcp and settings.server.mcp == "off":
        named["mcp"] = "read"
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=named)})
    logging.getLogger("qa_engine.server").setLevel(logging.INFO)
    run(settings, tuple(collection or ()), no_auth)
