"""The routes of the server, a module a subject."""

from __future__ import annotations

from fastapi import APIRouter

from qa_engine.server.routes.citations import router as citations
from qa_engine.server.routes.files import router as files
from qa_engine.server.routes.health import router as health
from qa_engine.server.routes.pages import router as pages
from qa_engine.server.routes.session import router as session

ROUTERS: tuple[APIRouter, ...] = (health, session, files, pages, citations)
"""All routers, in the order of the OpenAPI document."""
