"""The routes of the server, a module a subject."""

from __future__ import annotations

from fastapi import APIRouter

from qa_engine.server.routes.administration import router as administration
from qa_engine.server.routes.citations import router as citations
from qa_engine.server.routes.clients.dify import router as dify
from qa_engine.server.routes.clients.openai import router as openai
from qa_engine.server.routes.clients.openwebui import router as openwebui
from qa_engine.server.routes.collections import router as collections
from qa_engine.server.routes.evaluations.feedback import router as feedback_reviews
from qa_engine.server.routes.evaluations.questions import router as test_questions
from qa_engine.server.routes.evaluations.runs import router as evaluations
from qa_engine.server.routes.file_changes import router as file_changes
from qa_engine.server.routes.files import router as files
from qa_engine.server.routes.find import router as find
from qa_engine.server.routes.health import router as health
from qa_engine.server.routes.jobs import router as jobs
from qa_engine.server.routes.keys import router as keys
from qa_engine.server.routes.pages import router as pages
from qa_engine.server.routes.questions.answers import router as answers
from qa_engine.server.routes.questions.ask import router as ask
from qa_engine.server.routes.questions.conversations import router as conversations
from qa_engine.server.routes.questions.feedback import router as feedback
from qa_engine.server.routes.questions.search import router as search
from qa_engine.server.routes.readings import router as readings
from qa_engine.server.routes.session import router as session
from qa_engine.server.routes.uploads import router as uploads
from qa_engine.server.routes.web import router as web

ROUTERS: tuple[APIRouter, ...] = (
    health,
    session,
    ask,
    search,
    answers,
    conversations,
    feedback,
    feedback_reviews,
    test_questions,
    evaluations,
    collections,
    files,
    find,
    file_changes,
    uploads,
    jobs,
    pages,
    readings,
    citations,
    administration,
    keys,
    openai,
    openwebui,
    dify,
    web,
)
"""All routers, in the order of the OpenAPI document."""
