"""The tree of settings, `Config`, with the type, the bounds and the default of each.

Settings marked *identity* belong to a collection: another value is refused for one that exists. Settings marked *stored*
decide what a collection holds: the next ingest run applies another value. All others may change from question to question.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from qa_engine.config import loading
from qa_engine.config.sections import (
    LOCAL,
    AnsweringConfig,
    Bm25Config,
    ConversationConfig,
    DocumentsConfig,
    EmbeddingConfig,
    IndexConfig,
    IngestionConfig,
    LlmConfig,
    RerankConfig,
    RetrievalConfig,
    without_control_characters,
)
from qa_engine.config.server import ServerConfig

__all__ = [
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
    "ServerConfig",
]


class Config(BaseSettings):
    """All settings of a `QueryEngine`, of an ingest run and of the HTTP server.

    ``Config(…)`` holds its arguments, the environment variables (``QA_ENGINE_LLM__MODEL=…``) and the defaults;
    ``Config.load()`` also reads the files of the working directory, as the commands do. Both give sections ``llm`` and
    ``embedding`` without a key or an address those of ``OPENAI_API_KEY``, ``OPENAI_BASE_URL`` and ``OPENAI_API_BASE``.

    Raises:
        ConfigurationError: an unknown key, or a value out of range.

    Example:
        >>> Config(answering={"passages": 3}).answering.passages
        3
    """

    model_config = SettingsConfigDict(
        env_prefix=loading.ENV_PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        env_file_encoding="utf-8-sig",
        extra="forbid",
        validate_default=True,
    )

    _check_text = field_validator("*", mode="before")(without_control_characters)

    storage: Path = Path("storage")
    collection: str = "default"
    documents: DocumentsConfig = DocumentsConfig()
    ingestion: IngestionConfig = IngestionConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    index: IndexConfig = IndexConfig()
    bm25: Bm25Config = Bm25Config()
    retrieval: RetrievalConfig = RetrievalConfig()
    rerank: RerankConfig = RerankConfig()
    llm: LlmConfig = LlmConfig()
    answering: AnsweringConfig = AnsweringConfig()
    conversation: ConversationConfig = ConversationConfig()
    server: ServerConfig = ServerConfig()

    def __init__(self, **values: Any) -> None:
        with loading.explained_errors(type(self)):
            super().__init__(**values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """For pydantic: the constructor reads the environment and no file of the working directory."""
        return init_settings, env_settings, loading.OpenAIVariables(settings_cls)

    @classmethod
    def load(cls, file: str | Path | None = None, **values: Any) -> Config:
        """The settings in force for the commands, from all sources.

        Precedence, highest first: ``values``; environment variables; ``.env`` in the working directory; the TOML file; the
        ``OPENAI_…`` variables, from the environment or ``.env``; the defaults.

        Args:
            file: the TOML file; None for the one that ``QA_ENGINE_CONFIG`` names, or else ``qa_engine.toml`` in the working
                directory, if it is there.
            values: sections or settings, as for the constructor.

        Raises:
            ConfigurationError: an unknown key or variable, a value out of range, or a file that cannot be read.
        """
        with loading.explained_errors(cls):
            implicit = loading.implicit_values(cls, file)
        return cls(**loading.merge(implicit, values))

    @classmethod
    def of(cls, config: Config | Mapping[str, Any] | str | Path | None = None) -> Config:
        """A `Config` from what callers hold: a `Config`, a mapping of settings, the path of a TOML file, or None.

        Other settings come from environment variables, and none from the files of the working directory; see `load`.

        Raises:
            ConfigurationError: an unknown key, a value out of range, or a file that cannot be read.
        """
        if isinstance(config, Config):
            return config
        if isinstance(config, str | Path):
            config = loading.read_toml(Path(config))
        return cls(**dict(config or {}))
