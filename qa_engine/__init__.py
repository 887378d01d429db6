"""Document question answering on LlamaIndex: PDFs in, Chinese answers with page citations out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa_engine import errors
    from qa_engine.answering.answer import REFUSAL, Answer, Box, Citation
    from qa_engine.config import Config
    from qa_engine.conversation.session import ChatSession
    from qa_engine.engine import QueryEngine
    from qa_engine.ingestion.ingest import ingest, ingest_documents
    from qa_engine.ingestion.report import IngestReport

__version__ = "0.1.0"
__all__ = [
    "REFUSAL",
    "Answer",
    "Box",
    "ChatSession",
    "Citation",
    "Config",
    "IngestReport",
    "QueryEngine",
    "errors",
    "ingest",
    "ingest_documents",
]

_MODULES = {
    "QueryEngine": "qa_engine.engine",
    "Answer": "qa_engine.answering.answer",
    "Citation": "qa_engine.answering.answer",
    "Box": "qa_engine.answering.answer",
    "REFUSAL": "qa_engine.answering.answer",
    "Config": "qa_engine.config",
    "ChatSession": "qa_engine.conversation.session",
    "ingest": "qa_engine.ingestion.ingest",
    "ingest_documents": "qa_engine.ingestion.ingest",
    "IngestReport": "qa_engine.ingestion.report",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use: importing the package itself must stay fast."""
    if name == "errors":
        return importlib.import_module("qa_engine.errors")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
