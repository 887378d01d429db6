"""The BM25 terms and the BM25 index of a collection against what its catalog says of its documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from qa_engine.config import Bm25Config
from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, warning
from qa_engine.errors import StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.segment import StoredSegment, damaged_files
from qa_engine.index.catalog import TERMS_TOKENIZER
from qa_engine.text.tokenizer import TOKENIZER_VERSION


def check_terms(view: CollectionView) -> Check:
    """Whether the BM25 terms of the catalog are those of this version."""
    made_by = view.catalog.meta(TERMS_TOKENIZER)
    if made_by != TOKENIZER_VERSION and view.live:
        return failed(
            f"The BM25 terms of the catalog were made by the tokenizer {made_by}, this is {TOKENIZER_VERSION}.",
            view.commands.rebuild(),
        )
    return ok(f"The BM25 terms are those of this version ({TOKENIZER_VERSION}).")


def check_bm25(view: CollectionView, config: Bm25Config) -> Check:
    """Whether the published BM25 index can be opened, and holds the sentences of the live documents."""
    again = view.commands.rebuild()
    folder = Bm25Folder(view.paths.bm25)
    if not folder.manifest(view.published).is_file():
        message = f"There is no BM25 index of the published state {view.published} in {folder.folder}."
        return failed(message, again, may_lag=True)
    try:
        facts, segments = folder.segments(view.published)
    except StorageError as error:
        return failed(str(error), again, may_lag=True)
    analyser, neighbours = facts.get("analyser"), facts.get("context_sentences")
    if analyser != TOKENIZER_VERSION:
        message = f"The BM25 index was made by the tokenizer {analyser}, this is {TOKENIZER_VERSION}."
        return failed(message, again)
    damaged = {stored.name: damaged_files(folder.segment(stored.name)) for stored in segments}
    if torn := [stored.name for stored in segments if damaged[stored.name] or _is_torn(stored)]:
        return failed(f"BM25 segments are damaged: {first_names(torn)}.", again, may_lag=True)
    if view.published == view.changes and (wrong := _differences(segments, view)):
        return failed(f"BM25 and the catalog disagree: {'; '.join(wrong)}.", again, may_lag=True)
    if neighbours != config.context_sentences:
        return warning(
            f"The BM25 index counts {neighbours} neighbours for a sentence, the configuration says "
            f"{config.context_sentences} (bm25.context_sentences): the next ingest writes it anew.",
            again,
        )
    if unproved := [name for name, files in damaged.items() if files is None]:
        return warning(
            f"{quantity(len(unproved), 'BM25 segment')} of an earlier version, without checksums that show damage.",
            again,
        )
    sentences = quantity(sum(_sizes(segments).values()), "sentence")
    return ok(f"{sentences} in {quantity(len(segments), 'segment')}, those of the published state.")


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
    """The number of sentences of each document that counts."""
    sizes = {}
    for stored in segments:
        counts = np.diff(stored.segment.first_rows)
        held = dict(zip(stored.segment.document_ids, counts, strict=True))
        sizes.update({name: int(held[name]) for name in stored.live})
    return sizes


def _differences(segments: Sequence[StoredSegment], view: CollectionView) -> list[str]:
    """A clause about each way in which the segments and the catalog disagree."""
    sizes = _sizes(segments)
    times = Counter(name for stored in segments for name in stored.live)
    missing = sorted(view.live.keys() - sizes.keys())
    extra = sorted(sizes.keys() - view.live.keys())
    twice = sorted(name for name in times if times[name] > 1)
    uneven = sorted(name for name in sizes.keys() & view.live.keys() if sizes[name] != view.live[name])
    paths = [record.path for record in view.files_of(missing)]
    lengths = [f"{name}: {sizes[name]} sentences, {view.live[name]} in the catalog" for name in uneven]
    kinds = (
        (missing, "missing", paths or missing),
        (extra, "that are not live", extra),
        (twice, "in several segments", twice),
        (uneven, "of another length", lengths),
    )
    return [
        f"{quantity(len(documents), 'document')} {what} ({first_names(names)})"
        for documents, what, names in kinds
        if documents
    ]
