"""The lexical index of a collection on disk: segments, and a manifest for each published state."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tokenize import TokenError
from typing import Any

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.index.bm25.index import Bm25Index
from qa_engine.index.bm25.quantised_vectors import QuantisedVectors
from qa_engine.index.bm25.segment import Bm25Segment, StoredSegment
from qa_engine.index.disk.atomic_file import make_folder, write_atomically
from qa_engine.text.tokenizer import TOKENIZER_VERSION

_SEGMENTS = "segments"
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    ArithmeticError,
    MemoryError,
    SyntaxError,
    TokenError,
)
"""What reading damaged JSON, or an array whose header is damaged, can raise."""


class Bm25Folder:
    """The segments of a collection on disk, and a manifest for each published state.

    Segments are added and never changed; which of them make up a state, and which of their documents no longer count,
    stands in its manifest. So readers of one state are not disturbed by a writer of the next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def segment(self, name: str) -> Path:
        """The folder of a segment."""
        return self.folder / _SEGMENTS / name

    def manifest(self, published: int) -> Path:
        """The file that describes a state."""
        return self.folder / f"{published}.json"

    def load(self, published: int, config: Bm25Config | None = None) -> Bm25Index:
        """Opens a published state, with the saturation and the normalisation of the configuration.

        The number of neighbours that count was fixed when the segments were built.

        Raises:
            StorageError: the state is missing or damaged, or another tokenizer made it.
        """
        config = config or Bm25Config()
        facts, segments = self.segments(published)
        if facts.get("analyser") != TOKENIZER_VERSION:
            raise StorageError(
                f"The BM25 index in {self.folder} was made by the tokenizer {facts.get('analyser')}, this is "
                f"{TOKENIZER_VERSION}: run qa-engine rebuild, or qa-engine ingest once more on its files."
            )
        return Bm25Index(segments, config.k1, config.b)

    def segments(self, published: int) -> tuple[dict[str, Any], list[StoredSegment]]:
        """The content of the manifest of a state, and the segments of the state.

        Raises:
            StorageError: it is missing or damaged.
        """
        try:
            facts = json.loads(self.manifest(published).read_text(encoding="utf-8"))
            segments = [
                StoredSegment(
                    part["name"],
                    Bm25Segment.load(self.segment(part["name"])),
                    frozenset(part["dead"]),
                )
                for part in facts["segments"]
            ]
        except _DAMAGE as error:
            raise StorageError(
                f"The BM25 index in {self.folder} cannot be opened ({error}): run qa-engine rebuild, or qa-engine ingest "
                "once more on its files."
            ) from error
        return facts, segments

    def add(self, segment: Bm25Segment, vectors: QuantisedVectors | None = None) -> StoredSegment:
        """Writes a new segment, with the vectors of its sentences if they are given."""
        name = uuid.uuid4().hex[:16]
        path = self.segment(name)
        make_folder(path.parent)
        segment.save(path, vectors)
        return StoredSegment(name, Bm25Segment.load(path))

    def write_manifest(
        self, published: int, segments: Sequence[StoredSegment], context_sentences: int
    ) -> None:
        """Writes the manifest of a state; it appears complete or not at all."""
        facts = {
            "analyser": TOKENIZER_VERSION,
            "context_sentences": context_sentences,
            "segments": [{"name": stored.name, "dead": sorted(stored.dead)} for stored in segments],
        }
        path = self.manifest(published)
        make_folder(path.parent)
        write_atomically(path, json.dumps(facts))

    def delete_others(self, published: Iterable[int]) -> None:
        """Deletes the manifests of all other states, and the segments that no given state uses."""
        manifests = {self.manifest(number) for number in published}
        used: set[str] = set()
        for path in manifests:
            with suppress(OSError, ValueError, KeyError, TypeError):  # a damaged manifest uses nothing
                used.update(part["name"] for part in json.loads(path.read_text(encoding="utf-8"))["segments"])
        for path in self.folder.glob("*.json"):
            if path not in manifests:
                path.unlink(missing_ok=True)
        for path in (self.folder / _SEGMENTS).glob("*"):
            if path.name not in used:
                shutil.rmtree(path, ignore_errors=True)
