"""The names of models: one for the default collections, and one for each collection that a key may see."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from qa_engine.server.problems import ProblemError

ALL = "qa-engine"
"""The model that asks the default collections, or those that a key is limited to."""
_PREFIX = f"{ALL}/"
_STARTED = int(time.time())


class Model(BaseModel):
    """A model that can be asked.

    Attributes:
        id: ``qa-engine``, or ``qa-engine/`` and the name of a collection.
        created: when the server was started, in seconds of Unix time.
    """

    id: str
    object: str = "model"
    created: int = _STARTED
    owned_by: str = ALL


class ModelList(BaseModel):
    """The models that a key may ask."""

    object: str = "list"
    data: list[Model]


def models_of(collections: Iterable[str]) -> list[Model]:
    """The models for some collections, the one for all of them first."""
    return [Model(id=ALL), *(Model(id=f"{_PREFIX}{name}") for name in collections)]


def collections_of(model: str) -> Sequence[str] | None:
    """The collections that a model asks; None for the default ones. Whether they exist is another question.

    Raises:
        ProblemError: ``not_found``.
    """
    if model == ALL:
        return None
    name = model.removeprefix(_PREFIX)
    if name == model or not name:
        raise no_model(model)
    return (name,)


def no_model(model: str) -> ProblemError:
    """The problem of a model that does not exist."""
    detail = f"There is no model {model!r}."
    return ProblemError(
        "not_found",
        detail,
        f"Ask {ALL!r}, or one of those that GET /v1/models lists.",
        errors=[{"pointer": "#/model", "detail": detail}],
    )
