"""The files of a run in batches, and what the writer expects of whatever reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from llama_index.core.schema import BaseNode

from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.errors import DocumentError
from qa_engine.ingestion.embedding_windows import EmbeddedSentences
from qa_engine.ingestion.files.diff import FileChange, UnreadFile

MAX_BATCH_CHARS = 20_000
"""Characters of text, about 700 sentences, that are embedded and committed together, so that short files fill the batches
of the model."""
MAX_BATCH_FILES = 64

Parsed = tuple[Path, ParsedPdf | DocumentError]
"""A file with its text, or with the reason why it has none."""
SplitDocuments = Callable[[Sequence[PdfDocument]], Sequence[BaseNode]]
"""Splits documents into nodes, those of each document one after another."""


class ReadFile(NamedTuple):
    """A file that was to be read, its text, and how long the run waited for it."""

    file: FileChange
    parsed: ParsedPdf
    seconds: float


@dataclass
class FileBatch:
    """Files that are embedded and committed together.

    Attributes:
        files: the files that were read.
        chars: characters of their text.
        nodes: their sentences, once `split` was called.
    """

    files: list[ReadFile] = field(default_factory=list)
    chars: int = 0
    nodes: Sequence[BaseNode] = ()

    def split(self, split: SplitDocuments) -> Sequence[BaseNode]:
        """Splits the texts into the nodes that will be stored."""
        documents = [
            PdfDocument.of(parsed, Path(file.record.path), file.record.document_id)
            for file, parsed, _ in self.files
        ]
        self.nodes = split(documents)
        return self.nodes


class Parser(Protocol):
    """Parses files: `ParsingPool` in processes, a reader of the caller in this one."""

    def parse(self, paths: Sequence[Path], stopped: Callable[[], bool]) -> Iterable[Parsed]:
        """Each file with its text, or the reason why it has none. Once ``stopped`` returns True, nobody waits for more."""


class FileReader(Protocol):
    """Reads the files of a run and embeds their sentences: this machine does, or the workers of a cluster."""

    def batches(self, files: Sequence[FileChange]) -> Iterator[FileBatch | UnreadFile]:
        """The files in batches that are split into sentences, as they are read.

        A batch counts as stored when the next item is asked for. No two files may have the same content.

        Raises:
            ConfigurationError, ModelUnavailableError, ServiceUnavailableError: something that reading needs is missing.
        """

    def embeddings(self, nodes: Sequence[BaseNode]) -> Iterable[EmbeddedSentences]:
        """The vectors of all nodes of a batch, in slices and in the order of the nodes. Can be called once for each batch.

        Raises:
            ModelUnavailableError, ServiceUnavailableError: the embedding model is not there.
        """


def batched(parsed: Iterable[Parsed], files: Sequence[FileChange]) -> Iterator[FileBatch | UnreadFile]:
    """Files with their texts, in batches that are not split yet. A file that could not be read is yielded at once."""
    changes = {file.path: file for file in files}
    batch = FileBatch()
    started = time.perf_counter()
    for path, result in parsed:
        if isinstance(result, DocumentError):
            yield changes[path].unread(result)
        else:
            batch.files.append(ReadFile(changes[path], result, time.perf_counter() - started))
            batch.chars += len(result.text)
            if batch.chars >= MAX_BATCH_CHARS or len(batch.files) >= MAX_BATCH_FILES:
                yield batch
                batch = FileBatch()
        started = time.perf_counter()
    if batch.files:
        yield batch
