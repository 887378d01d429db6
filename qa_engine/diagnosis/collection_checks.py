"""One collection: all of its parts, one after the other, whatever state they are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import Bm25Config, Config
from qa_engine.diagnosis.catalog_checks import (
    CollectionView,
    check_analyser,
    check_documents,
    check_identity,
    check_published,
    check_soundness,
)
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import (
    Check,
    behind_a_writer,
    counted,
    failed,
    guarded,
    ok,
    some_of,
    unexpected,
    warning,
)
from qa_engine.diagnosis.storage_checks import check_permissions, check_writer, writer_of
from qa_engine.diagnosis.vector_checks import check_sentences, check_tokens, check_vectors
from qa_engine.errors import StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.segment import StoredSegment
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import FileState, file_state
from qa_engine.text.tokenizer import TOKENIZER_VERSION


def check_bm25(view: CollectionView, commands: Commands, config: Bm25Config) -> Iterator[Check]:
    """Whether the published BM25 index can be opened, and holds the sentences of the live documents."""
    again = commands.rebuild()
    folder = Bm25Folder(view.paths.bm25)
    if not folder.manifest(view.published).is_file():
        message = f"There is no BM25 index of the published state {view.published} in {folder.folder}."
        yield failed("bm25", message, again, may_lag=True)
        return
    try:
        facts, segments = folder.segments(view.published)
    except StorageError as error:
        yield failed("bm25", str(error), again, may_lag=True)
        return
    if facts.get("analyser") != TOKENIZER_VERSION:
        yield failed(
            "bm25",
            f"The BM25 index was made by the analyser {facts.get('analyser')}, this is {TOKENIZER_VERSION}.",
            again,
        )
        return
    if torn := [stored.name for stored in segments if _is_torn(stored)]:
        yield failed("bm25", f"BM25 segments are damaged: {some_of(torn)}.", again)
        return
    if view.published == view.changes:
        wrong = _differences(segments, view)
        if wrong:
            yield failed("bm25", f"BM25 and the catalog disagree: {'; '.join(wrong)}.", again, may_lag=True)
            return
    sentences = sum(_sizes(segments).values())
    if facts.get("context_sentences") != config.context_sentences:
        yield warning(
            "bm25",
            f"The BM25 index counts {facts.get('context_sentences')} neighbours for a sentence, the configuration says "
            f"{config.context_sentences} (bm25.context_sentences): the next ingest writes it anew.",
            again,
        )
        return
    many = counted(len(segments), "segment")
    yield ok("bm25", f"{counted(sentences, 'sentence')} in {many}, those of the published state.")


def _is_torn(stored: StoredSegment) -> bool:
    """Whether the arrays of a segment do not fit together."""
    segment = stored.segment
    rows = len(segment)
    return bool(
        len(segment.lengths) != rows
        or len(segment.rows) != len(segment.counts)
        or int(segment.starts[-1]) != len(segment.rows)
        or (np.diff(segment.first_rows) < 0).any()
        or (np.diff(segment.starts.astype(np.int64)) < 0).any()
        or (len(segment.rows) and int(np.max(segment.rows)) >= rows)
    )


def _sizes(segments: Sequence[StoredSegment]) -> dict[str, int]:
    """The sentences of the documents that count."""
    sizes = {}
    for stored in segments:
        counts = np.diff(stored.segment.first_rows)
        held = dict(zip(stored.segment.document_ids, counts, strict=True))
        sizes.update({name: int(held[name]) for name in stored.live})
    return sizes


def _differences(segments: Sequence[StoredSegment], view: CollectionView) -> list[str]:
    sizes = _sizes(segments)
    twice = [
        name for name, times in Counter(name for one in segments for name in one.live).items() if times > 1
    ]
    missing = view.live.keys() - sizes.keys()
    extra = sizes.keys() - view.live.keys()
    uneven = [name for name in sizes.keys() & view.live.keys() if sizes[name] != view.live[name]]
    paths = [record.path for record in view.files_of(missing)]
    differences = []
    if missing:
        differences.append(
            f"{counted(len(missing), 'document')} missing ({some_of(paths or sorted(missing))})"
        )
    if extra:
        differences.append(f"{counted(len(extra), 'document')} that are not live ({some_of(sorted(extra))})")
    if twice:
        differences.append(
            f"{counted(len(twice), 'document')} in several segments ({some_of(sorted(twice))})"
        )
    if uneven:
        counts = [
            f"{name}: {sizes[name]} sentences, {view.live[name]} in the catalog" for name in sorted(uneven)
        ]
        differences.append(f"{counted(len(uneven), 'document')} of another length ({some_of(counts)})")
    return differences


def check_files(view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Which files are gone, or have changed, since they were ingested. Answers come from what was ingested."""
    states: dict[FileState, list[FileRecord]] = {}
    for record in view.files.values():
        states.setdefault(file_state(record), []).append(record)
    gone, changed = states.get("gone", []), states.get("changed", [])
    descriptions = [
        f"{len(records)} {state} ({some_of(record.path for record in records)})"
        for state, records in states.items()
        if state != "unchanged"
    ]
    if not descriptions:
        yield ok("files", f"{counted(len(view.files), 'file')} as ingested.")
        return
    repairs = [commands.delete(gone)] * bool(gone) + [commands.ingest(changed)] * bool(changed)
    many = counted(len(view.files), "file")
    yield warning("files", f"Of {many}: {'; '.join(descriptions)}.", " && ".join(repairs) or None)


