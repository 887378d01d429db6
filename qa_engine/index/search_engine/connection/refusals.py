"""What the answers of a search engine mean: which of them may be others in a moment, and which error each one is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qa_engine.errors import AuthenticationFailedError, IndexUnavailableError, QAEngineError, StorageError

_EXCERPT = 250
_BUSY = {"es_rejected_execution_exception", "rejected_execution_exception", "circuit_breaking_exception"}
_NO_MASTER = {"master_not_discovered_exception", "cluster_manager_not_discovered_exception"}
_NO_SHARD = {
    "no_shard_available_action_exception",
    "unavailable_shards_exception",
    "search_phase_execution_exception",
    "primary_missing_action_exception",
}
_PASSING = {
    *_BUSY,
    *_NO_MASTER,
    "no_shard_available_action_exception",
    "unavailable_shards_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "connect_transport_exception",
    "receive_timeout_transport_exception",
    "process_cluster_event_timeout_exception",
    "already_closed_exception",
    "alias_or_index_closed_exception",
    "illegal_index_shard_state_exception",
    "index_shard_not_started_exception",
    "index_shard_not_recovering_exception",
    "shard_not_found_exception",
    "shard_not_in_primary_mode_exception",
    "not_master_exception",
    "not_cluster_manager_exception",
    "failed_to_commit_cluster_state_exception",
}
"""Types of errors that come of nodes that stop and start, of shards that move, and of too much work."""
_PASSING_STATUSES = {429, 502, 503, 504}
_FULL = re.compile(r"/12/|/10/cluster create-index blocked|/13/cluster create-index blocked|flood.stage")
"""The blocks that a search engine sets on indices when a disk is nearly full."""
_WAITED = "timed out while waiting"
"""How the reasons of some types begin that also have others, such as ``mapper_exception``."""
_STARTING = "/1/state not recovered"
_LEADERLESS = re.compile(r"/2/no (master|cluster.?manager)")


@dataclass(frozen=True)
class Failure:
    """An answer that is no success.

    Attributes:
        status: of HTTP, or of one item of a request.
        kind: the type of the error; empty if it does not come from a search engine, but from a proxy before it.
        reason: what it says, on one line, without values of documents.
        kinds: the types of all errors that led to it.
    """

    status: int
    kind: str
    reason: str
    kinds: frozenset[str]

    @classmethod
    def of(cls, status: int, body: Any) -> Failure:
        """What an answer, or one item of it, says."""
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, str):
            return cls(status, "", _line(error), frozenset())
        if not isinstance(error, dict):
            return cls(status, "", _line(body) if isinstance(body, str) else "", frozenset())
        found = list(_errors(error))
        kinds = frozenset(str(one["type"]) for one in found if "type" in one)
        root = next((one for one in found[1:] if one.get("reason")), error)
        reason = str(error.get("reason") or "")
        if error.get("type") == "search_phase_execution_exception" and root.get("reason"):
            reason = f"{reason}: {root['reason']}"
        return cls(status, str(error.get("type") or ""), _line(reason), kinds)

    @property
    def is_full(self) -> bool:
        """The disks of the search engine are nearly full."""
        return "cluster_block_exception" in self.kinds and bool(_FULL.search(self.reason))

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed in a moment."""
        if self.is_full:
            return False
        return self.status in _PASSING_STATUSES or (
            self.status >= 500 and (bool(self.kinds & _PASSING) or self.reason.startswith(_WAITED))
        )

    @property
    def summary(self) -> str:
        """For the sentence about it."""
        return ", ".join(filter(None, [str(self.status), self.kind, self.reason]))


