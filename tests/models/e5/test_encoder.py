"""The local encoder: vectors that do not depend on the company a text is in."""

from __future__ import annotations

import gc
import os
import random
import signal
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from qa_engine.errors import ModelUnavailableError
from qa_engine.models import lifetime
from qa_engine.models.e5 import shared
from qa_engine.models.e5.encoder import (
    PASSAGE_PREFIX,
    QUERY_PREFIX,
    TOKENS_PER_BATCH,
    E5Encoder,
)
from qa_engine.models.e5.preparation import model_folder
from qa_engine.models.e5.shared import load_shared_encoder_early, shared_encoder
from qa_engine.models.e5.tokenizer import MAX_TOKENS
from qa_engine.models.lifetime import ModelUser, release_models
from qa_engine.models.runtime.cores import available_cores

TEXTS = [
    "西湖位于浙江省杭州市西部，三面环山。",
    "Jupiter is the largest planet in the Solar System.",
    "短",
    "A much longer passage that goes on and on about the rings of Saturn. " * 6,
    "Llama 2有7B、13B和70B三种参数规模。",
    "雷峰塔始建于公元975年。" * 10,
    "1,234.56",
    "…",
]
SEVERAL_BATCHES = TEXTS * 4
"""Enough for threads, and no more: a thousand tokens take the processor half a second."""


@pytest.fixture(scope="module")
def encoder(model_cache: Path) -> E5Encoder:
    from qa_engine.models.e5.preparation import MODEL_FOLDER

    return E5Encoder.load(model_cache / MODEL_FOLDER)


def test_vectors_have_length_one_and_the_order_of_the_texts(encoder: E5Encoder) -> None:
    vectors = encoder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    for index in (0, 3, 5):
        alone = encoder.embed([TEXTS[index]])[0]
        assert float(alone @ vectors[index]) > 0.99
        assert int((vectors @ alone).argmax()) == index


def test_company_and_order_do_not_change_a_vector(encoder: E5Encoder) -> None:
    texts = [f"{text} {number}" for number in range(4) for text in TEXTS]
    shuffled = list(range(len(texts)))
    random.Random(1).shuffle(shuffled)
    straight = encoder.embed(texts)
    mixed = encoder.embed([texts[index] for index in shuffled])
    assert np.abs(mixed - straight[shuffled]).max() < 0.02


def test_question_is_nearest_to_its_answer(encoder: E5Encoder) -> None:
    passages = encoder.embed([PASSAGE_PREFIX + text for text in TEXTS])
    for question, expected in (
        ("西湖在哪里？", 0),
        ("Which planet is the largest?", 1),
        ("How many parameters has Llama 2?", 4),
    ):
        assert int((passages @ encoder.embed([QUERY_PREFIX + question])[0]).argmax()) == expected


def test_nothing_gives_no_vectors(encoder: E5Encoder) -> None:
    assert encoder.embed([]).shape == (0, 384)
    assert encoder.token_vectors([], PASSAGE_PREFIX) == []


@pytest.mark.parametrize("text", ["", " ", "\n", "\0", "\u200b", "\U0001f600"])
def test_text_without_words_has_a_vector(text: str, encoder: E5Encoder) -> None:
    (vector,) = encoder.embed([PASSAGE_PREFIX + text])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)


def test_long_text_is_cut_to_what_the_model_takes(encoder: E5Encoder) -> None:
    text = PASSAGE_PREFIX + "西湖位于杭州市。" * 1250
    assert encoder.count_tokens([text, "短"])[0] == MAX_TOKENS
    (vector,) = encoder.embed([text])
    assert np.isfinite(vector).all()
    (tokens,) = encoder.token_vectors([text], "")
    assert len(tokens.vectors) <= MAX_TOKENS


def test_token_vectors_are_those_of_the_text_without_prefix_and_special_tokens(encoder: E5Encoder) -> None:
    for prefix in (QUERY_PREFIX, PASSAGE_PREFIX):
        found = encoder.token_vectors(TEXTS, prefix)
        for text, tokens in zip(TEXTS, found, strict=True):
            assert tokens.vectors.shape == (len(tokens.ids), 384)
            assert (
                len(tokens.ids)
                == encoder.count_tokens([prefix + text])[0] - encoder.count_tokens([prefix.strip()])[0]
            )


def test_token_vectors_depend_on_the_text_around(encoder: E5Encoder) -> None:
    bank, shore = encoder.token_vectors(["bank of the river", "bank that lends money"], PASSAGE_PREFIX)
    assert bank.ids[0] == shore.ids[0]
    assert not np.allclose(bank.vectors[0], shore.vectors[0], atol=0.01)


