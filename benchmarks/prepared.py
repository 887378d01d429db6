"""Files that are read already, and vectors that cost nothing: so that a benchmark measures storing alone."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import DocumentsConfig
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.processes.parsing_pool import ParsingPool, reading_options

_DIMENSION = 384


def prepare(folder: Path) -> None:
    """Reads the PDFs of a folder, and puts what was read of each beside it."""
    options = reading_options(DocumentsConfig(ocr="never"))
    for path in folder.glob("*.pdf"):
        path.with_suffix(".read").write_bytes(pickle.dumps(read_pdf(path, options)))


def use_prepared() -> None:
    """From now on, this process takes what is beside a PDF instead of reading it."""

    def parse_one(self: ParsingPool, path: Path) -> ParsedPdf:
        parsed: ParsedPdf = pickle.loads(path.with_suffix(".read").read_bytes())
        return parsed

    def parse(
        self: ParsingPool, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Path, ParsedPdf]]:
        for path in paths:
            yield path, parse_one(self, path)

    ParsingPool.parse_one = parse_one  # type: ignore[method-assign]
    ParsingPool.parse = parse  # type: ignore[method-assign, assignment]
    ParsingPool.begin = lambda self, paths: None  # type: ignore[method-assign]


class QuickEmbedding(BaseEmbedding):
    """Vectors of random numbers, the same for the same text.

    Attributes:
        reads: whether Ray workers read files; else they take what was read beforehand.
    """

    reads: bool = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if not self.reads:
            use_prepared()  # on a Ray worker

    def _vector(self, text: str) -> list[float]:
        seed = zlib.crc32(text.encode("utf-8", "replace"))
        vector = np.random.default_rng(seed).standard_normal(_DIMENSION, np.float32)
        unit: list[float] = (vector / np.linalg.norm(vector)).tolist()
        return unit

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vector(text)
