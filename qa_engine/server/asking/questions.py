"""Runs questions: each in its turn, in threads of their own, within its time, and away from the connection that asked."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

from llama_index.core.vector_stores.types import MetadataFilters
from starlette.requests import Request

from qa_engine.answering.answer import search_to_dict
from qa_engine.config import Config
from qa_engine.engine import QueryEngine
from qa_engine.flow import in_threads_of, to_thread
from qa_engine.index.records import FileRecord
from qa_engine.models.runtime.cores import available_cores
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.page_trace import PageTrace
from qa_engine.server.access import Access
from qa_engine.server.asking.answers import AnswerStore, KeptAnswer
from qa_engine.server.asking.citation_links import CitationLinks
from qa_engine.server.asking.course import Asked, Course, Dialogue
from qa_engine.server.asking.queue import Place, QuestionQueue
from qa_engine.server.asking.requests import (
    MessageRequest,
    PageSearchRequest,
    SearchRequest,
    asked_collections,
)
from qa_engine.server.asking.running import RunningAnswer
from qa_engine.server.citations.lookup import Citations
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.engines import Engines
from qa_engine.server.problems import ProblemError, problem_of, request_id_of

P = ParamSpec("P")
T = TypeVar("T")
_DEFAULT_TOP_K = 10
_RUNNING_WITH_MODEL = 32


class Questions:
    """Runs questions and searches. For one event loop; `close` ends what is running."""

    def __init__(
        self, config: Config, engines: Engines, answers: AnswerStore, catalogs: Catalogs, citations: Citations
    ) -> None:
        """
        Args:
            config: the settings.
            engines: answer the questions.
            answers: keep the answers.
            catalogs: of the storage.
            citations: remember those that are sent.
        """
        settings = config.server
        usual = _RUNNING_WITH_MODEL if config.llm.model else 2 * available_cores()
        running = settings.max_running_questions or usual
        self.queue = QuestionQueue(running, settings.max_waiting_questions)
        self._config, self._engines, self._answers = config, engines, answers
        self._catalogs, self._citations = catalogs, citations
        # Two more, for the database, when all questions compute.
        self._threads = ThreadPoolExecutor(running + 2, thread_name_prefix="question")
        self._running: dict[tuple[str, str], RunningAnswer] = {}

    def find(self, owner: str, answer_id: str) -> RunningAnswer | None:
        """An answer in the making, or one whose stream may still be taken up again; None for any other."""
        return self._running.get((owner, answer_id))

    async def kept(self, owner: str, answer_id: str) -> KeptAnswer | None:
        """An answer that was sent; None for any other, or if its time is over."""
        return await self._in_thread(self._answers.get, owner, answer_id)

    async def ask(
        self, request: Request, body: MessageRequest, access: Access, resumed: bool, dialogue: Dialogue
    ) -> RunningAnswer:
        """Begins to answer a question.

        Args:
            request: that asked.
            body: what it asks.
            access: of its key.
            resumed: whether the answer goes on for a while if its client is gone; it must have named the answer.
            dialogue: the conversation that the question belongs to. It is ended whatever happens.

        Raises:
            ProblemError: the question cannot be asked, there is no such collection, the answer's id is taken, or too many
                questions wait.
        """
        try:
            collections, filters = await self._checked(body, access, dialogue.collections)
            answer_id = body.answer_id or secrets.token_urlsafe(16)
            if body.answer_id and await self.kept(access.name, answer_id) is not None:
                raise _taken(answer_id)
            if (access.name, answer_id) in self._running:
                raise _taken(answer_id)
            place = self.queue.enter()
        except BaseException:
            dialogue.ended()
            raise
        # From here to the task nothing waits: what has a place also gives it back.
        asked = Asked(body.question, collections, filters, body.top_k, body.explain, dialogue)
        seconds = self._config.server.resume_seconds if resumed and body.answer_id else 0
        running = RunningAnswer(answer_id, access.name, request_id_of(request.scope), seconds)
        course = Course(running, CitationLinks(request, self._catalogs), self._answers, self._citations)
        task = asyncio.create_task(self._run(asked, course, place))
        self._running[access.name, answer_id] = running
        running.run(task)
        task.add_done_callback(partial(self._ended, running, dialogue, place))
        return running

    async def search(self, request: Request, body: SearchRequest, access: Access) -> dict[str, Any]:
        """The passages for a question, as ``ask --search-only --json`` prints them.

        Raises:
            ProblemError: as `ask`; or it takes too long.
        """
        collections, filters = await self._checked(body, access)

        async def found(engine: QueryEngine) -> dict[str, Any]:
            explanation = await engine.aexplain(body.question, body.top_k or _DEFAULT_TOP_K, filters)
            return await to_thread(self._found, request, body, explanation, engine.models)

        return await self._searched(collections, found)

    async def search_page(self, body: PageSearchRequest, access: Access, record: FileRecord) -> PageTrace:
        """Whether the passages for a question hold a page, and if not, why.

        Args:
            body: what is asked.
            access: of its key.
            record: of the file in the collection that the body names.

        Raises:
            ProblemError: as `search`.
        """
        collections, filters = await self._checked(body, access)
        top_k = body.top_k or _DEFAULT_TOP_K
        if body.collection not in collections:
            return PageTrace("other_collection", top_k=top_k)

        async def traced(engine: QueryEngine) -> PageTrace:
            place = body.collection, record.document_id, body.page
            return await engine.aexplain_page(body.question, *place, top_k, filters)

        return await self._searched(collections, traced)

    async def _searched(self, collections: tuple[str, ...], work: Callable[[QueryEngine], Awaitable[T]]) -> T:
        """The result of a search, which is given its turn and its time."""
        async with self.queue.enter().turn():
            try:
                with in_threads_of(self._threads):
                    async with (
                        asyncio.timeout(self._config.server.question_seconds),
                        self._engine(collections) as engine,
                    ):
                        return await work(engine)
            except TimeoutError:
                raise ProblemError(
                    "model_timeout",
                    f"The search took longer than {self._config.server.question_seconds:g} s.",
                ) from None

    async def drain(self, stopping: asyncio.Event) -> None:
        """Waits until the server stops, lets answers go on for ``server.draining_seconds``, and ends them then."""
        await stopping.wait()
        await asyncio.sleep(self._config.server.draining_seconds)
        for running in list(self._running.values()):
            running.stop(_draining())

    async def close(self) -> None:
        """Ends all questions, and waits for the threads that still work on them."""
        answers = list(self._running.values())
        for running in answers:
            running.stop(_draining())
        for running in answers:
            await running.stopped()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _found(
        self, request: Request, body: SearchRequest, found: Explanation, models: dict[str, str]
    ) -> dict[str, Any]:
        content = search_to_dict(body.question, found, models, body.explain)
        links = CitationLinks(request, self._catalogs)
        return {**content, "passages": [links.linked_passage(one) for one in content["passages"]]}

    async def _checked(
        self, body: SearchRequest, access: Access, default: Sequence[str] = ()
    ) -> tuple[tuple[str, ...], MetadataFilters | None]:
        body.checked(self._config)
        collections = asked_collections(
            body.collections or default, self._engines.default, access.collections
        )
        access.require(collections)
        filters = body.conditions()
        await self._in_thread(self._require_collections, collections)
        return collections, filters

    def _require_collections(self, names: Sequence[str]) -> None:
        for name in names:
            self._catalogs.require(name)

    async def _in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with in_threads_of(self._threads):
            return await to_thread(function, *args, **kwargs)

    async def _run(self, asked: Asked, course: Course, place: Place) -> None:
        running, settings = course.running, self._config.server
        async with place.turn():
            started = asyncio.get_running_loop().time()
            end = started + settings.question_seconds
            try:
                with in_threads_of(self._threads):
                    async with (
                        asyncio.timeout_at(min(end, started + settings.first_piece_seconds)) as limit,
                        self._engine(asked.collections) as engine,
                    ):
                        reader = engine.with_filters(asked.filters).with_top_k(asked.top_k)
                        await course.run(asked, reader, partial(limit.reschedule, end))
            except TimeoutError:
                first = f"no words came within {settings.first_piece_seconds:g} s"
                whole = f"it was not complete within {settings.question_seconds:g} s"
                running.fail(
                    ProblemError(
                        "model_timeout",
                        f"The answer was given up: {whole if course.begun else first}.",
                        passages=course.passages,
                    )
                )
            except Exception as error:  # noqa: BLE001 - the client is told; what was not raised on purpose is logged
                running.fail(problem_of(error, running.request_id))

    def _ended(
        self, running: RunningAnswer, dialogue: Dialogue, place: Place, task: asyncio.Task[None]
    ) -> None:
        """Tidies up after a question, also if it was cancelled before it began."""
        place.leave()
        dialogue.ended()
        running.fail(_draining())
        forget = partial(self._running.pop, (running.owner, running.answer_id), None)
        if running.resume_seconds:
            asyncio.get_running_loop().call_later(running.resume_seconds, forget)
        else:
            forget()
        if not task.cancelled():
            task.result()

    @asynccontextmanager
    async def _engine(self, collections: tuple[str, ...]) -> AsyncIterator[QueryEngine]:
        """The engine for some collections. It is given back in a thread, because that may close it."""
        taking = asyncio.ensure_future(to_thread(self._engines.take, collections))

        def give_back(taken: asyncio.Future[Any]) -> None:
            if not taken.cancelled() and taken.exception() is None:
                self._threads.submit(self._engines.give_back, taken.result())

        try:
            yield (await asyncio.shield(taking)).engine
        finally:
            taking.add_done_callback(give_back)


def _taken(answer_id: str) -> ProblemError:
    return ProblemError(
        "already_exists",
        f"There is an answer {answer_id!r} already.",
        f"Fetch it from /api/v1/answers/{answer_id}, or choose another answer_id.",
    )


def _draining() -> ProblemError:
    return ProblemError("draining", "The server has been asked to stop, and the answer was not complete.")
