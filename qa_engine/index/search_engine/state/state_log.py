"""The log of a collection: every change of its catalog, numbered, as documents of a search engine.

A search engine stores one document at once or not at all, and never two under one id. So a change, however many rows it
has, is one document whose id is its position; whoever writes it second is refused, which is how a writer learns that
another one has taken over (fencing, see Kleppmann, "Designing Data-Intensive Applications", 2017, chapter 8). Each entry
names the one before it, so that a copy notices when the log it follows is another than before: after a snapshot was
restored, or after a change that was never acknowledged was lost with its node.
"""

from __future__ import annotations

import base64
import logging
import secrets
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from qa_engine.errors import IndexLockedError, IndexUnavailableError, StorageError
from qa_engine.index.search_engine.registry import LogBase, RegisteredCollection, Registry, checked

logger = logging.getLogger("qa_engine.index")

Change = tuple[str, Any, list[Any] | None]
"""A table, the key of a row in it, and the row; None for a row that was deleted."""
_DIGITS = 12
_MAX_BYTES = 8_000_000
"""Size of one document; of a larger change, the further parts are stored first."""
_LONG = 1_000_000
"""Bytes of changes, packed, from which on they may be replaced by the state."""
_AHEAD = 50
"""Number of changes that are asked for at once."""
_MISSING_SECONDS = 10.0
"""After so long, a change that was there is taken to be lost, and not to be on its way to a copy of the index."""
_LOOK_AGAIN_SECONDS = 0.2
_ROWS_EACH = 20_000
"""Rows of the state in one document."""


@dataclass(frozen=True)
class LogPosition:
    """How far a copy has followed a log: the number of the last change in it, and the token of that change."""

    number: int
    token: str


@dataclass(frozen=True)
class LogEntry:
    """A change: its position, the token of the change before it, and what has changed."""

    position: LogPosition
    previous: str
    changes: list[Change]


@dataclass(frozen=True)
class News:
    """What the log holds after a position.

    Attributes:
        collection: what the registry says now; None if the collection was removed.
        entries: the changes after the position, in order.
        continues: whether the log holds the position; if not, a copy that is there has to begin anew.
    """

    collection: RegisteredCollection | None
    entries: Sequence[LogEntry] = ()
    continues: bool = True


