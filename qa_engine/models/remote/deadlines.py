"""An HTTP client whose requests end in time, however slowly bytes drip in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from openai import DefaultAsyncHttpxClient

from qa_engine.models.remote.proxies import http_options

logger = logging.getLogger("qa_engine.models")
_CONNECT_SECONDS = 10.0
_on_response: ContextVar[Callable[[httpx.Response], None] | None] = ContextVar("on_response", default=None)


def client_timeout(seconds: float) -> httpx.Timeout:
    """All the time for a reply, but little for reaching the host: a dead address is soon reported."""
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


class DeadlineClient(DefaultAsyncHttpxClient):
    """OpenAI's HTTP client for a URL, with a limit, in seconds, for each request as a whole.

    The time-outs of httpx start anew with every byte. Here the limit holds from the request to the whole reply, or of a
    stream to its headers. A ``Retry-After`` that is longer than the limit is not waited for.
    """

    def __init__(self, seconds: float, url: str) -> None:
        super().__init__(timeout=client_timeout(seconds), **http_options(url))
        self._seconds = seconds

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """The response to a request.

        Raises:
            httpx.TimeoutException: it did not come in time.
        """
        try:
            if (retry := request.headers.get("x-stainless-retry-count", "0")) != "0":
                logger.info("Asking %s again, retry %s", request.url.host, retry)
            async with asyncio.timeout(self._seconds):
                response = await super().send(request, **options)
                if response.is_error:
                    await response.aread()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no reply within {self._seconds:g} s", request=request) from error
        wait = seconds_to_wait(response.headers.get("retry-after"))
        if wait is not None and wait > self._seconds:
            response.headers["x-should-retry"] = "false"
        if response.is_success and (callback := _on_response.get()) is not None:
            callback(response)
        return response


@contextmanager
def on_response(callback: Callable[[httpx.Response], None]) -> Iterator[None]:
    """Within the block and in this task, calls ``callback`` with each success whose headers a `DeadlineClient` receives."""
    token = _on_response.set(callback)
    try:
        yield
    finally:
        _on_response.reset(token)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, as a number or as a date; None for what is neither."""
    if not retry_after:
        return None
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
