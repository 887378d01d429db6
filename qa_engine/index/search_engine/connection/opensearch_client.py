"""Connections by the official client of OpenSearch. Imports it: import this where one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch, Urllib3HttpConnection
from opensearchpy.exceptions import ConnectionError as NoConnectionError

from qa_engine.index.search_engine.connection.access import NodeAddress
from qa_engine.index.search_engine.connection.connections import Answer, NoAnswerError, time_limits

_NONE_RAISES = range(300, 1000)
"""Statuses that come back as they are: what they mean is decided in one place for both products."""


class _QuietConnection(Urllib3HttpConnection):
    def log_request_success(self, *args: Any, **options: Any) -> None:
        """Says nothing."""

    def log_request_fail(self, *args: Any, **options: Any) -> None:
        """Says nothing."""

    def _raise_warnings(self, warning_headers: Any) -> None:
        """Says nothing."""


class OpenSearchConnection:
    """Connections to a node of OpenSearch; the first request to a node of Elasticsearch can be sent through them as well."""

    def __init__(self, address: NodeAddress, pool: Any) -> None:
        host = {
            "host": address.host,
            "port": address.port,
            "url_prefix": address.prefix,
            "scheme": address.scheme,
        }
        client = OpenSearch([host], connection_class=_QuietConnection)
        self._connection: Any = client.transport.get_connection()
        self._connection.pool = self._pool = pool

    def send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """See `Connection.send`."""
        try:
            status, received, text = self._connection.perform_request(
                method, target, body=body, timeout=time_limits(seconds), ignore=_NONE_RAISES, headers=headers
            )
        except NoConnectionError as error:
            raise NoAnswerError(error.info if isinstance(error.info, BaseException) else error) from error
        return Answer(status, received, text)

    def close(self) -> None:
        """Closes those that are open."""
        # By itself the client would open another pool of its own then, with other certificates.
        self._pool.close()
