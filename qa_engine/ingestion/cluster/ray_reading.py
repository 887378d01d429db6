"""Has files read and embedded by the workers of a Ray cluster. Only this machine writes to the collection.

Plain Ray tasks, a file each: results come as they are done, in bounded number, and each file has its own retries.
llama-index-ingestion-ray 0.3 collects all nodes before it stores one; Ray Data fails a whole block where one file does.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode

from qa_engine.config import Config
from qa_engine.documents.blocks import ParsedPdf
from qa_engine.documents.parsing_pool import reading_options
from qa_engine.documents.pdf_file import opened_pdf
from qa_engine.errors import ConfigurationError, DocumentError, QAEngineError, ServiceUnavailableError
from qa_engine.ingestion.cluster.ray_worker import (
    ContentNeeded,
    ReadFile,
    SentFile,
    WorkerSettings,
    embed_slice,
    read_file,
    versions,
)
from qa_engine.ingestion.embedding_windows import EmbeddedSentences, ModelPass
from qa_engine.ingestion.files.diff import FileToRead, unreadable
from qa_engine.ingestion.report import IngestProgress
from qa_engine.models.e5.encoder import available_cores
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec

INSTALL = "pip install 'qa-engine[ray]'"
LOCAL_CLUSTER = "local"
_AUTO = "auto"
_CLIENT = "ray://"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CONNECT_SECONDS = 10.0
_TRIES = 3
"""Times that a file, or a slice of one, is given to a worker before it is given up."""
_RETRY_SECONDS = 1.0
"""After a failure; the cluster needs a moment to notice that a node is gone."""
_WAIT_SECONDS = 0.5
_AHEAD = 4
"""Files at the workers, or waiting for one, per processor of the cluster: there is work while this machine writes."""
_BYTES_AHEAD = 256_000_000
"""Bytes of files that are on their way at once, unless a single file has more."""
_COUNT_AGAIN_SECONDS = 5.0


def require_ray() -> None:
    """
    Raises:
        ConfigurationError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigurationError(f"Reading files on a Ray cluster needs the extra for it: {INSTALL}.")


@contextmanager
def ray_reading(
    address: str,
    config: Config,
    codec: TokenCodec | None = None,
    embed_model: BaseEmbedding | None = None,
    progress: IngestProgress | None = None,
) -> Iterator[RayReading]:
    """A connection to a cluster, whose tasks end with it. One that the program has made before is used, and stays.

    Args:
        address: as ``ray.init`` takes it; ``local`` starts a cluster on this machine.
        config: how to read and to embed.
        codec: of the token vectors to keep; None for none.
        embed_model: is sent to the workers, and used there instead of the model of the configuration.
        progress: is told what is waited for.

    Raises:
        ConfigurationError: Ray is not installed, is of another version than the cluster, or cannot send the model.
        ServiceUnavailableError: no cluster answers at the address.
    """
    require_ray()
    import ray

    ours = not ray.is_initialized()
    if ours:
        _connect(address)
    try:
        reading = RayReading(address, config, codec, embed_model, progress or IngestProgress())
        try:
            yield reading
        finally:
            reading.cancel()
    finally:
        if ours:
            ray.shutdown()


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

    passes: list[ModelPass]
    ref: Any = None
    tries: int = 0


