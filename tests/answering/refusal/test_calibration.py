"""The calibration in a collection: kept, left aside, forgotten, damaged."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qa_engine.answering.refusal.calibration import (
    LOCAL_CALIBRATION,
    forget_calibration,
    store_calibration,
    stored_calibration,
)
from qa_engine.answering.refusal.features import AnswerabilityFeatures
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / "catalog.sqlite", create=True)
    yield opened
    opened.close()


def test_collection_without_a_calibration_has_none(catalog: Catalog) -> None:
    assert stored_calibration(catalog, "late-interaction") is None
    assert forget_calibration(catalog) is False


def test_what_is_stored_is_read_and_forgotten(catalog: Catalog) -> None:
    store_calibration(catalog, LOCAL_CALIBRATION, "late-interaction", {"answerable": 24})
    assert stored_calibration(catalog, "late-interaction") == LOCAL_CALIBRATION
    assert forget_calibration(catalog) is True
    assert stored_calibration(catalog, "late-interaction") is None


def test_form_in_which_it_is_stored_stays_as_it_was(catalog: Catalog) -> None:
    model = {
        "weights": dict(LOCAL_CALIBRATION.weights),
        "biases": dict(LOCAL_CALIBRATION.biases),
        "threshold": LOCAL_CALIBRATION.threshold,
        "hopeless": LOCAL_CALIBRATION.llm_threshold,
    }
    without_scales = replace(LOCAL_CALIBRATION, scales={})
    assert list(without_scales.to_dict().items()) == list(model.items())
    catalog.set_meta(calibration=json.dumps({"model": model, "reranker": "none"}))
    assert stored_calibration(catalog, "none") == without_scales


def test_calibration_with_a_former_feature_is_still_used(catalog: Catalog) -> None:
    former = {**LOCAL_CALIBRATION.to_dict(), "weights": {**LOCAL_CALIBRATION.weights, "untranslated": -2.53}}
    catalog.set_meta(calibration=json.dumps({"model": former, "reranker": "none"}))
    read = stored_calibration(catalog, "none")
    assert read is not None
    found = AnswerabilityFeatures(0.8, 0.7, 0.0, 0.0, 0.0, "zh-en", translated=0.5)
    assert read.of_features(found) == LOCAL_CALIBRATION.of_features(found)


def test_calibration_of_another_reranker_is_left_aside_with_a_warning(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    store_calibration(catalog, LOCAL_CALIBRATION, "late-interaction", {})
    with caplog.at_level(logging.WARNING):
        assert stored_calibration(catalog, "none") is None
    assert "'late-interaction' and is not used with 'none'" in caplog.text


def test_calibration_of_other_features_is_left_aside_with_a_warning(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    model = {**LOCAL_CALIBRATION.to_dict(), "weights": {"fashion": 1.0}}
    catalog.set_meta(calibration=json.dumps({"model": model, "reranker": "none"}))
    with caplog.at_level(logging.WARNING):
        assert stored_calibration(catalog, "none") is None
    assert "of another version" in caplog.text


@pytest.mark.parametrize(
    "damaged", ["{", "[]", "{}", '{"model": 3, "reranker": "none"}', '{"model": {}, "reranker": 1}']
)
def test_damaged_calibration_is_told_with_the_way_out(catalog: Catalog, damaged: str) -> None:
    catalog.set_meta(calibration=damaged)
    with pytest.raises(StorageError, match="qa-engine calibrate --reset"):
        stored_calibration(catalog, "none")
