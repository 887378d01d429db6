"""What an evaluation was made with: settings, models and documents, without secrets, and a short name for all of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from qa_engine.assembly import EngineParts
    from qa_engine.config import Config
    from qa_engine.evaluation.questions import LabelledQuestion

_SECTIONS = ("embedding", "bm25", "retrieval", "rerank", "llm", "answering")
_PASSED_OVER = {
    "timeout_seconds",
    "expansion_timeout_seconds",
    "max_retries",
    "batch_size",
    "device",
    "price_input",
    "price_output",
    "fallback_after_failures",
    "fallback_seconds",
}
"""Settings that change how long an answer takes or what it costs, and not what it is."""


def settings_of(config: Config, with_llm: bool) -> dict[str, Any]:
    """The settings that decide what is found and answered, by section, without keys and passwords.

    Args:
        config: all settings.
        with_llm: whether a language model is asked; without, its section says nothing.
    """
    told = {}
    for name in _SECTIONS:
        section = getattr(config, name)
        if name == "llm" and not with_llm:
            continue
        told[name] = {
            key: _shown(value)
            for key, value in section
            if key not in _PASSED_OVER and not key.endswith("api_key") and not isinstance(value, SecretStr)
        }
    return told


def configuration_of(config: Config, parts: EngineParts, with_llm: bool) -> dict[str, Any]:
    """`settings_of`, with the calibration in force and the state of the documents.

    Raises:
        StorageError: a collection was never completed, or is damaged.
    """
    model = parts.answerability
    calibration = None if model is None else digest(model.to_dict())
    documents = {
        reader.name: digest(sorted(map(str, reader.snapshot().bm25.document_ids))) for reader in parts.reader
    }
    return {**settings_of(config, with_llm), "calibration": calibration, "documents": documents}


def questions_digest(questions: Sequence[LabelledQuestion]) -> str:
    """SHA-256 of questions in their order, with all that is known about them."""
    content = [question.model_dump(mode="json") for question in questions]
    return hashlib.sha256(_canonical(content)).hexdigest()


def digest(content: Any) -> str:
    """A short name for what can be JSON: the same for the same, in every process."""
    return hashlib.sha256(_canonical(content)).hexdigest()[:16]


def differences(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The settings that differ, as ``answering.passages was 5 and is 3``."""
    found = []
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key} was {old} and is {new}")
    return found


def _shown(value: Any) -> Any:
    """A setting as JSON; addresses without the user and password that may stand in them."""
    if isinstance(value, str):
        return re.sub(r"//[^/\s]*@", "//…@", value)
    return value if isinstance(value, int | float | bool | None) else str(value)


def _canonical(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return text.encode("utf-8", "replace")
