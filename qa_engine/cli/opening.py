"""Opens the query engine or the catalog that the options of a command name."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from qa_engine.cli.output import print_message

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.engine import QueryEngine
    from qa_engine.index.catalog import Catalog

_Method = TypeVar("_Method", bound=Callable[..., Any])


def open_engine(
    settings: Config, storage: Path | None, collections: Sequence[str] | None, filters: Sequence[str] | None
) -> QueryEngine:
    """The engine that answers from collections.

    Args:
        settings: the configuration.
        storage: folder of the index; that of the configuration if None.
        collections: names; the collection of the configuration if there are none.
        filters: conditions as ``--filter`` takes them.

    Raises:
        CollectionNotFoundError: there is no such collection.
        InputError: a filter cannot be read, or its key is not known.
    """
    if settings.embedding.provider == "local":
        from qa_engine.models.e5.shared import load_shared_encoder_early

        load_shared_encoder_early(print_message)
    with _without_garbage_collection():
        _import_chroma_unchecked()
        from qa_engine.engine import QueryEngine
        from qa_engine.retrieval.filters.expressions import parse_filters

        conditions = parse_filters(filters or ())
        return QueryEngine.open(storage, list(collections or ()) or None, settings, filters=conditions)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turns garbage collection off for imports: it finds next to nothing, and takes a tenth of the time to an answer."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _import_chroma_unchecked() -> None:
    """Imports chromadb without the checks of its ``@override`` decorators, which take half of its import.

    They compare the signatures of its methods with those of their base classes, which is a matter of its tests. Only a
    command, whose process is ours alone, may leave them out.
    """
    try:
        overrides = importlib.import_module("overrides")
    except ModuleNotFoundError:  # a chromadb that does without it
        return

    def mark(method: _Method) -> _Method:
        method.__override__ = True  # type: ignore[attr-defined] # what the decorator sets, and `EnforceOverrides` looks for
        return method

    names = ("override", "overrides")
    checked = {name: getattr(overrides, name) for name in names}
    try:
        for name in names:
            setattr(overrides, name, mark)
        import chromadb  # noqa: F401
    finally:
        for name in names:
            setattr(overrides, name, checked[name])


@contextmanager
def open_catalog(settings: Config, storage: Path | None, collection: str | None) -> Iterator[Catalog]:
    """The catalog of a collection, to read from; it is closed at the end.

    Raises:
        CollectionNotFoundError: there is no such collection.
    """
    from qa_engine.index.opening import open_catalog as opened

    name = collection if collection is not None else settings.collection
    root = storage if storage is not None else settings.storage
    with closing(opened(root, name, settings.index)) as catalog:
        yield catalog
