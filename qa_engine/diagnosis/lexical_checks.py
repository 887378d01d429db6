"""The BM25 terms and the BM25 index of a collection against what its catalog says of its documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from qa_engine.config import Bm25Config
from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, warning
from qa_engine.errors import StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.segment import StoredSegment
from qa_engine.index.catalog import TERMS_TOKENIZER, Catalog
from qa_engine.text.tokenizer import TOKENIZER_VERSION


def check_terms(catalog: Catalog, view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Whether the BM25 terms of the catalog are those of this version."""
    made_by = catalog.meta(TERMS_TOKENIZER)
    if made_by != TOKENIZER_VERSION and view.live:
        yield failed(
            "terms",
            f"The BM25 terms of the catalog were made by the tokenizer {made_by}, this is {TOKENIZER_VERSION}.",
            commands.rebuild(),
        )
    else:
        yield ok("terms", f"The BM25 terms are those of this version ({TOKENIZER_VERSION}).")


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
            f"The BM25 index was made by the tokenizer {facts.get('analyser')}, this is {TOKENIZER_VERSION}.",
            again,
        )
        return
    if torn := [stored.name for stored in segments if _is_torn(stored)]:
        yield failed("bm25", f"BM25 segments are damaged: {first_names(torn)}.", again)
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
    many = quantity(len(segments), "segment")
    yield ok("bm25", f"{quantity(sentences, 'sentence')} in {many}, those of the published state.")


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
            f"{quantity(len(missing), 'document')} missing ({first_names(paths or sorted(missing))})"
        )
    if extra:
        differences.append(
            f"{quantity(len(extra), 'document')} that are not live ({first_names(sorted(extra))})"
        )
    if twice:
        differences.append(
            f"{quantity(len(twice), 'document')} in several segments ({first_names(sorted(twice))})"
        )
    if uneven:
        counts = [
            f"{name}: {sizes[name]} sentences, {view.live[name]} in the catalog" for name in sorted(uneven)
        ]
        differences.append(f"{quantity(len(uneven), 'document')} of another length ({first_names(counts)})")
    return differences
