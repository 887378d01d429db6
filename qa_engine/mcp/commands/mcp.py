"""``qa-engine mcp``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionsOption, ConfigOption, StorageOption, load_config
from qa_engine.cli.output import print_message
from qa_engine.errors import InputError
from qa_engine.mcp import require_packages

if TYPE_CHECKING:
    from qa_engine.mcp.local import LocalLibrary


def mcp(
    collection: CollectionsOption = None,
    storage: StorageOption = None,
    write: Annotated[
        bool, typer.Option("--write", help="Also offer to delete documents, and with --root to add files.")
    ] = False,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root",
            metavar="FOLDER",
            help="Folder below which files may be added, with --write; may be given several times.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Offer the documents as tools to a program that speaks MCP, over standard input and output.

    Programs start this command themselves. With --collection they see only the collections that are named.
    """
    require_packages()
    settings = load_config(config)
    if storage is not None:
        settings = settings.model_copy(update={"storage": storage})
    if root and not write:
        raise InputError("--root names folders to add files from: give --write as well, or leave --root out.")
    from qa_engine.mcp.local import LocalLibrary
    from qa_engine.mcp.roots import Roots

    roots = Roots.of(root, settings.documents.max_file_megabytes * 1_000_000) if root else None
    if settings.embedding.provider == "local":
        from qa_engine.models.e5.shared import load_shared_encoder_early

        load_shared_encoder_early(print_message)

    async def run() -> None:
        await _serve(LocalLibrary(settings, tuple(collection or ()), roots, write))

    asyncio.run(run())


async def _serve(library: LocalLibrary) -> None:
    """Speaks the protocol over standard input and output, until the input ends."""
    from mcp.server.stdio import stdio_server

    from qa_engine.mcp.serving import build_server

    async def same(context: object) -> LocalLibrary:
        return library

    server = build_server(same)
    warming = asyncio.create_task(library.warm())
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        warming.cancel()
        await library.close()