class RayReading:
    """Files of one run at the workers of a cluster. See `ray_reading`, which makes it."""

    def __init__(
        self,
        address: str,
        config: Config,
        codec: TokenCodec | None,
        embed_model: BaseEmbedding | None,
        progress: IngestProgress,
    ) -> None:
        import ray

        self._address = address
        self._config = config
        self._progress = progress
        own_model = None if isinstance(embed_model, LocalEmbedding) else embed_model
        settings = WorkerSettings(uuid.uuid4().hex, config, codec, own_model, versions(config.documents))
        try:
            self._settings = ray.put(settings)
        except (TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"The embedding model {type(embed_model).__name__} cannot be sent to Ray workers ({error}): "
                "name one in the configuration, or run without Ray."
            ) from error
        # Tries are counted here: Ray's own would run a file that exhausts the memory for ever.
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._read_task = ray.remote(**options)(read_file)
        self._embed_task = ray.remote(**options)(embed_slice)
        self._running: dict[Any, _FileJob] = {}
        self._documents: dict[str, _Document] = {}
        self._sends_content = False
        self._processors = 0
        self._counted_at = float("-inf")

    def read(self, files: Sequence[FileToRead]) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
        """Each of the files with its text, or the reason why there is none, as they are done.

        Raises:
            ConfigurationError: qa_engine on a worker is missing or another one.
            ModelUnavailableError, ServiceUnavailableError: a worker does not get at the embedding model.
        """
        import ray

        todo = deque(_FileJob(file, []) for file in files)
        while todo or self._running:
            while todo and todo[0].not_before <= time.monotonic() and self._has_room(todo[0]):
                job = todo.popleft()
                error = self._send(job)
                if error is not None:
                    yield job.file.path, error
            if not self._running:
                time.sleep(_WAIT_SECONDS)
                continue
            ready, _ = ray.wait(list(self._running), timeout=_WAIT_SECONDS)
            for ref in ready:
                job = self._running.pop(ref)
                found = self._outcome(job, ref)
                if found is None:
                    todo.append(job)
                    continue
                job.content.clear()
                if isinstance(found, ReadFile):
                    document_id = job.file.record.document_id
                    self._documents[document_id] = _Document(found, self._embed_ahead, self._embedded_slice)
                    yield job.file.path, found.parsed
                else:
                    yield job.file.path, found

    def embedded(self, nodes: Sequence[BaseNode]) -> Iterator[EmbeddedSentences]:
        """What the workers computed for sentences of files that `read` gave, in parts; each can be asked for once.

        Raises:
            ServiceUnavailableError: the cluster lost them again and again.
        """
        for document_id in dict.fromkeys(node.ref_doc_id or "" for node in nodes):
            yield from self._documents[document_id].sentences()
            del self._documents[document_id]

    def cancel(self) -> None:
        """Ends what still runs at the workers."""
        import ray

        refs = [*self._running, *(ref for document in self._documents.values() for ref in document.running)]
        for ref in refs:
            with suppress(Exception):  # the cluster may be gone
                ray.cancel(ref, force=True)
        self._running.clear()
        self._documents.clear()

    def _has_room(self, job: _FileJob) -> bool:
        if not self._running:
            return True
        sent = sum(running.file.record.size for running in self._running.values())
        return len(self._running) < _AHEAD * self._cluster_processors() and (
            not self._sends_content or sent + job.file.record.size <= _BYTES_AHEAD
        )

    def _cluster_processors(self) -> int:
        """Processors of the cluster, which may grow."""
        import ray

        if time.monotonic() - self._counted_at > _COUNT_AGAIN_SECONDS:
            self._counted_at = time.monotonic()
            processors = int(ray.cluster_resources().get("CPU", 0))
            if processors == 0:
                self._progress.stage(f"waiting for processors in the Ray cluster at {self._address}")
            elif processors != self._processors:
                many = "processor" if processors == 1 else "processors"
                self._progress.stage(f"{processors} {many} in the Ray cluster at {self._address}")
            self._processors = processors
        return max(1, self._processors)

    def _send(self, job: _FileJob) -> DocumentError | None:
        """Has a worker read a file. Its bytes go along once a worker has not found one at its path."""
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

    def _outcome(self, job: _FileJob, ref: Any) -> ReadFile | DocumentError | None:
        """What came of a file; None if it is to be given to a worker again."""
        import ray
        from ray.exceptions import RayError

        name = job.file.path.name
        try:
            found: ReadFile | DocumentError | ContentNeeded = ray.get(ref)
        except RayError as error:
            _raise_known(error)
            job.tries += 1
            job.not_before = time.monotonic() + job.tries * _RETRY_SECONDS
            if job.tries < _TRIES:
                return None
            return DocumentError(
                "crashed", f"{name} was given up after {_TRIES} Ray workers failed on it ({_reason(error)})."
            )
        if isinstance(found, ContentNeeded):
            self._sends_content = True
            return None
        return found

    def _embed_ahead(self, jobs: Sequence[_SliceJob]) -> None:
        """Has workers embed those of the slices that none is at."""
        for job in jobs[: _AHEAD * self._cluster_processors()]:
            if job.ref is None:
                job.ref = self._embed_task.remote(job.passes, self._settings)

    def _embedded_slice(self, job: _SliceJob) -> EmbeddedSentences:
        import ray
        from ray.exceptions import RayError

        while True:
            try:
                found: EmbeddedSentences = ray.get(job.ref)
            except RayError as error:
                _raise_known(error)
                job.tries += 1
                if job.tries >= _TRIES:
                    raise ServiceUnavailableError(
                        f"The Ray cluster at {self._address} failed {_TRIES} times to embed the same sentences "
                        f"({_reason(error)}): check its nodes, then run the same command again."
                    ) from error
                time.sleep(job.tries * _RETRY_SECONDS)
                job.ref = self._embed_task.remote(job.passes, self._settings)
            else:
                return found


