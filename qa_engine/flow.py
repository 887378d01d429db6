"""Runs work that is written once for callers that block and for callers that await.

A flow is a generator: it yields requests (a call, a stream to read, a piece to show), is sent their results, and returns
the result of the whole. Like the ``auth_flow`` of httpx, it does no input or output of its own. `run` and `arun` return the
result; `pieces` and `apieces` also yield what is shown on the way to it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import aclosing, closing, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

T = TypeVar("T")
P = ParamSpec("P")
_threads: ContextVar[Executor | None] = ContextVar("qa_engine_threads", default=None)


@dataclass(frozen=True)
class Call:
    """A request for the result of a function.

    Attributes:
        blocking: the function.
        awaited: the function for event loops, which does not block them.
    """

    blocking: Callable[[], Any]
    awaited: Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Read:
    """A request to read a stream to its end; its result is the stream, which is closed by then.

    The stream is also closed after an error, and when the flow is closed.

    Attributes:
        blocking: opens the stream, a generator or an iterator with ``close``.
        awaited: opens the stream for event loops, with ``aclose``; or returns an awaitable of it.
        each: the flow of an item, which shows what is to be shown of it.
    """

    blocking: Callable[[], Any]
    awaited: Callable[[], Any]
    each: Callable[[Any], Flow[None]]


@dataclass(frozen=True)
class Piece:
    """Something to show: a piece of text, or for callers that ask for them an event of another kind."""

    content: Any


Flow: TypeAlias = Generator[Call | Read | Piece, Any, T]
"""Work that returns a ``T``. The errors of a request are raised at the ``yield`` of the request."""


def call(blocking: Callable[[], T], awaited: Callable[[], Awaitable[T]]) -> Flow[T]:
    """The result of a function that exists in both forms; for ``yield from``."""
    result: T = yield Call(blocking, awaited)
    return result


def shown_text(item: Any) -> Flow[None]:
    """Shows an item of a stream as text."""
    if text := str(item):
        yield Piece(text)


def read(
    blocking: Callable[[], Any],
    awaited: Callable[[], Any],
    each: Callable[[Any], Flow[None]] = shown_text,
) -> Flow[Any]:
    """The stream, after it has been read to its end; for the arguments see `Read`."""
    return (yield Read(blocking, awaited, each))


@contextmanager
def in_threads_of(executor: Executor) -> Iterator[None]:
    """Has `to_thread` use the threads of an executor, in this task and in those that it starts, until the block ends."""
    token = _threads.set(executor)
    try:
        yield
    finally:
        _threads.reset(token)


async def to_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread`, in a thread of the executor of `in_threads_of` if there is one."""
    work = partial(copy_context().run, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads.get(), work)


def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
    """The result of a slow function; in an event loop, a thread runs it with a copy of the context."""
    work = partial(function, *args, **kwargs)
    result: T = yield Call(work, partial(to_thread, work))
    return result


def run(flow: Flow[T]) -> T:
    """The result of a flow, without what it shows."""
    last: Any = None
    with closing(pieces(flow)) as items:
        for last in items:  # noqa: B007 - the last one counts
            pass
    return cast(T, last)


async def arun(flow: Flow[T]) -> T:
    """`run` without blocking."""
    last: Any = None
    async with aclosing(apieces(flow)) as items:
        async for last in items:  # noqa: B007 - the last one counts
            pass
    return cast(T, last)


def pieces(flow: Flow[T]) -> Generator[Any | T, None, None]:
    """Yields what a flow shows, as it comes, then the result of the flow."""
    with closing(flow):
        advance: Callable[[], Any] = partial(next, flow)
        while True:
            try:
                request = advance()
            except StopIteration as end:
                result = end.value
                break
            try:
                value = None
                if isinstance(request, Piece):
                    yield request.content
                elif isinstance(request, Read):
                    with closing(request.blocking()) as value:
                        for item in value:
                            yield from _shown(request.each(item))
                else:
                    value = request.blocking()
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow decides; what it does not handle is raised again
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, value)
        yield result


def _shown(flow: Flow[None]) -> Generator[Any, None, None]:
    """What a flow without a result shows."""
    with closing(pieces(flow)) as items:
        for content in items:
            if content is not None:
                yield content


async def apieces(flow: Flow[T]) -> AsyncGenerator[Any | T, None]:
    """`pieces` for ``async for``; never blocks the event loop for longer than the flow's own code takes."""
    with closing(flow):
        advance: Callable[[], Any] = partial(next, flow)
        while True:
            try:
                request = advance()
            except StopIteration as end:
                result = end.value
                break
            try:
                value = None
                if isinstance(request, Piece):
                    yield request.content
                elif isinstance(request, Read):
                    opened = request.awaited()
                    async with aclosing(await opened if inspect.isawaitable(opened) else opened) as value:
                        async for item in value:
                            async with aclosing(apieces(request.each(item))) as shown:
                                async for content in shown:
                                    if content is not None:
                                        yield content
                else:
                    value = await request.awaited()
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow decides; what it does not handle is raised again
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, value)
        yield result
