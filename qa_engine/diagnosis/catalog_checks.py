"""Checks of the catalog of a collection, and of the states and documents that it records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity
from qa_engine.diagnosis.sqlite_faults import find_sqlite_fault
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.catalog import FORMAT, Catalog
from qa_engine.index.collection import (
    CollectionPaths,
    embedding_identity,
    identity_description,
    identity_differences,
)
from qa_engine.index.records import FileRecord


@dataclass(frozen=True)
class CollectionView:
    """What the catalog of a collection says at one moment.

    Attributes:
        paths: where its parts are.
        files: by path.
        live: number of nodes of the live documents.
        unfinished: number of nodes of the documents that are being stored or deleted, by state and id.
        published, changes: see `Catalog`.
    """

    paths: CollectionPaths
    files: dict[str, FileRecord]
    live: dict[str, int]
    unfinished: dict[str, dict[str, int]]
    published: int
    changes: int

    @classmethod
    def of(cls, catalog: Catalog, paths: CollectionPaths) -> CollectionView:
        """Reads the catalog."""
        return cls(
            paths,
            catalog.files(),
            catalog.live_documents(),
            {state: dict(catalog.unfinished(state)) for state in ("writing", "stale")},
            catalog.published,
            catalog.changes,
        )

    @property
    def nodes(self) -> int:
        """Sentences of the live documents."""
        return sum(self.live.values())

    def files_of(self, document_ids: set[str]) -> list[FileRecord]:
        """The files of some documents, copies included."""
        return [record for record in self.files.values() if record.document_id in document_ids]


def check_soundness(paths: CollectionPaths, commands: Commands) -> Iterator[Check]:
    """Whether the catalog is there, whole, and of this version."""
    if not paths.catalog.is_file():
        message = f"There is no catalog at {paths.catalog}: the collection is lost."
        yield failed("catalog", message, commands.start_over())
        return
    if fault := find_sqlite_fault(paths.catalog):
        yield failed(
            "catalog",
            f"The catalog {paths.catalog} {fault.clause}.",
            commands.start_over() if fault.damaged else commands.for_fault(fault),
            may_lag=not fault.damaged,
        )
        return
    catalog = Catalog(paths.catalog)
    try:
        files, size = len(catalog.files()), paths.catalog.stat().st_size
    finally:
        catalog.close()
    yield ok("catalog", f"The catalog is sound: format {FORMAT}, {quantity(files, 'file')}, {size:,} bytes.")


def check_identity(
    catalog: Catalog,
    commands: Commands,
    config: Config,
    embed_model: BaseEmbedding | None,
) -> Iterator[Check]:
    """Whether the collection was embedded with the configured model."""
    stored = catalog.identity
    if stored is None:
        yield failed(
            "embedding", "No embedding is recorded: no file was ever ingested completely.", commands.ingest()
        )
        return
    configured = embedding_identity(config.embedding, embed_model)
    if different := identity_differences(configured, stored):
        yield failed(
            "embedding",
            f"The collection was embedded with {identity_description(stored, different)}, but the configuration says "
            f"{identity_description(configured, different)}: set [embedding] back, or embed the collection again.",
            commands.rebuild("--embedding"),
        )
        return
    yield ok("embedding", f"Embedded with {stored.get('model')!r}, as configured.")


def check_published(view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Whether readers see all that is stored."""
    if view.changes != view.published:
        yield failed(
            "published",
            f"Readers see state {view.published}, the catalog is at {view.changes}: a run has not ended, or was cut off.",
            commands.ingest(view.files.values()) if view.files else commands.rebuild(),
            may_lag=True,
        )
    elif not view.published:
        yield failed(
            "published", "Nothing was published yet: no run has ended.", commands.ingest(), may_lag=True
        )
    elif not Bm25Folder(view.paths.bm25).manifest(view.published).is_file():
        yield failed(
            "published",
            f"State {view.published} is published, but {Bm25Folder(view.paths.bm25).manifest(view.published)} is not there.",
            commands.rebuild(),
            may_lag=True,
        )
    else:
        yield ok("published", f"Readers see state {view.published}, the last one.")


def check_documents(view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Whether runs that were cut off left documents behind, and whether files and documents fit together."""
    owned = {record.document_id for record in view.files.values()}
    if lost := owned - view.live.keys():
        records = view.files_of(lost)
        yield failed(
            "documents",
            f"{quantity(len(records), 'file')} without a live document: {first_names(record.path for record in records)}.",
            commands.read_again(records),
            may_lag=True,
        )
        return
    if unowned := view.live.keys() - owned:
        yield failed(
            "documents",
            f"{quantity(len(unowned), 'live document')} that no file has: {first_names(sorted(unowned))}.",
            commands.start_over(view.files.values()),
            may_lag=True,
        )
        return
    descriptions = {"writing": "half stored", "stale": "replaced or removed, and not deleted yet"}
    left = [
        f"{quantity(len(documents), 'document')} {descriptions[state]} ({first_names(documents)})"
        for state, documents in view.unfinished.items()
        if documents
    ]
    if left:
        yield failed(
            "documents",
            f"There are {' and '.join(left)}: a run has not ended, or was cut off.",
            commands.ingest(view.files.values()),
            may_lag=True,
        )
        return
    yield ok(
        "documents",
        f"{quantity(len(view.live), 'document')}, {quantity(view.nodes, 'sentence')}, none unfinished.",
    )
