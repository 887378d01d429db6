"""The client of a search engine: OpenSearch or Elasticsearch, by its official client, with errors that say what to do."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson

from qa_engine.config import IndexConfig
from qa_engine.errors import AuthenticationFailedError, ServiceUnavailableError, StorageError

logger = logging.getLogger("qa_engine.index")
_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}
_BULK_BYTES = 4_000_000
"""About what one request that stores documents holds at most."""


@dataclass(frozen=True)
class Reply:
    """What the search engine answered: its status, and the JSON value in the body."""

    status: int
    body: Any


class SearchEngine:
    """The configured cluster. Thread-safe."""

    def __init__(self, config: IndexConfig) -> None:
        """Prepares for a configuration with an address; nothing is sent yet."""
        self.config = config
        self.url = (config.search_url or "").strip()
        from opensearchpy import OpenSearch  # takes a while, and comes with an extra

        self._client: Any = OpenSearch(
            [url.strip() for url in self.url.split(",")],
            http_auth=(
                (config.search_user, config.search_password.get_secret_value())
                if config.search_user and config.search_password
                else None
            ),
            timeout=config.timeout_seconds,
            max_retries=2,
            retry_on_timeout=False,
            retry_on_status=(429, 502, 503, 504),
            maxsize=32,
        )

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        accept: Container[int] = (),
    ) -> Reply:
        """One request, repeated where that is safe.

        Args:
            method, path: of HTTP; the path begins with a slash.
            body: a JSON value, or bytes of lines of JSON.
            params: of the query.
            accept: statuses beside those of success that the caller deals with.

        Raises:
            ServiceUnavailableError: the search engine cannot be reached, or is too busy, or lacks shards or space.
            AuthenticationFailedError: it refuses the user, the password or the key.
            StorageError: it refuses the request.
        """
        from opensearchpy.exceptions import ConnectionError as UnreachableError
        from opensearchpy.exceptions import ConnectionTimeout, TransportError

        headers = _LINES if isinstance(body, bytes) else _JSON
        content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        try:
            result = self._client.transport.perform_request(
                method, path, params=dict(params or {}), headers=headers, body=content
            )
            return Reply(200, result)
        except (ConnectionTimeout, UnreachableError) as error:
            raise ServiceUnavailableError(
                f"The search engine at {self.url} cannot be reached ({error.error}): check index.search_url, and that it "
                "runs, "
                "then run the same command again."
            ) from error
        except TransportError as error:
            status = int(error.status_code)
            if status in accept:
                return Reply(status, error.info)
            if status in {401, 403}:
                raise AuthenticationFailedError(
                    f"The search engine at {self.url} refuses the request ({status}): correct index.search_user and "
                    "index.search_password, or index.search_api_key."
                ) from error
            if status in {429, 502, 503, 504}:
                raise ServiceUnavailableError(
                    f"The search engine at {self.url} cannot answer now ({status}, {error.error}): wait until it is ready, "
                    "then run the same command again."
                ) from error
            raise StorageError(
                f"The search engine at {self.url} refuses a request ({status}, {error.error}, {error.info}): look into "
                "its log."
            ) from error

    def get_many(
        self,
        index: str,
        ids: Sequence[str],
        *,
        routing: Sequence[str] | None = None,
        source: Any = True,
        realtime: bool = False,
    ) -> list[dict[str, Any] | None]:
        """The sources of documents by their ids, in their order; None where there is no such document."""
        if not ids:
            return []
        docs: list[dict[str, Any]] = []
        for place, name in enumerate(ids):
            entry: dict[str, Any] = {"_id": name}
            if routing is not None:
                entry["routing"] = routing[place]
            docs.append(entry)
        params: dict[str, Any] = {"realtime": "true" if realtime else "false"}
        if source is not True:
            params["_source_includes"] = ",".join(source)
        reply = self.request("POST", f"/{index}/_mget", {"docs": docs}, params=params)
        found: list[dict[str, Any] | None] = []
        for doc in reply.body["docs"]:
            if "error" in doc:
                raise ServiceUnavailableError(
                    f"The search engine at {self.url} cannot read {doc.get('_index', index)} "
                    f"({doc['error'].get('type')}): wait until its shards are there, then ask again."
                )
            found.append(doc.get("_source") if doc.get("found") else None)
        return found

    def bulk(self, index: str, operations: Iterable[tuple[dict[str, Any], Mapping[str, Any] | None]]) -> None:
        """Stores, updates or deletes many documents; each operation is idempotent, so all may be sent again.

        Args:
            index: its name.
            operations: the action with its metadata, such as ``{"index": {"_id": "1", "routing": "0"}}``, and the source.
        """
        lines: list[bytes] = []
        size = 0
        for action, source in operations:
            lines.append(orjson.dumps(action))
            size += len(lines[-1])
            if source is not None:
                lines.append(orjson.dumps(source))
                size += len(lines[-1])
            if size >= _BULK_BYTES:
                self._send_bulk(index, lines)
                lines, size = [], 0
        if lines:
            self._send_bulk(index, lines)

    def _send_bulk(self, index: str, lines: list[bytes]) -> None:
        reply = self.request("POST", f"/{index}/_bulk", b"\n".join([*lines, b""]))
        if reply.body.get("errors"):
            for item in reply.body["items"]:
                (result,) = item.values()
                if result.get("status", 200) >= 300 and not (
                    "delete" in item and result.get("status") == 404
                ):
                    error = result.get("error", {})
                    raise StorageError(
                        f"The search engine at {self.url} did not store everything ({error.get('type')}: "
                        f"{error.get('reason')}): look into its log, then run the same command again."
                    )

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()


_engines: weakref.WeakValueDictionary[tuple[Any, ...], SearchEngine] = weakref.WeakValueDictionary()
_lock = Lock()


def search_engine(config: IndexConfig) -> SearchEngine:
    """The configured search engine, one object for all who use it at a time, so that connections are kept."""
    key = tuple(config)
    with _lock:
        engine = _engines.get(key)
        if engine is None:
            engine = _engines[key] = SearchEngine(config)
        return engine