def failure_within(path: str, body: Any) -> Failure | None:
    """What is incomplete in an answer with a status of success; None if nothing is."""
    if not isinstance(body, dict):
        return None
    if path.endswith("/_mget"):
        for doc in body.get("docs", ()):
            if "error" in doc:
                missing = doc["error"].get("type") == "index_not_found_exception"
                return Failure.of(404 if missing else 503, doc)
    if path.endswith("/_search") and body.get("timed_out"):
        return Failure(
            503, "timed_out", "the search was cut off by search.default_search_timeout", frozenset()
        )
    if path.endswith(("/_search", "/_refresh", "/_count")):
        shards = body.get("_shards") or {}
        if shards.get("failed"):
            error = next((one.get("reason") for one in shards.get("failures", ())), None)
            found = Failure.of(503, {"error": error})
            return Failure(503, found.kind or "shards_failed", found.reason, found.kinds | _NO_SHARD)
    return None


def refusal(failure: Failure, url: str, path: str) -> QAEngineError:
    """The error that an answer is.

    Args:
        failure: the answer.
        url: the configured addresses.
        path: of the request.
    """
    engine, index = f"The search engine at {url}", path.lstrip("/").partition("/")[0]
    again = "then run the same command again"
    if failure.is_full:
        return StorageError(
            f"{engine} has too little space on its disks and stores nothing in {index} ({failure.summary}): free space on "
            f"them, or add a node, {again}; it lifts the block by itself."
        )
    if failure.status == 401 or (
        failure.status == 403 and (not failure.kind or "security_exception" in failure.kinds)
    ):
        return AuthenticationFailedError(
            f"{engine} refuses the request ({failure.summary}): correct index.search_user and index.search_password, or "
            "index.search_api_key, or give that user the rights to the indices of index.search_prefix."
        )
    if _LEADERLESS.search(failure.reason) or failure.kinds & _NO_MASTER:
        return IndexUnavailableError(
            f"{engine} has no elected master node ({failure.summary}): start the missing nodes of the cluster, {again}."
        )
    if _STARTING in failure.reason:
        return IndexUnavailableError(f"{engine} is still starting ({failure.summary}): wait, {again}.")
    if failure.status == 429 or failure.kinds & _BUSY:
        return IndexUnavailableError(
            f"{engine} is too busy ({failure.summary}): wait until it has less to do, {again}."
        )
    if failure.kind == "timed_out":
        return IndexUnavailableError(
            f"{engine} did not finish a search ({failure.reason}): raise that, or look what it is doing, {again}."
        )
    if failure.passes and failure.kinds & _NO_SHARD:
        return IndexUnavailableError(
            f"{engine} lacks shards of {index} ({failure.summary}): start the missing nodes of the cluster, or restore the "
            f"index from a snapshot, {again}."
        )
    if failure.passes:
        return IndexUnavailableError(
            f"{engine} cannot answer now ({failure.summary}): wait until it is ready, {again}."
        )
    if failure.kind == "index_not_found_exception":
        return StorageError(
            f"{engine} has no index {index} any more: restore it from a snapshot, or delete the collection and ingest its "
            "files again."
        )
    if failure.status == 413:
        return StorageError(
            f"{engine} takes no request as large as one document ({failure.summary}): raise its "
            f"http.max_content_length, or the limit of the proxy before it, {again}."
        )
    if "cluster_block_exception" in failure.kinds or "index_closed_exception" in failure.kinds:
        return StorageError(
            f"{engine} blocks {index} ({failure.summary}): lift the block, or open the index, {again}."
        )
    if 300 <= failure.status < 400:
        return IndexUnavailableError(
            f"{engine} redirects to another address ({failure.summary}): set index.search_url to where it really is."
        )
    return StorageError(f"{engine} refuses a request to {index} ({failure.summary}): look into its log.")


def _errors(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An error, and those that led to it."""
    yield error
    for key in ("root_cause", "failed_shards", "caused_by", "reason"):
        below = error.get(key)
        for one in below if isinstance(below, list) else [below]:
            if isinstance(one, dict):
                yield from _errors(one)


def _line(text: str) -> str:
    """The beginning of what was said, on one line, without HTML and without the values of fields of documents."""
    plain = " ".join(re.sub(r"<[^<>]*>", " ", text).partition("Preview of field")[0].split()).rstrip(".")
    return plain if len(plain) <= _EXCERPT else plain[:_EXCERPT] + "…"
