"""Runs on a Ray worker: a file in; its text, vectors and token codes out. Nothing here writes to a collection."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config, DocumentsConfig
from qa_engine.documents.pages.ocr import ocr_available
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import PARSER_VERSION
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.processes.parsing_pool import ParsingPool
from qa_engine.documents.sentences.node_parser import SentenceNodeParser
from qa_engine.documents.sentences.splitting import SPLITTER_VERSION
from qa_engine.errors import ConfigurationError, DocumentError, QAEngineError
from qa_engine.ingestion.embedding_windows import (
    SLICE,
    EmbeddedSentences,
    EmbeddingWindow,
    embed_windows,
    embedding_windows,
    first_occurrences,
    sliced,
    with_repeats,
)
from qa_engine.ingestion.files.state import file_digest
from qa_engine.models.e5.encoder import E5Encoder
from qa_engine.models.e5.preparation import MODEL_FOLDER, prepare
from qa_engine.models.embedding import LocalEmbedding, build_embedding
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.tokenizer import TOKENIZER_VERSION

MAX_SENTENCES = 2 * SLICE
"""The worker that read a file embeds up to so many sentences itself; longer files are shared among all workers."""


@dataclass(frozen=True)
class WorkerSettings:
    """The settings of a run that the workers need.

    Attributes:
        run: a name that no other run has.
        config, embed_model: the settings, and what replaces their model.
        codec: the codec of the token vectors; None if none are stored.
        versions: those of the machine that writes.
    """

    run: str
    config: Config
    codec: TokenCodec | None
    embed_model: BaseEmbedding | None
    versions: dict[str, str]


@dataclass(frozen=True)
class SentFile:
    """A file to read.

    Attributes:
        path: where it is for the machine that writes, and perhaps for the worker.
        recorded: the path that it is recorded under, which nodes name.
        sha256: the SHA-256 of its content.
        document_id: the name of its content.
        content: a reference to its bytes, in a list, so that they travel only if they are asked for; empty if they can
            only be read at ``path``.
    """

    path: Path
    recorded: Path
    sha256: str
    document_id: str
    content: list[Any]


@dataclass(frozen=True)
class WorkerResult:
    """A file that a worker has read.

    Attributes:
        parsed: its text.
        slices: its embedded sentences, `SLICE` in each slice but the last; empty if they are still to be embedded.
        windows: the windows of the same slices if they are not embedded yet; else empty.
    """

    parsed: ParsedPdf
    slices: list[EmbeddedSentences]
    windows: list[list[EmbeddingWindow]]


def versions(config: DocumentsConfig) -> dict[str, str]:
    """Everything that has to be the same on all machines for a file to be read alike."""
    recognised = config.ocr != "never" and ocr_available()
    return {
        "parser": PARSER_VERSION,
        "splitter": SPLITTER_VERSION,
        "tokenizer": TOKENIZER_VERSION,
        "local model": MODEL_FOLDER,
        "extra ocr": "installed" if recognised else "not used",
    }


def read_file(file: SentFile, settings: WorkerSettings) -> WorkerResult | DocumentError | None:
    """Reads a file within the limits of time and memory, and embeds it; None if this worker needs its bytes for that.

    Raises:
        ConfigurationError: this worker would read it differently.
        ModelUnavailableError, ServiceUnavailableError: the embedding model is not there.
    """
    worker = worker_of(settings)
    read = worker.read(file)
    if read is None or isinstance(read, DocumentError):
        return read
    parsed, nodes = read
    slices = worker.slices(nodes)
    if len(nodes) > MAX_SENTENCES:
        return WorkerResult(parsed, [], slices)
    return WorkerResult(parsed, list(with_repeats(slices, map(worker.embed, first_occurrences(slices)))), [])


def embed_slice(windows: Sequence[EmbeddingWindow], settings: WorkerSettings) -> EmbeddedSentences:
    """Embeds some sentences of a long file, those of windows that occur in no slice before.

    Raises:
        ConfigurationError, ModelUnavailableError, ServiceUnavailableError: as `read_file`.
    """
    return worker_of(settings).embed(windows)


class Worker:
    """The process that parses and the model, which a worker process keeps from file to file."""

    def __init__(self, settings: WorkerSettings) -> None:
        here = versions(settings.config.documents)
        if here != settings.versions:
            there = settings.versions
            unlike = [name for name in there if here.get(name) != there[name]]
            clauses = ", ".join(f"{name} {here.get(name)} instead of {there[name]}" for name in unlike)
            raise ConfigurationError(
                f"This qa_engine is not that of the machine that writes ({clauses}): install the same version with the same "
                "extras on all machines."
            )
        self.run = settings.run
        self._codec = settings.codec
        embedding = settings.config.embedding
        self._context = embedding.pass_chars, embedding.context_sentences
        self._embed_model = settings.embed_model or _configured_model(settings.config)
        self._max_sentence_chars = settings.config.documents.max_sentence_chars
        self.pool = ParsingPool(settings.config.documents)

    def read(self, file: SentFile) -> tuple[ParsedPdf, Sequence[BaseNode]] | DocumentError | None:
        """The text and the sentences of a file; None if this worker needs its bytes for that."""
        with _readable(file) as path:
            if path is None:
                return None
            parsed = self.pool.parse_one(path)
        if isinstance(parsed, DocumentError):
            return parsed
        document = PdfDocument.of(parsed, file.recorded, file.document_id)
        parser = SentenceNodeParser(max_sentence_chars=self._max_sentence_chars)
        return parsed, parser.get_nodes_from_documents([document])

    @property
    def margin(self) -> int:
        """The number of sentences before and after a slice that are embedded together with those of the slice."""
        pass_chars, context_sentences = self._context
        return 0 if pass_chars and isinstance(self._embed_model, LocalEmbedding) else context_sentences

    def slices(self, nodes: Sequence[BaseNode]) -> list[list[EmbeddingWindow]]:
        """The windows of the sentences of a document, in slices."""
        return list(sliced(self.windows(nodes)))

    def windows(self, nodes: Sequence[BaseNode]) -> list[EmbeddingWindow]:
        """The windows of the sentences of a document, or of consecutive ones of them."""
        return embedding_windows(nodes, self._embed_model, *self._context)

    def embed(self, windows: Sequence[EmbeddingWindow]) -> EmbeddedSentences:
        return embed_windows(windows, self._embed_model, self._codec)


_current: list[Worker] = []


def worker_of(settings: WorkerSettings) -> Worker:
    """The state of this worker process for a run; made anew when another run begins."""
    if not _current or _current[0].run != settings.run:
        for former in _current:
            former.pool.stop()
        try:
            _current[:] = [Worker(settings)]
        except QAEngineError as error:
            _current.clear()
            raise type(error)(f"Ray worker on {socket.gethostname()}: {error}") from error
    return _current[0]


def _configured_model(config: Config) -> BaseEmbedding:
    import ray

    model = build_embedding(config.embedding)
    if not isinstance(model, LocalEmbedding):
        return model
    cores = ray.get_runtime_context().get_assigned_resources().get("CPU", 1)  # what Ray gave to the task
    return LocalEmbedding(E5Encoder.load(prepare(), threads=max(1, int(cores))))


@contextmanager
def _readable(file: SentFile) -> Iterator[Path | None]:
    """A path at which this worker can read the content of a file: its own, or that of a copy; None without the bytes."""
    if _holds(file.path, file.sha256):
        yield file.path
        return
    if not file.content:
        yield None
        return
    import ray

    with tempfile.TemporaryDirectory(prefix="qa_engine-") as folder:
        copy = Path(folder, file.path.name)
        copy.write_bytes(ray.get(file.content[0]))
        yield copy


def _holds(path: Path, sha256: str) -> bool:
    try:
        return path.is_file() and file_digest(path) == sha256
    except OSError:
        return False
