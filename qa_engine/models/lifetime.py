"""Frees the local encoder and the loop of blocking requests, which the engines of a process share, with the last engine."""

from __future__ import annotations

from qa_engine.forks import RenewedLock
from qa_engine.models.e5.shared import release_shared_encoder
from qa_engine.models.remote.background_loop import close_background_loop

_lock = RenewedLock()
_users = 0


def release_models() -> None:
    """Frees the shared encoder and loop. Safe at any time: the next call that needs them makes them anew."""
    release_shared_encoder()
    close_background_loop()


class ModelUser:
    """One user of the shared models, such as an engine. When the last one is closed, `release_models` is called.

    Example:
        >>> with ModelUser():
        ...     pass
    """

    def __init__(self) -> None:
        global _users
        self._open = True
        with _lock:
            _users += 1

    def close(self) -> None:
        """Ends this use. Closing again does nothing."""
        global _users
        with _lock:
            if not self._open:
                return
            self._open = False
            _users -= 1
            last = _users == 0
        if last:
            release_models()

    def __enter__(self) -> ModelUser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
