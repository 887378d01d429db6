"""Runs work that is written once for callers that block and for callers that await.

A flow is a generator: it yields requests (a call, a stream to read, a piece of text to show), is sent their results, and
returns the result of the whole. Like the ``auth_flow`` of httpx, it does no input or output of its own. `run` and `arun`
return the result; `pieces` and `apieces` also yield the text on the way to it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

T = TypeVar("T")
P = ParamSpec("P")


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
        to_text: returns the text to show for an item; empty for none.
    """

    blocking: Callable[[], Any]
    awaited: Callable[[], Any]
    to_text: Callable[[Any], str]


@dataclass(frozen=True)
class Piece:
    """A piece of text to show."""

    text: str


Flow: TypeAlias = Generator[Call | Read | Piece, Any, T]
"""Work that returns a ``T``. The errors of a request are raised at the ``yield`` of the request."""


def call(blocking: Callable[[], T], awaited: Callable[[], Awaitable[T]]) -> Flow[T]:
    """The result of a function that exists in both forms; for ``yield from``."""
    result: T = yield Call(blocking, awaited)
    return result


def read(
    blocking: Callable[[], Any], awaited: Callable[[], Any], to_text: Callable[[Any], str] = str
) -> Flow[Any]:
    """The stream, after it has been read to its end; for the arguments see `Read`."""
    return (yield Read(blocking, awaited, to_text))


def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
    """The result of a slow function; in an event loop, a thread runs it with a copy of the context."""
    work = partial(function, *args, **kwargs)
    result: T = yield Call(work, partial(asyncio.to_thread, work))
    return result


def run(flow: Flow[T]) -> T:
    """The result of a flow, without the text that it shows."""
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


def pieces(flow: Flow[T]) -> Generator[str | T, None, None]:
    """Yields the text that a flow shows, as it comes, then the result of the flow."""
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
                    yield request.text
                elif isinstance(request, Read):
                    with closing(request.blocking()) as value:
                        for item in value:
                            if text := request.to_text(item):
                                yield text
                else:
                    value = request.blocking()
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow decides; what it does not handle is raised again
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, value)
        yield result


async def apieces(flow: Flow[T]) -> AsyncGenerator[str | T, None]:
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
                    yield request.text
                elif isinstance(request, Read):
                    opened = request.awaited()
                    async with aclosing(await opened if inspect.isawaitable(opened) else opened) as value:
                        async for item in value:
                            if text := request.to_text(item):
                                yield text
                else:
                    value = await request.awaited()
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - the flow decides; what it does not handle is raised again
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, value)
        yield result
