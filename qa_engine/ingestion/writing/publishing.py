"""Publishing: brings the BM25 index up to date, then records the number of the state that readers see."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.quantised_vectors import QuantisedVectors, joined
from qa_engine.index.bm25.segment import Bm25Segment, StoredSegment
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.stored_nodes import StoredNodes
from qa_engine.models.runtime.batching import bounded_groups
from qa_engine.text.tokenizer import TOKENIZER_VERSION

logger = logging.getLogger("qa_engine.ingestion")

_MAX_SENTENCES = 500_000
"""Sentences of one segment: bounds the memory of building one, about 2 GB for Chinese text."""
_SMALL_SEGMENT = 1000
"""Sentences up to which segments count as equally small."""
_FAN_OUT = 8
"""Segments of about one size that become one, which is then about so many times as large."""
_MAX_DEAD = 0.25
"""The share of a segment's sentences that may have been replaced or removed before it is written anew."""


def publish(
    catalog: Catalog,
    paths: CollectionPaths,
    settings: Bm25Config,
    progress: IngestProgress,
    nodes: StoredNodes,
    anew: bool = False,
) -> None:
    """Brings the BM25 index up to date and publishes the present state; nothing if it is published already.

    Documents that the last state lacks become a new segment, so a small run on a large collection costs little. Segments
    are merged as in a log-structured merge tree (O'Neil et al., 1996): each document is written again about as often as
    the collection has grown eightfold.

    Args:
        catalog, paths: the catalog of the collection, and the paths of its parts.
        settings: the number of neighbours that count for a sentence.
        progress: receives the stages of the run.
        nodes: the nodes of the collection, whose vectors stand beside their terms.
        anew: whether to write all segments again.

    Raises:
        StorageError: the index cannot be written.
    """
    if isinstance(catalog, SharedCatalog):
        _publish_shared(catalog, progress, anew)
        return
    folder = Bm25Folder(paths.bm25)
    current = None if anew else _current_segments(folder, catalog, settings)
    if current is not None and catalog.published == catalog.changes:
        return
    if catalog.published == catalog.changes:
        catalog.count_change()
    changes, previous = catalog.changes, catalog.published
    live = catalog.live_documents()
    progress.stage("building the BM25 index")
    try:
        segments = _update_segments(folder, catalog, current or [], live, settings.context_sentences, nodes)
        folder.write_manifest(changes, segments, settings.context_sentences)
        if anew:
            catalog.seal()
        catalog.publish()
        folder.delete_others([changes, previous])
        logger.info("published state %d: %d documents, %d BM25 segments", changes, len(live), len(segments))
    except OSError as error:
        raise StorageError(
            f"{paths.bm25} cannot be written ({error.strerror or error}): free some space."
        ) from error


def _publish_shared(catalog: SharedCatalog, progress: IngestProgress, anew: bool) -> None:
    """Publishes the state of a collection whose terms the search engine has already."""
    if catalog.published == catalog.changes and not anew and catalog.published:
        return
    if catalog.published == catalog.changes:
        catalog.count_change()
    progress.stage("publishing")
    published = catalog.publish()
    logger.info("published state %d: %d documents", published, len(catalog.live_documents()))


def _current_segments(
    folder: Bm25Folder, catalog: Catalog, settings: Bm25Config
) -> list[StoredSegment] | None:
    """The segments of the published state; None if there are none, or none that this tokenizer and these settings made."""
    try:
        facts, segments = folder.segments(catalog.published)
    except StorageError:
        return None
    made_with = (facts.get("analyser"), facts.get("context_sentences"))
    return segments if made_with == (TOKENIZER_VERSION, settings.context_sentences) else None


def _update_segments(
    folder: Bm25Folder,
    catalog: Catalog,
    current: Sequence[StoredSegment],
    live: dict[str, int],
    context_sentences: int,
    nodes: StoredNodes,
) -> list[StoredSegment]:
    """Segments that together hold the live documents, each once."""
    held = {name for stored in current for name in stored.segment.document_ids}
    fresh = [name for name in live if name not in held]
    segments = [
        replace(stored, dead=frozenset(stored.segment.document_ids).difference(live)) for stored in current
    ]
    sparse = [stored for stored in segments if _is_sparse(stored, live)]
    segments = [stored for stored in segments if stored not in sparse]
    documents = [*fresh, *(name for stored in sparse for name in stored.live)]
    sizes = [_sentences(stored.live, live) for stored in segments]
    merging = _segments_to_merge([*sizes, _sentences(documents, live)])
    merged = [segments[number] for number in sorted(merging)]
    documents += [name for stored in merged for name in stored.live]
    segments = [stored for stored in segments if stored not in merged]
    return segments + [
        folder.add(
            Bm25Segment.build(catalog.terms(part), context_sentences),
            _vectors({name: live[name] for name in part}, current, nodes),
        )
        for part in bounded_groups(documents, live.__getitem__, _MAX_SENTENCES)
    ]


def _vectors(
    documents: Mapping[str, int], current: Sequence[StoredSegment], nodes: StoredNodes
) -> QuantisedVectors | None:
    """The vectors of documents, given with the numbers of their sentences; None if not all of them are to be had."""
    known: dict[str, QuantisedVectors] = {}
    for stored in current:
        segment = stored.segment
        if segment.vectors is not None:
            borders = pairwise(segment.first_rows.tolist())
            known |= {
                name: segment.vectors.rows(first, end)
                for name, (first, end) in zip(segment.document_ids, borders, strict=True)
            }
    parts = []
    for name, count in documents.items():
        if not count:
            continue
        own = known.get(name)
        if own is None:
            vectors = nodes.vectors(name, count)
            if vectors is None:
                return None
            own = QuantisedVectors.of(vectors)
        parts.append(own)
    return joined(parts) if parts else None


def _is_sparse(stored: StoredSegment, live: dict[str, int]) -> bool:
    return _sentences(stored.live, live) < (1 - _MAX_DEAD) * len(stored.segment) or not stored.live


def _sentences(documents: Sequence[str], live: dict[str, int]) -> int:
    return sum(live[name] for name in documents)


def _segments_to_merge(sizes: Sequence[int]) -> set[int]:
    """The numbers of the segments that the new one, which is the last, is merged with: many of about its size."""
    merging: set[int] = set()
    size = sizes[-1]
    while True:
        similar = {
            number
            for number, other in enumerate(sizes[:-1])
            if number not in merging and _tier(other) <= _tier(size) and other + size <= _MAX_SENTENCES
        }
        if len(similar) < _FAN_OUT - 1:
            return merging
        for number in sorted(similar, key=lambda place: sizes[place]):
            if size + sizes[number] <= _MAX_SENTENCES:
                merging.add(number)
                size += sizes[number]


def _tier(size: int) -> int:
    return int(math.log(max(size, _SMALL_SEGMENT) / _SMALL_SEGMENT, _FAN_OUT))
