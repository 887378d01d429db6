"""The encoder of this process: prepared and loaded on first use, shared by all who embed, and released at the end."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

from qa_engine.errors import QAEngineError
from qa_engine.models.e5.encoder import E5Encoder
from qa_engine.models.e5.preparation import Progress, model_folder, prepare

logger = logging.getLogger("qa_engine.models")
_encoders: dict[Path, E5Encoder] = {}
_lock = Lock()


def shared_encoder(progress: Progress | None = None, threads: int | None = None) -> E5Encoder:
    """The encoder of this process, prepared and loaded on first use.

    Args:
        progress: called with one line of text per step, if the model is prepared for the first time.
        threads: as for `E5Encoder.load`; it counts on first use.

    Raises:
        ModelUnavailableError: it cannot be prepared or loaded.
        StorageError: the cache folder cannot be written.
    """
    with _lock:
        folder = prepare(progress)
        if folder not in _encoders:
            _encoders[folder] = E5Encoder.load(folder, threads)
            logger.info("Loaded the local model from %s", folder)
        return _encoders[folder]


def load_shared_encoder_early(progress: Progress | None = None, *, for_passages: bool = False) -> None:
    """Loads the encoder in a thread, while the caller imports libraries or reads files.

    `shared_encoder` waits for the thread, and raises the error if it fails.

    Args:
        progress: as for `shared_encoder`; without it, nothing happens unless the model is prepared.
        for_passages: load also what only other texts than questions need.
    """
    if progress is not None or model_folder().exists():
        Thread(target=_try_to_load, args=(progress, for_passages), name="e5-loading", daemon=True).start()


def release_shared_encoder() -> None:
    """Ends the threads of the encoder and forgets it; its memory is free when nobody holds it any more.

    Whoever holds it may go on using it. The next call of `shared_encoder` loads it anew.
    """
    with _lock:
        encoders = list(_encoders.values())
        _encoders.clear()
    for encoder in encoders:
        encoder.close()


def _try_to_load(progress: Progress | None, for_passages: bool) -> None:
    with suppress(QAEngineError):
        encoder = shared_encoder(progress)
        if for_passages:
            encoder.load_vocabulary()


def _after_fork() -> None:
    """A forked child may have the lock without its holder, and has the encoders without their threads."""
    global _lock
    _lock = Lock()
    for encoder in _encoders.values():
        encoder.forget_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
