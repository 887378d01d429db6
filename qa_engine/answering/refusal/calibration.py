"""The calibration of a collection: written by `qa-engine calibrate`, read when the collection is opened."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from qa_engine.answering.refusal.features import FEATURES, PAIRS
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog

logger = logging.getLogger("qa_engine.answering")
_KEY = "calibration"
_FORMER_FEATURES = frozenset({"untranslated"})
"""Of stored calibrations; without them these say nearly the same."""
LOCAL_CALIBRATION = AnswerabilityModel(
    weights={
        "support": 10.83,
        "weakest": 5.22,
        "lead": 15.59,
        "coverage": 0.0,
        "dense": 0.0,
        "asked": 40.17,
        "kind": 35.64,
        "translated": 2.64,
        "missing_names": -0.55,
    },
    biases={"zh-zh": -14.45, "en-en": -10.99, "zh-en": -28.85, "en-zh": -28.5},
    threshold=0.15,
    llm_threshold=0.05,
    scales={"zh-en": 2.1, "en-zh": 2.1},
)
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted to 619 questions of CMRC 2018, DRCD, DuReader and the ExpMRC version of SQuAD (parts for training), about half of
them about articles that were left out, and to 230 about documents as people have them: a data sheet, a travel policy, a
lease, a monthly report, pages of research reports, and annual reports of invented firms; of these, 110 ask for what the
documents do not say, or had the document that says it left out. Questions that name what is missing are not among them:
`Absence` refuses these.

Between languages ``asked`` and ``kind`` are 0. There the scale, the biases and the weights of what a dictionary tells were
fitted to 483 cases in which passages hold the answer, and 493 in which none does, every data set and kind alike: questions
that were translated by us, on ExpMRC, CMRC 2018 and DRCD, with their article and without it; and questions on five real
documents, about half of which these do not answer. Of the answerable ones on encyclopaedias the biases refuse 5 % in Chinese
on English texts and 9 % in English on Chinese ones, and 2 % and 4 % of those whose passages hold the answer; of 79 on real
documents none.

At the threshold, 1 % of the questions on encyclopaedias are refused wrongly and 8 % of 75 on real documents, whose words
are not those of the questions; at the lower one none and 1 %. Coverage and cosine added nothing. See docs/answers.md.
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
    if not set(model.weights) - _FORMER_FEATURES <= set(FEATURES) or set(model.biases) != set(PAIRS):
        reason = "is of another version and not used"
    elif made_for != reranker:
        reason = f"was made with the reranker {made_for!r} and is not used with {reranker!r}"
    else:
        return model
    logger.warning("The calibration in %s %s: run qa-engine calibrate again.", catalog.path, reason)
    return None
