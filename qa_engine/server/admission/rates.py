"""How often something may happen: a moving window for each client.

`limits` reads the notation. Its storage in memory is not used: every 10 ms a thread of it looks through all clients, and it
never lets go of one, so that many addresses would make it slow and large.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from limits import RateLimitItem, parse

_MOST_CLIENTS = 20_000


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
