"""Runs the local encoder: texts in, sentence vectors or token vectors out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_engine.errors import ModelUnavailableError
from qa_engine.models.e5.tokenizer import E5Tokenizer, Tokens
from qa_engine.models.runtime.cores import available_cores
from qa_engine.models.runtime.onnx_runtime import telemetry_disabled

QUERY_PREFIX = "query: "
PASSAGE_PREFIX = "passage: "
TOKENS_PER_BATCH = 512
"""Tokens computed together. Measured in tokens per cpu-second on texts of 40 to 250 characters: 5,500 to 6,300 with
512, 3,700 to 4,900 with 2,048, whose activations no longer fit into the processor's cache."""
_PAD = 1


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of a text, and their vectors, (tokens, 384)."""

    ids: list[int]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class EncodedText:
    """A text with all that the model computes for it.

    Attributes:
        vector: its embedding, (384,), of length 1.
        offsets: first character and end of each token in the text, (tokens, 2).
        ids: the tokens, without prefix and special tokens.
        vectors: the vectors of the tokens, (tokens, 384).
    """

    vector: NDArray[np.float32]
    offsets: NDArray[np.int64]
    ids: list[int]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class _Batch:
    """Texts of similar length: their places among all, token ids and mask, both (texts, tokens)."""

    indices: list[int]
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]


class E5Encoder:
    """multilingual-e5-small in onnxruntime. Thread-safe; one instance serves a process (`qa_engine.models.e5.shared`).

    Threads wait passively: with spinning threads, a machine under load was seen to be 50 times slower.
    """

    dimension = 384

    def __init__(self, tokenizer: E5Tokenizer, session: Any, threads: int) -> None:
        self._tokenizer = tokenizer
        self._session = session
        # Batches side by side, a thread each: threads inside an operator that wait passively gained nothing here
        # (5,800 tokens per second with two, 6,000 with one).
        self._thread_count = threads
        self._threads: ThreadPoolExecutor | None = None
        self._lock = Lock()
        # Caches of this instance, so that it can be freed.
        self._question = lru_cache(maxsize=16)(self._encode_question)
        self._punctuation: dict[int, bool] = {}
        self._prefix_sizes: dict[str, int] = {}

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> E5Encoder:
        """Loads a prepared model.

        Args:
            folder: as returned by `prepare`.
            threads: batches computed at once, of all callers; if None, two for each core that this process may use: Chroma
                holds the interpreter lock while it stores, and a thread whose batch is done cannot take the next one
                meanwhile.

        Raises:
            ModelUnavailableError: the files are missing or damaged.
        """
        with telemetry_disabled():
            import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"),
                options,
                providers=["CPUExecutionProvider"],
                # Not done to this graph by onnxruntime 1.32, and not to be done: see `qa_engine.models.e5.graph`.
                disabled_optimizers=["SkipLayerNormFusion"],
            )
        except Exception as error:
            raise ModelUnavailableError(
                f"The local model in {folder} cannot be loaded ({error}): qa-engine models prepare --force."
            ) from error
        return cls(E5Tokenizer(folder), session, threads or 2 * available_cores())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, (texts, 384), in the order of the texts. Prefixes are the caller's."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for batch, output in self._run("embedding", texts):
            vectors[batch.indices] = output
        return vectors

    def token_vectors(self, texts: Sequence[str], prefix: str) -> list[TokenVectors]:
        """For each text its tokens and their vectors, computed behind a prefix, without it and the special tokens."""
        start = self._prefix_tokens(prefix)
        results = [TokenVectors([], np.empty((0, self.dimension), np.float32))] * len(texts)
        for batch, output in self._run("token_vectors", [prefix + text for text in texts]):
            for row, index in enumerate(batch.indices):
                content = slice(start, int(batch.mask[row].sum()) - 1)
                results[index] = TokenVectors(batch.ids[row, content].tolist(), output[row, content])
        return results

    def encode(self, texts: Sequence[str], prefix: str) -> list[EncodedText]:
        """Embeddings and token vectors of texts behind a prefix, in the order of the texts, computed together."""
        return self._encode(self._tokenizer.tokenize([prefix + text for text in texts]), prefix)

    def _encode(self, tokens: Sequence[Tokens], prefix: str) -> list[EncodedText]:
        start = self._prefix_tokens(prefix)
        results: list[EncodedText | None] = [None] * len(tokens)
        for batch, (embeddings, vectors) in self._run_outputs(["embedding", "token_vectors"], tokens):
            for row, index in enumerate(batch.indices):
                content = slice(start, int(batch.mask[row].sum()) - 1)
                offsets = np.array(tokens[index].offsets[content], np.int64).reshape(-1, 2) - len(prefix)
                ids = batch.ids[row, content].tolist()
                results[index] = EncodedText(embeddings[row], offsets, ids, vectors[row, content])
        return [text for text in results if text is not None]

    def question(self, text: str) -> EncodedText:
        """A question, encoded once for the dense retriever and for the reranker. The caller must not change the arrays."""
        return self._question(text)

    def _encode_question(self, text: str) -> EncodedText:
        return self._encode([self._tokenizer.tokenize_one(QUERY_PREFIX + text)], QUERY_PREFIX)[0]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text after truncation, special tokens included."""
        return [len(tokens.ids) for tokens in self._tokenizer.tokenize(texts)]

    def is_punctuation(self, token: int) -> bool:
        """Whether a token holds neither a letter nor a digit."""
        if token not in self._punctuation:
            self._punctuation[token] = not any(
                character.isalnum() for character in self._tokenizer.piece(token)
            )
        return self._punctuation[token]

    def load_vocabulary(self) -> None:
        """Loads what only texts other than questions need; the first of them would else do it.

        Raises:
            ModelUnavailableError: its file is missing or damaged.
        """
        self._tokenizer.load()

    def close(self) -> None:
        """Ends the threads once their batches are done. The encoder stays usable and starts new ones when it needs them."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()

    def forget_threads(self) -> None:
        """For a forked child, which has the pool without its threads, and perhaps the lock without its holder."""
        self._threads, self._lock = None, Lock()
        self._tokenizer.renew_lock()

    def _prefix_tokens(self, prefix: str) -> int:
        """Tokens before the text itself: the start token and those of the prefix."""
        if prefix not in self._prefix_sizes:
            self._prefix_sizes[prefix] = len(self._tokenizer.tokenize_one(prefix.strip()).ids) - 1
        return self._prefix_sizes[prefix]

    def _run(self, output: str, texts: Sequence[str]) -> Iterator[tuple[_Batch, NDArray[np.float32]]]:
        """One output of the model for all batches of the texts, in the order of the batches."""
        for batch, outputs in self._run_outputs([output], self._tokenizer.tokenize(texts)):
            yield batch, outputs[0]

    def _run_outputs(
        self, outputs: list[str], tokens: Sequence[Tokens]
    ) -> Iterator[tuple[_Batch, list[NDArray[np.float32]]]]:
        def compute(batch: _Batch) -> list[NDArray[np.float32]]:
            feed = {"input_ids": batch.ids, "attention_mask": batch.mask}
            vectors: list[NDArray[np.float32]] = self._session.run(outputs, feed)
            return vectors

        batches = list(self._batches(tokens))
        if len(batches) == 1:
            yield batches[0], compute(batches[0])
        else:
            with self._lock:  # `close` must not come between the choice of the threads and their work
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(self._thread_count, thread_name_prefix="e5")
                computed = self._threads.map(compute, batches)
            yield from zip(batches, computed, strict=True)

    def _batches(self, tokens: Sequence[Tokens]) -> Iterator[_Batch]:
        """Batches of texts of similar length, so that little is computed on padding."""
        lengths = [len(text.ids) for text in tokens]
        batch: list[int] = []
        for index in sorted(range(len(tokens)), key=lengths.__getitem__):
            if batch and lengths[index] * (len(batch) + 1) > TOKENS_PER_BATCH:
                yield self._padded(batch, tokens)
                batch = []
            batch.append(index)
        if batch:
            yield self._padded(batch, tokens)

    @staticmethod
    def _padded(batch: list[int], tokens: Sequence[Tokens]) -> _Batch:
        longest = len(tokens[batch[-1]].ids)
        ids = np.full((len(batch), longest), _PAD, np.int64)
        mask = np.zeros((len(batch), longest), np.int64)
        for row, index in enumerate(batch):
            size = len(tokens[index].ids)
            ids[row, :size] = tokens[index].ids
            mask[row, :size] = 1
        return _Batch(batch, ids, mask)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors, (n, dimension), with length 1."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))  # np.linalg.norm takes four times as long
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-9)[:, None]
    return unit
