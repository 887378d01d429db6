"""Parsed files in groups that are embedded and stored together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode

from qa_engine.documents.pdf import ParsedPdf
from qa_engine.documents.reader import PdfDocument
from qa_engine.errors import DocumentError
from qa_engine.ingestion.changes import FileToRead

Unread = tuple[Path, DocumentError]
"""A file that could not be read, and why."""


@dataclass
class FileGroup:
    """Parsed files on their way into the index, until there are enough of them.

    Attributes:
        most_chars: characters of text from which on it is full.
        most_files: the same in files.
        files: each with what was read of it, and the seconds that were waited for that.
        chars: characters of text.
        nodes: their sentences, after `split`.
    """

    most_chars: int
    most_files: int
    files: list[tuple[FileToRead, ParsedPdf, float]] = field(default_factory=list)
    chars: int = 0
    nodes: Sequence[BaseNode] = ()

    def add(self, file: FileToRead, parsed: ParsedPdf, seconds: float) -> None:
        """Takes a file in."""
        self.files.append((file, parsed, seconds))
        self.chars += len(parsed.text)

    @property
    def is_full(self) -> bool:
        """Whether it should be stored."""
        return self.chars >= self.most_chars or len(self.files) >= self.most_files

    def split(self, parser: NodeParser) -> Sequence[BaseNode]:
        """Has the texts split into sentences; these are what will be stored."""
        documents = [
            PdfDocument.of(parsed, file.path, file.record.document_id) for file, parsed, _ in self.files
        ]
        self.nodes = parser.get_nodes_from_documents(documents)
        return self.nodes


def grouped(
    read: Iterable[tuple[Path, ParsedPdf | DocumentError]],
    files: Mapping[Path, FileToRead],
    most_chars: int,
    most_files: int,
) -> Iterator[FileGroup | Unread]:
    """What is read, in groups that are not split yet; files that could not be read at once.

    Args:
        read: files with what is in them.
        files: by path.
        most_chars, most_files: see `FileGroup`.
    """
    group = FileGroup(most_chars, most_files)
    started = time.perf_counter()
    for path, found in read:
        if isinstance(found, DocumentError):
            yield path, found
        else:
            group.add(files[path], found, time.perf_counter() - started)
            if group.is_full:
                yield group
                group = FileGroup(most_chars, most_files)
        started = time.perf_counter()
    if group.files:
        yield group
