"""Addresses of what the server shows: absolute ones for citations, and ones below the root for all else."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request

from qa_engine.config import Config
from qa_engine.index.records import FileRecord


def citation_url(request: Request, identifier: str) -> str:
    """The absolute address of a citation, for people: it can be passed on and opened anywhere.

    It begins with ``server.public_url``, or else with the address that the client has used, whose host was checked.

    Args:
        request: of the client.
        identifier: the ``id`` of the citation.
    """
    config: Config = request.app.state.server.config
    base = str(config.server.public_url or request.base_url)
    return f"{base.rstrip('/')}/c/{quote(identifier, safe='')}"


def citation_path(request: Request, identifier: str, page: int | None = None) -> str:
    """The address of a citation within the server; with a page, of that page of its file."""
    query = f"?page={page}" if page is not None else ""
    return f"{root_path(request)}/c/{quote(identifier, safe='')}{query}"


def content_path(
    request: Request, collection: str, record: FileRecord, inline: bool = False, page: int | None = None
) -> str:
    """The address of a file itself.

    Args:
        request: of the client.
        collection: that holds the file.
        record: of the file.
        inline: whether a browser is to show it instead of saving it.
        page: that it is to show, from 1.
    """
    query = "?inline=true" if inline else ""
    return f"{_file(request, collection, record)}/content{query}{f'#page={page}' if page else ''}"


def page_path(request: Request, collection: str, record: FileRecord, number: int, end: str) -> str:
    """The address of the image or the text of a page; it names the version of the document, so it may be cached for ever.

    Args:
        request: of the client.
        collection: that holds the file.
        record: of the file.
        number: of the page, from 1.
        end: ``.svg``, ``.png`` or ``/lines``.
    """
    file = _file(request, collection, record)
    return f"{file}/pages/{number}{end}?v={quote(record.document_id, safe='')}"


def _file(request: Request, collection: str, record: FileRecord) -> str:
    return f"{root_path(request)}/api/v1/collections/{quote(collection, safe='')}/files/{record.file_id}"


def root_path(request: Request) -> str:
    """The path below which clients reach the server."""
    return quote(str(request.scope.get("root_path", "")).rstrip("/"))