class StateLog:
    """Reads and continues the log of one collection."""

    def __init__(self, registry: Registry, collection: RegisteredCollection) -> None:
        self._registry = registry
        self.engine = registry.engine
        self.collection = collection
        self._bytes = 0
        self._missing_since: float | None = None

    @property
    def is_long(self) -> bool:
        """Whether reading the changes takes longer than reading the state would."""
        return self._bytes > max(_LONG, self.collection.base.size)

    def news(self, position: LogPosition, wait: bool = False) -> News:
        """What has happened after a position. One request, unless much has.

        A copy of the index may lack, for a moment, a change that another copy has shown before: that is no news. If the
        change stays missing, the log is another one than before, see `News.continues`.

        Args:
            position: how far the log is known.
            wait: whether to wait until it is clear which of the two is true, as whoever is about to write has to.

        Raises:
            ServiceUnavailableError, AuthenticationFailedError: see `SearchEngine.request`.
            StorageError: a change is incomplete, or the collection is of another version.
        """
        found: list[LogEntry] = []
        ahead = 1
        while True:
            wanted = range(position.number + 1, position.number + 1 + ahead)
            current, *entries, registered = self._read(
                [
                    {"_id": self._id(position.number), "_source": ["token", "bytes"]},
                    *({"_id": self._id(number)} for number in wanted),
                    # Last: a change that is missing because the log was shortened is not taken for one yet to come.
                    {"_id": Registry.document(self.collection.name)},
                ]
            )
            collection = checked(registered) if registered is not None else None
            if collection is None or collection.mark != self.collection.mark:
                return News(collection)
            self.collection = collection
            if current is None and position.number > collection.base.position:
                if self._stays_missing():
                    return News(collection, continues=False)
                if not wait:
                    return News(collection, found)
                time.sleep(_LOOK_AGAIN_SECONDS)
                continue
            self._missing_since = None
            if position != self._known(position, current):
                return News(collection, continues=False)
            for number, entry in zip(wanted, entries, strict=True):
                if entry is None:
                    return News(collection, found)
                if entry["previous"] != position.token:
                    return News(collection, continues=False)
                position = LogPosition(number, entry["token"])
                found.append(LogEntry(position, entry["previous"], self._changes(entry, position)))
                self._bytes = entry["bytes"]
            ahead = _AHEAD

    def append(self, position: LogPosition, changes: Sequence[Change]) -> LogPosition:
        """Writes the change that follows a position, and returns where it is.

        It may be sent twice: the token tells whose the change is that is there.

        Raises:
            IndexLockedError: another writer has written one there.
            ServiceUnavailableError: it is not known whether the change is in the log.
        """
        packed = _packed(changes)
        parts = [packed[start : start + _MAX_BYTES] for start in range(0, len(packed), _MAX_BYTES)]
        after = LogPosition(position.number + 1, secrets.token_hex(8))
        for number, part in enumerate(parts[1:], 1):
            self._put(self._part_id(after, number), "part", after.number, part)
        total = self._bytes + len(packed)
        entry = {
            "kind": "change",
            "mark": self.collection.mark,
            "position": after.number,
            "token": after.token,
            "previous": position.token,
            "bytes": total,
            "parts": len(parts),
            "content": parts[0],
        }
        path = f"/{self._registry.state}/_create/{self._id(after.number)}"
        reply = self.engine.request("PUT", path, entry, accept={409})
        if reply.status == 409 and self._token(after.number) != after.token:
            raise IndexLockedError(
                f"The collection {self.collection.name!r} is being written by another process, which took over because this "
                "one gave no sign of life: run the same command again when that is done."
            )
        self._bytes = total
        return after

    def base(self) -> tuple[LogPosition, list[Change]]:
        """The position that the log begins after, and the rows of the state there.

        Raises:
            StorageError: some of them are not there.
            ServiceUnavailableError: the log was shortened meanwhile, time and again.
        """
        for _ in range(5):
            base = self.collection.base
            rows: list[Change] = []
            for number in range(base.parts):
                (part,) = self._read([{"_id": self._base_id(base.token, number)}])
                if part is None:
                    break
                rows += _unpacked(part["content"])
            else:
                self._bytes = 0
                return LogPosition(base.position, base.token), rows
            (source,) = self._read([{"_id": Registry.document(self.collection.name)}])
            if source is None or source["mark"] != self.collection.mark:
                return LogPosition(0, ""), []  # removed: whoever looks for news is told
            if checked(source).base == base:
                raise self._incomplete()
            self.collection = checked(source)
        raise IndexUnavailableError(
            f"The state of the collection {self.collection.name!r} in the search engine at {self.engine.url} changes faster "
            "than it can be read: try again in a moment."
        )

    def begin_anew(self, position: LogPosition, rows: Sequence[Change]) -> bool:
        """Has the log begin after a position, with all rows of the state there; earlier changes are deleted.

        A writer that has lost its right does no harm here: the log is the same with another beginning.

        Returns:
            False if another one has done so meanwhile, and nothing was changed.
        """
        path = f"/{self._registry.state}/_doc/{Registry.document(self.collection.name)}"
        reply = self.engine.request("GET", path, accept={404})
        if not reply.body or not reply.body.get("found"):
            return False
        found = checked(reply.body["_source"])
        if (found.mark, found.base) != (self.collection.mark, self.collection.base):
            return False
        contents = [_packed(rows[start : start + _ROWS_EACH]) for start in range(0, len(rows), _ROWS_EACH)]
        for number, content in enumerate(contents):
            self._put(self._base_id(position.token, number), "base", position.number, content)
        base = LogBase(position.number, position.token, len(contents), sum(map(len, contents)))
        source = replace(found, base=base).source()
        params = {"if_seq_no": reply.body["_seq_no"], "if_primary_term": reply.body["_primary_term"]}
        if self.engine.request("PUT", path, source, params=params, accept={409}).status == 409:
            return False
        self.collection = checked(source)
        self._bytes = 0
        self._delete_before(base)
        logger.info("the log of the collection %s begins anew at %d", self.collection.name, position.number)
        return True

    def _delete_before(self, base: LogBase) -> None:
        """Deletes what the state has replaced, also what shortening that was cut off has left."""
        state = self._registry.state
        own = {"term": {"mark": self.collection.mark}}
        changes = {
            "bool": {
                "filter": [
                    {"terms": {"kind": ["change", "part"]}},
                    {"range": {"position": {"lte": base.position}}},
                ]
            }
        }
        bases = {
            "bool": {"filter": [{"term": {"kind": "base"}}, {"range": {"position": {"lt": base.position}}}]}
        }
        query = {"bool": {"filter": [own, {"bool": {"should": [changes, bases], "minimum_should_match": 1}}]}}
        self.engine.refresh(state)
        self.engine.request(
            "POST", f"/{state}/_delete_by_query", {"query": query}, params={"conflicts": "proceed"}
        )

    def _stays_missing(self) -> bool:
        """Whether the change at a known position has been missing for long."""
        now = time.monotonic()
        if self._missing_since is None:
            self._missing_since = now
        if now - self._missing_since < _MISSING_SECONDS:
            return False
        self._missing_since = None
        return True

    def _known(self, position: LogPosition, current: Mapping[str, Any] | None) -> LogPosition | None:
        """The position of this number in the log; None if the log begins later or ends before."""
        base = self.collection.base
        if position.number == base.position:
            self._bytes = 0
            return LogPosition(base.position, base.token)
        if position.number < base.position or current is None:
            return None
        self._bytes = current["bytes"]
        return LogPosition(position.number, current["token"])

    def _read(self, docs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
        """The sources of documents, as they are now; `SearchEngine.get_many` reads the same part of each."""
        path = f"/{self._registry.state}/_mget"
        reply = self.engine.request("POST", path, {"docs": list(docs)}, params={"realtime": "true"})
        for doc in reply.body["docs"]:
            if "error" in doc:
                raise IndexUnavailableError(
                    f"The search engine at {self.engine.url} cannot read {self._registry.state} "
                    f"({doc['error'].get('type')}): wait until its shards are there, then ask again."
                )
        return [doc.get("_source") if doc.get("found") else None for doc in reply.body["docs"]]

    def _put(self, identifier: str, kind: str, position: int, content: str) -> None:
        source = {"kind": kind, "mark": self.collection.mark, "position": position, "content": content}
        self.engine.request("PUT", f"/{self._registry.state}/_doc/{identifier}", source)

    def _token(self, number: int) -> str | None:
        (entry,) = self._read([{"_id": self._id(number), "_source": ["token"]}])
        return entry["token"] if entry is not None else None

    def _changes(self, entry: Mapping[str, Any], position: LogPosition) -> list[Change]:
        content = entry["content"]
        for number in range(1, entry["parts"]):
            (part,) = self._read([{"_id": self._part_id(position, number)}])
            if part is None:
                raise self._incomplete()
            content += part["content"]
        return _unpacked(content)

    def _incomplete(self) -> StorageError:
        return StorageError(
            f"The state of the collection {self.collection.name!r} in the search engine at {self.engine.url} is "
            "incomplete: restore its indices from a snapshot."
        )

    def _id(self, number: int) -> str:
        return f"{self.collection.mark}:change:{number:0{_DIGITS}d}"

    def _part_id(self, position: LogPosition, number: int) -> str:
        return f"{self._id(position.number)}:{position.token}:{number}"

    def _base_id(self, token: str, number: int) -> str:
        return f"{self.collection.mark}:base:{token}:{number}"


def _packed(changes: Sequence[Change]) -> str:
    return base64.b64encode(zlib.compress(orjson.dumps(changes), 1)).decode()


def _unpacked(content: str) -> list[Change]:
    rows: list[list[Any]] = orjson.loads(zlib.decompress(base64.b64decode(content)))
    return [(table, key, row) for table, key, row in rows]
