"""The client of a search engine: OpenSearch or Elasticsearch, by its official client, with errors that say what to do."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from qa_engine.config import IndexConfig
from qa_engine.errors import StorageError
from qa_engine.forks import RenewedLock
from qa_engine.index.search_engine.connection.bulk import BulkWriter, Operation
from qa_engine.index.search_engine.connection.cluster import (
    ELASTICSEARCH,
    SHARE_SECONDS,
    TOO_LARGE,
    Cluster,
    Product,
    Reply,
)
from qa_engine.index.search_engine.connection.outages import Patience, repeated

__all__ = ["WRITER_PATIENCE_SECONDS", "Reply", "SearchEngine", "search_engine"]
WRITER_PATIENCE_SECONDS = 45.0
"""How long a writer waits for a search engine that is not there: longer than nodes take to elect a master or to start."""
_READER_PATIENCE_SECONDS = 3.0
_LEAST_WAIT_SECONDS = 10.0
"""What a busy search engine may need for a change of its indices, which the time to wait for shards bounds as well."""
_OF_DOCUMENTS = re.compile(r"/_(doc|create|update|bulk|delete_by_query)(/|$)")
"""Requests that wait for a shard that is missing, as long as they are told."""
_STORES = re.compile(r"/_(doc|create|update|bulk)(/|$)")
"""Requests that may store documents, unless they delete."""


class SearchEngine:
    """The configured cluster. Thread-safe."""

    def __init__(
        self,
        config: IndexConfig,
        *,
        patience_seconds: float | None = None,
        timeout_seconds: float | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        """Prepares for a configuration with an address; nothing is sent yet.

        Args:
            config: the settings.
            patience_seconds: how long a request is repeated while the search engine cannot answer it; by default what
                whoever asks a question can bear, at most ``timeout_seconds``.
            timeout_seconds: for each request; by default that of the settings.
            cluster: the connections to share.

        Raises:
            ConfigurationError: the address, the credentials or the certificate cannot be used, or the packages of the extra
                ``search`` are not installed.
        """
        self.config = config
        self._cluster = cluster or Cluster(config)
        self.url = self._cluster.url
        self._limit = timeout_seconds or config.timeout_seconds
        if patience_seconds is None:
            patience_seconds = min(_READER_PATIENCE_SECONDS, self._limit)
        self.patience_seconds = patience_seconds
        self._bulk = BulkWriter(self._request_bulk, self.url, patience_seconds)

    def with_patience(self, seconds: float, timeout_seconds: float | None = None) -> SearchEngine:
        """The same search engine by the same connections, for whoever can wait longer, or less long. As the constructor."""
        return SearchEngine(
            self.config, patience_seconds=seconds, timeout_seconds=timeout_seconds, cluster=self._cluster
        )

    def product(self) -> Product:
        """Which search engine it is; asked once.

        Raises:
            ConfigurationError: it is neither OpenSearch nor Elasticsearch, or too old.
            ServiceUnavailableError, AuthenticationFailedError: as `request`.
        """
        return repeated(lambda: self._cluster.identify(self._limit), Patience(self.patience_seconds))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        accept: Container[int] = (),
    ) -> Reply:
        """One request, repeated while the search engine cannot answer it, see `with_patience`.

        Documents are stored only under aliases: an index that is missing would be made otherwise, see `create_index`.
        It may have been carried out although an attempt failed: it has to do no harm the second time.

        Args:
            method, path: of HTTP; the path begins with a slash.
            body: a JSON value, or bytes of lines of JSON.
            params: of the query.
            accept: statuses beside those of success that the caller deals with.

        Returns:
            The reply; its status is 200 for every success.

        Raises:
            ServiceUnavailableError: the search engine cannot be reached, or is too busy, or lacks shards or a master.
            AuthenticationFailedError: it refuses the user, the password or the key.
            ConfigurationError: its certificate cannot be trusted, or it is no search engine that can be used.
            StorageError: it has no space, or refuses the request.
        """
        end = time.monotonic() + max(self._limit, self.patience_seconds)

        def left() -> float:
            return min(self._limit, max(end - time.monotonic(), 0.1))

        def attempt() -> Reply:
            product = self._cluster.identify(left())
            query = {**_only_aliases(method, path), **self._waiting(method, path, product), **(params or {})}
            target = f"{path}?{urlencode(query)}" if query else path
            # Whoever can wait for an outage to end can wait for a slow node, too.
            share = max(SHARE_SECONDS, self.patience_seconds)
            return self._cluster.exchange(method, target, body, accept, left(), share)

        return repeated(attempt, Patience(self.patience_seconds))

    def get_many(
        self,
        index: str,
        ids: Sequence[str],
        *,
        routing: Sequence[str] | None = None,
        realtime: bool = False,
    ) -> list[dict[str, Any] | None]:
        """The sources of documents by their ids, in their order; None where there is no such document.

        Whole sources: to have the search engine leave parts out took three times as long (350 sentences 110 ms, whole 38).
        """
        if not ids:
            return []
        docs: list[dict[str, Any]] = []
        for place, name in enumerate(ids):
            entry: dict[str, Any] = {"_id": name}
            if routing is not None:
                entry["routing"] = routing[place]
            docs.append(entry)
        params = {"realtime": "true" if realtime else "false"}
        reply = self.request("POST", f"/{index}/_mget", {"docs": docs}, params=params)
        return [doc.get("_source") if doc.get("found") else None for doc in reply.body["docs"]]

    def bulk(self, index: str, operations: Iterable[Operation]) -> None:
        """Stores, updates or deletes many documents; each operation is idempotent, so all may be sent again.

        Args:
            index: its name.
            operations: the action with its metadata, such as ``{"index": {"_id": "1", "routing": "0"}}``, and the source.
        """
        self._bulk.write(index, operations)

    def refresh(self, index: str) -> None:
        """Has everything that was stored in an index be found from now on."""
        self.request("POST", f"/{index}/_refresh")

    def hits(
        self, index: str, body: Mapping[str, Any], *, accept: Container[int] = ()
    ) -> Iterator[dict[str, Any]]:
        """All hits of a search, of which a request returns ``size``, in the order of ``sort``.

        Args:
            index: its name.
            body: of the search, with ``size``, and with a ``sort`` in which no two hits are equal.
            accept: statuses that stand for no hits.
        """
        after: dict[str, Any] = {}
        while True:
            params = {"allow_partial_search_results": "false"}
            reply = self.request("POST", f"/{index}/_search", {**body, **after}, params=params, accept=accept)
            found = reply.body["hits"]["hits"] if reply.status == 200 else []
            yield from found
            if len(found) < body["size"]:
                return
            after = {"search_after": found[-1]["sort"]}

    def delete_matching(self, index: str, conditions: Iterable[Mapping[str, Any]]) -> None:
        """Deletes the documents that satisfy one of some conditions, those that were just stored too.

        Raises:
            StorageError: not everything could be deleted.
            ServiceUnavailableError, AuthenticationFailedError: as `request`.
        """
        self.refresh(index)  # a query finds what was stored before the last refresh
        for condition in conditions:
            path, params = f"/{index}/_delete_by_query", {"conflicts": "proceed"}
            reply = self.request("POST", path, {"query": condition}, params=params)
            if reply.body.get("failures"):
                raise StorageError(
                    f"The search engine at {self.url} could not delete from {index} ({reply.body['failures'][0]}): look "
                    "into its log, then run the same command again."
                )

    def close(self) -> None:
        """Closes its connections; the next request opens others."""
        self._cluster.close()

    def _request_bulk(self, index: str, lines: bytes) -> Reply:
        params = {"filter_path": "errors,items.*.status,items.*.error"}
        return self.request("POST", f"/{index}/_bulk", lines, params=params, accept={TOO_LARGE})

    def _waiting(self, method: str, path: str, product: Product) -> dict[str, str]:
        """How long the search engine itself waits for what is missing, before it says so: not until nobody listens."""
        if method not in {"PUT", "POST", "DELETE"}:
            return {}
        seconds = max(min(max(self.patience_seconds, _LEAST_WAIT_SECONDS), self._limit / 3), 0.1)
        if _OF_DOCUMENTS.search(path):
            return {"timeout": f"{seconds * 1000:.0f}ms"}
        if method == "POST":
            return {}
        name = "master_timeout" if product.name == ELASTICSEARCH else "cluster_manager_timeout"
        return {name: f"{seconds * 1000:.0f}ms"}


def _only_aliases(method: str, path: str) -> dict[str, str]:
    return {"require_alias": "true"} if method in {"PUT", "POST"} and _STORES.search(path) else {}


_clusters: weakref.WeakValueDictionary[tuple[Any, ...], Cluster] = weakref.WeakValueDictionary()
_lock = RenewedLock()


def search_engine(config: IndexConfig) -> SearchEngine:
    """The configured search engine; all who use it at a time share its connections.

    Raises:
        ConfigurationError: as of `SearchEngine`.
    """
    key = tuple(config)
    with _lock:
        cluster = _clusters.get(key)
        if cluster is None:
            cluster = _clusters[key] = Cluster(config)
    return SearchEngine(config, cluster=cluster)
