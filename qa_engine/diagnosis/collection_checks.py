"""All checks of one collection, whatever state its parts are in."""

from __future__ import annotations

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.diagnosis.catalog_checks import (
    CollectionView,
    check_calibration,
    check_documents,
    check_identity,
    check_published,
    check_soundness,
)
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.lexical_checks import check_bm25, check_terms
from qa_engine.diagnosis.report import (
    Check,
    as_writer_lag,
    error_sentence,
    first_names,
    ok,
    quantity,
    run_check,
    warning,
)
from qa_engine.diagnosis.shared_collection import (
    SharedCollection,
    check_lease,
    check_log,
    check_replica,
    fresh_catalog,
    registered_collection,
)
from qa_engine.diagnosis.shared_collection import writer_of as lease_owner
from qa_engine.diagnosis.shared_parts_checks import (
    check_contents,
    check_indices,
    check_shared_files,
    check_shared_published,
    check_shared_sentences,
    check_shared_terms,
    check_shared_tokens,
)
from qa_engine.diagnosis.storage_checks import check_permissions, check_writer, writer_of
from qa_engine.diagnosis.vector_checks import check_sentences, check_tokens, check_vectors
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.files.state import FileState, file_state
from qa_engine.ingestion.files.uploads import is_upload


def check_collection(
    commands: Commands, config: Config, embed_model: BaseEmbedding | None = None, server: bool = True
) -> list[Check]:
    """All checks of a collection.

    Args:
        commands: the commands that mend the collection.
        config: the settings that the collection is used with.
        embed_model: replaces the model of the configuration.
        server: whether the Chroma server, if there is one, can be reached.
    """
    paths, before = CollectionPaths(commands.root), writer_of(commands.root)
    checks = [
        run_check("permissions", commands.permit(), check_permissions, commands),
        run_check("writer", commands.permit(), check_writer, commands),
        run_check("catalog", commands.start_over(), check_soundness, paths, commands),
    ]
    if checks[-1].status == "failed":
        # Without the catalog nothing tells what the other parts should hold.
        return [as_writer_lag(check, before.owner) for check in checks] if before.at_work else checks
    try:
        catalog = Catalog(paths.catalog)
    except StorageError as error:
        return [*checks, Check("catalog", "failed", str(error), commands.doctor())]
    try:
        view = CollectionView.of(catalog, commands)
        checks += _check_parts(view, config, embed_model, server)
        moved = (catalog.published, catalog.changes) != (view.published, view.changes)
    except Exception as error:  # noqa: BLE001 - values that no version writes
        return [*checks, Check("catalog", "failed", error_sentence(error), commands.start_over())]
    finally:
        catalog.close()
    after = writer_of(commands.root)
    if before.at_work or after.at_work or moved:
        owner = after.owner if after.at_work else before.owner if before.at_work else "Another process"
        return [as_writer_lag(check, owner) for check in checks]
    return checks


def check_shared_collection(
    commands: Commands, config: Config, embed_model: BaseEmbedding | None = None, server: bool = True
) -> list[Check]:
    """All checks of a collection in a search engine, which answers. Arguments as for `check_collection`."""
    again = commands.doctor()
    shared = registered_collection(commands, config)
    if shared is None:
        return [Check("catalog", "failed", "The search engine has no such collection.", commands.ingest())]
    before = lease_owner(shared)
    checks = [
        run_check("writer", again, check_lease, shared),
        run_check("indices", shared.snapshots(), check_indices, shared),
        run_check("catalog", shared.snapshots(), check_log, shared),
    ]
    if any(check.status == "failed" for check in checks):
        return [as_writer_lag(check, before.owner) for check in checks] if before.at_work else checks
    with fresh_catalog(shared) as catalog:
        view = CollectionView.of(catalog, commands)
        checks += _check_shared_parts(shared, view, catalog, embed_model, server)
        catalog.synchronise()
        moved = (catalog.published, catalog.changes) != (view.published, view.changes)
    after = lease_owner(shared)
    if before.at_work or after.at_work or moved:
        owner = after.owner if after.at_work else before.owner if before.at_work else "Another process"
        return [as_writer_lag(check, owner) for check in checks]
    return checks


def _check_shared_parts(
    shared: SharedCollection,
    view: CollectionView,
    catalog: SharedCatalog,
    embed_model: BaseEmbedding | None,
    server: bool,
) -> list[Check]:
    anew, again, config = view.start_over(), view.commands.rebuild(), shared.config
    return [
        run_check("replica", view.commands.doctor(), check_replica, shared, catalog),
        run_check("embedding", anew, check_identity, view, config, embed_model),
        run_check("calibration", view.commands.calibrate(), check_calibration, view, config, embed_model),
        run_check("published", again, check_shared_published, view, catalog),
        run_check("documents", anew, check_documents, view),
        run_check("sentences", anew, check_shared_sentences, shared, view, catalog),
        run_check("contents", anew, check_contents, shared, view, catalog),
        run_check("terms", again, check_shared_terms, shared, view, catalog),
        run_check("vectors", anew, check_vectors, view, config.index, server),
        run_check("token_vectors", anew, check_shared_tokens, shared, view, catalog),
        run_check("files", anew, check_shared_files, view),
    ]


def _check_parts(
    view: CollectionView, config: Config, embed_model: BaseEmbedding | None, server: bool
) -> list[Check]:
    anew, again = view.start_over(), view.commands.rebuild()
    return [
        run_check("embedding", anew, check_identity, view, config, embed_model),
        run_check("calibration", view.commands.calibrate(), check_calibration, view, config, embed_model),
        run_check("published", again, check_published, view),
        run_check("documents", anew, check_documents, view),
        run_check("sentences", anew, check_sentences, view),
        run_check("terms", again, check_terms, view),
        run_check("bm25", again, check_bm25, view, config.bm25),
        run_check("vectors", anew, check_vectors, view, config.index, server),
        run_check("token_vectors", anew, check_tokens, view),
        run_check("files", anew, check_files, view),
    ]


def check_files(view: CollectionView) -> Check:
    """Which files are gone, or have changed, since they were ingested. Answers come from what was ingested."""
    states: dict[FileState, list[FileRecord]] = {}
    for record in view.files.values():
        states.setdefault(file_state(record, view.commands.storage), []).append(record)
    descriptions = [
        f"{len(records)} {state} ({first_names(record.path for record in records)})"
        for state, records in states.items()
        if state != "unchanged"
    ]
    many = quantity(len(view.files), "file")
    if not descriptions:
        return ok(f"{many} as ingested.")
    repairs = []
    # Nothing but a fault of the disk changes an upload: it has to be uploaded again.
    lost = [record for record in states.get("changed", ()) if is_upload(record.path)]
    if gone := [*states.get("gone", ()), *lost]:
        repairs.append(view.commands.delete(gone))
    if changed := [record for record in states.get("changed", ()) if record not in lost]:
        repairs.append(view.commands.ingest(changed))
    return warning(f"Of {many}: {'; '.join(descriptions)}.", " && ".join(repairs) or None)
