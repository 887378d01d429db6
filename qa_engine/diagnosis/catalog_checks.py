"""Checks of the catalog of a collection, and of the states and documents that it records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.answering.refusal.calibration import stored_calibration
from qa_engine.assembly import built_in_calibration
from qa_engine.config import LOCAL, Config
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, warning
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
from qa_engine.retrieval.reranking.rerank import LATE_INTERACTION


@dataclass(frozen=True)
class CollectionView:
    """What the catalog of a collection says at one moment.

    Attributes:
        catalog: to look further.
        commands: mend the collection.
        paths: where its parts are.
        files: by path.
        live: number of nodes of the live documents.
        unfinished: number of nodes of the documents that are being stored or deleted, by state and id.
        published, changes: see `Catalog`.
    """

    catalog: Catalog
    commands: Commands
    paths: CollectionPaths
    files: dict[str, FileRecord]
    live: dict[str, int]
    unfinished: dict[str, dict[str, int]]
    published: int
    changes: int

    @classmethod
    def of(cls, catalog: Catalog, commands: Commands) -> CollectionView:
        """Reads the catalog."""
        return cls(
            catalog,
            commands,
            CollectionPaths(commands.root),
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

    def files_of(self, document_ids: Iterable[str]) -> list[FileRecord]:
        """The files of some documents, copies included."""
        wanted = set(document_ids)
        return [record for record in self.files.values() if record.document_id in wanted]

    def start_over(self) -> str:
        """The command that makes the collection anew from its files."""
        return self.commands.start_over(self.files.values())


def check_soundness(paths: CollectionPaths, commands: Commands) -> Check:
    """Whether the catalog is there, whole, and of this version."""
    if not paths.catalog.is_file():
        return failed(
            f"There is no catalog at {paths.catalog}: the collection is lost.", commands.start_over()
        )
    if fault := find_sqlite_fault(paths.catalog):
        repair = commands.start_over() if fault.damaged else commands.for_fault(fault)
        return failed(f"The catalog {paths.catalog} {fault.clause}.", repair, may_lag=not fault.damaged)
    catalog = Catalog(paths.catalog)
    try:
        files, size = len(catalog.files()), paths.catalog.stat().st_size
    finally:
        catalog.close()
    return ok(f"The catalog is sound: format {FORMAT}, {quantity(files, 'file')}, {size:,} bytes.")


def check_identity(view: CollectionView, config: Config, embed_model: BaseEmbedding | None) -> Check:
    """Whether the collection was embedded with the configured model."""
    stored = view.catalog.identity
    if stored is None:
        return failed(
            "No embedding is recorded: no file was ever ingested completely.", view.commands.ingest()
        )
    configured = embedding_identity(config.embedding, embed_model)
    if different := identity_differences(configured, stored):
        return failed(
            f"The collection was embedded with {identity_description(stored, different)}, but the configuration says "
            f"{identity_description(configured, different)}: set [embedding] back, or embed the collection again.",
            view.commands.rebuild("--embedding"),
        )
    return ok(f"Embedded with {stored.get('model')!r}, as configured.")


def check_calibration(view: CollectionView, config: Config, embed_model: BaseEmbedding | None) -> Check:
    """Whether questions can be refused for what the passages say: by the calibration of qa_engine or of the collection."""
    reranker = LATE_INTERACTION if config.rerank.model == LOCAL else config.rerank.model
    if stored_calibration(view.catalog, reranker) is not None:
        return ok("Questions are refused by the calibration of the collection.")
    if embed_model is not None:
        return ok(
            "Skipped: an engine with a model of your own says when it is opened whether questions are refused."
        )
    if built_in_calibration(config) is not None:
        return ok("Questions are refused by the calibration that comes with qa_engine.")
    return warning(
        "No calibration holds for these models, so no question is refused because passages do not hold the answer.",
        view.commands.calibrate(),
    )


def check_published(view: CollectionView) -> Check:
    """Whether readers see all that is stored."""
    commands, published = view.commands, view.published
    if view.changes != published:
        message = f"Readers see state {published}, the catalog is at {view.changes}: a run has not ended, or was cut off."
        repair = commands.ingest(view.files.values()) if view.files else commands.rebuild()
        return failed(message, repair, may_lag=True)
    if not published:
        return failed("Nothing was published yet: no run has ended.", commands.ingest(), may_lag=True)
    manifest = Bm25Folder(view.paths.bm25).manifest(published)
    if not manifest.is_file():
        message = f"State {published} is published, but {manifest} is not there."
        return failed(message, commands.rebuild(), may_lag=True)
    return ok(f"Readers see state {published}, the last one.")


def check_documents(view: CollectionView) -> Check:
    """Whether runs that were cut off left documents behind, and whether files and documents fit together."""
    owned = {record.document_id for record in view.files.values()}
    if lost := owned - view.live.keys():
        records = view.files_of(lost)
        paths = first_names(record.path for record in records)
        message = f"{quantity(len(records), 'file')} without a live document: {paths}."
        return failed(message, view.commands.read_again(records), may_lag=True)
    if unowned := view.live.keys() - owned:
        message = (
            f"{quantity(len(unowned), 'live document')} that no file has: {first_names(sorted(unowned))}."
        )
        return failed(message, view.start_over(), may_lag=True)
    descriptions = {"writing": "half stored", "stale": "replaced or removed, and not deleted yet"}
    left = [
        f"{quantity(len(documents), 'document')} {descriptions[state]} ({first_names(documents)})"
        for state, documents in view.unfinished.items()
        if documents
    ]
    if left:
        message = f"There are {' and '.join(left)}: a run has not ended, or was cut off."
        return failed(message, view.commands.ingest(view.files.values()), may_lag=True)
    return ok(f"{quantity(len(view.live), 'document')}, {quantity(view.nodes, 'sentence')}, none unfinished.")
