"""Connections by the official client of Elasticsearch. Imports it: import this where one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from elastic_transport import HttpHeaders, NodeConfig, Urllib3HttpNode
from elastic_transport import TransportError as NoTransportError
from elasticsearch import Elasticsearch

from qa_engine.index.search_engine.connection.access import NodeAddress
from qa_engine.index.search_engine.connection.connections import Answer, NoAnswerError, time_limits


class _QuietNode(Urllib3HttpNode):
    def _log_request(self, *args: Any, **options: Any) -> None:
        """Says nothing."""


class ElasticsearchConnection:
    """Connections to a node of Elasticsearch.

    Requests go to the node itself, below the part of the client that asks for the JSON of its own major version: with plain
    JSON one version of the client can speak to all versions of the server.
    """

    def __init__(self, address: NodeAddress, pool: Any) -> None:
        config = NodeConfig(address.scheme, address.host, address.port, path_prefix=address.prefix)
        client = Elasticsearch([config], node_class=_QuietNode)
        self._node = cast("Urllib3HttpNode", client.transport.node_pool.get())
        self._node.pool = pool

    def send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """See `Connection.send`."""
        try:
            meta, received = self._node.perform_request(
                method, target, body=body, headers=HttpHeaders(headers), request_timeout=time_limits(seconds)
            )
        except NoTransportError as error:
            raise NoAnswerError(error.errors[0] if error.errors else error) from error
        return Answer(meta.status, meta.headers, received)

    def close(self) -> None:
        """Closes those that are open."""
        self._node.close()
