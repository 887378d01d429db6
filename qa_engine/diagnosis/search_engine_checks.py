"""The search engine itself: whether it answers, is a known product, has all shards and room, and nothing left over."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from qa_engine.config import Config, IndexConfig
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, run_check, warning
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    QAEngineError,
)
from qa_engine.index.search_engine.connection.client import SearchEngine, search_engine
from qa_engine.index.search_engine.connection.cluster import ELASTICSEARCH, OPENSEARCH
from qa_engine.index.search_engine.indices import alias_of
from qa_engine.index.search_engine.registry import REMOVAL, SUFFIXES, Registry

_SECONDS = 5.0
"""The time-out of each question."""
_TESTED = {OPENSEARCH: (2, 3), ELASTICSEARCH: (7, 8, 9)}
_WATERMARKS = {"low": 85.0, "high": 90.0, "flood_stage": 95.0}
"""Percent of a disk, as the products have them unless they are told otherwise."""
_SIZES = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}


def diagnosing_registry(config: IndexConfig) -> Registry:
    """The registry of the configured search engine, which is not waited for as long as a question waits."""
    return Registry(search_engine(config).with_patience(0, min(config.timeout_seconds, _SECONDS)))


def check_search_engine(config: Config) -> list[Check]:
    """All checks of the search engine; one that says so if none is configured."""
    name, index = "search_engine", config.index
    if index.search_url is None:
        skipped = ok("Skipped: no search engine is configured (index.search_url).")
        return [run_check(name, "", lambda: skipped)]
    address = "export QA_ENGINE_INDEX__SEARCH_URL=…"
    checks = [run_check(name, address, _check_product, index)]
    if checks[0].status == "failed":
        return checks
    registry = diagnosing_registry(index)
    look = curl(registry.engine, "GET", "/_cluster/health?pretty")
    return [
        *checks,
        run_check("search_health", look, _permitted, _check_health, registry),
        run_check("search_disk", look, _permitted, _check_disk, registry),
        run_check("search_leftovers", look, _permitted, _check_leftovers, registry),
    ]


def curl(engine: SearchEngine, method: str, path: str, body: Any = None) -> str:
    """The command that sends a request to a search engine. Whoever runs it adds the user."""
    url = engine.url.split(",")[0].strip().rstrip("/")
    parts = ["curl", "-X", method, shlex.quote(f"{url}{path}")]
    if engine.config.search_ca_file is not None:
        parts += ["--cacert", shlex.quote(str(engine.config.search_ca_file))]
    if engine.config.search_api_key is not None:
        parts += ["-H", "'Authorization: ApiKey …'"]
    elif engine.config.search_user:
        parts += ["-u", shlex.quote(engine.config.search_user)]
    if body is not None:
        parts += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(json.dumps(body))]
    return " ".join(parts)


def _check_product(index: IndexConfig) -> Check:
    set_url = "export QA_ENGINE_INDEX__SEARCH_URL=…"
    try:
        engine = diagnosing_registry(index).engine
        product = engine.product()
    except AuthenticationFailedError as error:
        return failed(str(error), "export QA_ENGINE_INDEX__SEARCH_USER=… QA_ENGINE_INDEX__SEARCH_PASSWORD=…")
    except ConfigurationError as error:
        if "pip install" in str(error):
            return failed(str(error), "pip install 'qa-engine[search]'")
        setting = "CA_FILE" if "search_ca_file" in str(error) else "URL"
        return failed(str(error), f"export QA_ENGINE_INDEX__SEARCH_{setting}=…")
    except QAEngineError as error:
        return failed(str(error), set_url)
    what = f"{product.name} {product.version} at {engine.url}"
    try:
        engine.request("GET", f"/{Registry(engine).state}/_doc/none", accept={404})
    except QAEngineError as error:
        return failed(str(error), curl(engine, "GET", "/_cluster/allocation/explain?pretty"))
    if index.url is None:
        return failed(
            f"{what} answers, and index.url is not set: vectors have to be on a Chroma server that all machines reach.",
            "export QA_ENGINE_INDEX__URL=…",
        )
    if int(product.version.partition(".")[0]) not in _TESTED[product.name]:
        return warning(f"{what} answers; this version of qa_engine is not tested with it.")
    return ok(f"{what} answers.")


def _permitted(check: Any, registry: Registry) -> Check:
    """A check that needs a right which users of a search engine need not have."""
    try:
        result: Check = check(registry)
    except AuthenticationFailedError as error:
        return warning(f"It cannot be looked into: {error}")
    return result


def _check_health(registry: Registry) -> Check:
    engine = registry.engine
    pattern = f"{engine.config.search_prefix}-*"
    reply = engine.request("GET", f"/_cluster/health/{pattern}", params={"level": "indices"}, accept={408})
    indices: Mapping[str, Any] = reply.body.get("indices", {})
    explain = curl(engine, "GET", "/_cluster/allocation/explain?pretty")
    nodes = quantity(reply.body["number_of_data_nodes"], "data node")
    if red := sorted(name for name, one in indices.items() if one["status"] == "red"):
        return failed(
            f"Shards of {first_names(red)} are not there ({nodes}): bring their nodes back.", explain
        )
    if yellow := sorted(name for name, one in indices.items() if one["status"] == "yellow"):
        missing = sum(indices[name]["unassigned_shards"] for name in yellow)
        return warning(
            f"{quantity(missing, 'replica')} of {first_names(yellow)} without a node ({nodes}), so that the loss of one can "
            "lose sentences: add nodes, or have fewer replicas (index.search_replicas is for new collections).",
            curl(engine, "PUT", f"/{pattern}/_settings", {"index": {"number_of_replicas": 0}}),
        )
    return ok(f"All shards and replicas of {len(indices)} indices are there ({nodes}).")


def _check_disk(registry: Registry) -> Check:
    engine = registry.engine
    pattern = f"{engine.config.search_prefix}-*"
    settings = engine.request("GET", f"/{pattern}/_settings", accept={404})
    blocked = [
        name
        for name, one in (settings.body.items() if settings.status == 200 else ())
        if str(one["settings"]["index"].get("blocks", {}).get("read_only_allow_delete", "false")) == "true"
    ]
    if blocked:
        body = {"index.blocks.read_only_allow_delete": None}
        return failed(
            f"The search engine refuses to write to {first_names(sorted(blocked))}, because a disk was full: free space, "
            "then lift the block.",
            curl(engine, "PUT", f"/{pattern}/_settings", body),
        )
    marks = _watermarks(engine)
    if marks is None:
        return warning(
            "The search engine does not look at its disks (cluster.routing.allocation.disk.threshold_enabled)."
        )
    rows = engine.request("GET", "/_cat/allocation", params={"format": "json", "bytes": "b"}).body
    disks = [row for row in rows if row.get("disk.total") and row["node"] != "UNASSIGNED"]
    reached: dict[str, list[str]] = {}
    for row in disks:
        total, free = float(row["disk.total"]), float(row["disk.avail"])
        over = [name for name in _WATERMARKS if free <= _least_free(marks[name], total)]
        if over:
            reached.setdefault(over[-1], []).append(f"{row['node']} ({100 - 100 * free / total:.0f} % used)")
    look = curl(engine, "GET", "/_cat/allocation?v")
    for name, consequence in (
        ("flood_stage", "indices on it are made read-only"),
        ("high", "shards are moved away from it"),
        ("low", "no shards are put there any more"),
    ):
        if nodes := reached.get(name):
            message = (
                f"The disk of {first_names(nodes)} is over the watermark {name!r}: {consequence}. Free space."
            )
            return failed(message, look) if name == "flood_stage" else warning(message, look)
    return ok(f"{quantity(len(disks), 'disk')} below all watermarks.")


def _watermarks(engine: SearchEngine) -> dict[str, str] | None:
    """The watermarks by their names; None if they do not count."""
    reply = engine.request(
        "GET", "/_cluster/settings", params={"include_defaults": "true", "flat_settings": "true"}
    ).body

    def setting(name: str, default: str) -> str:
        key = f"cluster.routing.allocation.disk.{name}"
        values = (reply.get(part, {}).get(key) for part in ("transient", "persistent", "defaults"))
        return str(next(filter(None, values), default))

    if setting("threshold_enabled", "true") == "false":
        return None
    return {name: setting(f"watermark.{name}", f"{percent}%") for name, percent in _WATERMARKS.items()}


def _least_free(watermark: str, total: float) -> float:
    """The free bytes of a disk at which a watermark is reached: it is a share of it that is used, or a free size."""
    size = re.fullmatch(r"([\d.]+)\s*([a-z]+)", watermark.lower())
    if size is not None and size[2] in _SIZES:
        return float(size[1]) * _SIZES[size[2]]
    used = float(watermark.rstrip("%")) / 100 if watermark.endswith("%") else float(watermark)
    return (1 - used) * total


def _check_leftovers(registry: Registry) -> Check:
    """Whether there are indices of no collection, and removals that were cut off."""
    engine = registry.engine
    prefix = engine.config.search_prefix
    rows = engine.request("GET", f"/_cat/indices/{prefix}-*", params={"format": "json", "h": "index"}).body
    names = [row["index"] for row in rows]
    known = {source["indices"] for kind in ("collection", "arriving") for source in registry.sources(kind)}
    removals = list(registry.sources(REMOVAL))
    known |= {source["indices"] for source in removals}
    of_collections = _indices(known)
    orphans = [
        name for name in sorted(_collection_indices(names, prefix)) if alias_of(name) not in of_collections
    ]
    if orphans:
        return warning(
            f"{first_names(orphans)}: indices of a collection that was removed, or of one whose registration is lost.",
            curl(engine, "DELETE", f"/{','.join(orphans)}"),
        )
    if removals:
        return warning(
            f"The removal of {first_names(source['name'] for source in removals)} was cut off: the next removal, and each "
            "start of a server, completes it."
        )
    return ok(
        f"Nothing is left over of collections that were removed; {quantity(len(known), 'collection')} in use."
    )


def _indices(collections: Iterable[str]) -> set[str]:
    return {f"{one}-{suffix}" for one in collections for suffix in SUFFIXES}


def _collection_indices(names: Iterable[str], prefix: str) -> list[str]:
    """The indices that look like those of a collection of this installation, and of none with a longer prefix."""
    names = list(names)
    aliases = map(alias_of, names)
    others = [name.removesuffix("-state") for name in aliases if name.endswith("-state")]
    others = [other for other in others if other != prefix]
    form = re.compile(rf"{re.escape(prefix)}-(.+-)?[0-9a-f]{{12}}-({'|'.join(SUFFIXES)})")
    return [
        name
        for name in names
        if form.fullmatch(alias_of(name)) and not any(name.startswith(f"{other}-") for other in others)
    ]
