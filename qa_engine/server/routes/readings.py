"""How the pages of a file are read: what was left out of each, and why."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from qa_engine.server.access import Reader
from qa_engine.server.documents.page_readings import Progress
from qa_engine.server.problems import problem_responses
from qa_engine.server.routes.citations import BoxObject
from qa_engine.server.routes.pages import Number, find_page
from qa_engine.server.routes.parameters import Collection, FileId
from qa_engine.server.state import State

router = APIRouter(prefix="/api/v1/collections/{collection}/files/{file_id}/pages", tags=["files"])


class LeftOutObject(BaseModel):
    """Text of a page that is not read.

    Attributes:
        role: what it is: `header`, `footer`, `page_number`, `line_number`, `figure`, `turned`, `hidden`, `struck`,
            `watermark`, `attachment` or `form`.
        text: its words.
        boxes: where it stands on the page as it is shown; empty if that is not known, or if it is not on the page.
    """

    role: str
    text: str
    boxes: list[BoxObject]


class PageReadingObject(BaseModel):
    """How a page is read.

    Attributes:
        page: its number, from 1.
        label: the number that is printed on it, or that the file gives it; null without one.
        parser: `fast` (geometry), `layout` (a model of layouts) or another.
        ocr: whether its text was recognised from its image.
        unread: why it has no text though it shows something: `no_text`, `garbled` or `damaged`; null if it was read.
        suspect: whether its text looks like no language, and was kept because there is no OCR to compare with.
        doubts: what may be wrong with its text.
        left_out: what is not read, each text once.
        current: whether the file is read now as it was when it came into the collection; if not, its sentences may differ.
    """

    page: int
    label: str | None
    parser: str
    ocr: bool
    unread: str | None
    suspect: bool
    doubts: list[str]
    left_out: list[LeftOutObject]
    current: bool


class ReadingProgress(BaseModel):
    """How far the file is read; ask again.

    Attributes:
        read: pages that are read.
        pages: of how many; 0 before that is known.
    """

    read: int
    pages: int


@router.get(
    "/{number}/reading",
    responses={
        202: {"model": ReadingProgress, "description": "The file is being read: ask again."},
        **problem_responses(
            "not_found", "elsewhere", "gone", "file_not_read", "queue_full", "storage_unavailable", "draining"
        ),
    },
    response_model=PageReadingObject,
)
async def reading(
    collection: Collection, file_id: FileId, number: Number, state: State, access: Reader
) -> Response:
    """Reads the file again as it is read when it comes into a collection, and tells what was left out of a page.

    It is read once for all of its pages. 202 says how far that is: the client asks again until it is done.
    """
    access.require([collection])
    original = await state.read_files(find_page, state, collection, file_id, number, None)
    found = await state.readings.reading(original, number)
    if isinstance(found, Progress):
        told = ReadingProgress(read=found.read, pages=found.pages)
        return JSONResponse(told.model_dump(), status_code=202, headers={"Retry-After": "1"})
    shown = PageReadingObject(**found, current=state.readings.is_current(original))
    return JSONResponse(shown.model_dump(), headers={"Cache-Control": "private, no-cache"})
