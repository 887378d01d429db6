"""MaxSim: by hand on small vectors, and over the real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qa_engine.models.e5.encoder import PASSAGE_PREFIX, E5Encoder
from qa_engine.models.late_interaction import LateInteractionModel, interaction
from qa_engine.models.token_codes import TokenCodec


def rows(*vectors: tuple[float, float]) -> np.ndarray:
    array = np.array(vectors, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_score_is_the_mean_of_the_best_cosines() -> None:
    question = rows((1, 0), (0, 1))
    passage = rows((1, 0), (1, 1))
    # The first token finds itself (1), the second finds (1, 1) at 45 degrees.
    assert interaction(question, passage).score == pytest.approx((1 + np.sqrt(0.5)) / 2)


def test_weakest_is_the_mean_of_the_least_supported_quarter() -> None:
    question = rows((1, 0), (1, 0), (1, 0), (0, 1))
    assert interaction(question, rows((1, 0))).weakest == pytest.approx(0)
    assert interaction(question, rows((1, 0))).score == pytest.approx(0.75)
    assert interaction(question, rows((1, 0), (0, 1))).weakest == pytest.approx(1)


def test_order_and_repetition_of_passage_tokens_do_not_matter() -> None:
    question, passage = rows((1, 2), (2, 1)), rows((1, 0), (0, 1), (1, 1))
    repeated = np.concatenate([passage[::-1], passage])
    assert interaction(question, passage).score == pytest.approx(interaction(question, repeated).score)


def test_more_passage_never_lowers_the_score() -> None:
    question, passage = rows((1, 2), (2, 1)), rows((1, 0), (0, 1))
    assert (
        interaction(question, np.concatenate([passage, rows((1, 1))])).score
        >= interaction(question, passage).score
    )


@pytest.mark.parametrize(("tokens", "others"), [(0, 3), (3, 0), (0, 0)])
def test_nothing_supports_nothing(tokens: int, others: int) -> None:
    found = interaction(np.ones((tokens, 2), np.float32), np.ones((others, 2), np.float32))
    assert (found.score, found.weakest) == (0.0, 0.0)


_vectors = arrays(
    np.float32, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(-1, 1, width=32)
).filter(lambda array: bool((np.linalg.norm(array, axis=1) > 0.1).all()))


@given(_vectors, _vectors)
def test_scores_are_cosines_and_the_weakest_is_below_the_mean(
    question: np.ndarray, passage: np.ndarray
) -> None:
    unit = [array / np.linalg.norm(array, axis=1, keepdims=True) for array in (question, passage)]
    found = interaction(*unit)
    slow = float(np.mean([max(float(q @ p) for p in unit[1]) for q in unit[0]]))
    assert found.score == pytest.approx(slow, abs=1e-4)
    assert -1.001 <= found.weakest <= found.score + 1e-5


@pytest.fixture(scope="module")
def model(model_cache: Path) -> LateInteractionModel:
    from qa_engine.models.e5.preparation import MODEL_FOLDER

    return LateInteractionModel(E5Encoder.load(model_cache / MODEL_FOLDER))


def test_predict_gives_one_score_a_pair_in_the_order_given(model: LateInteractionModel) -> None:
    pairs = [
        ("西湖有多大？", "长江全长约6300公里。"),
        ("西湖有多大？", "西湖的水面面积约为6.38平方公里。"),
        ("How long is the Yangtze?", "长江全长约6300公里。"),
        ("How long is the Yangtze?", "西湖的水面面积约为6.38平方公里。"),
    ]
    scores = model.predict(pairs)
    assert scores.shape == (4,)
    assert scores[1] > scores[0]
    assert scores[2] > scores[3]
    assert (np.abs(scores) <= 1).all()
    assert model.predict(pairs[::-1]) == pytest.approx(scores[::-1], abs=0.02)


def test_text_supports_itself_best(model: LateInteractionModel) -> None:
    text = "西湖的水面面积约为6.38平方公里"
    other, same = model.predict([(text, "长江全长约6300公里"), (text, text)])
    assert same > other
    assert same > 0.8


def test_no_pairs(model: LateInteractionModel) -> None:
    assert model.predict([]).shape == (0,)


@pytest.mark.parametrize(("question", "passage"), [("", "西湖"), ("西湖", ""), ("", ""), ("？！", "。")])
def test_texts_without_words_have_finite_scores(
    question: str, passage: str, model: LateInteractionModel
) -> None:
    (score,) = model.predict([(question, passage)])
    assert np.isfinite(score)


def test_punctuation_of_the_question_does_not_count(model: LateInteractionModel) -> None:
    passage = "西湖的水面面积约为6.38平方公里。"
    plain, marked = model.predict([("西湖有多大", passage), ("西湖有多大？？！！", passage)])
    assert abs(plain - marked) < 0.05


def test_long_texts_are_cut_and_scored(model: LateInteractionModel) -> None:
    (score,) = model.predict([("西湖" * 2000, "西湖位于杭州。" * 2000)])
    assert np.isfinite(score)


def test_stored_passages_are_scored_as_one_by_one(model: LateInteractionModel) -> None:
    codec = TokenCodec.of(model.encoder, 4)
    texts = [["浮标每套三千元。", "它用太阳能供电。", ""], [], ["船每月出海一次。"], [""]]
    vectors = {
        text: model.encoder.token_vectors([text], PASSAGE_PREFIX)[0].vectors
        for texts_ in texts
        for text in texts_
        if text
    }
    codes = {"": b"", **{text: codec.encode(found) for text, found in vectors.items()}}
    question = "浮标多少钱？"
    passages = [[codes[text] for text in passage] for passage in texts]
    (found,) = model.stored_interactions([question], passages, codec)
    asked = codec.rotate(model._questions([question])[question])
    axes = np.eye(asked.shape[1], dtype=np.float32)
    alone = {text: interaction(asked, codec.cosines(codes[text], axes)) for text in vectors}
    first, second = alone["浮标每套三千元。"], alone["它用太阳能供电。"]
    together = np.maximum(first.support, second.support)
    assert found[0].support == pytest.approx(together, abs=1e-6)
    assert found[0].sentence == pytest.approx(max(first, second, key=lambda one: one.score).support, abs=1e-6)
    assert found[0].sentences[:2] == pytest.approx(
        [first.score, (second.score + float(together.mean())) / 2], abs=1e-6
    )
    assert found[0].sentences[2] is None
    assert found[2].sentences == pytest.approx([alone["船每月出海一次。"].score], abs=1e-6)
    # A passage of which nothing is stored supports nothing.
    assert [found[place].score for place in (1, 3)] == [0, 0]
    assert [found[place].sentence for place in (1, 3)] == [None, None]
