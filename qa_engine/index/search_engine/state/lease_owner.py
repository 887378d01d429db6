"""Who holds a lease: a process of a machine, in words and so that the same machine can tell whether it still runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> dict[str, Any]:
    """What names this process. What a system does not tell is empty."""
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "system": _system(),
        "started": _start_of(os.getpid()),
    }


def has_ended(owner: Mapping[str, Any]) -> bool:
    """Whether a process surely runs no more; False for one that this machine cannot tell of."""
    if not owner.get("system") or owner["system"] != _system() or owner["host"] != socket.gethostname():
        return False
    started = _start_of(owner["process"])
    # Another start: the number was given to another process.
    return started is None or started != owner["started"]


def _system() -> str:
    """Names the running system of this machine, and the numbering of processes that this one sees."""
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _start_of(process: int) -> int | None:
    """When a process started, in ticks since the system did; None if there is none, or it only waits to be buried."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])
