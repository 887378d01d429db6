"""The doctor: checks the storage, the model and the services, then each collection."""

from __future__ import annotations

import logging
import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.diagnosis.collection_checks import check_collection, check_shared_collection
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, Diagnosis, first_names, run_check
from qa_engine.diagnosis.search_engine_checks import check_search_engine
from qa_engine.diagnosis.service_checks import (
    PREPARE_AGAIN,
    check_dictionary,
    check_local_model,
    check_services,
)
from qa_engine.diagnosis.sqlite_faults import sqlite_connection
from qa_engine.diagnosis.storage_checks import check_disk_space
from qa_engine.errors import QAEngineError, StorageError
from qa_engine.index.collection import (
    CollectionPaths,
    collection_paths,
    list_collections,
    require_collection,
)
from qa_engine.index.opening import collection_exists, collection_names, move_command, require_existing

logger = logging.getLogger("qa_engine.diagnosis")
_PARTS = ("catalog.sqlite", "chroma", "bm25", "tokens-*.sqlite")
"""Entries by which the folder of a collection is recognised, even if its catalog is lost."""
_SECONDS = 2
"""The wait for a catalog that is in use, when only the name of its collection is needed."""


def diagnose(
    storage: Path | str | None = None,
    collections: Sequence[str] | str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    embed_model: BaseEmbedding | None = None,
) -> Diagnosis:
    """Checks that all parts of collections exist and agree, and that models and services are available.

    Changes nothing, and needs no right to write; while another process writes, differences count as
    a lag of that process. Only services that are configured are asked, and nothing that costs money.

    Args:
        storage: folder of the index; ``config.storage`` if None.
        collections: names of collections; all collections of the storage if None.
        config: settings; see `Config.of`.
        embed_model: replaces the model of the configuration.

    Raises:
        CollectionNotFoundError: a collection that is named does not exist.
        ConfigurationError: the configuration is wrong.
        StorageError: the storage cannot be listed.

    Example:
        >>> diagnose("storage").failed  # doctest: +SKIP
        0
    """
    settings = Config.of(config)
    root = Path(storage) if storage is not None else settings.storage
    names = [collections] if isinstance(collections, str) else collections
    services = [*check_services(settings), *check_search_engine(settings)]
    unreachable = {check.check for check in services if check.status == "failed"}
    shared = settings.index.search_url is not None
    if not shared:
        targets = list(_requested_collections(root, names))
    else:
        targets = [] if "search_engine" in unreachable else list(_shared_collections(root, names, settings))
    if shared:
        checks = [] if "search_engine" in unreachable else [_check_place(root, settings, bool(targets))]
    elif targets:
        show = f"df -h {shlex.quote(str(root))}"
        checks = [run_check("disk_space", show, check_disk_space, root, targets)]
    else:
        checks = [_no_collection(root)]
    if embed_model is None:
        checks.append(run_check("local_model", PREPARE_AGAIN, check_local_model, settings))
    checks.append(run_check("dictionary", PREPARE_AGAIN, check_dictionary, settings))
    checks += services
    reachable = "chroma_server" not in unreachable
    check_one = check_shared_collection if shared else check_collection
    for commands in targets:
        logger.info("checking the collection %s in %s", commands.name, commands.root)
        results = check_one(commands, settings, embed_model, reachable)
        checks += [replace(check, collection=commands.name) for check in results]
    return Diagnosis(str(root), checks, empty=not targets and "search_engine" not in unreachable)


def _requested_collections(storage: Path, names: Sequence[str] | None) -> Iterator[Commands]:
    """The commands for each collection to check."""
    folders = dict(_folders(storage))
    if names is None:
        for folder, name in folders.items():
            yield Commands(storage, name, folder)
        return
    for name in dict.fromkeys(names):
        folder = collection_paths(storage, name).root
        if folder not in folders:
            require_collection(storage, name)
        yield Commands(storage, name, folder)


def _shared_collections(storage: Path, names: Sequence[str] | None, config: Config) -> Iterator[Commands]:
    """The commands for each collection of the search engine that is to be checked."""
    for name in dict.fromkeys(collection_names(storage, config.index) if names is None else names):
        require_existing(storage, name, config.index)
        yield Commands(storage, name, collection_paths(storage, name).root, shared=True)


def _check_place(storage: Path, config: Config, has_collections: bool) -> Check:
    """Whether there are collections, and all where the configuration says: those of the storage are not used then."""
    names = [name for name in list_collections(storage) if not collection_exists(storage, name, config.index)]
    if names:
        return Check(
            "storage",
            "warning",
            f"In {storage} and not in the search engine: {first_names(names)}. Nobody can ask them with this configuration.",
            move_command(storage, names[0]),
        )
    if not has_collections:
        return Check(
            "storage",
            "failed",
            f"The search engine at {config.index.search_url} holds no collection: ingest PDFs first.",
            f"qa-engine ingest PATH --storage {shlex.quote(str(storage))}",
        )
    return Check(
        "storage", "ok", f"The collections are in the search engine; {storage} keeps copies of its catalogs."
    )


def _folders(storage: Path) -> Iterator[tuple[Path, str]]:
    """The folders of collections, with the names that commands call them by."""
    if not storage.is_dir():
        return
    try:
        folders = sorted(storage.iterdir())
    except OSError as error:
        raise StorageError(
            f"The storage {storage} cannot be listed ({error.strerror or error}): check its permissions."
        ) from error
    for folder in folders:
        if folder.is_dir() and any(next(folder.glob(part), None) for part in _PARTS):
            yield folder, _name(storage, folder)


def _name(storage: Path, folder: Path) -> str:
    """The name of a collection; that of its folder if no name can be read, or if the name belongs to another folder."""
    try:
        with sqlite_connection(CollectionPaths(folder).catalog, _SECONDS) as connection:
            rows = connection.execute("SELECT value FROM meta WHERE key = 'name'").fetchall()
        name = str(rows[0][0]) if rows else folder.name
        return name if collection_paths(storage, name).root == folder else folder.name
    except (sqlite3.Error, QAEngineError):
        return folder.name


def _no_collection(storage: Path) -> Check:
    what = "does not exist"
    if storage.exists():
        what = "holds no collection" if storage.is_dir() else "is no folder"
    message = f"The storage {storage} {what}: ingest PDFs first, or name another with --storage."
    return Check("storage", "failed", message, f"qa-engine ingest PATH --storage {shlex.quote(str(storage))}")
