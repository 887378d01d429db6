"""Estimates the probability that the retrieved passages hold the answer."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from statistics import median
from typing import Any

from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import TypeAdapter

from qa_engine.answering.absence import Absence
from qa_engine.answering.answer import Answer, Nearest
from qa_engine.answering.checks.citations import citation_boxes, refusal
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.nearest import other_reports
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold, tokenize
from qa_engine.types import Passage, passage_of

FEATURES = ("support", "weakest", "lead", "coverage", "dense", "asked", "kind")
"""The features that an `AnswerabilityModel` weighs; see `AnswerabilityFeatures`."""
PAIRS = ("zh-zh", "en-en", "zh-en", "en-zh")
"""The languages of question and passage; ``en`` stands for every language but Chinese."""
NEUTRAL = 0.85
"""About the middle of supports within a language: a feature that is not known is this one, less itself."""
_ASKED = (-0.02, 0.02)
"""Bounds of ``asked``: a noun in other words than the passage's must not outweigh all the rest."""
_OTHER_KIND = 0.03
"""By so much at most ``kind`` is below the support of the best passage: what was asked for may be written in another way."""
LLM_THRESHOLD_KEY = "hopeless"
"""Key of ``llm_threshold`` in JSON, in stored calibrations as well."""
_LEAD_WITHIN = 0.02
"""What ``lead`` lacks where all candidates are of the documents that a question names, instead of a whole collection.

Without it 44 of 172 such questions were refused though the answer was there, of 26 without an answer 17; with it 16 and 13.
"""
_PLAIN = 0.3
"""A row that stands out so far is quoted although the passages score low, in a document that the question names."""
_LEAST_OF_PART = 2
"""Passages that the answer to each part of a question may use at least."""
logger = logging.getLogger("qa_engine.answering")


@dataclass(frozen=True)
class AnswerabilityFeatures:
    """Numbers that say how strongly the passages that an answer may use support the question.

    Attributes:
        support: the highest score of the reranker.
        weakest: the highest support of a question's least supported quarter of words; 0 with a cross-encoder.
        lead: how far ``support`` is above the median of all candidates. If the answer is missing, many passages are about
            as good; and anything that a language or a collection adds to all scores cancels out.
        coverage: the highest share of the question's BM25 terms that one passage has.
        dense: the highest cosine of a sentence with the question.
        asked: the highest support of a question's least supported noun, less `NEUTRAL` and within bounds; 0 between
            languages.
        kind: the highest support by a sentence that holds the kind of thing that is asked for, less `NEUTRAL`; by any
            sentence if the question asks for no certain kind; 0 between languages.
        pair: one of `PAIRS`, of the passage with the highest support.
    """

    support: float
    weakest: float
    lead: float
    coverage: float
    dense: float
    pair: str
    asked: float = 0.0
    kind: float = 0.0

    @classmethod
    def of(
        cls, question: str, candidates: Sequence[NodeWithScore], used: int, with_coverage: bool = True
    ) -> AnswerabilityFeatures:
        """
        Args:
            question: the question as the passages were compared with it.
            candidates: at least one passage, best first.
            used: number of candidates that the answer may use.
            with_coverage: whether to tokenize the texts for their coverage, which is 0 otherwise.
        """
        passages = [passage_of(candidate) for candidate in candidates]
        supports = [passage.scores["rerank"] for passage in passages if "rerank" in passage.scores]
        scores = [passage.scores for passage in passages]
        best = max(passages[:used], key=lambda passage: passage.scores.get("rerank", -math.inf))
        support = best.scores.get("rerank", 0.0)
        pair = f"{_language(question)}-{_language(best.text)}"
        asked = [one["asked"] for one in scores[:used] if "asked" in one]
        kind = _kind_support(question, passages[:used], support)
        same = pair in {"zh-zh", "en-en"}
        return cls(
            support=support,
            weakest=max(one.get("weakest", 0.0) for one in scores[:used]),
            lead=support - median(supports) if supports else 0.0,
            coverage=_coverage(question, passages[:used]) if with_coverage else 0.0,
            dense=max((one["dense"] for one in scores if "dense" in one), default=0.0),
            pair=pair,
            asked=max(_ASKED[0], min(_ASKED[1], max(asked) - NEUTRAL)) if asked and same else 0.0,
            kind=kind - NEUTRAL if kind is not None and same else 0.0,
        )

    def values(self) -> list[float]:
        """The numbers, in the order of `FEATURES`."""
        return [getattr(self, feature) for feature in FEATURES]


