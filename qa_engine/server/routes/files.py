"""The files of a collection: their list, what is known of each, and the files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from qa_engine.index.documents.sections import Section, sections_of
from qa_engine.index.files.listing import FileOrder
from qa_engine.index.files.queries import CONTAINS_CASELESS, name_condition
from qa_engine.index.records import FileRecord, Scalar, file_id
from qa_engine.ingestion.files.info import FileInfo, file_info
from qa_engine.ingestion.files.state import FileState
from qa_engine.server.access import Reader
from qa_engine.server.documents.conditional_requests import is_known, keep_plain_range
from qa_engine.server.documents.cursors import cursor_behind, read_cursor
from qa_engine.server.documents.originals import Original
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.parameters import Collection, FileId
from qa_engine.server.state import ServerState, State
from qa_engine.text.control_characters import show_controls_on_line

router = APIRouter(prefix="/api/v1/collections/{collection}/files", tags=["files"])
_PDF = b"%PDF"


class FileLineObject(BaseModel):
    """A file in the list of a collection.

    Attributes:
        file_id: names the file within the collection; it stays the same when the content changes.
        file: its name.
        pages: the number of its pages.
        nodes: the number of its sentences.
        size: in bytes.
        ingested_at: when its content was read, in UTC.
        metadata: of the file, from tables, sidecars and readers.
        document_id: names its content in the ids of its sentences.
        awaits_ocr: pages that were left out for lack of OCR.
        state: of the file, compared with what was read: `unchanged`, `changed`, `gone`, `elsewhere` (it is not on this
            machine, and may be on another) or `unreadable`; null in a list that was not asked for it.
    """

    file_id: str
    file: str
    pages: int
    nodes: int
    size: int
    ingested_at: str
    metadata: dict[str, str | int | float | bool]
    document_id: str
    awaits_ocr: int
    state: FileState | None = None


class FileList(BaseModel):
    """A part of the files of a collection.

    Attributes:
        data: the files.
        next_cursor: where the next part begins; null behind the last file.
    """

    data: list[FileLineObject]
    next_cursor: str | None


class FileObject(FileLineObject):
    """All that is known of a file.

    Attributes:
        chinese_share: the share of its sentences, 0 to 1, that are in Chinese.
        sections: the titles above its sentences, each path of titles once, in order.
        tables: each in Markdown.
        copies: ids of the other files of the same content.
        identity: what the document is, by its own words and the metadata.
    """

    chinese_share: float
    sections: list[str]
    tables: list[str]
    copies: list[str]
    identity: dict[str, Any]


class SectionObject(BaseModel):
    """A section of a file.

    Attributes:
        title: its heading.
        titles: its heading and those above it, the outermost first.
        level: 1 for the outermost.
        page: that it begins on, from 1.
        page_end: that it ends on.
    """

    title: str
    titles: list[str]
    level: int
    page: int
    page_end: int


class Outline(BaseModel):
    """The sections of a file, in order."""

    data: list[SectionObject]


@router.get("", responses=problem_responses("not_found", "storage_unavailable"))
async def list_files(
    collection: Collection,
    state: State,
    access: Reader,
    limit: Annotated[int, Query(ge=1, le=200, description="Files in a part, at most.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next_cursor` of the last part.")
    ] = None,
    q: Annotated[str | None, Query(max_length=200, description="A part of the name, in any case.")] = None,
    sort: Annotated[
        FileOrder, Query(description="What comes first; a minus sign turns the order round.")
    ] = "name",
    states: Annotated[bool, Query(description="Whether each file is compared with what was read.")] = False,
) -> FileList:
    """Lists the files of a collection, a part at a time. Files that come and go meanwhile do not shift the others."""
    access.require([collection])
    records = await state.read_files(_list, state, collection, limit + 1, cursor, q, sort)
    shown = records[:limit]
    more = cursor_behind(shown[-1], sort) if len(records) > limit else None
    lines = [FileLineObject(**_line(record)) for record in shown]
    if states:
        found = await state.read_files(_states, state, shown)
        for line, one in zip(lines, found, strict=True):
            line.state = one
    return FileList(data=lines, next_cursor=more)


@router.get("/{file_id}", responses=problem_responses("not_found", "storage_unavailable"))
async def show_file(collection: Collection, file_id: FileId, state: State, access: Reader) -> FileObject:
    """Tells what is known of a file."""
    access.require([collection])
    return await state.read_files(_show, state, collection, file_id)


@router.get("/{file_id}/outline", responses=problem_responses("not_found", "storage_unavailable"))
async def outline(collection: Collection, file_id: FileId, state: State, access: Reader) -> Outline:
    """Lists the sections of a file with their pages."""
    access.require([collection])
    sections = await state.read_files(_sections, state, collection, file_id)
    return Outline(
        data=[
            SectionObject(
                title=section.titles[-1],
                titles=section.titles,
                level=len(section.titles),
                page=section.page,
                page_end=section.page_end,
            )
            for section in sections
        ]
    )


@router.get(
    "/{file_id}/content",
    response_class=Response,
    responses=problem_responses(
        "not_found", "elsewhere", "gone", "range_not_satisfiable", "storage_unavailable"
    )
    | {
        200: {"description": "The file", "content": {"application/pdf": {}, "application/octet-stream": {}}},
        206: {
            "description": "A part of it",
            "content": {"application/pdf": {}, "application/octet-stream": {}},
        },
        304: {"description": "The client has it already"},
    },
)
async def content(
    collection: Collection,
    file_id: FileId,
    request: Request,
    state: State,
    access: Reader,
    inline: Annotated[
        bool, Query(description="Whether a browser is to show a PDF, and not to save it.")
    ] = False,
) -> Response:
    """Gives the file itself, whole or one range of it, as long as it is what was read."""
    access.require([collection])
    original = await state.read_files(partial(find_original, state), collection, file_id)
    etag = f'"{original.record.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    keep_plain_range(request, etag, original.stamp[0])
    is_pdf = await state.read_files(_is_pdf, original.path)
    shown = inline and is_pdf
    headers |= {
        "Content-Disposition": content_disposition(original.record.file_name, shown),
        # Safari shows nothing of a PDF with a sandbox, and Chromium takes it off: their viewers have sandboxes of their own.
        "Content-Security-Policy": "frame-ancestors 'self'" if shown else "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    media_type = "application/pdf" if is_pdf else "application/octet-stream"
    return FileResponse(original.path, headers=headers, media_type=media_type)


def content_disposition(file_name: str, inline: bool) -> str:
    """The header of this name: how a browser treats a file, and what it calls it.

    Args:
        file_name: any text; folders in it are the browser's to refuse, and are taken out.
        inline: whether it is shown and not saved.
    """
    name = show_controls_on_line(file_name).replace("/", "_").replace("\\", "_") or "file"
    plain = "".join(one if " " <= one <= "~" and one not in '"%' else "_" for one in name)
    encoded = quote(name, safe="", errors="replace")
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def find_original(state: ServerState, collection: str, file_id: str) -> Original:
    """A file that is still what was read. Call it from a thread.

    Raises:
        ProblemError: ``not_found`` or ``gone``.
    """
    with state.catalogs.opened(collection) as catalog:
        record = state.catalogs.file(catalog, collection, file_id)
    return state.originals.find(record)


def _list(
    state: ServerState, collection: str, limit: int, cursor: str | None, part: str | None, order: FileOrder
) -> list[FileRecord]:
    after = read_cursor(cursor, order) if cursor is not None else None
    where = name_condition(CONTAINS_CASELESS, part) if part else None
    with state.catalogs.opened(collection) as catalog:
        return catalog.files_after(limit, order, after, where)


def _states(state: ServerState, records: Sequence[FileRecord]) -> list[FileState]:
    return [state.originals.state(record) for record in records]


def _show(state: ServerState, collection: str, identifier: str) -> FileObject:
    with state.catalogs.opened(collection) as catalog:
        record = state.catalogs.file(catalog, collection, identifier)
        info: FileInfo = file_info(catalog, record)
    return FileObject(
        **_line(record),
        chinese_share=info.chinese_share,
        sections=info.sections,
        tables=info.tables,
        copies=[file_id(path) for path in info.copies],
        state=info.state,
        identity=info.identity,
    )


def _sections(state: ServerState, collection: str, identifier: str) -> list[Section]:
    with state.catalogs.opened(collection) as catalog:
        record = state.catalogs.file(catalog, collection, identifier)
        return sections_of(catalog, record.document_id)


def _line(record: FileRecord) -> dict[str, Any]:
    metadata: dict[str, Scalar] = record.metadata
    return {
        "file_id": record.file_id,
        "file": record.file_name,
        "pages": record.pages,
        "nodes": record.nodes,
        "size": record.size,
        "ingested_at": record.ingested_at,
        "metadata": metadata,
        "document_id": record.document_id,
        "awaits_ocr": record.awaits_ocr,
    }


def _is_pdf(path: Path) -> bool:
    """Whether a file begins like a PDF, so that no browser takes it for anything else."""
    with path.open("rb") as file:
        return file.read(len(_PDF)) == _PDF
