"""How often something may happen: a moving window for each client.

`limits` reads the notation. Its storage in memory is not used: every 10 ms a thread of it looks through all clients, and it
never lets go of one, so that many addresses would make it slow and large.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from limits import RateLimitItem, parse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa_engine.config.server import ServerConfig
from qa_engine.server.admission.clients import address_group
from qa_engine.server.admission.hosts import is_loopback
from qa_engine.server.paths import route_path
from qa_engine.server.problems import ProblemError, render

_MOST_CLIENTS = 20_000
_RATE_FOR_OTHERS = "600/minute"
_UNLIMITED = frozenset({"/healthz", "/readyz"})


@dataclass
class MovingWindow:
    """Counts for each client what happened within the last seconds. For one thread, such as that of the event loop.

    Attributes:
        rate: how much is allowed in which time, such as ``60/minute``.
        clock: seconds, as `time.monotonic`.
    """

    rate: RateLimitItem
    clock: Callable[[], float] = time.monotonic
    _times: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, rate: str) -> MovingWindow:
        """A window for a rate such as ``60/minute``."""
        return cls(parse(rate))

    @property
    def amount(self) -> int:
        """How much is allowed within `seconds`."""
        return self.rate.amount

    @property
    def seconds(self) -> int:
        """The time that is looked at."""
        return self.rate.get_expiry()

    def count(self, client: str) -> bool:
        """Counts one thing, if it is allowed.

        Returns:
            Whether it is.
        """
        times = self._recent(client)
        if len(times) >= self.amount:
            return False
        times.append(self.clock())
        self._times[client] = times
        self._times.move_to_end(client)
        while len(self._times) > _MOST_CLIENTS:
            self._times.popitem(last=False)
        return True

    def left(self, client: str) -> int:
        """How much is allowed now."""
        return self.amount - len(self._recent(client))

    def wait(self, client: str) -> float:
        """Seconds until more than `left` is allowed; 0 if nothing was counted."""
        times = self._recent(client)
        return max(times[0] + self.seconds - self.clock(), 0) if times else 0

    def _recent(self, client: str) -> deque[float]:
        times = self._times.get(client)
        if times is None:
            return deque()
        oldest = self.clock() - self.seconds
        while times and times[0] <= oldest:
            times.popleft()
        if not times:
            del self._times[client]
        return times


class RateLimits:
    """ASGI middleware: limits how often each key asks, and each address where no key is needed."""

    def __init__(self, app: ASGIApp, rate: str) -> None:
        """
        Args:
            app: the application below.
            rate: such as ``60/minute``.
        """
        self._app = app
        self._window = MovingWindow.of(rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in _UNLIMITED:
            await self._app(scope, receive, send)
            return
        name = scope["state"]["access"].name
        client = f"key {name}" if name else f"address {address_group(scope)}"
        allowed = self._window.count(client)
        left, wait = self._window.left(client), max(math.ceil(self._window.wait(client)), 1)
        policy = f'"requests";q={self._window.amount};w={self._window.seconds}'

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = policy
                headers["RateLimit"] = f'"requests";r={left};t={wait}'
            await send(message)

        if allowed:
            await self._app(scope, receive, send_with_limits)
            return
        problem = ProblemError(
            "rate_limited",
            f"More than {self._window.amount:,} requests came within {self._window.seconds:,} seconds.",
            retry_after=wait,
        )
        await render(problem, scope)(scope, receive, send_with_limits)


def rate_of(config: ServerConfig) -> str | None:
    """The rate that the settings allow, or None if there is no limit."""
    if config.rate_limit == "auto":
        return None if is_loopback(config.host) else _RATE_FOR_OTHERS
    return None if config.rate_limit == "off" else config.rate_limit
