"""Citations by their ids: as objects for programs, and as pages for people."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.server.access import Reader
from qa_engine.server.citations.links import citation_path, citation_url, content_path, page_path, root_path
from qa_engine.server.citations.lookup import FoundCitation
from qa_engine.server.citations.page import (
    CitationView,
    PageView,
    citation_html,
    content_security_policy,
    gone_html,
    preferred_language,
    problem_html,
)
from qa_engine.server.documents.originals import elsewhere
from qa_engine.server.problems import ProblemError, problem_responses
from qa_engine.server.state import ServerState, State
from qa_engine.server.web.document import WebScripts, web_scripts

router = APIRouter(tags=["citations"])
_MAX_PAGES = 20
"""Pages of one citation that are shown."""
Identifier = Annotated[str, Path(max_length=200, description="The id of a citation.")]


class BoxObject(BaseModel):
    """A rectangle on a page, in points from its top left corner; pages count from 1."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class CitedPage(BaseModel):
    """A page of a citation.

    Attributes:
        page: from 1.
        image: address of its image, below the root of the server; null if the page cannot be drawn.
        width: in points, what boxes count in; null if the page cannot be drawn.
        height: as well.
        lines: address of its text, line by line; null if the page cannot be drawn.
        boxes: of the cited sentences on it.
    """

    page: int
    image: str | None
    width: float | None
    height: float | None
    lines: str | None
    boxes: list[BoxObject]


class CitationObject(BaseModel):
    """A citation.

    Attributes:
        id: of the citation.
        collection: that holds its file.
        file: name of the file.
        file_id: its id.
        file_pages: the number of its pages.
        page: that the citation begins on, from 1.
        page_end: that it ends on.
        page_label: the number printed on the first page, if it is another one.
        section: the titles above it.
        text: the cited sentences.
        boxes: their rectangles on the pages.
        url: address of the citation, for people.
        content: address of the file itself, below the root of the server; null for a text without a file, and for a file of
            another machine.
        pages: those that it is on; none of a file of another machine.
    """

    id: str
    collection: str
    file: str
    file_id: str
    file_pages: int
    page: int
    page_end: int
    page_label: str
    section: str
    text: str
    boxes: list[BoxObject]
    url: str
    content: str | None
    pages: list[CitedPage]


@router.get(
    "/api/v1/citations/{citation_id}",
    responses=problem_responses("not_found", "gone", "storage_unavailable", "queue_full"),
)
async def citation(citation_id: Identifier, request: Request, state: State, access: Reader) -> CitationObject:
    """Gives a citation with its pages.

    If its document has changed since or was removed, the answer is 410, and `citation` of the problem object holds what was
    cited, as long as that is kept.
    """
    found = await state.read_files(state.citations.find, citation_id, access.sees)
    facts = found.facts.to_dict()
    pages = await _page_views(state, request, found, sorted({box.page for box in found.facts.boxes}))
    return CitationObject(
        **facts,
        file_id=found.file.file_id,
        file_pages=found.file.pages,
        url=citation_url(request, citation_id),
        content=content_path(request, found.facts.collection, found.file) if found.original else None,
        pages=[
            CitedPage(
                page=page.number,
                image=page.image,
                width=page.width if page.image else None,
                height=page.height if page.image else None,
                lines=page_path(request, found.facts.collection, found.file, page.number, "/lines")
                if page.image
                else None,
                boxes=[BoxObject(**box._asdict()) for box in page.boxes],
            )
            for page in pages
        ],
    )


@router.get(
    "/c/{citation_id}",
    response_class=HTMLResponse,
    responses=problem_responses("queue_full")
    | {
        404: {"description": "Not Found: a page that says so", "content": {"text/html": {}}},
        410: {"description": "Gone: a page with what was cited", "content": {"text/html": {}}},
        503: {"description": "Service Unavailable: a page that says so", "content": {"text/html": {}}},
    },
)
async def citation_page(
    citation_id: Identifier,
    request: Request,
    state: State,
    access: Reader,
    page: Annotated[int | None, Query(ge=1, le=1_000_000, description="Another page of the file.")] = None,
) -> HTMLResponse:
    """Shows a citation to people: the cited sentences as text, and marked on the image of their pages."""
    language = preferred_language(request.headers.get("accept-language", ""))
    try:
        found = await state.read_files(state.citations.find, citation_id, access.sees)
        view = await _view(state, request, found, page)
    except ProblemError as problem:
        if problem.kind.status not in {404, 410, 503}:
            raise
        if problem.code == "gone":
            content = gone_html(_view_of_gone(problem), language)
        else:
            content = problem_html(problem.code, problem.detail, problem.fix, language)
        return _html(content, problem.kind.status, problem.headers)
    scripts = web_scripts(root_path(request), "js/citation.js") if view.pages else None
    return _html(citation_html(view, language, scripts), scripts=scripts)


def _html(
    content: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    scripts: WebScripts | None = None,
) -> HTMLResponse:
    own = {
        "Content-Security-Policy": content_security_policy(scripts),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Language",
    }
    return HTMLResponse(content, status, {**(headers or {}), **own})


async def _view(state: ServerState, request: Request, found: FoundCitation, page: int | None) -> CitationView:
    facts, file = found.facts, found.file
    cited = sorted({box.page for box in facts.boxes})
    if page is not None and found.is_elsewhere:
        raise elsewhere(file)
    if page is not None and (found.original is None or page > file.pages):
        raise ProblemError("not_found", f"{file.file_name!r} has no page {page}.")
    shown = [page] if page is not None else cited[:_MAX_PAGES]
    view = CitationView(
        *(facts.file, facts.text, facts.page, facts.page_end, facts.page_label, facts.section),
        is_elsewhere=found.is_elsewhere,
    )
    if found.original is None or not shown:
        return view
    before, behind = shown[0] - 1, shown[-1] + 1
    return replace(
        view,
        pages=await _page_views(state, request, found, shown),
        previous=citation_path(request, facts.id, before) if before >= 1 else None,
        following=citation_path(request, facts.id, behind) if behind <= file.pages else None,
        back=citation_path(request, facts.id) if page is not None else None,
        original=content_path(request, facts.collection, file, inline=True, page=shown[0]),
        download=content_path(request, facts.collection, file),
    )


def _view_of_gone(problem: ProblemError) -> CitationView | None:
    """What was cited, of a problem that tells it."""
    cited: dict[str, Any] | None = problem.members.get("citation")
    if cited is None:
        return None
    names = ("file", "text", "page", "page_end", "page_label", "section")
    return CitationView(**{name: cited[name] for name in names})


async def _page_views(
    state: ServerState, request: Request, found: FoundCitation, numbers: list[int]
) -> list[PageView]:
    """Pages of a citation, the first 20, with their images."""
    if found.original is None:
        return []
    views = []
    for number in numbers[:_MAX_PAGES]:
        boxes: list[PageBox] = [box for box in found.facts.boxes if box.page == number]
        try:
            drawing = await state.images.drawing(found.original, number)
        except ProblemError as problem:
            if problem.code == "gone":
                problem.members["citation"] = found.facts.to_dict()
            if problem.code != "page_not_drawn":
                raise
            views.append(PageView(number, boxes=boxes))
            continue
        end = ".svg" if drawing.svg is not None else ".png"
        image = page_path(request, found.facts.collection, found.file, number, end)
        views.append(PageView(number, image, drawing.width, drawing.height, boxes))
    return views
