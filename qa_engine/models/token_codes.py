"""Token vectors of the local model in 2 or 4 bits a dimension, for late interaction without encoding passages again.

A vector of length 1 is centred, rotated by a fixed orthogonal matrix, and each coordinate is put to the nearest of
the levels that are best for a normal distribution (Lloyd and Max). The rotation makes coordinates alike and nearly
normal: the idea is that of QuIP# (Tseng et al., 2024) and RaBitQ (Gao and Long, 2024). The centre matters with this model,
whose token vectors share a mean of length 0.79: the cosine of a vector to its code in 2 bits is .97 to .98 with it, and
.94 without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qa_engine.models.e5.encoder import PASSAGE_PREFIX, E5Encoder, unit_rows
from qa_engine.models.runtime.batching import bounded_groups
from qa_engine.models.runtime.small_products import product

DIMENSION = E5Encoder.dimension
Bits = Literal[2, 4]
_LEVELS: dict[int, tuple[float, ...]] = {
    2: (0.4528, 1.5104),
    4: (0.1284, 0.3881, 0.6568, 0.9424, 1.2562, 1.6181, 2.0691, 2.7326),
}
"""The positive half of the levels for a normal distribution of deviation 1 (Max, 1960)."""
_SCALE_BYTES = 2
_ROWS_AT_ONCE = 256
_SAMPLE = (
    "二〇二三年公司营业收入增长了百分之十二，主要来自海外市场和新产品。",
    "这座城市位于河流的北岸，人口约三百万，是该省最大的港口。",
    "患者应当在医生的指导下服药，每天不超过两片。",
    "该算法先把图像分成小块，再用神经网络计算它们之间的关系。",
    "他于1948年出生在一个音乐家庭，后来成为著名的作曲家。",
    "第十二条 用人单位应当依法建立劳动规章制度，保障劳动者的权利。",
    "The company reported higher revenue in the second quarter, driven by sales of new equipment.",
    "The river rises in the mountains and flows through three countries before it reaches the sea.",
    "Patients were divided into two groups, and the treatment reduced the risk by 15 percent.",
    "We train the model on pairs of sentences and compare it with earlier methods on five benchmarks.",
    "She was elected to parliament in 1962 and served as minister of education for eight years.",
    "To replace the filter, switch off the device, open the cover and remove the two screws.",
)
"""Sentences of many kinds in both languages: the mean of their tokens is the centre of the codes."""


@dataclass(frozen=True)
class TokenCodec:
    """Turns token vectors into bytes and back.

    Attributes:
        bits: per dimension, 2 or 4.
        centre: (384,), subtracted before the rotation; the mean of token vectors of the model.
    """

    bits: Bits
    centre: NDArray[np.float32]

    @property
    def bytes_per_token(self) -> int:
        """Size of one token in `encode`'s result."""
        return DIMENSION * self.bits // 8 + _SCALE_BYTES

    def encode(self, vectors: NDArray[np.float32]) -> bytes:
        """The codes of token vectors, (tokens, 384), with rows of length 1."""
        parts = (vectors[start : start + _ROWS_AT_ONCE] for start in range(0, len(vectors), _ROWS_AT_ONCE))
        return b"".join(self._encode_rows(part).tobytes() for part in parts)

    def encode_texts(self, texts: Sequence[NDArray[np.float32]]) -> list[bytes]:
        """The codes of several texts' token vectors, each (tokens, 384), rows of any length, computed in one go."""
        codes: list[bytes] = []
        for group in bounded_groups(texts, len, _ROWS_AT_ONCE):
            rows = self._encode_rows(unit_rows(np.concatenate(group)))
            ends = np.cumsum([0, *map(len, group)]).tolist()
            codes += [rows[start:end].tobytes() for start, end in pairwise(ends)]
        return codes

    def _encode_rows(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The codes of few enough vectors that all of this stays in the processor's cache, (tokens, bytes)."""
        residual = _rotated_columns(vectors - self.centre)
        scale = np.maximum(residual.std(axis=0), 1e-6).astype(np.float16)
        residual /= scale.astype(np.float32)
        codes = np.full(residual.shape, len(_LEVELS[self.bits]), np.uint8)
        size = np.abs(residual)
        for border in _borders(self.bits):  # a comparison for each: np.digitize takes eight times as long
            codes += size >= border
        codes ^= (residual < 0) * np.uint8(2**self.bits - 1)  # levels are symmetrical
        per_byte = 8 // self.bits
        packed = codes[::per_byte].copy()
        for offset in range(1, per_byte):
            packed |= codes[offset::per_byte] << (offset * self.bits)
        return np.concatenate([scale[:, None].view(np.uint8), packed.T], axis=1)

    def cosines(self, codes: bytes, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosines of tokens with vectors of length 1, (tokens, vectors).

        Args:
            codes: of the tokens.
            vectors: (vectors, 384), in the space of `rotate`.
        """
        rows = np.frombuffer(codes, np.uint8).reshape(-1, self.bytes_per_token)
        scale = rows[:, :_SCALE_BYTES].copy().view(np.float16).astype(np.float32)
        levels = np.take(_byte_levels(self.bits), rows[:, _SCALE_BYTES:], axis=0).reshape(-1, DIMENSION)
        # A token is its levels times its scale, and the centre. It is not made of them, which takes as long as all of this.
        centre = self._rotated_centre
        products = product(levels, np.concatenate([vectors, centre[None]]).T)
        squares = np.einsum("ij,ij->i", levels, levels)[:, None] * scale + 2 * products[:, -1:]
        lengths = np.sqrt(squares * scale + centre @ centre)
        cosines: NDArray[np.float32] = products[:, :-1] * scale + vectors @ centre
        cosines /= np.maximum(lengths, 1e-9)
        return cosines

    @cached_property
    def _rotated_centre(self) -> NDArray[np.float32]:
        return np.asarray(self.rotate(self.centre[None])[0])

    @classmethod
    def of(cls, encoder: E5Encoder, bits: Bits) -> TokenCodec:
        """A codec around the mean token vector of a model, taken from sentences of many kinds."""
        vectors = np.concatenate([text.vectors for text in encoder.token_vectors(_SAMPLE, PASSAGE_PREFIX)])
        return cls(bits, unit_rows(vectors).mean(axis=0).astype(np.float32))

    @staticmethod
    def rotate(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors, (n, 384), times an orthogonal matrix, the same on every machine."""
        rotated = np.empty((len(vectors), DIMENSION), np.float32)
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rotated[part] = _rotated_columns(vectors[part]).T
        return rotated


@cache
def _borders(bits: int) -> NDArray[np.float32]:
    """The borders between neighbouring positive levels."""
    levels = np.array(_LEVELS[bits], np.float32)
    return np.asarray((levels[1:] + levels[:-1]) / 2, np.float32)


@cache
def _byte_levels(bits: int) -> NDArray[np.float32]:
    """The levels that each byte stands for, (256, levels in a byte)."""
    shifts = np.arange(8 // bits) * bits
    codes = (np.arange(256)[:, None] >> shifts) & (2**bits - 1)
    positive = np.array(_LEVELS[bits], np.float32)
    levels: NDArray[np.float32] = np.concatenate([-positive[::-1], positive])[codes]
    return levels


def _rotated_columns(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`TokenCodec.rotate` for few enough vectors that they stay in the processor's cache; a column for each, (384, n).

    The matrix is the product of random signs, a Hadamard matrix of 128 and a cosine transform of 3. It is applied as such,
    by additions: as fast as a product with the whole matrix, and without the threads of BLAS, which wait actively for more
    and hinder the model.
    """
    third = DIMENSION // 3
    # A row for each coordinate: additions of whole rows, also of neighbouring coordinates.
    source = np.ascontiguousarray((vectors * _signs()).T)
    target = np.empty_like(source)
    half = 1
    while half < third:
        pairs, sums = (rows.reshape(DIMENSION // (2 * half), 2, half, -1) for rows in (source, target))
        np.add(pairs[:, 0], pairs[:, 1], out=sums[:, 0])
        np.subtract(pairs[:, 0], pairs[:, 1], out=sums[:, 1])
        source, target = target, source
        half *= 2
    first, second, last = source.reshape(3, third, -1)
    mixed = target.reshape(3, third, -1)
    outer = first + last
    np.multiply(outer + second, np.float32(DIMENSION**-0.5), out=mixed[0])
    np.multiply(first - last, np.float32((2 * third) ** -0.5), out=mixed[1])
    np.multiply(outer - 2 * second, np.float32((6 * third) ** -0.5), out=mixed[2])
    return target


@cache
def _signs() -> NDArray[np.float32]:
    signs = np.random.Generator(np.random.PCG64(7)).integers(0, 2, DIMENSION) * 2 - 1
    return signs.astype(np.float32)
