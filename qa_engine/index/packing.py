"""Parts of documents as the catalog stores them: compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from qa_engine.documents.blocks import Span


def pack_spans(spans: Sequence[Span]) -> bytes:
    """The places of lines, to a tenth of a point."""
    return zlib.compress(json.dumps([_rounded(span) for span in spans]).encode())


def unpack_spans(packed: bytes | None) -> list[Span]:
    """What `pack_spans` packed; none for nothing."""
    return [Span(*values) for values in json.loads(zlib.decompress(packed))] if packed is not None else []


def pack_texts(texts: Sequence[str]) -> bytes | None:
    """Some texts, or nothing for none."""
    return zlib.compress(json.dumps(list(texts), ensure_ascii=False).encode()) if texts else None


def unpack_texts(packed: bytes | None) -> list[str]:
    """What `pack_texts` packed."""
    texts: list[str] = json.loads(zlib.decompress(packed)) if packed is not None else []
    return texts


def pack_terms(sentences: Sequence[Sequence[str]]) -> bytes:
    """The terms of sentences, which hold no blanks."""
    return zlib.compress("\n".join(" ".join(sentence) for sentence in sentences).encode(), 1)


def unpack_terms(packed: bytes) -> list[list[str]]:
    """What `pack_terms` packed."""
    return [line.split() for line in zlib.decompress(packed).decode().split("\n")]


def _rounded(span: Span) -> list[float]:
    return [span.start, span.end, span.page, *(round(x, 1) for x in (span.x0, span.y0, span.x1, span.y1))]
