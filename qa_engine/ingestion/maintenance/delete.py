"""Takes files out of a collection."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, require_collection
from qa_engine.index.files.matching import choose_files
from qa_engine.index.writer_lock import writer_lock
from qa_engine.ingestion.publishing import publish
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.stored_nodes import StoredNodes


@dataclass(frozen=True)
class DeletedFile:
    """A file that left the collection.

    Attributes:
        file: its name.
        path: where it was ingested from. Nothing was done to the file itself.
        pages: of it.
        nodes: its sentences, which left as well unless it is ``shared``.
        shared: whether another file of the same content stays, and the sentences with it.
    """

    file: str
    path: str
    pages: int
    nodes: int
    shared: bool


@dataclass(frozen=True)
class DeleteReport:
    """What `delete_files` did.

    Attributes:
        collection: its name.
        files: those that left it, by path.
        nodes: sentences that left it, those of several copies once.
        seconds: duration.
    """

    collection: str
    files: list[DeletedFile] = field(default_factory=list)
    nodes: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``delete --json``."""
        return {
            "collection": self.collection,
            "deleted": len(self.files),
            "nodes": self.nodes,
            "seconds": round(self.seconds, 3),
            "files": [vars(file) for file in self.files],
        }


def delete_files(
    files: Iterable[Path | str] | Path | str,
    storage: Path | str | None = None,
    collection: str | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    *,
    progress: IngestProgress | None = None,
) -> DeleteReport:
    """Takes files out of a collection; the files themselves stay where they are.

    All or nothing: if one of the names fits no file, none leaves. Readers see the files until the new state is published,
    and their sentences are deleted after that. A run that was cut off is completed by the next one that writes.

    Args:
        files: paths, names, or patterns such as ``年报*.pdf``; a folder stands for the files below it. All that fit leave.
        storage: folder of the index; ``config.storage`` if None.
        collection: name of the collection; ``config.collection`` if None.
        config: settings; see `Config.of`.
        progress: is told what is going on.

    Raises:
        InputError: a name fits no file of the collection; the message offers near ones.
        CollectionNotFoundError: there is no such collection.
        IndexLockedError: another process is writing to it.
        StorageError, ServiceUnavailableError: the index cannot be written; what was taken out is completed by the next run.

    Example:
        >>> delete_files("年报*.pdf", storage="storage").nodes  # doctest: +SKIP
        812
    """
    started = time.perf_counter()
    settings = Config.of(config)
    wanted = [str(file) for file in ([files] if isinstance(files, str | Path) else files)]
    if not wanted:
        raise InputError("No file was named: name paths, names or patterns of files in the collection.")
    name = collection if collection is not None else settings.collection
    where = require_collection(Path(storage) if storage is not None else settings.storage, name)
    with writer_lock(where.root, settings.ingestion.lock_timeout_seconds):
        # With the tables of this version, which a collection of an earlier one may lack.
        catalog = Catalog(where.catalog, create=True)
        try:
            nodes = StoredNodes(catalog, where, settings.index)
            # First what a run that was cut off left, such as the same one.
            _settle(catalog, where, settings, nodes, progress or IngestProgress())
            chosen = choose_files(list(catalog.files().values()), wanted, name)
            with catalog.together():
                for record in chosen:
                    catalog.remove(record.path)
            _settle(catalog, where, settings, nodes, progress or IngestProgress())
            left = {record.document_id for record in catalog.files().values()}
        finally:
            catalog.close()
    gone = {record.document_id: record.nodes for record in chosen if record.document_id not in left}
    told = [
        DeletedFile(
            record.file_name, record.path, record.pages, record.nodes, shared=record.document_id in left
        )
        for record in chosen
    ]
    return DeleteReport(name, told, sum(gone.values()), time.perf_counter() - started)


def _settle(
    catalog: Catalog, where: CollectionPaths, settings: Config, nodes: StoredNodes, progress: IngestProgress
) -> None:
    """Has readers see the state of the catalog, and deletes what they then ask for no more."""
    nodes.reanalyse(progress)
    publish(catalog, where, settings.bm25, progress)
    nodes.delete_unfinished()
