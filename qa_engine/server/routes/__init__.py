"""The routes of the server, a module a subject."""

from __future__ import annotations

from fastapi import APIRouter

from qa_engine.server.routes.health import router as health

ROUTERS: tuple[APIRouter, ...] = (health,)
"""All routers, in the order of the OpenAPI document."""
