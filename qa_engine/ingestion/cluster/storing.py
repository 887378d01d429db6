"""Runs on a Ray worker: stores files of a collection whose parts are on servers, under the numbers that they were given.

What is stored is seen by nobody until the machine that runs the command has committed it. A number is never given twice, so
a worker that goes on although nobody waits for it any more harms nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from llama_index.core.schema import BaseNode

from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.documents.parsed_pdf import LeftOut, left_out
from qa_engine.errors import DocumentError, StorageError
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.connection.client import WRITER_PATIENCE_SECONDS, search_engine
from qa_engine.index.search_engine.contents.document_store import DocumentSeal, DocumentStore
from qa_engine.index.search_engine.contents.tokens import SearchEngineTokens
from qa_engine.index.search_engine.registry import RegisteredCollection
from qa_engine.index.vectors.chroma_rows import node_of
from qa_engine.index.vectors.locations import open_on_server
from qa_engine.index.vectors.sentence_rows import SentenceRows
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.cluster.worker import MAX_SENTENCES, SentFile, Worker, WorkerSettings, worker_of
from qa_engine.ingestion.embedding_windows import SLICE, EmbeddedSentences, first_occurrences, with_repeats
from qa_engine.ingestion.report import doubtful_pages
from qa_engine.ingestion.writing.identities import read_identity
from qa_engine.ingestion.writing.stored_file import completed_record, document_parts


@dataclass(frozen=True)
class StoringSettings:
    """The settings of a run whose workers store.

    Attributes:
        reading: how files are read and embedded, and with the addresses and credentials of the servers.
        collection: where sentences, terms, contents and token vectors go.
        vectors: name of the collection of the Chroma server.
        ocr: whether pages without text are recognised.
        generation: of the token vectors; empty if none are kept.
    """

    reading: WorkerSettings
    collection: RegisteredCollection
    vectors: str
    ocr: bool
    generation: str


@dataclass(frozen=True)
class NumberedFile:
    """A file to read and to store.

    Attributes:
        sent: the file.
        record: what is known about it.
        number: the number that its content is stored under.
    """

    sent: SentFile
    record: FileRecord
    number: int


@dataclass(frozen=True)
class StoredDocument:
    """What the commit of a stored file notes, and what the run says about it.

    Attributes:
        record: the file with the numbers of its content.
        identity, seal: of its content.
        warnings: a sentence about each thing that needs attention.
        left_out: what was not read of it.
        slices: how many slices of its sentences are still to be embedded and stored.
        seconds: how long it took.
    """

    record: FileRecord
    identity: DocumentIdentity
    seal: DocumentSeal
    warnings: list[str]
    left_out: list[LeftOut]
    slices: int
    seconds: float


def store_file(
    file: NumberedFile, settings: StoringSettings
) -> tuple[StoredDocument | DocumentError | None, SentenceRows | None]:
    """Reads a file, stores all but vectors, and embeds its sentences, unless it is long; they are still to be stored.

    The first result is None if this worker needs the bytes of the file. The second is None if there is nothing to store.

    Raises:
        ConfigurationError: this worker would read it differently.
        ModelUnavailableError, ServiceUnavailableError: the embedding model or the search engine is not there.
        StorageError, AuthenticationFailedError: the search engine refuses.
    """
    started = time.perf_counter()
    worker = worker_of(settings.reading)
    stores = _stores_of(settings)
    read = worker.read(file.sent)
    if read is None or isinstance(read, DocumentError):
        return read, None
    parsed, nodes = read
    record = completed_record(file.record, parsed, nodes, settings.ocr)
    parts = document_parts(parsed, nodes, parsed.spans)
    seal = stores.documents.put(file.number, parts)
    shared = len(nodes) > MAX_SENTENCES
    rows = None if shared or not nodes else _embedded(file.number, nodes, worker, stores)
    document = StoredDocument(
        record,
        read_identity(parts.sentences, record, parsed),
        seal,
        list(doubtful_pages(record.file_name, parsed.pages)),
        left_out(parsed.pages),
        math.ceil(len(nodes) / SLICE) if shared else 0,
        time.perf_counter() - started,
    )
    return document, rows


def embed_stored_slice(
    document_id: str, number: int, place: int, settings: StoringSettings
) -> tuple[float, SentenceRows]:
    """Embeds one of the slices of a file whose sentences are stored. Returns the seconds it took, and what is to be stored.

    Raises:
        StorageError: the sentences are not there, or the search engine refuses.
        ConfigurationError, ModelUnavailableError, ServiceUnavailableError, AuthenticationFailedError: as `store_file`.
    """
    started = time.perf_counter()
    worker = worker_of(settings.reading)
    stores = _stores_of(settings)
    first = max(0, place * SLICE - worker.margin)
    before = place * SLICE - first
    ordinals = range(first, (place + 1) * SLICE + worker.margin)
    sentences = stores.documents.sentences.read(document_id, number, ordinals)
    nodes = [node_of(sentence) for sentence in sentences]
    own = nodes[before : before + SLICE]
    if not own:
        raise StorageError(f"The sentences of document {document_id} are gone: run the same command again.")
    windows = worker.windows(nodes)[before : before + len(own)] if worker.margin else worker.windows(nodes)
    (embedded,) = with_repeats([windows], map(worker.embed, first_occurrences([windows])))
    stores.put_tokens(number, own, embedded)
    rows = SentenceRows.of(own, embedded.vectors, {document_id: number})
    return time.perf_counter() - started, rows


def vector_store(settings: StoringSettings) -> SentenceVectorStore:
    """The vectors of the collection.

    Raises:
        ServiceUnavailableError, AuthenticationFailedError: the Chroma server is not there, or refuses.
        StorageError: it does not have the collection.
    """
    return SentenceVectorStore(open_on_server(settings.reading.config.index, settings.vectors))


def _embedded(number: int, nodes: Sequence[BaseNode], worker: Worker, stores: _Stores) -> SentenceRows:
    """Embeds all sentences of a document, and stores their token vectors."""
    slices = worker.slices(nodes)
    rows = []
    start = 0
    for embedded in with_repeats(slices, map(worker.embed, first_occurrences(slices))):
        part = nodes[start : start + len(embedded.vectors)]
        start += len(part)
        stores.put_tokens(number, part, embedded)
        rows.append(SentenceRows.of(part, embedded.vectors, {node.ref_doc_id or "": number for node in part}))
    return SentenceRows.joined(rows)


class _Stores:
    """The connections to the search engine, which a worker process keeps from file to file."""

    def __init__(self, settings: StoringSettings) -> None:
        self.run = settings.reading.run
        config = settings.reading.config
        engine = search_engine(config.index).with_patience(WRITER_PATIENCE_SECONDS)
        self.documents = DocumentStore(engine, settings.collection, config.bm25.context_sentences)
        self._engine, self._collection, self._codec = engine, settings.collection, settings.reading.codec
        self._generation = settings.generation

    def put_tokens(self, number: int, nodes: Sequence[BaseNode], embedded: EmbeddedSentences) -> None:
        """Stores the token vectors of sentences of one document, if there are any."""
        if self._codec is None or embedded.codes is None:
            return
        tokens = SearchEngineTokens(
            self._engine,
            self._collection,
            self._codec,
            lambda ids: dict.fromkeys(ids, number),
            self._generation,
        )
        tokens.put([node.node_id for node in nodes], embedded.codes)


_current: list[_Stores] = []


def _stores_of(settings: StoringSettings) -> _Stores:
    """The connections of this worker process for a run; made anew when another run begins."""
    if not _current or _current[0].run != settings.reading.run:
        _current[:] = [_Stores(settings)]
    return _current[0]
