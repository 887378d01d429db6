"""A search engine in memory, for tests whose subject is not the search engine: one index is a dictionary of documents.

Documents are stored only under aliases. It has what the catalog needs: creation that refuses a second document of an id,
versions that are compared, `_mget` that reads what was just written, `_bulk`, and searches by number that see what was
refreshed. It does not rank.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import orjson

from qa_engine.config import IndexConfig
from qa_engine.errors import ServiceUnavailableError, StorageError
from qa_engine.index.search_engine.connection.bulk import BulkWriter
from qa_engine.index.search_engine.connection.client import Reply, SearchEngine

Fault = Callable[[str, str], str | None]
"""Takes method and path of a request, and says ``before`` or ``after`` if it is to fail before or after it is done."""


@dataclass
class _Document:
    source: dict[str, Any]
    version: int


@dataclass
class _Index:
    refresh_at_once: bool
    documents: dict[str, _Document] = field(default_factory=dict)
    searched: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What searches see."""


@dataclass
class Cluster:
    """What all clients of one cluster share.

    Attributes:
        indices: by name.
        aliases: the names of indices by their aliases.
        fault: see `Fault`.
        error: makes what a request that fails raises.
        requests: method and path of all requests so far.
    """

    indices: dict[str, _Index] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    fault: Fault = lambda method, path: None
    error: Callable[[], BaseException] = lambda: ServiceUnavailableError("The search engine is away: wait.")
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
    sequence: int = 0

    def index(self, alias: str) -> _Index:
        """The index of an alias."""
        return self.indices[self.aliases[alias]]


