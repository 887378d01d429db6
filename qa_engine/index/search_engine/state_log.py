"""The log of a collection: every change of its catalog, numbered, as documents of a search engine.

A search engine stores one document at once or not at all, and two documents never under one id. So a change, however many
rows it has, is one document whose id is its position; whoever writes it second is refused, which is how a writer learns that
another one has taken over (fencing, as in Lamport, Malkhi, Zhou, "Stoppable Paxos", and the epochs of replicated logs).
"""

from __future__ import annotations

import base64
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from qa_engine.errors import IndexLockedError, StorageError
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry, checked

Change = tuple[str, Any, list[Any] | None]
"""A table, the key of a row in it, and the row; None for a row that was deleted."""
_DIGITS = 12
_MAX_BYTES = 8_000_000
"""Size of one document; of a larger change, the further parts are stored first."""
_LONG = 1_000_000
"""Bytes of changes, packed, from which on they may be replaced by the state."""
_AHEAD = 50
"""Number of changes that are asked for at once."""


@dataclass(frozen=True)
class News:
    """What the log holds after a position.

    Attributes:
        collection: what the registry says now; None if the collection was removed.
        changes: those after the position, in order, each with its own.
    """

    collection: RegisteredCollection | None
    changes: Sequence[tuple[int, list[Change]]]


class StateLog:
    """Reads and continues the log of one collection."""

    def __init__(self, registry: Registry, collection: RegisteredCollection) -> None:
        self._registry = registry
        self.engine = registry.engine
        self.collection = collection
        self._bytes = 0
        self._base_bytes = 0

    @property
    def is_long(self) -> bool:
        """Whether reading the changes takes longer than reading the state would."""
        return self._bytes > max(_LONG, self._base_bytes)

    def news(self, position: int) -> News:
        """What has happened after a position. One request, unless much has."""
        found: list[tuple[int, list[Change]]] = []
        ahead = 1
        while True:
            wanted = range(position + 1, position + 1 + ahead)
            ids = [Registry.document(self.collection.name), *map(self._id, wanted)]
            registered, *entries = self.engine.get_many(self._registry.state, ids, realtime=True)
            collection = checked(registered) if registered is not None else None
            if collection is None or collection.mark != self.collection.mark:
                return News(collection, [])
            self.collection = collection
            for number, entry in zip(wanted, entries, strict=True):
                if entry is None:
                    return News(collection, found)
                found.append((number, self._changes(entry, number)))
            position, ahead = wanted[-1], _AHEAD

    def append(self, position: int, changes: Sequence[Change]) -> None:
        """Writes the change of a position.

        Raises:
            IndexLockedError: another writer has written one there.
        """
        packed = _packed(changes)
        parts = [packed[start : start + _MAX_BYTES] for start in range(0, len(packed), _MAX_BYTES)] or [""]
        token = secrets.token_hex(8)
        for number, part in enumerate(parts[1:], 1):
            self._put(f"{self._id(position)}:{token}:{number}", part)
        entry = {
            "kind": "change",
            "mark": self.collection.mark,
            "token": token,
            "parts": len(parts),
            "content": parts[0],
        }
        path = f"/{self._registry.state}/_create/{self._id(position)}"
        reply = self.engine.request("PUT", path, entry, accept={409})
        if reply.status == 409 and self._token(position) != token:
            raise IndexLockedError(
                f"The collection {self.collection.name!r} is being written by another process, which took over because this "
                "one gave no sign of life: run the same command again when that is done."
            )
        self._bytes += len(packed)

    def base(self) -> list[Change]:
        """The rows of the state that the log begins after."""
        position, parts = self.collection.base
        ids = [self._base_id(position, number) for number in range(parts)]
        rows: list[Change] = []
        for one in ids:
            (source,) = self.engine.get_many(self._registry.state, [one], realtime=True)
            if source is None:
                raise StorageError(
                    f"The state of the collection {self.collection.name!r} in the search engine at {self.engine.url} is "
                    "incomplete: restore its indices from a snapshot."
                )
            rows += _unpacked(source["content"])
            self._base_bytes += len(source["content"])
        return rows

    def begin_anew(self, position: int, rows: Sequence[Change], rows_each: int = 20_000) -> None:
        """Has the log begin after a position, with all rows of the state there; earlier changes are deleted."""
        before = self.collection
        starts = range(0, len(rows), rows_each)
        for number, start in enumerate(starts):
            self._put(self._base_id(position, number), _packed(rows[start : start + rows_each]))
        source = replace(before, base=(position, len(starts))).source()
        self.engine.request("PUT", f"/{self._registry.state}/_doc/{Registry.document(before.name)}", source)
        self.collection = checked(source)
        old_position, old_parts = before.base
        gone = [self._id(number) for number in range(old_position + 1, position + 1)]
        if old_position != position:
            gone += [self._base_id(old_position, number) for number in range(old_parts)]
        self.engine.bulk(self._registry.state, (({"delete": {"_id": one}}, None) for one in gone))
        self._bytes = 0

    def _put(self, identifier: str, content: str) -> None:
        source = {"kind": "part", "mark": self.collection.mark, "content": content}
        self.engine.request("PUT", f"/{self._registry.state}/_doc/{identifier}", source)

    def _token(self, position: int) -> str | None:
        (entry,) = self.engine.get_many(self._registry.state, [self._id(position)], realtime=True)
        return entry["token"] if entry is not None else None

    def _changes(self, entry: dict[str, Any], position: int) -> list[Change]:
        content = entry["content"]
        if entry["parts"] > 1:
            ids = [f"{self._id(position)}:{entry['token']}:{number}" for number in range(1, entry["parts"])]
            parts = self.engine.get_many(self._registry.state, ids, realtime=True)
            content += "".join(part["content"] for part in parts if part is not None)
        self._bytes += len(content)
        return _unpacked(content)

    def _id(self, position: int) -> str:
        return f"{self.collection.mark}:change:{position:0{_DIGITS}d}"

    def _base_id(self, position: int, number: int) -> str:
        return f"{self.collection.mark}:base:{position:0{_DIGITS}d}:{number}"


def _packed(changes: Sequence[Change]) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(changes), 1)).decode()


def _unpacked(content: str) -> list[Change]:
    rows: list[list[Any]] = orjson.loads(zlib.decompress(base64.b64decode(content)))
    return [(table, key, row) for table, key, row in rows]
