"""The right to write to a collection of a search engine: a lease with an owner and an end, renewed while the owner lives."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from qa_engine.errors import IndexLockedError, QAEngineError, ServiceUnavailableError
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry

logger = logging.getLogger("qa_engine.index")
_LOOK_AGAIN_SECONDS = 0.5


class Lease:
    """A lease that this process holds. A thread renews it."""

    def __init__(self, registry: Registry, collection: RegisteredCollection) -> None:
        self._registry = registry
        self._engine = registry.engine
        self._collection = collection
        self._path = f"/{registry.state}/_doc/{collection.mark}:lease"
        self._seconds = registry.engine.config.search_lease_seconds
        self._token = secrets.token_hex(8)
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._version: dict[str, int] = {}
        self._valid_until = 0.0
        self._lost = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_regularly, name="qa_engine lease", daemon=True)

    def acquire(self, timeout_seconds: float) -> None:
        """Takes the lease; waits for another writer, if there is one.

        Raises:
            IndexLockedError: another process holds it; the message names the process, its host and the time since when.
        """
        end = time.monotonic() + timeout_seconds
        while True:
            holder = self._try()
            if holder is None:
                self._thread.start()
                return
            if time.monotonic() >= end:
                raise IndexLockedError(
                    f"The collection {self._collection.name!r} is being written by process {holder['process']} on "
                    f"{holder['host']} since {holder['since']}: wait until it is done, stop it, or allow waiting with "
                    f"ingestion.lock_timeout_seconds. If its machine is lost, its right ends in "
                    f"{max(0, holder['until'] - time.time()):.0f} s."
                )
            time.sleep(min(_LOOK_AGAIN_SECONDS, max(0.05, end - time.monotonic())))

    def require(self) -> None:
        """Raises `IndexLockedError` if the lease may be another's by now."""
        if self._lost or time.monotonic() >= self._valid_until:
            raise IndexLockedError(
                f"The right to write to the collection {self._collection.name!r} was lost "
                f"({self._lost or 'the search engine did not renew it in time'}): run the same command again."
            )

    def release(self) -> None:
        """Gives the lease back, so that the next writer need not wait."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._lost and self._version:
            try:
                self._engine.request(
                    "PUT", self._path, self._source(until=0), params=self._version, accept={409}
                )
            except QAEngineError as error:
                logger.warning("the right to write could not be given back, it ends by itself: %s", error)

    def _try(self) -> dict[str, Any] | None:
        """Takes the lease if it is free; else who holds it."""
        started = time.monotonic()
        reply = self._engine.request("GET", self._path, accept={404})
        found = reply.body if reply.status == 200 and reply.body.get("found") else None
        if found is not None:
            holder: dict[str, Any] = found["_source"]
            if holder["until"] > time.time() and not _has_ended(holder):
                return holder
            params: dict[str, Any] = {
                "if_seq_no": found["_seq_no"],
                "if_primary_term": found["_primary_term"],
            }
        else:
            params = {"op_type": "create"}
        source = self._source(until=time.time() + self._seconds)
        reply = self._engine.request("PUT", self._path, source, params=params, accept={409})
        if reply.status == 409:
            return self._holder() or source
        self._note(reply.body, started)
        return None

    def _holder(self) -> dict[str, Any] | None:
        reply = self._engine.request("GET", self._path, accept={404})
        return reply.body["_source"] if reply.status == 200 and reply.body.get("found") else None

    def _note(self, body: dict[str, Any], started: float) -> None:
        self._version = {"if_seq_no": body["_seq_no"], "if_primary_term": body["_primary_term"]}
        self._valid_until = started + self._seconds

    def _renew_regularly(self) -> None:
        while not self._ended.wait(self._seconds / 4):
            started = time.monotonic()
            source = self._source(until=time.time() + self._seconds)
            try:
                reply = self._engine.request("PUT", self._path, source, params=self._version, accept={409})
            except ServiceUnavailableError as error:
                logger.warning("the right to write could not be renewed: %s", error)
                continue
            except QAEngineError as error:
                self._lost = str(error)
                return
            if reply.status != 409:
                self._note(reply.body, started)
                continue
            holder = self._holder()
            if holder is None or holder.get("token") != self._token:
                self._lost = "another process took over"
                return
            # An earlier attempt had arrived after all.
            found = self._engine.request("GET", self._path).body
            self._note(found, started)

    def _source(self, until: float) -> dict[str, Any]:
        return {
            "kind": "lease",
            "mark": self._collection.mark,
            "token": self._token,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "boot": _boot(),
            "since": self._since,
            "until": until,
        }


def _boot() -> str:
    """Names the running system of this machine; empty where that is not known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return ""


def _has_ended(holder: dict[str, Any]) -> bool:
    """Whether the process that holds a lease ran on this machine, and runs no more."""
    if not holder.get("boot") or holder["boot"] != _boot() or holder["host"] != socket.gethostname():
        return False
    try:
        os.kill(holder["process"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def held_lease(
    registry: Registry, collection: RegisteredCollection, timeout_seconds: float
) -> Iterator[Lease]:
    """Holds the right to write to a collection, see `Lease`."""
    lease = Lease(registry, collection)
    lease.acquire(timeout_seconds)
    try:
        yield lease
    finally:
        lease.release()
