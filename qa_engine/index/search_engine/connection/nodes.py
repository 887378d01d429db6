"""Which node of a search engine gets a request: one after the other, and the next one where one does not answer."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qa_engine.forks import RenewedLock, follow_forks, keep
from qa_engine.index.search_engine.connection.access import NodeAddress
from qa_engine.index.search_engine.connection.connections import Answer, Connection, NoAnswerError

logger = logging.getLogger("qa_engine.index")
_REST_SECONDS = 1.0
"""How long a node that did not answer is spared; twice as long each further time."""
_LONGEST_REST_SECONDS = 60.0
_PROBE_SECONDS = 1.0


@dataclass(eq=False)
class _Node:
    address: NodeAddress
    connection: Connection | None = None
    failures: int = 0
    rests_until: float = 0.0


class Nodes:
    """The nodes whose addresses are configured. Thread-safe, also in forked children."""

    def __init__(
        self,
        addresses: Sequence[NodeAddress],
        connect: Callable[[NodeAddress], Connection],
        headers: Mapping[str, str],
    ) -> None:
        self._nodes = [_Node(address) for address in addresses]
        self._connect = connect
        self._headers = headers
        self._turn = random.randrange(len(self._nodes))
        self._lock = RenewedLock()
        follow_forks(self)

    def after_fork(self) -> None:
        """In a forked child, the connections are the parent's: the next request opens others."""
        keep(*(node.connection for node in self._nodes))
        self._nodes = [_Node(node.address) for node in self._nodes]

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
        share_seconds: float,
    ) -> Answer:
        """One request; sent to the next node, if one does not answer.

        Args:
            method, target, body, headers: of HTTP.
            seconds: for all nodes together.
            share_seconds: for a node while there is another one to ask, which gets at least half of what is left.

        Raises:
            NoAnswerError: of the last of them; no node answered.
        """
        end = time.monotonic() + seconds
        headers = {**self._headers, **headers}
        left = self._order()
        while True:
            node = left.pop(0)
            rested = node.failures > 0
            share = end - time.monotonic()
            if any(other.failures == 0 for other in left):
                share = min(share / 2, share_seconds)
            try:
                connection = self._connection(node)
                if rested and left:
                    # It may still accept connections and answer nothing.
                    connection.send("GET", "/", None, headers, min(share, _PROBE_SECONDS))
                try:
                    answer = connection.send(method, target, body, headers, share)
                except NoAnswerError as error:
                    if not error.dropped:
                        raise
                    answer = connection.send(method, target, body, headers, share)
            except NoAnswerError as error:
                self._spare(node, error)
                if not left or time.monotonic() >= end:
                    raise
                continue
            if rested:
                self._trust(node)
            return answer

    def connect_by(self, connect: Callable[[NodeAddress], Connection]) -> None:
        """Has connections be made in another way from now on."""
        with self._lock:
            self._connect = connect
        self.close()

    def close(self) -> None:
        """Closes the connections; the next request opens others."""
        with self._lock:
            connections = [node.connection for node in self._nodes]
            for node in self._nodes:
                node.connection = None
        for connection in connections:
            if connection is not None:
                connection.close()

    def _order(self) -> list[_Node]:
        """The nodes in the order in which to ask them."""
        with self._lock:
            self._turn += 1
            turn = self._turn % len(self._nodes)
            nodes = self._nodes[turn:] + self._nodes[:turn]
            now = time.monotonic()
            ready = [node for node in nodes if node.rests_until <= now]
            for node in ready[:1]:
                if node.failures:
                    # This request finds out whether it is back; others need not wait for that.
                    node.rests_until = now + _LONGEST_REST_SECONDS
            return ready + sorted(
                (node for node in nodes if node.rests_until > now and node not in ready),
                key=lambda node: node.rests_until,
            )

    def _connection(self, node: _Node) -> Connection:
        with self._lock:
            if node.connection is None:
                node.connection = self._connect(node.address)
            return node.connection

    def _spare(self, node: _Node, error: NoAnswerError) -> None:
        with self._lock:
            node.failures += 1
            rest = min(_REST_SECONDS * 2 ** min(node.failures - 1, 10), _LONGEST_REST_SECONDS)
            node.rests_until = time.monotonic() + rest
        if len(self._nodes) > 1 and node.failures == 1:
            logger.warning(
                "the node %s of the search engine does not answer (%s), others are asked instead",
                node.address,
                error.reason,
            )

    def _trust(self, node: _Node) -> None:
        with self._lock:
            node.failures, node.rests_until = 0, 0.0
        if len(self._nodes) > 1:
            logger.info("the node %s of the search engine answers again", node.address)
