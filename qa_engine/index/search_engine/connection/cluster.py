"""The configured cluster: which product and version it is, and one request to it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Any

import orjson

from qa_engine.config import IndexConfig
from qa_engine.errors import ConfigurationError, IndexUnavailableError, ModelUnavailableError
from qa_engine.extras import require_extra
from qa_engine.forks import RenewedLock
from qa_engine.index.search_engine.connection.access import (
    NodeAddress,
    authorization,
    node_addresses,
    trusted_certificates,
)
from qa_engine.index.search_engine.connection.connections import Answer, Connection, NoAnswerError, pool_of
from qa_engine.index.search_engine.connection.nodes import Nodes
from qa_engine.index.search_engine.connection.outages import PassingError
from qa_engine.index.search_engine.connection.refusals import Failure, failure_within, refusal

TOO_LARGE = 413
SHARE_SECONDS = 10.0
"""After so long, another node is asked, if there is one."""
OPENSEARCH, ELASTICSEARCH = "OpenSearch", "Elasticsearch"
_OLDEST = {OPENSEARCH: (2, 0), ELASTICSEARCH: (7, 14)}
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}


@dataclass(frozen=True)
class Product:
    """What answers at the configured address.

    Attributes:
        name: ``OpenSearch`` or ``Elasticsearch``.
        version: as it says.
    """

    name: str
    version: str


@dataclass(frozen=True)
class Reply:
    """What the search engine answered: its status, and the JSON value in the body."""

    status: int
    body: Any


class Cluster:
    """The configured cluster. Thread-safe."""

    def __init__(self, config: IndexConfig) -> None:
        """Prepares for a configuration with an address; nothing is sent yet.

        Raises:
            ConfigurationError: the address, the credentials or the certificate cannot be used, or the packages of the extra
                ``search`` are not installed.
        """
        try:
            require_extra("search", "index.search_url", ("opensearchpy", "elasticsearch", "urllib3"))
        except ModelUnavailableError as error:
            raise ConfigurationError(str(error)) from None
        self.config = config
        self.url = ", ".join(url.strip() for url in (config.search_url or "").split(","))
        self._headers = authorization(config)
        self._addresses = node_addresses(config)
        self._trusted: ssl.SSLContext | None = None
        if config.search_ca_file is not None or any(address.secure for address in self._addresses):
            self._trusted = trusted_certificates(config)
        self._lock = RenewedLock()
        self._product: Product | None = None
        self._nodes = Nodes(self._addresses, self._connect, self._headers)

    def identify(self, seconds: float) -> Product:
        """Asks what it is, unless that is known.

        Raises:
            ConfigurationError: it is neither product, or too old a version of one.
            PassingError, QAEngineError: as `exchange`.
        """
        if self._product is None:
            product = _product(self.exchange("GET", "/", None, (), seconds).body, self.url)
            with self._lock:
                # Several threads may have asked at once.
                if self._product is None:
                    if product.name == ELASTICSEARCH:
                        self._nodes.connect_by(self._connect_elasticsearch)
                    self._product = product
        return self._product

    def exchange(
        self,
        method: str,
        path: str,
        body: Any,
        accept: Any,
        seconds: float,
        share_seconds: float = SHARE_SECONDS,
    ) -> Reply:
        """One request, once; to the next node, if one does not answer.

        Args:
            method: of HTTP.
            path: with the query.
            body: a JSON value, or bytes of lines of JSON.
            accept: statuses beside those of success that the caller deals with.
            seconds: for the answer.
            share_seconds: for the answer of one node while there is another to ask.

        Raises:
            PassingError: it failed, and may succeed in a moment.
            QAEngineError: it failed.
        """
        headers = _LINES if isinstance(body, bytes) else _JSON
        content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        try:
            answer = self._nodes.send(method, path, content, headers, seconds, share_seconds)
        except NoAnswerError as error:
            raise self._unanswered(error) from error
        place = path.partition("?")[0]
        value = self._value(answer)
        failure = None
        if not 200 <= answer.status < 300:
            # A page of HTML comes from a proxy; only a limit of the size is told by one as by the search engine itself.
            if answer.status in accept and (answer.status == TOO_LARGE or not isinstance(value, str)):
                return Reply(answer.status, value)
            if 300 <= answer.status < 400:
                value = {"error": answer.headers.get("location") or ""}
            failure = Failure.of(answer.status, value)
        elif isinstance(value, str):
            raise IndexUnavailableError(
                f"The search engine at {self.url} answers what is no JSON ({Failure.of(200, value).reason or 'nothing'}): "
                "check that index.search_url is the address of OpenSearch or Elasticsearch."
            )
        else:
            failure = failure_within(place, value)
        if failure is None:
            return Reply(200, value)
        refused = refusal(failure, self.url, place)
        raise PassingError(refused) if failure.passes else refused

    def close(self) -> None:
        """Closes its connections; the next request opens others."""
        self._nodes.close()

    @staticmethod
    def _value(answer: Answer) -> Any:
        """The JSON value of an answer; what is no JSON as it is."""
        if not answer.body:
            return None
        try:
            return orjson.loads(answer.body)
        except ValueError:
            return answer.body if isinstance(answer.body, str) else answer.body.decode(errors="replace")

    def _unanswered(self, error: NoAnswerError) -> Exception:
        engine = f"The search engine at {self.url}"
        if error.untrusted:
            return ConfigurationError(
                f"The certificate of the search engine at {self.url} cannot be trusted ({error.reason}): set "
                "index.search_ca_file to the certificate of the authority that signed it."
            )
        if error.timed_out:
            return PassingError(
                IndexUnavailableError(
                    f"{engine} did not answer in time: raise index.timeout_seconds = {self.config.timeout_seconds:g}, or "
                    "look what the search engine is doing, then run the same command again."
                )
            )
        nodes = "that its nodes run" if len(self._addresses) > 1 else "that it runs"
        return PassingError(
            IndexUnavailableError(
                f"{engine} cannot be reached ({error.reason}): check index.search_url, and {nodes}, then run the same "
                "command again."
            )
        )

    def _connect(self, address: NodeAddress) -> Connection:
        from qa_engine.index.search_engine.connection.opensearch_client import OpenSearchConnection

        return OpenSearchConnection(address, pool_of(address, self._trusted))

    def _connect_elasticsearch(self, address: NodeAddress) -> Connection:
        from qa_engine.index.search_engine.connection.elasticsearch_client import ElasticsearchConnection

        return ElasticsearchConnection(address, pool_of(address, self._trusted))


def _product(body: Any, url: str) -> Product:
    """The product and version that an answer to ``GET /`` names.

    Raises:
        ConfigurationError: it is neither, or too old.
    """
    version = body.get("version") if isinstance(body, dict) else None
    number = version.get("number") if isinstance(version, dict) else None
    name = None
    if isinstance(version, dict) and isinstance(number, str):
        if version.get("distribution") == "opensearch" or "OpenSearch" in str(body.get("tagline")):
            name = OPENSEARCH
        elif body.get("tagline") == "You Know, for Search":
            name = ELASTICSEARCH
    if name is None:
        raise ConfigurationError(
            f"What answers at {url} is neither OpenSearch nor Elasticsearch: set index.search_url to the address of one."
        )
    assert isinstance(number, str)
    parts = tuple(int(part) for part in re.findall(r"\d+", number)[:2])
    if parts < _OLDEST[name]:
        oldest = ".".join(map(str, _OLDEST[name]))
        raise ConfigurationError(
            f"The search engine at {url} is {name} {number}, which is too old: index.search_url needs {name} {oldest} or "
            "later."
        )
    return Product(name, number)
