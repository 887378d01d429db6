"""Schedules the files of a run on the workers of a Ray cluster. Only this machine writes to the collection.

Plain Ray tasks, one for each file: results come as they are done, in bounded number, and each file has its own retries.
llama-index-ingestion-ray 0.3 collects all nodes before it stores one; Ray Data fails a whole block where one file does.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.parsing_pool import reading_options
from qa_engine.documents.pdf import opened_pdf
from qa_engine.errors import DocumentError
from qa_engine.ingestion.cluster.connection import connected
from qa_engine.ingestion.cluster.errors import (
    file_given_up,
    raise_if_permanent,
    reason,
    sentences_given_up,
    unsendable_model,
)
from qa_engine.ingestion.cluster.worker import (
    ContentNeeded,
    SentFile,
    WorkerResult,
    WorkerSettings,
    embed_slice,
    read_file,
    versions,
)
from qa_engine.ingestion.embedding_windows import EmbeddedSentences, EmbeddingWindow
from qa_engine.ingestion.files.diff import FileToRead, UnreadFile
from qa_engine.ingestion.files.state import unreadable
from qa_engine.ingestion.reading.batches import FileBatch, Parsed, SplitDocuments, batched
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec

logger = logging.getLogger("qa_engine.ingestion")

MAX_BYTES_SENT = 256_000_000
"""Bytes of files that are on their way at once, unless a single file has more."""
_MAX_TRIES = 3
"""How often a file, or a slice of one, is given to a worker before it is given up."""
_RETRY_SECONDS = 1.0
"""Pause after a failure: the cluster needs a moment to notice that a node is gone."""
_WAIT_SECONDS = 0.5
_JOBS_PER_PROCESSOR = 4
"""Jobs at the workers, or waiting for one, for each processor of the cluster: there is work while this machine writes."""
_COUNT_AGAIN_SECONDS = 5.0


@contextmanager
def ray_reader(session: WriteSession, split: SplitDocuments, codec: TokenCodec | None) -> Iterator[RayReader]:
    """A `FileReader` on the cluster that the configuration names. Its tasks end with it.

    Args:
        session: of the run; its embedding model, if it has one, is sent to the workers.
        split: splits the texts into nodes, here as on the workers.
        codec: of the token vectors; None stores none.

    Raises:
        ConfigurationError: Ray is not installed, is of another version than the cluster, or cannot send the model.
        ServiceUnavailableError: no cluster answers at the address.
    """
    address = session.config.ingestion.ray_address
    assert address is not None
    with connected(address):
        reader = RayReader(address, session.config, split, codec, session.embed_model, session.progress)
        try:
            yield reader
        finally:
            reader.cancel()


@dataclass(eq=False)
class _FileJob:
    """A file on its way through the cluster."""

    file: FileToRead
    content: list[Any]
    tries: int = 0
    not_before: float = 0.0


@dataclass(eq=False)
class _SliceJob:
    """Sentences of a long file on their way through the cluster."""

    windows: list[EmbeddingWindow]
    ref: Any = None
    tries: int = 0


class RayReader:
    """Reads and embeds the files of one run on the workers of a cluster; see `ray_reader`."""

    def __init__(
        self,
        address: str,
        config: Config,
        split: SplitDocuments,
        codec: TokenCodec | None,
        embed_model: BaseEmbedding | None,
        progress: IngestProgress,
    ) -> None:
        import ray

        self._address = address
        self._config = config
        self._split = split
        self._processors = _ProcessorCount(address, progress)
        own_model = None if isinstance(embed_model, LocalEmbedding) else embed_model
        settings = WorkerSettings(uuid.uuid4().hex, config, codec, own_model, versions(config.documents))
        try:
            self._settings = ray.put(settings)
        except (TypeError, AttributeError) as error:
            raise unsendable_model(embed_model, error) from error
        # Tries are counted here: Ray's own would run a file that exhausts the memory for ever.
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._read_task = ray.remote(**options)(read_file)
        self._embed_task = ray.remote(**options)(embed_slice)
        self._running: dict[Any, _FileJob] = {}
        self._documents: dict[str, _Document] = {}
        self._sends_content = False

    def batches(self, files: Sequence[FileToRead]) -> Iterator[FileBatch | UnreadFile]:
        """See `FileReader`. A batch is split here; the workers have embedded, or are embedding, the same sentences.

        Raises:
            ConfigurationError: qa_engine on a worker is missing or of another version.
            ModelUnavailableError, ServiceUnavailableError: a worker cannot use the embedding model.
        """
        for item in batched(self._parsed(files), {file.path: file for file in files}):
            if isinstance(item, FileBatch):
                item.split(self._split)
            yield item

    def embedded(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
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

    def _parsed(self, files: Sequence[FileToRead]) -> Iterator[Parsed]:
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
                    self._documents[document_id] = _Document(result, self._start_slices, self._wait_for_slice)
                    yield job.file.path, result.parsed
                else:
                    yield job.file.path, result

    def _has_room(self, job: _FileJob) -> bool:
        if not self._running:
            return True
        sent = sum(running.file.record.size for running in self._running.values())
        return len(self._running) < _JOBS_PER_PROCESSOR * self._processors.count() and (
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
            except DocumentError as error:
                return error
            except OSError as error:
                return unreadable(file.path, error)
        sent = SentFile(file.path, file.record.sha256, file.record.document_id, list(job.content))
        self._running[self._read_task.remote(sent, self._settings)] = job
        return None

    def _result(self, job: _FileJob, ref: Any) -> WorkerResult | DocumentError | None:
        """The result for a file; None if it is to be given to a worker again."""
        import ray
        from ray.exceptions import RayError

        name = job.file.path.name
        try:
            result: WorkerResult | DocumentError | ContentNeeded = ray.get(ref)
        except RayError as error:
            raise_if_permanent(error)
            job.tries += 1
            logger.warning("Ray worker lost on %s, try %d: %s", name, job.tries, reason(error))
            job.not_before = time.monotonic() + job.tries * _RETRY_SECONDS
            return None if job.tries < _MAX_TRIES else file_given_up(name, _MAX_TRIES, error)
        if isinstance(result, ContentNeeded):
            self._sends_content = True
            return None
        return result

    def _start_slices(self, jobs: Sequence[_SliceJob]) -> None:
        """Gives the next slices of a long file to workers, if they are not there yet."""
        for job in jobs[: _JOBS_PER_PROCESSOR * self._processors.count()]:
            if job.ref is None:
                job.ref = self._embed_task.remote(job.windows, self._settings)

    def _wait_for_slice(self, job: _SliceJob) -> EmbeddedSentences:
        import ray
        from ray.exceptions import RayError

        while True:
            try:
                result: EmbeddedSentences = ray.get(job.ref)
            except RayError as error:
                raise_if_permanent(error)
                job.tries += 1
                logger.warning("Ray worker lost on sentences, try %d: %s", job.tries, reason(error))
                if job.tries >= _MAX_TRIES:
                    raise sentences_given_up(self._address, _MAX_TRIES, error) from error
                time.sleep(job.tries * _RETRY_SECONDS)
                job.ref = self._embed_task.remote(job.windows, self._settings)
            else:
                return result


class _ProcessorCount:
    """The processors of the cluster, which may grow."""

    def __init__(self, address: str, progress: IngestProgress) -> None:
        self._address = address
        self._progress = progress
        self._processors = 0
        self._counted_at = float("-inf")

    def count(self) -> int:
        """The number of processors, 1 at least."""
        import ray

        if time.monotonic() - self._counted_at > _COUNT_AGAIN_SECONDS:
            self._counted_at = time.monotonic()
            processors = int(ray.cluster_resources().get("CPU", 0))
            if processors == 0:
                self._progress.stage(f"waiting for processors in the Ray cluster at {self._address}")
            elif processors != self._processors:
                unit = "processor" if processors == 1 else "processors"
                self._progress.stage(f"{processors} {unit} in the Ray cluster at {self._address}")
            self._processors = processors
        return max(1, self._processors)


class _Document:
    """The embedded sentences of one file in slices, of which only those that are needed are held."""

    def __init__(
        self,
        result: WorkerResult,
        start_slices: Callable[[Sequence[_SliceJob]], None],
        wait_for_slice: Callable[[_SliceJob], EmbeddedSentences],
    ) -> None:
        self._slices: list[EmbeddedSentences | None] = list(result.slices)
        self._jobs = [_SliceJob(windows) for windows in result.windows]
        self._slices.extend([None] * len(self._jobs))
        self._start_slices = start_slices
        self._wait_for_slice = wait_for_slice
        self._passed = 0
        self._start_slices(self._jobs)

    @property
    def running(self) -> list[Any]:
        """References to the slices that workers are computing."""
        return [job.ref for job in self._jobs[self._passed :] if job.ref is not None]

    def slices(self) -> Iterator[EmbeddedSentences]:
        """All sentences, one slice at a time."""
        for number, embedded in enumerate(self._slices):
            if embedded is None:
                self._start_slices(self._jobs[number:])
                job = self._jobs[number]
                embedded = self._wait_for_slice(job)
                job.ref, job.windows = None, []
            self._slices[number] = None
            self._passed = number + 1
            yield embedded
