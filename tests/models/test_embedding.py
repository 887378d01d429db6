"""The embedding model that the configuration names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qa_engine.config import EmbeddingConfig
from qa_engine.errors import ConfigurationError
from qa_engine.models.e5.encoder import PASSAGE_PREFIX, QUERY_PREFIX, EncodedText
from qa_engine.models.embedding import LocalEmbedding, build_embedding


class Encoder:
    """Records what it is given."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.calls: list[list[str]] = []
        self._during = during

    def question(self, text: str) -> EncodedText:
        vector = self.embed([QUERY_PREFIX + text])[0]
        return EncodedText(vector, [], [], np.empty((0, 2), np.float32))

    def embed(self, texts: list[str]) -> np.ndarray:
        self.calls.append(list(texts))
        self._during()
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def local(encoder: Encoder) -> LocalEmbedding:
    return LocalEmbedding(encoder)  # type: ignore[arg-type]


def test_questions_and_passages_get_their_prefixes() -> None:
    encoder = Encoder()
    local(encoder).get_query_embedding("西湖")
    local(encoder).get_text_embedding("西湖")
    assert encoder.calls == [[QUERY_PREFIX + "西湖"], [PASSAGE_PREFIX + "西湖"]]


def test_batch_is_one_call_in_the_order_given() -> None:
    encoder = Encoder()
    texts = ["longest text", "a", "middle"]
    vectors = local(encoder).get_text_embedding_batch(texts)
    assert len(encoder.calls) == 1
    assert [vector[0] for vector in vectors] == [len(PASSAGE_PREFIX + text) for text in texts]


def test_large_batch_is_cut_into_calls_and_nothing_is_lost() -> None:
    encoder = Encoder()
    texts = ["x" * (number % 50) for number in range(3000)]
    vectors = local(encoder).get_text_embedding_batch(texts)
    assert [vector[0] for vector in vectors] == [len(PASSAGE_PREFIX + text) for text in texts]
    assert 1 < len(encoder.calls) < 10


def test_empty_batch() -> None:
    assert local(Encoder()).get_text_embedding_batch([]) == []


async def test_async_calls_do_not_block_the_loop() -> None:
    loop = asyncio.get_running_loop()

    def wait_for_the_loop() -> None:
        turned = threading.Event()
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(60)

    model = local(Encoder(wait_for_the_loop))
    assert (await model.aget_query_embedding("西湖"))[0] == len(QUERY_PREFIX + "西湖")
    assert (await model.aget_text_embedding("西湖"))[0] == len(PASSAGE_PREFIX + "西湖")
    assert len(await model.aget_text_embedding_batch(["a", "b"])) == 2


def test_real_vectors_are_lists_of_numbers_and_alike_by_either_way(local_model: Path) -> None:
    model = build_embedding(EmbeddingConfig())
    (sync,) = model.get_text_embedding_batch(["西湖位于杭州。"])
    later = asyncio.run(model.aget_text_embedding("西湖位于杭州。"))
    assert len(sync) == 384
    assert all(isinstance(value, float) for value in sync)
    assert np.allclose(sync, later, atol=1e-5)
    assert not np.allclose(sync, model.get_query_embedding("西湖位于杭州。"), atol=1e-3)


def test_model_is_loaded_on_first_use_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []

    def shared(progress: object = None) -> Encoder:
        loaded.append(progress)
        return Encoder()

    monkeypatch.setattr("qa_engine.models.embedding.shared_encoder", shared)
    report = print
    model = build_embedding(EmbeddingConfig(), report)
    assert loaded == []
    model.get_query_embedding("a")
    model.get_query_embedding("b")
    assert loaded == [report]


def test_other_model_of_the_local_provider_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match=r"'bge-m3'.*embedding\.provider"):
        build_embedding(EmbeddingConfig(model="bge-m3"))


def test_model_has_the_name_that_collections_record() -> None:
    assert LocalEmbedding().model_name == "multilingual-e5-small"
    assert LocalEmbedding.class_name() == "LocalEmbedding"
