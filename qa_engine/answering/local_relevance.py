"""The relevance model that comes with qa_engine."""

from __future__ import annotations

from qa_engine.answering.relevance import RelevanceModel

LOCAL_RELEVANCE = RelevanceModel(
    weights={"support": 32.52, "weakest": 15.68, "lead": 46.8, "coverage": 0.0, "dense": 0.0},
    biases={"zh-zh": -42.56, "en-en": -39.75, "zh-en": -37.71, "en-zh": -37.83},
    threshold=0.36,
    hopeless=0.15,
)
"""For the local embedding model and its late interaction only; other models have other scales.

Fitted by `fit_relevance` to 1,620 questions of the ExpMRC versions of CMRC 2018 and SQuAD, of DRCD, and to translations of
some of the former into the other language; about half of them ask about articles that were left out. At the threshold 6 %
of the answerable ones were refused, and 1 % at the lower one. Coverage and cosine added nothing. See docs/answers.md.

That was with sentences embedded beside their neighbours. In shared passes, answerable questions of these sets within one
language got 0.2 to 0.8 more in log odds, and others 0.1: the thresholds are those at which as many of the former are
refused as before (639 questions). Between languages, unanswerable questions got 0.23 and 0.15 more, which the biases
take off again.
"""
