"""What the routes share: the engines, the database and the settings, opened at the start and closed at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Event
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from qa_engine.config import Config
from qa_engine.errors import CollectionNotFoundError, QAEngineError, StorageError
from qa_engine.models.embedding import build_embedding
from qa_engine.server.admission.authentication import Authenticator
from qa_engine.server.asking.answers import AnswerStore
from qa_engine.server.asking.conversations.questions import Conversations
from qa_engine.server.asking.conversations.store import ConversationStore
from qa_engine.server.asking.feedback import FeedbackStore
from qa_engine.server.asking.questions import Questions
from qa_engine.server.citations.lookup import Citations
from qa_engine.server.citations.store import CitationStore
from qa_engine.server.database import ServerDatabase
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.documents.originals import Originals
from qa_engine.server.documents.page_images import PageImages
from qa_engine.server.documents.page_readings import PageReadings
from qa_engine.server.engines import Engines
from qa_engine.server.evaluation.questions import QuestionStore
from qa_engine.server.evaluation.reviews import ReviewStore
from qa_engine.server.evaluation.running import EvaluationRunner
from qa_engine.server.evaluation.runs import Runs
from qa_engine.server.jobs.events import EventSignal
from qa_engine.server.jobs.queue import JobQueue
from qa_engine.server.metrics import ServerMetrics
from qa_engine.server.problems import ProblemError
from qa_engine.server.search_engine_probe import SearchEngineProbe
from qa_engine.server.uploads.acceptance import Uploads

logger = logging.getLogger("qa_engine.server")

SERVER_FOLDER = "_server"
"""Below the storage. No collection has such a folder: their names begin with a letter or a digit."""

_CHANGE_THREADS = 8
_FILE_THREADS = 8
"""Of requests for files and citations, so that they do not take the threads of questions."""
_Result = TypeVar("_Result")


def database_path(storage: Path) -> Path:
    """The file of the database of the server."""
    return storage / SERVER_FOLDER / "server.sqlite3"


@dataclass
class ServerState:
    """What the routes share.

    Attributes:
        config: the settings, with the storage.
        engines: the engines.
        database: what must be known after a restart.
        authenticator: finds the key of a request.
        metrics: what is counted.
        catalogs: of the collections.
        originals: the files themselves.
        images: of their pages.
        readings: how their pages are read.
        citations: by their ids, those that were sent and those that the collections hold.
        jobs: what brings files in and takes them out.
        uploads: where files come in.
        job_events: says that something has happened to a job.
        questions: those that are being answered.
        conversations: those that the server keeps.
        feedback: what readers say of answers.
        test_questions: what evaluations ask.
        reviews: what became of feedback.
        evaluations: starts them.
        runs: what they measured.
        warmed: set when the engine of the default collections is open and warm, or could not be opened.
        failure: why it could not be opened.
        draining: whether the process has been asked to stop: nothing new begins.
        stopping: set by then.
        search_engine: whether it can be asked now.
        doctor_thread: in which the doctor runs, once at a time.
        started: when, in seconds of `time.monotonic`.
    """

    config: Config
    engines: Engines
    database: ServerDatabase
    authenticator: Authenticator
    metrics: ServerMetrics
    catalogs: Catalogs
    originals: Originals
    images: PageImages
    readings: PageReadings
    citations: Citations
    jobs: JobQueue
    uploads: Uploads
    job_events: EventSignal
    questions: Questions
    conversations: Conversations
    feedback: FeedbackStore
    test_questions: QuestionStore
    reviews: ReviewStore
    evaluations: EvaluationRunner
    runs: Runs
    search_engine: SearchEngineProbe
    warmed: Event = field(default_factory=Event)
    failure: QAEngineError | None = None
    draining: bool = False
    stopping: Event = field(default_factory=Event)
    started: float = field(default_factory=time.monotonic)
    doctor_thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    _file_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_FILE_THREADS))
    _probe_thread: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    _change_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_CHANGE_THREADS))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @property
    def folder(self) -> Path:
        """The folder of the server below the storage."""
        return self.config.storage / SERVER_FOLDER

    @property
    def ready(self) -> bool:
        """Whether questions can be asked now."""
        return self.warmed.is_set() and self.failure is None and not self.draining

    async def read_files(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """The result of a function that reads catalogs or files, called in one of the threads for that."""
        return await to_thread.run_sync(function, *arguments, limiter=self._file_threads)

    def remove_unused_pages(self) -> None:
        """Deletes images and readings of documents that no collection holds any more. Call it from a thread."""
        self.images.remove_unused(self.catalogs.held)
        self.readings.remove_unused(self.catalogs.held)

    async def change(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """The result of a function that changes a collection, called in one of the threads for that: they wait for jobs."""
        return await to_thread.run_sync(function, *arguments, limiter=self._change_threads)

    def require_accepting(self) -> None:
        """Raises `ProblemError` ``draining`` if the server stops."""
        if self.draining:
            raise ProblemError("draining", "The server has been asked to stop.")

    def drain(self) -> None:
        """Begins nothing new from now on. For the handler of a signal in the thread of the event loop."""
        self.draining = True
        self._loop.call_soon_threadsafe(self.stopping.set)

    async def probe(self) -> None:
        """Raises `ProblemError` ``storage_unavailable`` if the search engine, if there is one, cannot be asked now."""
        await to_thread.run_sync(self.search_engine.require, limiter=self._probe_thread)

    async def require_ready(self) -> None:
        """Waits until questions can be asked.

        Raises:
            ProblemError: the server stops.
            QAEngineError: the engine could not be opened.
        """
        await self.warmed.wait()
        if self.failure is not None:
            raise self.failure
        self.require_accepting()


@asynccontextmanager
async def opened_state(
    config: Config, collections: tuple[str, ...], on_failure: Callable[[], None], no_auth: bool = False
) -> AsyncIterator[ServerState]:
    """Opens what the routes share, has the engine warmed meanwhile, and closes everything at the end.

    Args:
        config: the settings, with the storage.
        collections: those that are asked if a question names none.
        on_failure: called if the engine cannot be opened, for another reason than that nothing has been ingested yet.
        no_auth: whether everybody is let in without a key.

    Raises:
        StorageError: the storage cannot be written.
    """
    async with AsyncExitStack() as stack:
        database = await to_thread.run_sync(ServerDatabase, database_path(config.storage))
        stack.callback(database.close)
        authenticator = await to_thread.run_sync(Authenticator.over, database, config.server, no_auth)
        engines = Engines(config, collections)
        stack.push_async_callback(to_thread.run_sync, engines.close)
        catalogs, originals = (
            Catalogs(config.storage, config.index),
            Originals(config.storage, shared=config.index.search_url is not None),
        )
        stack.callback(catalogs.close)
        images, readings = await to_thread.run_sync(_open_pages, config, catalogs)
        stack.push_async_callback(to_thread.run_sync, images.close)
        stack.callback(readings.close)
        store = await to_thread.run_sync(CitationStore, database, config.server.citation_days)
        citations = Citations(engines.default, catalogs, originals, store)
        answers = await to_thread.run_sync(AnswerStore, database, config.server.answer_hours)
        questions = Questions(config, engines, answers, catalogs, citations)
        stack.push_async_callback(questions.close)
        conversations = await to_thread.run_sync(ConversationStore, database, config.server.conversation_days)
        job_events, metrics = EventSignal(), ServerMetrics()
        jobs = await to_thread.run_sync(
            JobQueue.over, database, config, job_events.notify, metrics.pages_ingested.inc
        )
        metrics.queued_files.set_function(jobs.store.waiting_files)
        metrics.running_questions.set_function(lambda: questions.queue.running)
        metrics.waiting_questions.set_function(lambda: questions.queue.waiting)
        stack.push_async_callback(to_thread.run_sync, jobs.stop)
        uploads = await to_thread.run_sync(Uploads, config, jobs, catalogs)
        stack.push_async_callback(to_thread.run_sync, uploads.close)
        if not config.server.read_only:
            jobs.start(uploads.remove_leftovers)
        feedback = await to_thread.run_sync(FeedbackStore, database)
        runs = config.server.runs or config.storage / SERVER_FOLDER / "runs"
        evaluations = await to_thread.run_sync(EvaluationRunner, database, config, runs)
        stack.push_async_callback(to_thread.run_sync, evaluations.close)
        state = ServerState(
            config,
            engines,
            database,
            authenticator,
            metrics,
            catalogs,
            originals,
            images,
            readings,
            citations,
            jobs,
            uploads,
            job_events,
            questions,
            Conversations(conversations),
            feedback,
            await to_thread.run_sync(QuestionStore, database),
            await to_thread.run_sync(ReviewStore, database),
            evaluations,
            Runs(runs, evaluations, catalogs),
            SearchEngineProbe(config.index, engines.default),
        )
        warming = asyncio.create_task(_warm(state, on_failure))
        draining = asyncio.create_task(questions.drain(state.stopping))
        try:
            yield state
        finally:
            state.drain()
            draining.cancel()
            await warming


def _open_pages(config: Config, catalogs: Catalogs) -> tuple[PageImages, PageReadings]:
    """Images and readings of pages, without those of documents that have been deleted since the last time."""
    folder = config.storage / SERVER_FOLDER
    try:
        images, readings = PageImages(folder / "pages", config), PageReadings(folder / "readings", config)
    except OSError as error:
        raise StorageError(
            f"A folder in {folder} cannot be used ({error.strerror or error}): check its permissions."
        ) from error
    images.remove_unused(catalogs.held)
    readings.remove_unused(catalogs.held)
    return images, readings


async def _warm(state: ServerState, on_failure: Callable[[], None]) -> None:
    try:
        await to_thread.run_sync(warm, state.engines)
    except QAEngineError as error:
        state.failure = error
        on_failure()
    finally:
        state.warmed.set()


def warm(engines: Engines) -> None:
    """Opens the engine of the default collections, and runs each of its models once.

    If a collection does not exist yet, or holds nothing, the embedding model alone is loaded.
    """
    try:
        with engines.engine() as engine:
            engine.retrieve("你好", top_k=1)
    except (CollectionNotFoundError, ProblemError) as error:
        logger.warning("%s", error)
        build_embedding(engines.config.embedding).get_query_embedding("你好")


def state_of(request: Request) -> ServerState:
    """What the routes share."""
    state: ServerState = request.app.state.server
    return state


async def ready_state_of(request: Request) -> ServerState:
    """What the routes share, as soon as questions can be asked."""
    state = state_of(request)
    await state.require_ready()
    return state


State = Annotated[ServerState, Depends(state_of)]
ReadyState = Annotated[ServerState, Depends(ready_state_of)]
"""For routes that need the engine: they wait while it is being opened."""
