"""Loaded by the processes that the documentation's commands start: they may connect to nothing."""

import socket
from typing import Any


def _refuse(self: socket.socket, address: Any) -> None:
    if self.family != socket.AF_UNIX:
        raise OSError(101, f"a documented command tried to reach {address}")


socket.socket.connect = socket.socket.connect_ex = _refuse  # type: ignore[assignment, method-assign]
