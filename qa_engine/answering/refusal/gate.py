"""Decides whether to refuse, by what is missing and by the probability that the passages hold the answer."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.answering.answer import Answer, Nearest
from qa_engine.answering.checks.citations import citation_boxes, refusal
from qa_engine.answering.extractive.quoted import Quoted
from qa_engine.answering.refusal.absence import Absence
from qa_engine.answering.refusal.content_words import ContentWord, content_words, words_between
from qa_engine.answering.refusal.features import pair_of
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.answering.refusal.other_reports import other_reports
from qa_engine.answering.refusal.quoted import MODELS, quoted_probability
from qa_engine.config import AnsweringConfig
from qa_engine.retrieval.explanation import Explanation
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import passage_of

_PLAIN = 0.3
"""A row that stands out so far is quoted although the passages score low, in a document that the question names."""
_LEAST_OF_PART = 2
"""Passages that the answer to each part of a question may use at least."""
logger = logging.getLogger("qa_engine.answering")


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
        quoted: Callable[[str, Sequence[NodeWithScore]], Sequence[Quoted]] | None = None,
    ) -> None:
        """
        Args:
            settings: sizes and thresholds.
            model: estimates whether the passages hold the answer; with None, nothing is refused.
            extractive: whether the answer is made without a language model, which could refuse by itself.
            best_row_worth: how far the row that is asked for stands out among passages; None if nothing tells.
            quoted: the sentences that the answer to a question would quote; None if nothing tells.
        """
        # Who sets a threshold of their own has weighed wrong answers against missing ones.
        self._best_row_worth = best_row_worth if settings.threshold is None else None
        self._quoted = quoted if extractive else None
        self._used = settings.passages
        self._model = model
        self._extractive = extractive
        self._looks_up = settings.identifiers == "checked"
        self._threshold = 0.0
        if model is not None:
            configured = settings.threshold if extractive else settings.llm_threshold
            calibrated = model.threshold if extractive else model.llm_threshold
            self._threshold = calibrated if configured is None else configured

    def using(self, passages: int) -> AnswerabilityGate:
        """This gate with answers from so many passages."""
        other = copy.copy(self)
        other._used = passages
        return other

    def evidence(self, query: QueryBundle, ranked: RankedPassages) -> Evidence:
        """The passages that the answer may use, and the decision whether to refuse at once."""
        absence = Absence.of(query.query_str, ranked) if self._looks_up else Absence((), (), ranked.passages)
        agreeing = replace(ranked, passages=absence.passages)
        parts = [self._agreeing(part) for part in ranked.parts] or [agreeing]
        probabilities = {
            part.part: self._probability(query, whole, part.passages)
            for whole, part in zip(ranked.parts or [ranked], parts, strict=True)
        }

        def holds(part: RankedPassages) -> bool:
            probability = probabilities[part.part]
            if probability is None or probability >= self._threshold or absence.holds_clause:
                return True  # a question for an article by its number shares no word with it
            return self._stands_out(query, part)

        answerable = [part for part in parts if holds(part)]
        passages = self._passages(agreeing, answerable or parts)
        if self._extractive:
            by_part = groupby(passages, lambda node: passage_of(node).part)
            passages = [node for _, own in by_part for node in agreeing.with_surroundings(list(own))]
        if not absence.missing:
            # A part whose passages score low stays refused: few of them say what is asked, whatever their sentences hold.
            judged = answerable if ranked.parts else parts
            for part in judged:
                own = [node for node in passages if passage_of(node).part == part.part]
                quoted = self._quoted_probability(part, query, own, probabilities[part.part])
                if quoted is not None:
                    probabilities[part.part] = quoted
            answerable = [part for part in judged if holds(part)]
            names = {part.part for part in answerable or parts}
            passages = [node for node in passages if passage_of(node).part in names]
        evidence = Evidence(query, ranked, passages)
        evidence.missing, evidence.nearest = absence.missing, absence.nearest
        evidence.probability = max((one for one in probabilities.values() if one is not None), default=None)
        evidence.refused = not answerable
        if evidence.refused:
            logger.info(
                "Refused before an answer: probability %.3f < %.3f.", evidence.probability, self._threshold
            )
        if evidence.missing:
            logger.info(
                "Refused before an answer: %d things that it names are missing.", len(evidence.missing)
            )
            evidence.refused = True
        return evidence

    def _quoted_probability(
        self,
        part: RankedPassages,
        query: QueryBundle,
        passages: Sequence[NodeWithScore],
        probability: float | None,
    ) -> float | None:
        """The probability that what would be quoted for a question, or for a part of one, says what is asked.

        None if there is no model for the languages of question and passages.
        """
        question = part.part or query.query_str
        if self._quoted is None or self._model is None or part.supports is None or probability is None:
            return None
        pair = pair_of(question, passage_of(passages[0]).text) if passages else ""
        if pair not in MODELS:
            return None
        quoted = self._quoted(question, passages)
        words = content_words(question, pair, _between(question, part))
        return quoted_probability(
            question, words, quoted, probability, self._model.threshold, part.supports, MODELS[pair]
        )

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
        return self._model.probability(
            question, [*agreeing, *others], used, alike, _between(question, ranked)
        )

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
        answer.source_nodes = unique(answer.source_nodes)
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
            translated=ranked.translated,
            parts=[part.part for part in ranked.parts],
            missing=evidence.missing,
        )
        by_id = {node.node.node_id: node for node in answer.source_nodes}
        answer.nearest += other_reports(answer, ranked)
        cited = [(one, by_id[one.node_id]) for one in answer.citations if one.node_id in by_id]
        documents = {node.node.ref_doc_id: node for _, node in cited}
        places = {document_id: ranked.spans(node) for document_id, node in documents.items()}
        answer.citations = [
            replace(citation, boxes=citation_boxes(citation, node, places[node.node.ref_doc_id]))
            for citation, node in cited
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
            translated=ranked.translated,
            parts=[part.part for part in ranked.parts],
        )


def unique(nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """Passages, each once, where it stands first."""
    return list({node.node.node_id: node for node in reversed(nodes)}.values())[::-1]


def _between(question: str, ranked: RankedPassages) -> tuple[ContentWord, ...]:
    return words_between(question, ranked.translated, ranked.glossary)


def rounded(timings: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, rounded for people, with the total."""
    seconds_by_stage = {stage: round(seconds, 4) for stage, seconds in timings.items()}
    return {**seconds_by_stage, "total": round(sum(timings.values()), 4)}
