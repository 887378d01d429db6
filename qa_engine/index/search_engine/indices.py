"""Makes and deletes indices. Each has a name of its own, and is read and written under an alias.

A search engine makes a missing index by itself when a document is stored in it (``action.auto_create_index``), with mappings
of its own choice. An alias it does not make: so `SearchEngine.request` has documents stored only under aliases, and a writer
that comes too late finds no index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa_engine.errors import StorageError
from qa_engine.index.search_engine.connection.client import SearchEngine

__all__ = ["alias_of", "create_index", "delete_index"]
_NUMBER = "-1"
"""What the name of an index has more than its alias."""


def create_index(
    engine: SearchEngine, alias: str, settings: Mapping[str, Any], mapping: Mapping[str, Any]
) -> None:
    """Makes an index with its alias, if there is none.

    Args:
        engine: the search engine.
        alias: under which it is read and written.
        settings: of the index.
        mapping: of its documents.

    Raises:
        StorageError: it cannot be made; or something else made an index with the name of the alias.
        ServiceUnavailableError, AuthenticationFailedError: see `SearchEngine.request`.
    """
    found = _indices_of(engine, alias)
    if alias in found:
        raise StorageError(
            f"The search engine at {engine.url} has an index {alias} that qa_engine did not make: delete that index, or set "
            "another index.search_prefix, then run the same command again."
        )
    if found:
        return
    name = f"{alias}{_NUMBER}"
    body = {"settings": {"index": settings}, "mappings": mapping, "aliases": {alias: {}}}
    reply = engine.request("PUT", f"/{name}", body, accept={400})
    error = reply.body.get("error") if reply.status == 400 else None
    # Two may make it at once.
    if error is not None and error.get("type") != "resource_already_exists_exception":
        raise StorageError(
            f"The search engine at {engine.url} cannot make the index {name} ({error.get('reason')}): correct the settings "
            "of the search engine."
        )


def delete_index(engine: SearchEngine, alias: str) -> None:
    """Deletes what is under an alias, if there is something. Raises as `SearchEngine.request` does."""
    for name in _indices_of(engine, alias):
        engine.request("DELETE", f"/{name}", accept={404})


def alias_of(index: str) -> str:
    """The alias of an index, by its name."""
    return index.removesuffix(_NUMBER)


def _indices_of(engine: SearchEngine, alias: str) -> list[str]:
    reply = engine.request("GET", f"/{alias}/_alias", accept={404})
    return sorted(reply.body) if reply.status == 200 else []
