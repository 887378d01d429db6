"""The settings of a run, as they are sent to the workers of a Ray cluster."""

from __future__ import annotations

import uuid
from typing import Any

from qa_engine.errors import ConfigurationError
from qa_engine.ingestion.cluster.worker import WorkerSettings, versions
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec


def worker_settings(session: WriteSession, codec: TokenCodec | None) -> WorkerSettings:
    """What workers need to read and embed the files of a run.

    Args:
        session: of the run; its embedding model, if it has one, is sent to the workers.
        codec: the codec of the token vectors; None stores none.
    """
    config = session.config
    own_model = None if isinstance(session.embed_model, LocalEmbedding) else session.embed_model
    return WorkerSettings(uuid.uuid4().hex, config, codec, own_model, versions(config.documents))


def sent(settings: Any, embed_model: object) -> Any:
    """A reference to settings, with which tasks are started.

    Raises:
        ConfigurationError: the model that is part of the settings cannot be sent.
    """
    import ray

    try:
        return ray.put(settings)
    except (TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"The embedding model {type(embed_model).__name__} cannot be sent to Ray workers ({error}): "
            "name one in the configuration, or run without Ray."
        ) from error
