"""Schedules the files of a run on the workers of a Ray cluster. Only this machine writes to the collection.

Plain Ray tasks, one for each file: results come as they are done, in bounded number, and each file has its own retries.
llama-index-ingestion-ray 0.3 collects all nodes before it stores one; Ray Data fails a whole block where one file does.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from llama_index.core.schema import BaseNode

from qa_engine.documents.files import text_path
from qa_engine.documents.pdf.opening import opened_pdf
from qa_engine.documents.processes.parsing_pool import reading_options
from qa_engine.errors import ConfigurationError, DocumentError
from qa_engine.ingestion.cluster.connection import ray_connection
from qa_engine.ingestion.cluster.slices import (
    MAX_TRIES,
    RETRY_SECONDS,
    EmbeddedDocument,
    Workers,
    transient_reason,
)
from qa_engine.ingestion.cluster.worker import (
    SentFile,
    WorkerResult,
    WorkerSettings,
    embed_slice,
    read_file,
    versions,
)
from qa_engine.ingestion.embedding_windows import EmbeddedSentences
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.files.state import unreadable
from qa_engine.ingestion.reading.batches import FileBatch, Parsed, SplitDocuments, batched
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec

logger = logging.getLogger("qa_engine.ingestion")

MAX_BYTES_SENT = 256_000_000
"""Bytes of files that are on their way at once, unless a single file has more."""
_WAIT_SECONDS = 0.5


@contextmanager
def ray_reader(session: WriteSession, split: SplitDocuments, codec: TokenCodec | None) -> Iterator[RayReader]:
    """A `FileReader` on the cluster that the configuration names. Its tasks end with it.

    Args:
        session: the session of the run; its embedding model, if it has one, is sent to the workers.
        split: splits the texts into nodes, here as on the workers.
        codec: the codec of the token vectors; None stores none.

    Raises:
        ConfigurationError: Ray is of another version than the cluster, or cannot send the model.
        ServiceUnavailableError: no cluster answers at the address.
    """
    address = session.config.ingestion.ray_address
    assert address is not None
    with ray_connection(address):
        reader = RayReader(address, session, split, codec)
        try:
            yield reader
        finally:
            reader.cancel()


@dataclass(eq=False)
class _FileJob:
    """A file on its way through the cluster."""

    file: FileChange
    content: list[Any]
    tries: int = 0
    not_before: float = 0.0


class RayReader:
    """Reads and embeds the files of one run on the workers of a cluster; see `ray_reader`."""

    def __init__(
        self, address: str, session: WriteSession, split: SplitDocuments, codec: TokenCodec | None
    ) -> None:
        import ray

        self._config = config = session.config
        self._split = split
        own_model = None if isinstance(session.embed_model, LocalEmbedding) else session.embed_model
        settings = WorkerSettings(uuid.uuid4().hex, config, codec, own_model, versions(config.documents))
        try:
            self._settings = ray.put(settings)
        except (TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"The embedding model {type(session.embed_model).__name__} cannot be sent to Ray workers ({error}): "
                "name one in the configuration, or run without Ray."
            ) from error
        # Tries are counted here: Ray's own would run a file that exhausts the memory for ever.
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._read_task = ray.remote(**options)(read_file)
        embed_task = ray.remote(**options)(embed_slice)
        self._workers = Workers(address, embed_task, self._settings, session.progress)
        self._running: dict[Any, _FileJob] = {}
        self._documents: dict[str, EmbeddedDocument] = {}
        self._sends_content = False

    def batches(self, files: Sequence[FileChange]) -> Iterator[FileBatch | UnreadFile]:
        """See `FileReader`. A batch is split here; the workers have embedded, or are embedding, the same sentences.

        Raises:
            ConfigurationError: qa_engine on a worker is missing or of another version.
            ModelUnavailableError, ServiceUnavailableError: a worker cannot use the embedding model.
        """
        for item in batched(self._parsed(files), files):
            if isinstance(item, FileBatch):
                item.split(self._split)
            yield item

    def embeddings(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """See `FileReader`.

        Raises:
            ServiceUnavailableError: the cluster lost the sentences again and again.
        """
        for document_id in dict.fromkeys(node.ref_doc_id or "" for node in nodes):
            yield from self._documents[document_id].slices()
            del self._documents[document_id]

    def cancel(self) -> None:
        """Ends the tasks that still run on the workers."""
        import ray

        refs = [*self._running, *(ref for document in self._documents.values() for ref in document.running)]
        for ref in refs:
            with suppress(Exception):  # the cluster may be gone
                ray.cancel(ref, force=True)
        self._running.clear()
        self._documents.clear()

    def _parsed(self, files: Sequence[FileChange]) -> Iterator[Parsed]:
        """Each of the files with its text, or the reason why it has none, as they are done."""
        import ray

        jobs = deque(_FileJob(file, []) for file in files)
        while jobs or self._running:
            while jobs and jobs[0].not_before <= time.monotonic() and self._has_room(jobs[0]):
                job = jobs.popleft()
                error = self._send(job)
                if error is not None:
                    yield job.file.path, error
            if not self._running:
                time.sleep(_WAIT_SECONDS)
                continue
            ready, _ = ray.wait(list(self._running), timeout=_WAIT_SECONDS)
            for ref in ready:
                job = self._running.pop(ref)
                result = self._result(job, ref)
                if result is None:
                    jobs.append(job)
                    continue
                job.content.clear()
                if isinstance(result, WorkerResult):
                    document_id = job.file.record.document_id
                    self._documents[document_id] = EmbeddedDocument(result, self._workers)
                    yield job.file.path, result.parsed
                else:
                    yield job.file.path, result

    def _has_room(self, job: _FileJob) -> bool:
        if not self._running:
            return True
        sent = sum(running.file.record.size for running in self._running.values())
        return len(self._running) < self._workers.max_jobs() and (
            not self._sends_content or sent + job.file.record.size <= MAX_BYTES_SENT
        )

    def _send(self, job: _FileJob) -> DocumentError | None:
        """Gives a file to a worker. Its bytes are sent once a worker has not found a file at its path."""
        import ray

        file = job.file
        if self._sends_content and not job.content:
            try:
                if file.record.size > self._config.documents.max_file_megabytes * 1_000_000:
                    with opened_pdf(file.path, reading_options(self._config.documents)):
                        pass  # it is refused, or has shrunk
                job.content = [ray.put(file.path.read_bytes())]
            except (DocumentError, OSError) as error:
                return error if isinstance(error, DocumentError) else unreadable(file.path, error)
        record = file.record
        sent = SentFile(
            file.path, text_path(record.path), record.sha256, record.document_id, list(job.content)
        )
        self._running[self._read_task.remote(sent, self._settings)] = job
        return None

    def _result(self, job: _FileJob, ref: Any) -> WorkerResult | DocumentError | None:
        """The result for a file; None if it is to be given to a worker again."""
        import ray
        from ray.exceptions import RayError

        name = job.file.path.name
        try:
            result: WorkerResult | DocumentError | None = ray.get(ref)
        except RayError as error:
            why = transient_reason(error)
            job.tries += 1
            logger.warning("Ray worker lost on %s, try %d: %s", name, job.tries, why)
            job.not_before = time.monotonic() + job.tries * RETRY_SECONDS
            if job.tries < MAX_TRIES:
                return None
            return DocumentError(
                "crashed", f"{name} was given up after {job.tries} Ray workers failed on it ({why})."
            )
        if result is None:
            self._sends_content = True
        return result