def test_batches_hold_every_text_once_and_a_bounded_number_of_tokens(encoder: E5Encoder) -> None:
    texts = TEXTS * 20
    seen: list[int] = []
    for batch in encoder._batches(encoder._tokenizer.tokenize(texts)):
        seen.extend(batch.indices)
        assert batch.ids.shape == batch.mask.shape
        assert batch.ids.size <= TOKENS_PER_BATCH or len(batch.indices) == 1
        lengths = [encoder.count_tokens([texts[index]])[0] for index in batch.indices]
        assert batch.mask.sum(axis=1).tolist() == lengths
    assert sorted(seen) == list(range(len(texts)))


def test_punctuation_has_no_letters_and_words_are_none(encoder: E5Encoder) -> None:
    (mixed,) = encoder.token_vectors(["西湖，lake。"], PASSAGE_PREFIX)
    marks = [encoder.is_punctuation(token) for token in mixed.ids]
    assert True in marks
    assert False in marks


def test_many_threads_share_an_encoder(encoder: E5Encoder) -> None:
    expected = encoder.embed(TEXTS[:3])
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: encoder.embed(TEXTS[:3]), range(12)):
            assert np.allclose(vectors, expected, atol=1e-4)


def test_process_shares_one_encoder(local_model: Path) -> None:
    assert shared_encoder() is shared_encoder()


def test_encoder_that_is_loaded_early_is_the_one_that_is_shared(
    local_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    loading, goes_on = threading.Event(), threading.Event()

    def load(folder: Path, threads: int | None) -> object:
        loads.append(threading.current_thread().name)
        loading.set()
        assert goes_on.wait(60)
        return object()

    monkeypatch.setattr(shared, "_encoders", {})
    monkeypatch.setattr(E5Encoder, "load", load)
    load_shared_encoder_early()
    assert loading.wait(60)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(shared_encoder) for _ in range(2)]
        goes_on.set()
        assert asked[0].result() is asked[1].result() is shared_encoder()
    assert loads == ["e5-loading"]


def test_released_encoder_is_loaded_anew_and_the_old_one_stays_usable(
    local_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "_users", 0)  # engines that other tests of this process left open
    release_models()
    threads = set(threading.enumerate())
    before = shared_encoder()
    vectors = before.embed(SEVERAL_BATCHES)
    workers = {thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("e5")}
    assert workers
    with ModelUser() as first, ModelUser() as second:
        first.close()
        first.close()
        assert shared_encoder() is before
        second.close()
        assert shared_encoder() is not before
        assert not any(thread.is_alive() for thread in workers)
    assert np.allclose(before.embed(SEVERAL_BATCHES), vectors, atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_embeds_with_threads_of_its_own(local_model: Path) -> None:
    vectors = shared_encoder().embed(SEVERAL_BATCHES)
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that waits for threads that it does not have
        os._exit(7 if np.allclose(shared_encoder().embed(SEVERAL_BATCHES), vectors, atol=1e-4) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_released_encoder_is_freed(local_model: Path) -> None:
    encoder = shared_encoder()
    encoder.question("西湖有多深？")
    alive = weakref.ref(encoder)
    release_models()
    del encoder
    gc.collect()
    assert alive() is None


def test_what_is_wrong_with_a_model_that_is_loaded_early_is_said_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
    model_folder().mkdir(parents=True)
    (model_folder() / "model.onnx").write_bytes(b"no model")
    load_shared_encoder_early()
    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        shared_encoder()


def test_model_that_is_not_prepared_is_not_prepared_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_ENGINE_CACHE", str(tmp_path))
    before = set(threading.enumerate())
    load_shared_encoder_early()
    assert set(threading.enumerate()) <= before
    assert not model_folder().exists()


def test_cores_are_those_of_this_process() -> None:
    assert available_cores() >= 1


def test_question_has_the_vectors_of_both_outputs_and_is_encoded_once(encoder: E5Encoder) -> None:
    asked = encoder.question("西湖有多深？")
    assert np.allclose(asked.vector, encoder.embed([QUERY_PREFIX + "西湖有多深？"])[0], atol=1e-5)
    [tokens] = encoder.token_vectors(["西湖有多深？"], QUERY_PREFIX)
    assert asked.ids == tokens.ids
    assert np.allclose(asked.vectors, tokens.vectors, atol=1e-5)
    assert encoder.question("西湖有多深？") is asked
