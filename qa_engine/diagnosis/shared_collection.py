"""What the doctor looks at of a collection in a search engine: its registration, its log, and the copies of its catalog."""

from __future__ import annotations

import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qa_engine.config import Config
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, ok, quantity, warning
from qa_engine.diagnosis.search_engine_checks import curl
from qa_engine.diagnosis.storage_checks import Writer
from qa_engine.errors import StorageError
from qa_engine.index.opening import open_catalog
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.connection.client import search_engine
from qa_engine.index.search_engine.registry import RegisteredCollection, Registry
from qa_engine.index.search_engine.state.state_log import StateLog

_TABLES = ("meta", "documents", "files", "former_files", "rebuilt", "visible", "abandoned")
"""What the log describes."""


@dataclass(frozen=True)
class SharedCollection:
    """A registered collection.

    Attributes:
        registry: of the search engine.
        registered: what the registry says.
        commands: mend the collection.
        config: the settings that it is used with.
    """

    registry: Registry
    registered: RegisteredCollection
    commands: Commands
    config: Config

    def search(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a search finds in all shards."""
        params = {"allow_partial_search_results": "false"}
        path = f"/{index}/_search"
        found: dict[str, Any] = self.registry.engine.request("POST", path, body, params=params).body
        return found

    def snapshots(self) -> str:
        """The command that lists what lost indices can be restored from."""
        return curl(self.registry.engine, "GET", "/_snapshot/_all?pretty")


def registered_collection(commands: Commands, config: Config) -> SharedCollection | None:
    """A collection by its name; None if the search engine has none. Raises as `Registry.find`."""
    registry = Registry(search_engine(config.index))
    found = registry.find(commands.name)
    return SharedCollection(registry, found, commands, config) if found is not None else None


@contextmanager
def fresh_catalog(shared: SharedCollection) -> Iterator[SharedCatalog]:
    """The catalog as the log has it, in a replica that nobody else uses; it is deleted at the end.

    Raises:
        StorageError: the log is incomplete.
    """
    with TemporaryDirectory(prefix="qa-engine-doctor-") as folder:
        root = Path(folder, "collection")
        root.mkdir()
        log = StateLog(shared.registry, shared.registered)
        with closing(SharedCatalog(root / "replica.sqlite", log, shared.config.bm25)) as catalog:
            yield catalog


def writer_of(shared: SharedCollection) -> Writer:
    """Who holds the right to write, without taking it."""
    path = f"/{shared.registry.state}/_doc/{shared.registered.mark}:lease"
    reply = shared.registry.engine.request("GET", path, accept={404})
    lease = reply.body.get("_source") if reply.status == 200 else None
    if lease is None:
        return Writer(False, "")
    owner = f"Process {lease.get('process')} on {lease.get('host')} since {lease.get('since')}"
    if not lease["until"]:
        return Writer(False, owner)
    return Writer(lease["until"] > time.time(), owner, left_behind=True)


def check_lease(shared: SharedCollection) -> Check:
    """Whether a process holds the right to write, and whether it still shows signs of life."""
    writer = writer_of(shared)
    if writer.at_work:
        return warning(f"{writer.owner} is writing to the collection: counts may lag until it is done.")
    if writer.left_behind:
        return ok(
            f"Nobody is writing. The right of {writer.owner} has lapsed, and is free for the next writer."
        )
    return ok("Nobody is writing to the collection.")


def check_log(shared: SharedCollection) -> Check:
    """Whether the state of the collection can be read from the log, and all of the log."""
    try:
        with fresh_catalog(shared) as catalog:
            files, position = len(catalog.files()), _position(catalog.path)
    except StorageError as error:
        return failed(str(error), shared.snapshots())
    engine, state = shared.registry.engine, shared.registry.state
    engine.refresh(state)
    behind = [
        {"term": {"mark": shared.registered.mark}},
        {"term": {"kind": "change"}},
        {"range": {"position": {"gt": position}}},
    ]
    count = engine.request("POST", f"/{state}/_count", {"query": {"bool": {"filter": behind}}}).body["count"]
    if count:
        return failed(
            f"The log of the collection has a gap behind position {position}: {count} changes follow that nobody reads. "
            "Restore the indices from a snapshot.",
            shared.snapshots(),
            may_lag=True,
        )
    base = shared.registered.base.position
    return ok(
        f"The log is whole: position {position}, {quantity(position - base, 'change')} after its base; "
        f"{quantity(files, 'file')}."
    )


def check_replica(shared: SharedCollection, catalog: SharedCatalog) -> Check:
    """Whether the copy of the catalog on this machine, brought up to date, is what the log says.

    Args:
        shared: the collection.
        catalog: as the log has it.
    """
    commands = shared.commands
    try:
        with closing(open_catalog(commands.storage, commands.name, shared.config.index)) as own:
            replica = own.path
    except StorageError as error:
        return failed(str(error), f"rm -r {shlex.quote(str(commands.root))}")
    remove = f"rm {shlex.quote(str(replica))}"
    try:
        if _position(replica) != _position(catalog.path):
            return failed(f"{replica} is at another position than the log.", remove, may_lag=True)
        wrong = [table for table in _TABLES if _rows(replica, table) != _rows(catalog.path, table)]
    except sqlite3.Error as error:
        return failed(f"{replica} cannot be read ({error}); it is a copy, and is made anew.", remove)
    if wrong:
        message = f"{replica} disagrees with the log ({', '.join(wrong)}); it is a copy, and is made anew."
        return failed(message, remove, may_lag=True)
    return ok(f"{replica} is what the log says.")


def _position(replica: Path) -> int:
    with closing(_opened(replica)) as connection:
        return int(connection.execute("SELECT number FROM replica").fetchone()[0])


def _rows(replica: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(_opened(replica)) as connection:
        return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)


def _opened(replica: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{replica.absolute().as_uri()}?mode=rw", uri=True)