class MemorySearchEngine(SearchEngine):
    """A client of a `Cluster`."""

    def __init__(self, cluster: Cluster | None = None, config: IndexConfig | None = None) -> None:
        self.config = config or IndexConfig(search_url="http://memory.invalid:9200")
        self.url = str(self.config.search_url)
        self.cluster = cluster or Cluster()
        self.patience_seconds = 0.0
        self._bulk = BulkWriter(self._request_bulk, self.url, 0)

    def with_patience(self, seconds: float, timeout_seconds: float | None = None) -> MemorySearchEngine:
        return self

    def close(self) -> None:
        """Nothing is open."""

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        accept: Container[int] = (),
    ) -> Reply:
        with self.cluster.lock:
            self.cluster.requests.append((method, path))
            fails = self.cluster.fault(method, path)
            if fails == "before":
                raise self.cluster.error()
            content = body if isinstance(body, bytes) or body is None else orjson.loads(orjson.dumps(body))
            reply = self._answer(method, path.strip("/").split("/"), content, dict(params or {}))
            if fails == "after":
                raise self.cluster.error()
        if reply.status >= 400 and reply.status not in accept:
            raise StorageError(f"{method} {path}: {reply.status} {reply.body}")
        return Reply(reply.status, copy.deepcopy(reply.body))

    def _answer(self, method: str, path: list[str], body: Any, params: dict[str, Any]) -> Reply:
        name, *rest = path
        indices, aliases = self.cluster.indices, self.cluster.aliases
        if not rest:
            if method == "PUT":
                if name in indices:
                    return Reply(400, {"error": {"type": "resource_already_exists_exception"}})
                interval = body["settings"]["index"].get("refresh_interval", "1s")
                indices[name] = _Index(refresh_at_once=interval != "-1")
                self.cluster.aliases.update(dict.fromkeys(body.get("aliases", {}), name))
                return Reply(200, {"acknowledged": True})
            if method == "DELETE":
                if name in aliases:
                    return Reply(400, {"error": {"type": "illegal_argument_exception"}})
                self.cluster.aliases = {one: index for one, index in aliases.items() if index != name}
                return Reply(200 if indices.pop(name, None) else 404, {})
        stores = method in {"PUT", "POST"} and rest[0] in {"_doc", "_create", "_bulk"}
        if name not in aliases if stores else aliases.get(name, name) not in indices:
            if rest[0] == "_bulk":
                return _refused(body)
            if rest[0] == "_mget":
                docs = [
                    {"_index": name, "error": {"type": "index_not_found_exception"}} for _ in body["docs"]
                ]
                return Reply(200, {"docs": docs})
            return Reply(404, {"error": {"type": "index_not_found_exception"}})
        name = aliases.get(name, name)
        index = indices[name]
        match method, rest:
            case "GET", ["_alias"]:
                return Reply(200, {name: {"aliases": {one: {} for one, of in aliases.items() if of == name}}})
            case "GET", ["_doc", identifier]:
                return self._get(index, identifier)
            case "PUT", ["_doc", identifier]:
                return self._put(index, identifier, body, params)
            case "PUT", ["_create", identifier]:
                return self._put(index, identifier, body, {"op_type": "create"})
            case "DELETE", ["_doc", identifier]:
                return Reply(200 if index.documents.pop(identifier, None) else 404, {})
            case "POST", ["_mget"]:
                return Reply(200, {"docs": [self._got(index, doc, params) for doc in body["docs"]]})
            case "POST", ["_bulk"]:
                return self._stored(index, body)
            case "PUT", ["_mapping"]:
                return Reply(200, {})
            case "POST", ["_refresh"]:
                _refresh(index)
                return Reply(200, {"_shards": {"total": 1, "successful": 1, "failed": 0}})
            case "POST", ["_search"]:
                return _search(index, body)
            case "POST", ["_delete_by_query"]:
                found = [one for one, source in _searched(index) if _matches(source, body["query"])]
                for identifier in found:
                    index.documents.pop(identifier, None)
                return Reply(200, {"deleted": len(found), "failures": []})
        raise AssertionError(f"{method} {path}")

    def _get(self, index: _Index, identifier: str) -> Reply:
        document = index.documents.get(identifier)
        if document is None:
            return Reply(404, {"_id": identifier, "found": False})
        facts = {"_id": identifier, "found": True, "_seq_no": document.version, "_primary_term": 1}
        return Reply(200, {**facts, "_source": document.source})

    def _put(self, index: _Index, identifier: str, source: Any, params: Mapping[str, Any]) -> Reply:
        document = index.documents.get(identifier)
        if params.get("op_type") == "create" and document is not None:
            return Reply(409, {"error": {"type": "version_conflict_engine_exception"}})
        if "if_seq_no" in params and (document is None or document.version != params["if_seq_no"]):
            return Reply(409, {"error": {"type": "version_conflict_engine_exception"}})
        self.cluster.sequence += 1
        index.documents[identifier] = _Document(source, self.cluster.sequence)
        return Reply(200, {"_id": identifier, "_seq_no": self.cluster.sequence, "_primary_term": 1})

    def _got(self, index: _Index, doc: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        identifier = doc["_id"]
        if params.get("realtime") == "true":
            found = index.documents.get(identifier)
            source = found.source if found is not None else None
        else:
            source = dict(_searched(index)).get(identifier)
        if source is None:
            return {"_id": identifier, "found": False}
        wanted = doc.get("_source") or params.get("_source_includes", "").split(",")
        if wanted != [""]:
            source = {key: value for key, value in source.items() if key in wanted}
        return {"_id": identifier, "found": True, "_source": source}

    def _stored(self, index: _Index, body: bytes) -> Reply:
        lines = iter([orjson.loads(line) for line in body.splitlines() if line])
        items: list[dict[str, Any]] = []
        for action in lines:
            ((verb, facts),) = action.items()
            status = 200
            if verb == "delete":
                status = 200 if index.documents.pop(facts["_id"], None) else 404
            elif verb == "update":
                change, document = next(lines)["doc"], index.documents.get(facts["_id"])
                status = 404 if document is None else 200
                if document is not None:
                    self._put(index, facts["_id"], {**document.source, **change}, {})
            else:
                options = {"op_type": "create"} if verb == "create" else {}
                status = self._put(index, facts["_id"], next(lines), options).status
            items.append({verb: {"_id": facts["_id"], "status": status}})
        return Reply(200, {"errors": any(_failed(item) for item in items), "items": items})


def _refused(body: bytes) -> Reply:
    """What operations on a missing index are answered."""
    actions = [orjson.loads(line) for line in body.splitlines() if line]
    error = {"type": "index_not_found_exception", "reason": "no such index"}
    result = {"status": 404, "error": error}
    verbs = [verb for one in actions for verb in one if verb in {"index", "create", "update", "delete"}]
    return Reply(200, {"errors": True, "items": [{verb: result} for verb in verbs]})


def _failed(item: Mapping[str, Any]) -> bool:
    ((verb, result),) = item.items()
    return bool(result["status"] >= 300 and not (verb == "delete" and result["status"] == 404))


def _refresh(index: _Index) -> None:
    index.searched = {name: document.source for name, document in index.documents.items()}


def _searched(index: _Index) -> Iterator[tuple[str, dict[str, Any]]]:
    if index.refresh_at_once:
        _refresh(index)
    yield from index.searched.items()


def _search(index: _Index, body: Mapping[str, Any]) -> Reply:
    query = body.get("query", {"match_all": {}})
    found = [(name, source) for name, source in _searched(index) if _matches(source, query)]
    result: dict[str, Any] = {"hits": {"hits": [], "total": {"value": len(found)}}}
    keys = [next(iter(one)) for one in body.get("sort", [])]
    hits = sorted(([source[key] for key in keys], name, source) for name, source in found)
    if "search_after" in body:
        hits = [hit for hit in hits if hit[0] > body["search_after"]]
    result["hits"]["hits"] = [
        {"_id": name, "_source": source, "sort": values} for values, name, source in hits[: body["size"]]
    ]
    for name, aggregation in body.get("aggs", {}).items():
        result.setdefault("aggregations", {})[name] = _composite(
            [source for _, source in found], aggregation["composite"]
        )
    return Reply(200, result)


def _composite(sources: list[dict[str, Any]], composite: Mapping[str, Any]) -> dict[str, Any]:
    ((name, facts),) = composite["sources"][0].items()
    counts: dict[Any, int] = {}
    for source in sources:
        value = source.get(facts["terms"]["field"])
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    after = composite.get("after", {}).get(name)
    values = sorted(value for value in counts if after is None or value > after)[: composite["size"]]
    buckets = [{"key": {name: value}, "doc_count": counts[value]} for value in values]
    return {"buckets": buckets, **({"after_key": buckets[-1]["key"]} if buckets else {})}


def _matches(source: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    ((kind, facts),) = query.items()
    if kind == "match_all":
        return True
    if kind == "bool":
        needed = [*_listed(facts.get("filter")), *_listed(facts.get("must"))]
        return (
            all(_matches(source, one) for one in needed)
            and not any(_matches(source, one) for one in _listed(facts.get("must_not")))
            and ("should" not in facts or any(_matches(source, one) for one in facts["should"]))
        )
    ((name, value),) = facts.items()
    held = source.get(name)
    if kind == "term":
        return bool(held == value)
    if kind == "terms":
        return held in value
    if kind == "range":
        tests = {
            "lt": lambda limit: held < limit,
            "lte": lambda limit: held <= limit,
            "gt": lambda limit: held > limit,
            "gte": lambda limit: held >= limit,
        }
        return held is not None and all(tests[operator](limit) for operator, limit in value.items())
    raise AssertionError(query)


def _listed(clauses: Any) -> list[Mapping[str, Any]]:
    return list(clauses) if isinstance(clauses, list) else [] if clauses is None else [clauses]
