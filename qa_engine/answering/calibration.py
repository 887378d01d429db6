"""The calibration of a collection: written by `qa-engine calibrate`, read when the collection is opened."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from qa_engine.answering.answerability import FEATURES, PAIRS, AnswerabilityModel
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog

logger = logging.getLogger("qa_engine.answering")
_KEY = "calibration"
LOCAL_CALIBRATION = AnswerabilityModel(
    weights={"support": 32.52, "weakest": 15.68, "lead": 46.8, "coverage": 0.0, "dense": 0.0},
    biases={"zh-zh": -42.56, "en-en": -39.75, "zh-en": -37.71, "en-zh": -37.83},
    threshold=0.36,
    llm_threshold=0.15,
)
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted by `fit_answerability` to 1,620 questions of the ExpMRC versions of CMRC 2018 and SQuAD, of DRCD, and to translations
of some of the former into the other language; about half of them ask about articles that were left out. At the threshold 6 %
of the answerable ones were refused, and 1 % at the lower one. Coverage and cosine added nothing. See docs/answers.md.

That was with each sentence embedded beside its neighbours. In shared embedding windows, the log odds of answerable questions
within one language are 0.2 to 0.8 higher, those of others 0.1: the thresholds refuse as many of the former as before (639
questions). Between languages, the log odds of unanswerable questions are 0.23 and 0.15 higher, which the biases subtract.
"""


def store_calibration(
    catalog: Catalog, model: AnswerabilityModel, reranker: str, details: Mapping[str, Any]
) -> None:
    """Records a fitted model with its collection; engines that are opened from now on use it.

    Args:
        catalog: of the collection, with the right to write.
        model: the fitted model.
        reranker: name of the reranker whose scores it was fitted to.
        details: further facts to record, such as the number of questions.
    """
    catalog.set_meta(**{_KEY: json.dumps({"model": model.to_dict(), "reranker": reranker, **details})})


def forget_calibration(catalog: Catalog) -> bool:
    """Goes back to the model that comes with qa_engine; returns whether there was a calibration."""
    existed = bool(catalog.meta(_KEY))
    if existed:
        catalog.set_meta(**{_KEY: ""})
    return existed


def stored_calibration(catalog: Catalog, reranker: str) -> AnswerabilityModel | None:
    """The calibrated model of a collection; None without one. A model for another reranker is not used, with a warning.

    Raises:
        StorageError: the record cannot be read.
    """
    recorded = catalog.meta(_KEY)
    if not recorded:
        return None
    try:
        calibration = json.loads(recorded)
        model = AnswerabilityModel.from_dict(calibration["model"])
        made_for = str(calibration["reranker"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise StorageError(
            f"The calibration in {catalog.path} cannot be read ({error}): forget it with qa-engine calibrate "
            "--reset, then calibrate again."
        ) from None
    if set(model.weights) != set(FEATURES) or set(model.biases) != set(PAIRS):
        reason = "is of another version and not used"
    elif made_for != reranker:
        reason = f"was made with the reranker {made_for!r} and is not used with {reranker!r}"
    else:
        return model
    logger.warning("The calibration in %s %s: run qa-engine calibrate again.", catalog.path, reason)
    return None
