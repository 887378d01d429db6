"""Keeps ONNX Runtime, which several libraries import, from reporting to its makers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from qa_engine.forks import RenewedLock

_VARIABLE = "ORT_DISABLE_TELEMETRY"
_lock = RenewedLock()
_importers = 0
_set_here = False


def disable_telemetry() -> None:
    """Turns the reports off for this process and its children, unless the environment decides otherwise.

    Only for processes of our own; in others, see `telemetry_disabled`.
    """
    os.environ.setdefault(_VARIABLE, "1")


@contextmanager
def telemetry_disabled() -> Iterator[None]:
    """Inside, an import of a library may import ONNX Runtime; after it the environment is as it was.

    From version 1.30 on, ONNX Runtime asks for the address of a host of its makers, and keeps an identifier of the device
    and its unsent reports in the user's cache folder. Measured with 1.32: the variable has to be set while it is imported
    and at no other time, and ``disable_telemetry_events()`` after the import comes too late. Where the host of this library
    has imported it before, nothing is changed.
    """
    global _importers, _set_here
    if "onnxruntime" in sys.modules:
        yield
        return
    with _lock:  # several threads may import at once: the last one restores the environment
        _importers += 1
        if _VARIABLE not in os.environ:
            os.environ[_VARIABLE] = "1"
            _set_here = True
    try:
        yield
    finally:
        with _lock:
            _importers -= 1
            if _importers == 0 and _set_here:
                os.environ.pop(_VARIABLE, None)
                _set_here = False
