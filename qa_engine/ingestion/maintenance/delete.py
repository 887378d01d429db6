"""Deletes files from a collection."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_engine.config import Config
from qa_engine.errors import InputError
from qa_engine.index.files.matching import choose_files
from qa_engine.ingestion.files.attachments import attached_to
from qa_engine.ingestion.maintenance.unused_contents import remove_unused_contents
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.session import WriteSession, write_session

logger = logging.getLogger("qa_engine.ingestion")


@dataclass(frozen=True)
class DeletedFile:
    """A file that was deleted from the collection.

    Attributes:
        file: its name.
        path: where it was ingested from. Nothing was done to the file itself.
        pages: the number of its pages.
        nodes: its sentences, which were deleted too unless it is ``shared``.
        shared: whether another file of the same content stays, and the sentences with it.
    """

    file: str
    path: str
    pages: int
    nodes: int
    shared: bool


@dataclass(frozen=True)
class DeleteReport:
    """The outcome of `delete_files`.

    Attributes:
        collection: its name.
        files: the files that were deleted, by path.
        nodes: sentences that were deleted, those of several copies once.
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
    exact: bool = False,
    progress: IngestProgress | None = None,
) -> DeleteReport:
    """Deletes files from a collection; the files themselves stay where they are.

    All or nothing: if one of the names fits no file, none is deleted. Readers see the files until the new state is
    published, and their sentences are deleted after that. A run that was cut off is completed by the next run that writes.

    Args:
        files: paths, names, or patterns such as ``年报*.pdf``; a folder stands for the files below it. All files that fit
            are deleted, and what is attached to mails among them.
        exact: whether each is the path of a record, such as ``upload:/年报.pdf``, and nothing else; what is not there is
            passed over, so that a deletion can be repeated.
        storage, collection, config, progress: as for `ingest`.

    Raises:
        InputError: without ``exact``, a name fits no file of the collection; the message offers near ones.
        CollectionNotFoundError: there is no such collection.
        IndexLockedError: another process is writing to it.
        StorageError, ServiceUnavailableError: the index cannot be written; the next run completes the deletion.

    Example:
        >>> delete_files("年报*.pdf", storage="storage").nodes  # doctest: +SKIP
        812
    """
    started = time.perf_counter()
    settings = Config.of(config)
    patterns = [str(file) for file in ([files] if isinstance(files, str | Path) else files)]
    if not patterns:
        raise InputError("No file was named: name paths, names or patterns of files in the collection.")
    with write_session(settings, storage, collection, progress, create=False) as session:
        catalog = session.catalog
        # First complete what a run that was cut off left, such as an earlier one of this command.
        _publish_and_clean(session)
        records = catalog.files()
        if exact:
            chosen = [records[path] for path in sorted(set(patterns)) if path in records]
        else:
            chosen = choose_files(list(records.values()), patterns, session.name)
        chosen += attached_to(chosen, records)
        with catalog.together():
            for record in chosen:
                catalog.remove(record.path)
        _publish_and_clean(session)
        remaining = {record.document_id for record in catalog.files().values()}
    remove_unused_contents(session.paths.root.parent, session.config.index)
    removed = {record.document_id: record.nodes for record in chosen if record.document_id not in remaining}
    deleted = [
        DeletedFile(
            record.file_name, record.path, record.pages, record.nodes, record.document_id in remaining
        )
        for record in chosen
    ]
    logger.info("%d files deleted from collection %s", len(deleted), session.name)
    return DeleteReport(session.name, deleted, sum(removed.values()), time.perf_counter() - started)


def _publish_and_clean(session: WriteSession) -> None:
    """Publishes the state of the catalog, then deletes what no reader asks for any more."""
    session.nodes.retokenize(session.progress)
    session.nodes.correct_names()
    publish(session.catalog, session.paths, session.config.bm25, session.progress, session.nodes)
    session.nodes.delete_unfinished()
