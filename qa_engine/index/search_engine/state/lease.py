"""The right to write to a collection of a search engine: a lease with an owner and an end, renewed while the owner lives.

That one writer at most holds it depends on clocks: on those of two machines that differ by less than a lease, and on a
process that is not stopped between looking at its clock and writing. What must not go wrong therefore depends on no lease:
the log refuses a writer that another one has followed, see `StateLog.append`, and what such a writer still stores has
numbers that nobody reads. The lease keeps writers from getting in one another's way, and tells who is at work.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from qa_engine.errors import IndexLockedError, QAEngineError, ServiceUnavailableError
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry
from qa_engine.index.search_engine.state.lease_owner import has_ended, this_process

logger = logging.getLogger("qa_engine.index")
_LOOK_AGAIN_SECONDS = 0.5
_RENEWALS = 4
"""How often a lease is renewed before it would end."""


def _own_clock() -> float:
    """Seconds that also pass while the machine is suspended, where the system counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


class Lease:
    """A lease of this process. A thread renews it from `acquire` to `release`."""

    def __init__(
        self,
        registry: Registry,
        collection: RegisteredCollection,
        clock: Callable[[], float] = _own_clock,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Takes the clocks: one that is never set, and one that other machines have too."""
        self.token = secrets.token_hex(8)
        self._engine = registry.engine
        self._name = collection.name
        self._path = f"/{registry.state}/_doc/{collection.mark}:lease"
        self._clock = clock
        self._wall_clock = wall_clock
        self._seconds = registry.engine.config.search_lease_seconds
        self._facts = {
            "kind": "lease",
            "mark": collection.mark,
            "token": self.token,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            **this_process(),
        }
        self._version: dict[str, int] | None = None
        self._valid_until = -1.0
        self._lost = ""
        self._ended = threading.Event()
        self._renewing = threading.Lock()
        self._thread = threading.Thread(target=self._renew_regularly, name="qa_engine lease", daemon=True)

    def acquire(self, timeout_seconds: float) -> None:
        """Takes the lease; waits for another writer, if there is one.

        Raises:
            IndexLockedError: another process holds it; the message names the process, its host and the time since when.
            ServiceUnavailableError, AuthenticationFailedError: see `SearchEngine.request`.
        """
        end = self._clock() + timeout_seconds
        while (holder := self._try()) is not None:
            left = end - self._clock()
            if left <= 0:
                raise self._held_by(holder)
            time.sleep(min(_LOOK_AGAIN_SECONDS, left))
        self._thread.start()

    def require(self) -> None:
        """Raises `IndexLockedError` if the lease may be another's by now.

        One that has ended while the search engine was away, and that nobody has taken, is prolonged.
        """
        for _ in range(2):  # the first time, an earlier attempt may turn out to have arrived
            if self._version is not None and not self._lost and self._clock() >= self._valid_until:
                with suppress(ServiceUnavailableError):
                    self.renew()
        if self._lost or self._clock() >= self._valid_until:
            raise IndexLockedError(
                f"The right to write to the collection {self._name!r} was lost "
                f"({self._lost or 'it was not renewed in time'}): run the same command again."
            )

    def release(self) -> None:
        """Gives the lease back, so that the next writer need not wait. Ends the thread."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._lost or self._version is None:
            return
        try:
            self._put(0, self._version)
        except QAEngineError as error:
            logger.warning("the right to write could not be given back, it ends by itself: %s", error)
        self._version = None

    def renew(self) -> None:
        """Prolongs the lease, or notes that it is lost. The thread does so regularly.

        Raises:
            ServiceUnavailableError, AuthenticationFailedError: it is not known whether it was prolonged.
        """
        with self._renewing:
            started = self._clock()
            if self._put(self._wall_clock() + self._seconds, self._version):
                self._valid_until = started + self._seconds
                return
            found = self._found()
            if found is None or found["_source"]["token"] != self.token:
                self._lost = "another process took over"
            else:  # an earlier attempt had arrived after all
                self._note_version(found)

    def _renew_regularly(self) -> None:
        while not self._lost and not self._ended.wait(self._seconds / _RENEWALS):
            try:
                self.renew()
            except QAEngineError as error:
                logger.warning("the right to write could not be renewed: %s", error)

    def _try(self) -> dict[str, Any] | None:
        """Takes the lease if it is free; else who holds it."""
        while True:
            started = self._clock()
            found = self._found()
            if found is not None:
                holder: dict[str, Any] = found["_source"]
                is_over = holder["until"] <= self._wall_clock() or has_ended(holder)
                # An attempt of this process may have arrived though nothing said so.
                if holder["token"] != self.token and not is_over:
                    return holder
                self._note_version(found)
            if self._put(self._wall_clock() + self._seconds, self._version):
                self._valid_until = started + self._seconds
                return None
            self._version = None  # another process was faster

    def _found(self) -> dict[str, Any] | None:
        reply = self._engine.request("GET", self._path, accept={404})
        return reply.body if reply.body and reply.body.get("found") else None

    def _put(self, until: float, version: dict[str, int] | None) -> bool:
        """Writes the lease if it is still of a version, or still missing; whether it was."""
        params: dict[str, Any] = {"op_type": "create"} if version is None else dict(version)
        source = {**self._facts, "until": until}
        reply = self._engine.request("PUT", self._path, source, params=params, accept={409})
        if reply.status == 409:
            return False
        self._note_version(reply.body)
        return True

    def _note_version(self, body: dict[str, Any]) -> None:
        self._version = {"if_seq_no": body["_seq_no"], "if_primary_term": body["_primary_term"]}

    def _held_by(self, holder: dict[str, Any]) -> IndexLockedError:
        left = max(0, holder["until"] - self._wall_clock())
        return IndexLockedError(
            f"The collection {self._name!r} is being written by process {holder['process']} on {holder['host']} since "
            f"{holder['since']}: wait until it is done, stop it, or allow waiting with ingestion.lock_timeout_seconds. "
            f"Without a sign of life from it, its right ends in {left:.0f} s."
        )


@contextmanager
def held_lease(
    registry: Registry, collection: RegisteredCollection, timeout_seconds: float
) -> Iterator[Lease]:
    """Holds the right to write to a collection, see `Lease`."""
    lease = Lease(registry, collection)
    try:
        lease.acquire(timeout_seconds)
        yield lease
    finally:
        lease.release()
