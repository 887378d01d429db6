"""Whether the server lives, whether it is ready, and what it can do."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from qa_engine import __version__
from qa_engine.documents.content_types import accepted_suffixes
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.errors import QAEngineError
from qa_engine.server.access import Reader
from qa_engine.server.problems import ProblemError, problem_responses, without_folders
from qa_engine.server.state import ServerState, State

router = APIRouter(tags=["server"])
SOURCE_URL = "https://github.com/qa-engine/qa-engine"


class Health(BaseModel):
    """The process turns."""

    status: Literal["ok"] = "ok"


class Info(BaseModel):
    """What the server is and can do.

    Attributes:
        version: of qa_engine.
        source_url: where its source code is, as the licence of PyMuPDF asks for.
        features: what it can do: ``llm`` (a language model words the answers), ``ocr`` (scanned pages are read), ``auth``
            (requests need a key), ``write`` (the key of the request may change collections), ``mcp`` (``/mcp`` has tools).
        limits: sizes and times that requests keep to.
        suffixes: the endings of the files that can be uploaded, in small letters with the dot.
        languages: of questions and documents.
        collections: those that are asked if a question names none.
        models: what answers, by kind; empty until a default collection exists.
    """

    version: str
    source_url: str
    features: dict[str, bool]
    limits: dict[str, int | float | None]
    suffixes: list[str]
    languages: list[str]
    collections: list[str]
    models: dict[str, str]


@router.get("/healthz", responses=problem_responses())
async def healthz() -> Health:
    """Says that the process lives. Needs no key."""
    return Health()


@router.get("/readyz", responses=problem_responses("not_ready", "draining", "storage_unavailable"))
async def readyz(state: State) -> Health:
    """Says whether questions can be asked now. Needs no key."""
    if state.draining:
        raise ProblemError("draining", "The server has been asked to stop.")
    if state.failure is not None:
        raise state.failure
    if not state.ready:
        raise ProblemError("not_ready", "The models are being loaded.")
    await state.probe()
    return Health()


@router.get("/api/v1/info", responses=problem_responses())
async def info(state: State, access: Reader) -> Info:
    """Says what the server is and can do."""
    config = state.config
    ocr = config.documents.ocr != "never" and ocr_available()
    return Info(
        version=__version__,
        source_url=SOURCE_URL,
        features={
            "llm": config.llm.model is not None,
            "ocr": ocr,
            "auth": await state.authenticator.needs_key(),
            "write": "write" in access.scopes and not config.server.read_only,
            "mcp": config.server.mcp != "off",
        },
        limits={
            "max_question_chars": config.retrieval.max_question_chars,
            "max_body_bytes": config.server.max_body_kilobytes * 1024,
            "max_upload_bytes": state.uploads.max_bytes,
            "body_seconds": config.server.body_seconds,
        },
        suffixes=accepted_suffixes(ocr),
        languages=["zh", "en"],
        collections=[name for name in state.engines.default if access.sees(name)],
        models=await state.read_files(_models, state) if state.ready else {},
    )


def _models(state: ServerState) -> dict[str, str]:
    """Names of the models by their roles; none before there is anything to ask."""
    try:
        with state.engines.engine() as engine:
            models: dict[str, str] = without_folders(dict(engine.models))
            return models
    except (QAEngineError, ProblemError):
        return {}