class _Document:
    """The embedded sentences of one file, in slices, of which only those that are needed are held."""

    def __init__(self, read: ReadFile, embed_ahead: Any, embedded_slice: Any) -> None:
        self._slices: list[EmbeddedSentences | None] = list(read.slices)
        self._jobs = [_SliceJob(passes) for passes in read.passes]
        self._slices.extend([None] * len(self._jobs))
        self._embed_ahead = embed_ahead
        self._embedded_slice = embedded_slice
        self._passed = 0
        self._embed_ahead(self._jobs)

    @property
    def running(self) -> list[Any]:
        """References to what workers are computing."""
        return [job.ref for job in self._jobs[self._passed :] if job.ref is not None]

    def sentences(self) -> Iterator[EmbeddedSentences]:
        """All of them, a slice at a time."""
        for number, found in enumerate(self._slices):
            if found is None:
                self._embed_ahead(self._jobs[number:])
                job = self._jobs[number]
                found = self._embedded_slice(job)
                job.ref, job.passes = None, []
            self._slices[number] = None
            self._passed = number + 1
            yield found


def _connect(address: str) -> None:
    """
    Raises:
        ConfigurationError: the cluster has another version of Ray or Python.
        ServiceUnavailableError: no cluster answers.
    """
    # Ray reports its use to its makers unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    remote = address.startswith(_CLIENT)  # what it prints, it prints there
    quiet: dict[str, Any] = {} if remote else {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL_CLUSTER:
            ray.init(
                address=address,
                num_cpus=available_cores(),
                include_dashboard=False,
                _node_ip_address="127.0.0.1",
                **quiet,
            )
            return
        _probe(address)
        ray.init(address=address, **quiet)
    except (OSError, TimeoutError, SystemExit) as error:
        raise _no_cluster(address, error) from error
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"The Ray cluster at {address} cannot be used: {_first_line(error)} Give the address as ray.init takes it, and "
            "the same versions of Ray and Python to all machines."
        ) from error


def _no_cluster(address: str, error: BaseException) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"No Ray cluster answers at {address} ({_first_line(error) or type(error).__name__}): start one with "
        "ray start --head, or give its address with --ray."
    )


def _probe(address: str) -> None:
    """Asks for a sign of life within bounded time: ``ray.init`` waits for two minutes and then ends the process.

    Raises:
        OSError, TimeoutError: there is none.
        ValueError: it is no address.
    """
    import ray

    named = os.environ.get("RAY_ADDRESS", _AUTO) if address == _AUTO else address
    if named == _AUTO:
        return  # Ray looks for a cluster on this machine, which is quick
    host, _, port = named.removeprefix(_CLIENT).partition("/")[0].rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("it is neither auto, local, HOST:PORT nor ray://HOST:PORT.")
    host = host.strip("[]")
    if host in _LOOPBACK and not named.startswith(_CLIENT):
        host = ray.util.get_node_ip_address()  # as ray.init does
    with socket.create_connection((host, int(port)), _CONNECT_SECONDS):
        pass
    if os.environ.get("RAY_USE_TLS", "0").lower() in {"1", "true"}:
        return
    try:
        import grpc
    except ImportError:
        return
    with grpc.insecure_channel(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}", options=[("grpc.enable_http_proxy", 0)]
    ) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            raise TimeoutError("something else listens there") from None


def _raise_known(error: Exception) -> None:
    """Raises what a worker said that concerns all files.

    Raises:
        QAEngineError: the sentence of the worker, or one about a worker without qa_engine.
    """
    cause = getattr(error, "cause", None)
    if isinstance(cause, QAEngineError):
        raise cause from None
    if isinstance(cause, ImportError) or "No module named" in str(error):
        raise ConfigurationError(
            f"A Ray worker lacks a package ({_first_line(cause or error)}): install qa-engine, of the same version "
            "as here, into the Python of every node."
        ) from error


def _reason(error: Exception) -> str:
    cause = getattr(error, "cause", None)
    return _first_line(cause or error)[:200].rstrip(".") or type(error).__name__


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")
