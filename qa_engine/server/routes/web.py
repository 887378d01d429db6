"""The web page, and the files that it loads."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from qa_engine.server.access import Reader
from qa_engine.server.citations.links import root_path
from qa_engine.server.documents.conditional_requests import takes_gzip
from qa_engine.server.problems import ProblemError
from qa_engine.server.web.assets import read_assets
from qa_engine.server.web.document import web_page

router = APIRouter(include_in_schema=False)
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@router.get("/")
async def page(request: Request, access: Reader) -> HTMLResponse:
    """The document of the page."""
    text, policy = web_page(root_path(request))
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


@router.get("/assets/{digest}/{path:path}")
async def asset(digest: str, path: str, request: Request) -> Response:
    """A file that the page loads, which may be cached for ever."""
    assets = read_assets()
    found = assets.files.get(path)
    if found is None or digest != assets.digest:
        raise ProblemError("not_found", "The page has no such file.", "Load the page again.")
    if takes_gzip(request):
        return Response(
            found.compressed, headers={**_FOREVER, "Content-Encoding": "gzip"}, media_type=found.media_type
        )
    return Response(found.content, headers=_FOREVER, media_type=found.media_type)
