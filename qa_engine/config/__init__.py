"""The settings: one typed tree, `Config`, and where its values come from."""

from __future__ import annotations

from qa_engine.config.loading import CONFIG_FILE, ENV_PREFIX
from qa_engine.config.sections import (
    LOCAL,
    AnsweringConfig,
    Bm25Config,
    Config,
    ConversationConfig,
    DocumentsConfig,
    EmbeddingConfig,
    IndexConfig,
    IngestionConfig,
    LlmConfig,
    RerankConfig,
    RetrievalConfig,
)

__all__ = [
    "CONFIG_FILE",
    "ENV_PREFIX",
    "LOCAL",
    "AnsweringConfig",
    "Bm25Config",
    "Config",
    "ConversationConfig",
    "DocumentsConfig",
    "EmbeddingConfig",
    "IndexConfig",
    "IngestionConfig",
    "LlmConfig",
    "RerankConfig",
    "RetrievalConfig",
]
