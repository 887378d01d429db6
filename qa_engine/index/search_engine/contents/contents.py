"""What a document is made of besides its sentences, in a search engine: places of lines, tables and sections."""

from __future__ import annotations

import base64
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qa_engine.forks import RenewedLock
from qa_engine.index.records import DocumentParts, pack_spans, pack_texts, unpack_texts
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.registry import RegisteredCollection

_COLUMNS = ("spans", "tables", "sections")
_CACHED = 64
"""Documents whose contents are kept in memory: those of the passages that are being cited."""
_EXPECTED = 1000
"""Documents of which it is known with which others they will be asked for."""
_PAGE = 500


class ContentIndex:
    """The index of the contents of documents, by their numbers. Thread-safe.

    What a number stands for never changes, so that what was read can be kept.
    """

    def __init__(self, engine: SearchEngine, collection: RegisteredCollection) -> None:
        self.engine = engine
        self.index = collection.documents
        self._cache: OrderedDict[int, dict[str, bytes]] = OrderedDict()
        self._expected: OrderedDict[int, tuple[int, ...]] = OrderedDict()
        self._lock = RenewedLock()

    def put(self, number: int, parts: DocumentParts) -> None:
        """Stores the contents of a document."""
        packed = {
            "spans": pack_spans(parts.spans),
            "tables": pack_texts(parts.tables),
            "sections": pack_texts(parts.sections),
        }
        source: dict[str, Any] = {"number": number}
        source |= {
            name: base64.b64encode(content).decode()
            for name, content in packed.items()
            if content is not None
        }
        self.engine.request("PUT", f"/{self.index}/_doc/{number}", source)

    def get(self, number: int, column: str) -> bytes | None:
        """One of ``spans``, ``tables`` and ``sections``, packed; None if the document has none."""
        with self._lock:
            contents = self._cache.get(number)
            together = [one for one in self._expected.get(number, (number,)) if one not in self._cache]
        if contents is None:
            sources = self.engine.get_many(self.index, list(map(str, together)), realtime=True)
            fresh = {
                one: _decoded(source)
                for one, source in zip(together, sources, strict=True)
                if source is not None
            }
            with self._lock:
                self._cache |= fresh
                while len(self._cache) > _CACHED:
                    self._cache.popitem(last=False)
            contents = fresh.get(number, {})
        return contents.get(column)

    def expect(self, numbers: Iterable[int]) -> None:
        """Says that `get` may be called for these numbers: the first time that it is, all of them are read."""
        together = tuple(sorted(numbers)[:_CACHED])
        with self._lock:
            self._expected |= dict.fromkeys(together, together)
            while len(self._expected) > _EXPECTED:
                self._expected.popitem(last=False)

    def sections(self) -> Iterator[tuple[int, list[str]]]:
        """The number and the sections of every document that has some."""
        order, wanted = [{"number": "asc"}], ["number", "sections"]
        for hit in self.engine.hits(self.index, {"size": _PAGE, "sort": order, "_source": wanted}):
            contents = _decoded(hit["_source"])
            if "sections" in contents:
                yield hit["_source"]["number"], unpack_texts(contents["sections"])

    def damaged(self, numbers: Sequence[int]) -> set[int]:
        """Those of the documents whose contents are missing, or cannot be read."""
        wrong: set[int] = set()
        for start in range(0, len(numbers), _PAGE):
            part = numbers[start : start + _PAGE]
            sources = self.engine.get_many(self.index, list(map(str, part)), realtime=True)
            wrong |= {
                number
                for number, source in zip(part, sources, strict=True)
                if source is None or not _is_readable(source)
            }
        return wrong

    def delete(self, number: int) -> None:
        """Deletes the contents of a document, if they are there."""
        self.engine.request("DELETE", f"/{self.index}/_doc/{number}", accept={404})

    def refresh(self) -> None:
        """Has everything that was stored be found from now on."""
        self.engine.refresh(self.index)


def _decoded(source: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: base64.b64decode(source[name]) for name in _COLUMNS if source.get(name) is not None}


def _is_readable(source: Mapping[str, Any]) -> bool:
    try:
        for content in _decoded(source).values():
            zlib.decompress(content)
    except (ValueError, zlib.error):
        return False
    return True
