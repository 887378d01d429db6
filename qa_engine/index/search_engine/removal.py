"""The removal of a collection from a search engine, in steps that can be taken again after each other's interruption.

First, what has to be deleted is noted; then the collection is taken out of the registry, and with that it is removed for
everybody; then its parts are deleted, wherever they are; the note goes last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from qa_engine.errors import QAEngineError
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.registry import REMOVAL, Registry

logger = logging.getLogger("qa_engine.index")


def begin_removal(registry: Registry, catalog: SharedCatalog, vectors: Sequence[dict[str, Any]]) -> None:
    """Removes a collection for everybody. What it is made of stays until `complete_removals`.

    Args:
        registry: of the search engine.
        catalog: of the collection, opened for writing.
        vectors: where its vectors are, as JSON.
    """
    collection = catalog.log.collection
    note = {
        "kind": REMOVAL,
        "mark": collection.mark,
        "name": collection.name,
        "indices": collection.indices,
        "vectors": list(vectors),
    }
    path = f"/{registry.state}/_doc/{_note(collection.mark)}"
    registry.engine.request("PUT", path, note, params={"refresh": "true"})
    registry.take_out(collection)


def complete_removals(registry: Registry, drop: Callable[[dict[str, Any]], None]) -> int:
    """Deletes what is left of collections that were removed, and returns the number of those that are gone now.

    What cannot be deleted now is left to the next call.

    Args:
        registry: of the search engine.
        drop: deletes vectors, if they are there; called with each place that `begin_removal` was given.
    """
    done = 0
    for note in list(registry.sources(REMOVAL)):
        registered = registry.find(note["name"])
        if registered is not None and registered.mark == note["mark"]:
            continue  # it was not removed: whoever began with it was cut off before
        try:
            for place in note["vectors"]:
                drop(place)
            registry.delete_contents(note["mark"], note["indices"])
        except QAEngineError as error:
            logger.warning("the removed collection %s is not deleted yet: %s", note["name"], error)
            continue
        path = f"/{registry.state}/_doc/{_note(note['mark'])}"
        registry.engine.request("DELETE", path, params={"refresh": "true"}, accept={404})
        done += 1
    return done


def _note(mark: str) -> str:
    return f"{mark}:removal"
