"""All checks of one collection, whatever state its parts are in."""

from __future__ import annotations

from collections.abc import Iterator

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Config
from qa_engine.diagnosis.catalog_checks import (
    CollectionView,
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
from qa_engine.diagnosis.storage_checks import check_permissions, check_writer, writer_of
from qa_engine.diagnosis.vector_checks import check_sentences, check_tokens, check_vectors
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import FileState, file_state


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
    before = writer_of(commands.root)
    permissions = commands.permit()
    checks = run_check("permissions", permissions, lambda: check_permissions(commands))
    checks += run_check("writer", permissions, lambda: check_writer(commands))
    paths = CollectionPaths(commands.root)
    sound = run_check("catalog", commands.start_over(), lambda: check_soundness(paths, commands))
    checks += sound
    if any(check.status == "failed" for check in sound):
        # Without the catalog nothing tells what the other parts should hold.
        return list(as_writer_lag(checks, before.owner)) if before.at_work else checks
    try:
        catalog = Catalog(paths.catalog)
    except StorageError as error:
        return [*checks, Check("catalog", "failed", str(error), commands.doctor())]
    try:
        view = CollectionView.of(catalog, paths)
        checks += _check_parts(catalog, view, commands, config, embed_model, server)
        moved = (catalog.published, catalog.changes) != (view.published, view.changes)
    except Exception as error:  # noqa: BLE001 - values that no version writes
        return [*checks, Check("catalog", "failed", error_sentence(error), commands.start_over())]
    finally:
        catalog.close()
    after = writer_of(commands.root)
    if before.at_work or after.at_work or moved:
        owner = after.owner if after.at_work else before.owner if before.at_work else "Another process"
        return list(as_writer_lag(checks, owner))
    return checks


def _check_parts(
    catalog: Catalog,
    view: CollectionView,
    commands: Commands,
    config: Config,
    embed_model: BaseEmbedding | None,
    server: bool,
) -> list[Check]:
    anew, again = commands.start_over(view.files.values()), commands.rebuild()
    return [
        *run_check("embedding", anew, lambda: check_identity(catalog, commands, config, embed_model)),
        *run_check("published", again, lambda: check_published(view, commands)),
        *run_check("documents", anew, lambda: check_documents(view, commands)),
        *run_check("sentences", anew, lambda: check_sentences(catalog, view, commands)),
        *run_check("terms", again, lambda: check_terms(catalog, view, commands)),
        *run_check("bm25", again, lambda: check_bm25(view, commands, config.bm25)),
        *run_check("vectors", anew, lambda: check_vectors(catalog, view, commands, config.index, server)),
        *run_check("token_vectors", anew, lambda: check_tokens(catalog, view, commands)),
        *run_check("files", anew, lambda: check_files(view, commands)),
    ]


def check_files(view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Which files are gone, or have changed, since they were ingested. Answers come from what was ingested."""
    states: dict[FileState, list[FileRecord]] = {}
    for record in view.files.values():
        states.setdefault(file_state(record), []).append(record)
    gone, changed = states.get("gone", []), states.get("changed", [])
    descriptions = [
        f"{len(records)} {state} ({first_names(record.path for record in records)})"
        for state, records in states.items()
        if state != "unchanged"
    ]
    if not descriptions:
        yield ok("files", f"{quantity(len(view.files), 'file')} as ingested.")
        return
    repairs = [commands.delete(gone)] * bool(gone) + [commands.ingest(changed)] * bool(changed)
    many = quantity(len(view.files), "file")
    yield warning("files", f"Of {many}: {'; '.join(descriptions)}.", " && ".join(repairs) or None)
