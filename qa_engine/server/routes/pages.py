"""The pages of a file: their sentences with their places, and their images."""

from __future__ import annotations

import gzip
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import is_document
from qa_engine.server.access import Reader
from qa_engine.server.citations.links import page_path
from qa_engine.server.documents.conditional_requests import is_known, takes_gzip
from qa_engine.server.documents.contents import PageSentence, lines_of_sentences, sentences_of_page
from qa_engine.server.documents.originals import Original
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.routes.citations import BoxObject
from qa_engine.server.routes.parameters import Collection, FileId
from qa_engine.server.state import ServerState, State

router = APIRouter(prefix="/api/v1/collections/{collection}/files/{file_id}/pages", tags=["files"])
Number = Annotated[int, PathParameter(ge=1, le=1_000_000, description="The number of the page, from 1.")]
Version = Annotated[
    str | None,
    Query(
        max_length=64, description="The `document_id` that is meant: 410 if the file has another one by now."
    ),
]
_IMMUTABLE = "private, max-age=31536000, immutable"
_SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PROBLEMS = ("not_found", "elsewhere", "gone", "page_not_drawn", "queue_full", "storage_unavailable")


class SentenceObject(BaseModel):
    """A sentence of a page.

    Attributes:
        id: which citations name it by.
        text: of all of it, also where it goes on over the page break.
        role: of its block, such as `heading`; `body` for most.
        section: the titles above it, in one text; empty without any.
        page: that it begins on, from 1.
        page_end: that it ends on.
        doubt: why its text may not be what the page shows; empty for most.
        boxes: of its lines on this page.
    """

    id: str
    text: str
    role: str
    section: str
    page: int
    page_end: int
    doubt: str
    boxes: list[BoxObject]


class PageObject(BaseModel):
    """A page of a file.

    Attributes:
        file: name of the file.
        file_pages: the number of its pages.
        page: the number of this one, from 1.
        label: the number printed on it, if that is known and another one.
        width: in points, what boxes count in; null if the page cannot be drawn.
        height: as well.
        image: address of the image that shows it best, below the root of the server; null if it cannot be drawn.
        png: address of the page as PNG; takes `dpi`.
        lines: address of its text, line by line; null if it cannot be drawn.
        sentences: in reading order.
    """

    file: str
    file_pages: int
    page: int
    label: str | None
    width: float | None
    height: float | None
    image: str | None
    png: str | None
    lines: str | None
    sentences: list[SentenceObject]


