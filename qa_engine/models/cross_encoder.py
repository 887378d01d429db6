"""Loads a cross-encoder from a path or the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qa_engine.config import RerankConfig
from qa_engine.errors import ModelUnavailableError
from qa_engine.models.runtime.onnx_runtime import telemetry_disabled
from qa_engine.text.one_line import first_line


def load_cross_encoder(config: RerankConfig) -> Any:
    """A sentence-transformers CrossEncoder.

    The environment stays as it is. Under load, torch is faster with ``OMP_WAIT_POLICY=PASSIVE``, which the commands set.

    Raises:
        ModelUnavailableError: it cannot be loaded; the message names the model, the reason and the ways out.
    """
    failed = f"The cross-encoder {config.model!r} cannot be loaded"
    ways_out = (
        "give the path of a downloaded model in rerank.model, name a reachable mirror in HF_ENDPOINT, "
        "or use the local default with rerank.model = 'local'"
    )
    looks_like_path = config.model.startswith((".", "/", "~")) or config.model.count("/") > 1
    path = Path(config.model).expanduser()
    if looks_like_path and not path.is_dir():
        raise ModelUnavailableError(f"{failed}: there is no such folder; {ways_out}.")
    try:
        with telemetry_disabled():
            from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise ModelUnavailableError(
            f"{failed}: {error}; pip install 'qa-engine[cross-encoder]', or use rerank.model = 'local'."
        ) from error
    try:
        return CrossEncoder(
            str(path.resolve()) if path.is_dir() else config.model,
            device=config.device,
            max_length=config.max_length,
        )
    except Exception as error:
        reason = first_line(error)[:300].rstrip(".") or type(error).__name__
        raise ModelUnavailableError(f"{failed}: {reason}; {ways_out}.") from error
