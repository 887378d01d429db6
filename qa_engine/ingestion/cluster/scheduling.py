"""Reads the files of a run on the workers of a Ray cluster. Only this machine writes to the collection."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from llama_index.core.schema import BaseNode

from qa_engine.ingestion.cluster.connection import ray_connection
from qa_engine.ingestion.cluster.file_jobs import WAIT_SECONDS, FileJob, FileJobs
from qa_engine.ingestion.cluster.processors import TASK, Processors
from qa_engine.ingestion.cluster.settings import sent, worker_settings
from qa_engine.ingestion.cluster.slices import EmbeddedDocument, Workers
from qa_engine.ingestion.cluster.worker import WorkerResult, embed_slice, read_file
from qa_engine.ingestion.embedding_windows import EmbeddedSentences
from qa_engine.ingestion.files.diff import FileChange, UnreadFile
from qa_engine.ingestion.reading.batches import FileBatch, Parsed, SplitDocuments, batched
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.token_codes import TokenCodec


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


class RayReader:
    """Reads and embeds the files of one run on the workers of a cluster; see `ray_reader`."""

    def __init__(
        self, address: str, session: WriteSession, split: SplitDocuments, codec: TokenCodec | None
    ) -> None:
        import ray

        config = session.config
        self._split = split
        self._settings = sent(worker_settings(session, codec), session.embed_model)
        read_task = ray.remote(**TASK)(read_file)
        processors = Processors(address, session.progress)
        self._workers = Workers(processors, ray.remote(**TASK)(embed_slice), self._settings)
        self._jobs = FileJobs(
            config.documents, processors, lambda _, file: read_task.remote(file, self._settings)
        )
        self._documents: dict[str, EmbeddedDocument] = {}

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

        refs = [
            *self._jobs.running,
            *(ref for document in self._documents.values() for ref in document.running),
        ]
        for ref in refs:
            with suppress(Exception):  # the cluster may be gone
                ray.cancel(ref, force=True)
        self._jobs.running.clear()
        self._documents.clear()

    def _parsed(self, files: Sequence[FileChange]) -> Iterator[Parsed]:
        """Each of the files with its text, or the reason why it has none, as they are done."""
        import ray

        jobs = self._jobs
        jobs.waiting.extend(map(FileJob, files))
        while jobs.waiting or jobs.running:
            for job, error in jobs.start():
                yield job.file.path, error
            if not jobs.running:
                time.sleep(WAIT_SECONDS)
                continue
            ready, _ = ray.wait(list(jobs.running), timeout=WAIT_SECONDS)
            for ref in ready:
                ended = jobs.result(ref)
                if ended is None:
                    continue
                job, result = ended
                if isinstance(result, WorkerResult):
                    document_id = job.file.record.document_id
                    self._documents[document_id] = EmbeddedDocument(result, self._workers)
                    yield job.file.path, result.parsed
                else:
                    yield job.file.path, result
