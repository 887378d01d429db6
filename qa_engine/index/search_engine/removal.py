"""The removal of a collection from a search engine, in steps that can be taken again after each other's interruption.

First, what has to be deleted is noted; then the collection is taken out of the registry, and with that it is removed for
everybody; then its parts are deleted, wherever they are; the note goes last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from qa_engine.errors import QAEngineError, StorageError
from qa_engine.index.collection import REPLICAS
from qa_engine.index.search_engine.registry import REMOVAL, RegisteredCollection, Registry
from qa_engine.index.search_engine.state.replica_files import mark_of

logger = logging.getLogger("qa_engine.index")


def begin_removal(
    registry: Registry, collection: RegisteredCollection, vectors: Sequence[dict[str, Any]]
) -> None:
    """Removes a collection for everybody. What it is made of stays until `complete_removals`.

    Args:
        registry: of the search engine.
        collection: which nobody else has the right to write to.
        vectors: where its vectors are, as JSON.
    """
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
        registered = registry.entry(note["name"])
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


def delete_old_replicas(storage: Path, registry: Registry) -> None:
    """Deletes the replicas of this machine that are of collections which the search engine has no more.

    Raises:
        StorageError: one cannot be deleted.
    """
    marks = {source["mark"] for kind in ("collection", "arriving") for source in registry.sources(kind)}
    for file in storage.glob(f"*/{REPLICAS}") if storage.is_dir() else ():
        if mark_of(file) in marks:
            continue
        try:
            for part in (file, file.with_name(f"{file.name}-journal")):
                part.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{file} cannot be deleted ({error.strerror or error}): free permissions."
            ) from error
        with suppress(OSError):  # the folder holds something else
            file.parent.rmdir()


def _note(mark: str) -> str:
    return f"{mark}:removal"