class LineObject(BaseModel):
    """A line of a page.

    Attributes:
        text: of it.
        x0: left edge, in points from the left edge of the page.
        y0: upper edge, in points from the upper edge of the page.
        x1: right edge.
        y1: lower edge.
        turn: direction of the text in degrees clockwise: 0 from left to right, 90 downwards, 180, 270 upwards.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    turn: int


class PageLines(BaseModel):
    """The text of a page, as it shows it.

    Attributes:
        page: its number, from 1.
        lines: in the order of the file.
    """

    page: int
    lines: list[LineObject]


def _images(media_type: str) -> dict[int | str, dict[str, object]]:
    return {
        200: {"description": "The image", "content": {media_type: {}}},
        304: {"description": "The client has it already"},
    }


@router.get(
    "/{number}.svg",
    response_class=Response,
    responses=problem_responses(*_PROBLEMS)
    | _images("image/svg+xml")
    | {307: {"description": "The page is a scan, or very detailed: the address of its PNG"}},
)
async def page_svg(
    collection: Collection,
    file_id: FileId,
    number: Number,
    request: Request,
    state: State,
    access: Reader,
    v: Version = None,
) -> Response:
    """Draws a page as SVG; text is outlines, so that no font is needed. With `v`, it may be cached for ever."""
    access.require([collection])
    original = await state.read_files(find_page, state, collection, file_id, number, v)
    zipped = takes_gzip(request)
    etag = f'"{original.record.document_id}-{state.images.version}-{number}{"-gzip" if zipped else ""}"'
    headers = _headers(etag, v) | {"Vary": "Accept-Encoding", "Content-Security-Policy": _SVG_POLICY}
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    svg = (await state.images.drawing(original, number)).svg
    if svg is None:
        png = page_path(request, collection, original.record, number, ".png")
        return Response(status_code=307, headers={"Location": png, "Cache-Control": headers["Cache-Control"]})
    if zipped:
        return Response(svg, headers=headers | {"Content-Encoding": "gzip"}, media_type="image/svg+xml")
    return Response(await state.read_files(gzip.decompress, svg), headers=headers, media_type="image/svg+xml")


@router.get(
    "/{number}.png",
    response_class=Response,
    responses=problem_responses(*_PROBLEMS) | _images("image/png"),
)
async def page_png(
    collection: Collection,
    file_id: FileId,
    number: Number,
    request: Request,
    state: State,
    access: Reader,
    dpi: Annotated[int, Query(ge=30, le=300, description="Resolution; lower for huge pages.")] = 144,
    v: Version = None,
) -> Response:
    """Draws a page as PNG. With `v`, it may be cached for ever."""
    access.require([collection])
    original = await state.read_files(find_page, state, collection, file_id, number, v)
    etag = f'"{original.record.document_id}-{state.images.version}-{number}-{dpi}"'
    headers = _headers(etag, v)
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    image = await state.images.painting(original, number, dpi)
    return Response(image, headers=headers, media_type="image/png")


@router.get(
    "/{number}", responses=problem_responses("not_found", "gone", "queue_full", "storage_unavailable")
)
async def page(
    collection: Collection, file_id: FileId, number: Number, request: Request, state: State, access: Reader
) -> PageObject:
    """Gives the sentences of a page with their places, and the addresses of its images."""
    access.require([collection])
    record, label, sentences = await state.read_files(_page, state, collection, file_id, number)
    shown = PageObject(
        file=record.file_name,
        file_pages=record.pages,
        page=number,
        label=label,
        width=None,
        height=None,
        image=None,
        png=None,
        lines=None,
        sentences=[
            SentenceObject(
                id=one.id,
                text=one.text,
                role=one.role,
                section=one.section,
                page=one.page,
                page_end=one.page_end,
                doubt=one.doubt,
                boxes=[BoxObject(**box._asdict()) for box in one.boxes],
            )
            for one in sentences
        ],
    )
    if is_document(record.path):
        return shown
    try:
        original = await state.read_files(state.originals.find, record)
        drawing = await state.images.drawing(original, number)
    except ProblemError as problem:
        if problem.code not in {"page_not_drawn", "elsewhere"}:
            raise
        return shown
    shown.width, shown.height = drawing.width, drawing.height
    end = ".svg" if drawing.svg is not None else ".png"
    shown.image = page_path(request, collection, record, number, end)
    shown.png = page_path(request, collection, record, number, ".png")
    shown.lines = page_path(request, collection, record, number, "/lines")
    return shown


@router.get("/{number}/lines", responses=problem_responses(*_PROBLEMS))
async def page_lines(
    collection: Collection,
    file_id: FileId,
    number: Number,
    response: Response,
    state: State,
    access: Reader,
    v: Version = None,
) -> PageLines:
    """Gives the text of a page line by line, to be selected over its image. With `v`, it may be cached for ever.

    A scan without a text layer has the sentences that were read from it, divided over their lines by width.
    """
    access.require([collection])
    original = await state.read_files(find_page, state, collection, file_id, number, v)
    lines = await state.images.lines(original, number)
    if not lines:
        _, _, sentences = await state.read_files(_page, state, collection, file_id, number)
        lines = lines_of_sentences(sentences)
    response.headers["Cache-Control"] = _cache_control(v)
    return PageLines(page=number, lines=[LineObject(**line._asdict()) for line in lines])


def _headers(etag: str, version: str | None) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": _cache_control(version)}


def _cache_control(version: str | None) -> str:
    # Without a version the address means another image when the file changes.
    return _IMMUTABLE if version is not None else "private, no-cache"


def _with_page(record: FileRecord, number: int) -> FileRecord:
    if number > record.pages:
        raise ProblemError(
            "not_found", f"{record.file_name!r} has {record.pages} pages, and no page {number}."
        )
    return record


def find_page(
    state: ServerState, collection: str, identifier: str, number: int, version: str | None
) -> Original:
    """The file of a page. Call it from a thread.

    Args:
        state: of the server.
        collection: that the file is in.
        identifier: of the file.
        number: of the page, from 1.
        version: the document that is meant; None for the one that is there.

    Raises:
        ProblemError: ``not_found`` or ``gone``.
    """
    with state.catalogs.opened(collection) as catalog:
        record = _with_page(state.catalogs.file(catalog, collection, identifier), number)
    if version is not None and version != record.document_id:
        raise ProblemError("gone", f"{record.file_name!r} has another version by now than {version!r}.")
    return state.originals.find(record)


def _page(
    state: ServerState, collection: str, identifier: str, number: int
) -> tuple[FileRecord, str | None, list[PageSentence]]:
    with state.catalogs.opened(collection) as catalog:
        record = _with_page(state.catalogs.file(catalog, collection, identifier), number)
        label, sentences = sentences_of_page(catalog, record.document_id, number)
    return record, label, sentences