@dataclass(frozen=True)
class AnswerabilityModel:
    """A logistic regression on `AnswerabilityFeatures`, and the probabilities below which an answer is refused.

    The same scores mean less between languages and more between Chinese texts, so each pair of languages has a bias
    of its own.

    Attributes:
        weights: log-odds per unit of each of `FEATURES`.
        biases: log-odds at zero for each of `PAIRS`.
        threshold: probability (0 to 1) below which an extractive answer is refused.
        llm_threshold: probability below which a question is refused before a language model is asked. It is lower, because
            the model can refuse by itself.
        scales: by pair of languages, what the weights are multiplied with; 1 for pairs that it lacks. Between languages
            fewer features are known, and these tell more.
    """

    weights: Mapping[str, float]
    biases: Mapping[str, float]
    threshold: float
    llm_threshold: float
    scales: Mapping[str, float] = field(default_factory=dict)

    def probability(
        self, question: str, candidates: Sequence[NodeWithScore], used: int, alike: bool = False
    ) -> float:
        """The probability, 0 to 1, that passages hold the answer; 0 without passages.

        The arguments are those of `AnswerabilityFeatures.of`; ``alike`` says that the candidates are of documents that the
        question names, see `_LEAD_WITHIN`.
        """
        if not candidates:
            return 0.0
        with_coverage = self.weights.get("coverage", 0.0) != 0
        features = AnswerabilityFeatures.of(question, candidates, used, with_coverage)
        return self.of_features(replace(features, lead=features.lead + _LEAD_WITHIN) if alike else features)

    def of_features(self, features: AnswerabilityFeatures) -> float:
        """The probability that passages with these features hold the answer."""
        weighted = (
            self.weights.get(feature, 0.0) * value
            for feature, value in zip(FEATURES, features.values(), strict=True)
        )
        odds = self.biases[features.pair] + self.scales.get(features.pair, 1.0) * sum(weighted)
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, odds))))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `from_dict` reads."""
        content = asdict(self)
        content[LLM_THRESHOLD_KEY] = content.pop("llm_threshold")
        scales = content.pop("scales")
        if scales:
            content["scales"] = scales
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> AnswerabilityModel:
        """The model of a JSON object.

        Raises:
            KeyError: a key is missing.
            ValidationError: a value is no number.
        """
        fields = {**content, "llm_threshold": content[LLM_THRESHOLD_KEY]}
        return TypeAdapter(cls).validate_python(fields)


def _kind_support(question: str, passages: Sequence[Passage], support: float) -> float | None:
    """The highest support by a sentence with the kind of thing that is asked for; None if no sentence was compared.

    ``support`` is that by the best passage, see `_OTHER_KIND`.
    """
    sentences = [one for passage in passages for one in passage.sentences if one.support is not None]
    if not sentences:
        return None
    kind = QuestionKind.of(question)
    pattern = kind.precise or kind.answers
    known = set() if pattern is None else set(pattern.findall(fold(question)))
    for sentence in sorted(sentences, key=lambda one: -(one.support or 0.0)):
        if pattern is None or set(pattern.findall(fold(sentence.text))) - known:
            return max(sentence.support or 0.0, support - _OTHER_KIND)
    return support - _OTHER_KIND


def _coverage(question: str, passages: Sequence[Passage]) -> float:
    terms = set(tokenize(question))
    shared = (len(terms.intersection(tokenize(passage.text))) for passage in passages)
    return max(shared) / max(1, len(terms))


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"


@dataclass
class Evidence:
    """The passages that the answer to a question may use, and the decision whether to refuse.

    Attributes:
        query: the question.
        ranked: the result of retrieval.
        passages: the passages for the answer, best first.
        probability: estimated probability (0 to 1) that they hold the answer; None without an estimate.
        refused: whether to refuse without making an answer.
        missing: what the question names and the documents do not hold.
        nearest: what they hold instead.
        started: the time when the answer was begun, by `time.perf_counter`.
    """

    query: QueryBundle
    ranked: RankedPassages
    passages: list[NodeWithScore]
    probability: float | None = None
    refused: bool = False
    missing: Sequence[str] = ()
    nearest: Sequence[Nearest] = ()
    started: float = field(default_factory=time.perf_counter)

    def refusal(self) -> Answer | None:
        """The refusal; None if an answer is to be made."""
        return refusal(self.query.query_str, self.passages) if self.refused else None


class AnswerabilityGate:
    """Decides whether to refuse, and adds to an answer the facts about how it came about. Thread-safe."""

    def __init__(
        self,
        settings: AnsweringConfig,
        model: AnswerabilityModel | None,
        extractive: bool,
        best_row_worth: Callable[[str, Sequence[NodeWithScore]], float] | None = None,
    ) -> None:
        """
        Args:
            settings: sizes and thresholds.
            model: estimates whether the passages hold the answer; with None, nothing is refused.
            extractive: whether the answer is made without a language model, which could refuse by itself.
            best_row_worth: how far the row that is asked for stands out among passages; None if nothing tells.
        """
        # Who sets a threshold of their own has weighed wrong answers against missing ones.
        self._best_row_worth = best_row_worth if settings.threshold is None else None
        self._used = settings.passages
        self._model = model
        self._extractive = extractive
        self._looks_up = settings.identifiers == "checked"
        self._threshold = 0.0
        if model is not None:
            configured = settings.threshold if extractive else settings.llm_threshold
            calibrated = model.threshold if extractive else model.llm_threshold
            self._threshold = calibrated if configured is None else configured

    def evidence(self, query: QueryBundle, ranked: RankedPassages) -> Evidence:
        """The passages that the answer may use, and the decision whether to refuse at once."""
        absence = Absence.of(query.query_str, ranked) if self._looks_up else Absence((), (), ranked.passages)
        agreeing = replace(ranked, passages=absence.passages)
        parts = [self._agreeing(part) for part in ranked.parts] or [agreeing]
        probabilities = [
            self._probability(query, whole, part.passages)
            for whole, part in zip(ranked.parts or [ranked], parts, strict=True)
        ]
        answerable = [
            part
            for part, probability in zip(parts, probabilities, strict=True)
            if probability is None or probability >= self._threshold or self._stands_out(query, part)
        ]
        passages = self._passages(agreeing, answerable or parts)
        if self._extractive:
            by_part = groupby(passages, lambda node: passage_of(node).part)
            passages = [node for _, own in by_part for node in agreeing.with_surroundings(list(own))]
        evidence = Evidence(query, ranked, passages)
        evidence.missing, evidence.nearest = absence.missing, absence.nearest
        evidence.probability = max((one for one in probabilities if one is not None), default=None)
        evidence.refused = not answerable
        if evidence.refused:
            logger.info(
                "Refused before an answer: probability %.3f < %.3f.", evidence.probability, self._threshold
            )
        if absence.missing:
            logger.info(
                "Refused before an answer: %d things that it names are missing.", len(absence.missing)
            )
            evidence.refused = True
        return evidence

    def _agreeing(self, part: RankedPassages) -> RankedPassages:
        """A part of a question with the passages that do not contradict it."""
        return (
            replace(part, passages=Absence.of(part.rerank_query, part).passages) if self._looks_up else part
        )

    def _probability(
        self, query: QueryBundle, ranked: RankedPassages, agreeing: Sequence[NodeWithScore]
    ) -> float | None:
        """The probability that passages of a question, or of a part of one, hold its answer; all together are its median."""
        if self._model is None:
            return None
        question = ranked.rerank_query or query.query_str
        others = [node for node in ranked.passages if node not in agreeing]
        alike = bool(ranked.named.preferred) and not others
        used = min(self._used, len(agreeing))
        return self._model.probability(question, [*agreeing, *others], used, alike)

    def _stands_out(self, query: QueryBundle, ranked: RankedPassages) -> bool:
        """Whether a sentence is plainly the answer to a question, or to a part of one, although the passages score low.

        The reranker says little of rows of tables: all are numbers, and a label is three words in another wording.
        """
        if self._best_row_worth is None or not ranked.named.preferred or not ranked.passages:
            return False
        passages = ranked.passages[: self._used]
        if self._extractive:
            passages = ranked.with_surroundings(passages)
        return self._best_row_worth(ranked.part or query.query_str, passages) >= _PLAIN

    def _passages(self, agreeing: RankedPassages, parts: Sequence[RankedPassages]) -> list[NodeWithScore]:
        """The passages for the answer: the best ones, or of a question with several parts the best ones of each.

        An extractive answer quotes part by part, so it gets what several parts have found once for each of them.
        """
        if len(agreeing.parts) < 2:
            return agreeing.best(self._used)
        each = max(_LEAST_OF_PART, math.ceil(self._used / len(parts)))
        if self._extractive:
            own = [node for part in parts for node in part.passages[:each]]
            return replace(agreeing, passages=own).best(len(own))
        names = {part.part for part in parts}
        kept = [node for node in agreeing.passages if passage_of(node).part in names]
        return replace(agreeing, passages=kept).best(each * len(parts))

    def completed(self, answer: Answer, evidence: Evidence, models: dict[str, str]) -> Answer:
        """The answer with timings, probability, models, explanation and the boxes of its citations."""
        ranked, seconds = evidence.ranked, time.perf_counter() - evidence.started
        answer.source_nodes = list(
            {node.node.node_id: node for node in reversed(answer.source_nodes)}.values()
        )[::-1]
        answer.timings = rounded({**ranked.timings, "answer": seconds})
        answer.probability = None if evidence.probability is None else round(evidence.probability, 4)
        answer.nearest = list(evidence.nearest) if answer.refused else []
        answer.models = {**models, **answer.models}
        answer.explanation = Explanation(
            answer.source_nodes,
            ranked.queries,
            ranked.expansion,
            ranked.rerank_query,
            answer.probability,
            answer.timings,
            glossary=ranked.glossary,
            parts=[part.part for part in ranked.parts],
            missing=evidence.missing,
        )
        by_id = {node.node.node_id: node for node in answer.source_nodes}
        answer.nearest += other_reports(answer, ranked)
        answer.citations = [
            replace(citation, boxes=citation_boxes(citation, passage, ranked.spans(passage)))
            for citation in answer.citations
            if (passage := by_id.get(citation.node_id)) is not None
        ]
        return answer

    def explanation(self, ranked: RankedPassages, top_k: int) -> Explanation:
        """The explanation of the best ``top_k`` passages, without an answer."""
        passages = ranked.best(top_k)
        timings = rounded(ranked.timings)
        stages = {stage: nodes[:top_k] for stage, nodes in ranked.stages.items()}
        return Explanation(
            passages,
            ranked.queries,
            ranked.expansion,
            ranked.rerank_query,
            None,
            timings,
            stages,
            glossary=ranked.glossary,
            parts=[part.part for part in ranked.parts],
        )


def rounded(timings: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, rounded for people, with the total."""
    seconds_by_stage = {stage: round(seconds, 4) for stage, seconds in timings.items()}
    return {**seconds_by_stage, "total": round(sum(timings.values()), 4)}