def check_collection(
    commands: Commands, config: Config, embed_model: BaseEmbedding | None = None, server: bool = True
) -> list[Check]:
    """All checks of a collection.

    Args:
        commands: that mend it.
        config: the settings that it is used with.
        embed_model: instead of the configured one.
        server: whether the Chroma server, if there is one, can be reached.
    """
    before = writer_of(commands.root)
    permissions = commands.permit()
    checks = guarded("permissions", permissions, lambda: check_permissions(commands))
    checks += guarded("writer", permissions, lambda: check_writer(commands))
    paths = CollectionPaths(commands.root)
    sound = guarded("catalog", commands.start_over(), lambda: check_soundness(paths, commands))
    checks += sound
    if any(check.status == "failed" for check in sound):
        # Without the catalog nothing tells what the other parts should hold.
        return list(behind_a_writer(checks, before.owner)) if before.at_work else checks
    try:
        catalog = Catalog(paths.catalog)
    except StorageError as error:
        return [*checks, Check("catalog", "failed", str(error), commands.look_again())]
    try:
        view = CollectionView.of(catalog, paths)
        checks += _parts(catalog, view, commands, config, embed_model, server)
        moved = (catalog.published, catalog.changes) != (view.published, view.changes)
    except Exception as error:  # noqa: BLE001 - values that no version writes
        return [*checks, Check("catalog", "failed", unexpected(error), commands.start_over())]
    finally:
        catalog.close()
    after = writer_of(commands.root)
    if before.at_work or after.at_work or moved:
        owner = after.owner if after.at_work else before.owner if before.at_work else "Another process"
        return list(behind_a_writer(checks, owner))
    return checks


def _parts(
    catalog: Catalog,
    view: CollectionView,
    commands: Commands,
    config: Config,
    embed_model: BaseEmbedding | None,
    server: bool,
) -> list[Check]:
    anew, again = commands.start_over(view.files.values()), commands.rebuild()
    return [
        *guarded("embedding", anew, lambda: check_identity(catalog, commands, config, embed_model)),
        *guarded("published", again, lambda: check_published(view, commands)),
        *guarded("documents", anew, lambda: check_documents(view, commands)),
        *guarded("sentences", anew, lambda: check_sentences(catalog, view, commands)),
        *guarded("terms", again, lambda: check_analyser(catalog, view, commands)),
        *guarded("bm25", again, lambda: check_bm25(view, commands, config.bm25)),
        *guarded("vectors", anew, lambda: check_vectors(catalog, view, commands, config.index, server)),
        *guarded("token_vectors", anew, lambda: check_tokens(catalog, view, commands)),
        *guarded("files", anew, lambda: check_files(view, commands)),
    ]
