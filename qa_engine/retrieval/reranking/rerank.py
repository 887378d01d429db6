"""Orders candidate passages: by late interaction or a cross-encoder, then by how much each one adds to those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from llama_index.postprocessor.sbert_rerank import SentenceTransformerRerank
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, PrivateAttr

from qa_engine.config import LOCAL, RerankConfig
from qa_engine.index.vectors.token_store import StoredTokens
from qa_engine.models.cross_encoder import load_cross_encoder
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.late_interaction import Interaction, LateInteractionModel
from qa_engine.retrieval.expansion.expanded_query import ComparedQuery, translated_of
from qa_engine.retrieval.reranking.asked_words import AskedWords
from qa_engine.retrieval.reranking.relevance import related_relevance, relevance, z_scores
from qa_engine.retrieval.reranking.sentence_support import SentenceSupport
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import folded, tokenize
from qa_engine.types import Passage, passage_of, with_changes

dispatcher = get_dispatcher(__name__)
NONE, LATE_INTERACTION = "none", "late-interaction"
LOCAL_WEIGHT = 0.7
"""Default share of late interaction in the final score if BM25 found much; a trained cross-encoder has a share of 1."""
BLIND_WEIGHT = 0.9
"""Its share if BM25 found nothing, so that the fused order is that of the vectors alone."""
_RELATED_SHARE = 0.5
"""The share of what the glossary adds in the score of a cross-encoder: by the question alone, a statement that a ratio
follows from ranks behind every passage that names the ratio."""
_FULL_BM25_SHARE = 0.35
"""If BM25 found at least this share of the candidates, `LOCAL_WEIGHT` holds. Measured shares: 0.25 to 0.95 (5th and 95th
percentile) within a language, 0 to 0.32 between two."""


class PassageRerank(SentenceTransformerRerank):
    """A `SentenceTransformerRerank` that weighs the model's score against the first-stage score.

    Both are turned into z-scores among the candidates. A cross-encoder gives one score. Late interaction is one of the
    signals of `relevance`; it reads the token vectors that were stored at ingest, and encodes passages only if there are
    none.

    Measured on 20 candidates with vectors that were not yet quantised, at a share of 0.7, 300 questions each; MRR@10 of
    the fused order, with stored vectors, and with passages encoded anew: XQuAD zh→en .722, .837, .826; zh→zh .951, .971,
    .964; CMRC 2018 trial .958, .954, .949; DRCD .971, .971, .971. Where BM25 finds nothing, a share of 0.9 was best on
    questions translated by us (.780 against .764).
    """

    weight: float = Field(default=1.0, ge=0, le=1)
    blind_weight: float = Field(default=1.0, ge=0, le=1)
    _tokens: StoredTokens | None = PrivateAttr(default=None)

    def __init__(
        self, model: Any, name: str, top_n: int, weight: float, blind_weight: float | None = None
    ) -> None:
        """
        Args:
            model: anything with the ``predict`` of a sentence-transformers CrossEncoder.
            name: what the model is called in events and explanations.
            top_n: most passages to return.
            weight: share of the model's score; the fused score of the passages has the rest.
            blind_weight: share of the model's score if BM25 found nothing; ``weight`` if None.
        """
        blind = weight if blind_weight is None else blind_weight
        # The parent's constructor imports sentence_transformers (4.8 s) and loads a CrossEncoder.
        BaseNodePostprocessor.__init__(self, model=name, top_n=top_n, weight=weight, blind_weight=blind)
        self._model = model
        self._device = "cpu"

    @classmethod
    def class_name(cls) -> str:
        return "PassageRerank"

    def with_tokens(self, tokens: StoredTokens | None) -> PassageRerank:
        """This reranker for passages whose sentences' token vectors are stored. Has no effect on cross-encoders."""
        bound = self.model_copy()
        bound._tokens = tokens
        return bound

    @property
    def sentence_support(self) -> SentenceSupport | None:
        """Compares single sentences with a question; None without stored vectors or with a cross-encoder."""
        if self._tokens is None or not isinstance(self._model, LateInteractionModel):
            return None
        return SentenceSupport(self._model, self._tokens)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("A reranker needs the question: give query_bundle or query_str.")
        dispatcher.event(
            ReRankStartEvent(query=query_bundle, nodes=nodes, top_n=self.top_n, model_name=self.model)
        )
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: self.model,
            EventPayload.QUERY_STR: query_bundle.query_str,
            EventPayload.TOP_K: self.top_n,
        }
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:
            ranked = self._ranked(query_bundle, nodes) if nodes else []
            event.on_end(payload={EventPayload.NODES: ranked})
        dispatcher.event(ReRankEndEvent(nodes=ranked))
        return ranked

    def _ranked(self, query: QueryBundle, nodes: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        passages, question = [passage_of(node) for node in nodes], query.query_str
        found = sum("bm25" in passage.scores for passage in passages) / len(passages)
        lexical = min(1.0, found / _FULL_BM25_SHARE)
        related = query.related if isinstance(query, ComparedQuery) else ""
        compared = self._compared([question, related] if related else [question], nodes, passages)
        interactions, own_scores = compared[0]
        model_scores = own_scores
        if interactions:
            model_scores = relevance(question, passages, interactions, lexical, translated_of(query))
            for others, _ in compared[1:]:
                added = related_relevance(related, passages, others)
                model_scores = [one + other for one, other in zip(model_scores, added, strict=True)]
        else:
            for _, related_scores in compared[1:]:
                model_scores = blend(related_scores, own_scores, _RELATED_SHARE)
        weight = self.blind_weight + (self.weight - self.blind_weight) * lexical
        final = blend(model_scores, [passage.score or 0.0 for passage in passages], weight)
        order = sorted(range(len(nodes)), key=lambda number: -final[number])[: self.top_n]
        by_model = sorted(order, key=lambda number: -own_scores[number])
        late = isinstance(self._model, LateInteractionModel)
        asked = AskedWords.of(question, self._model.question_offsets(question)) if late else None
        return [
            with_changes(
                nodes[number],
                passages[number],
                score=final[number],
                ranks={**passages[number].ranks, "rerank": by_model.index(number) + 1},
                **_comparison(
                    passages[number],
                    question,
                    own_scores[number],
                    interactions[number] if interactions else None,
                    asked,
                ),
            )
            for number in order
        ]

    def _compared(
        self, questions: Sequence[str], nodes: Sequence[NodeWithScore], passages: Sequence[Passage]
    ) -> list[tuple[Sequence[Interaction], Sequence[float]]]:
        """For each question, of each passage its interaction, if the model gives any, and its score by the model."""
        if not isinstance(self._model, LateInteractionModel):
            return [([], list(map(float, self._model.predict(_pairs(one, nodes))))) for one in questions]
        interactions = self._from_stored(self._model, questions, passages) or [
            self._model.interactions(_pairs(one, nodes)) for one in questions
        ]
        return [(of_one, [interaction.score for interaction in of_one]) for of_one in interactions]

    def _from_stored(
        self, model: LateInteractionModel, questions: Sequence[str], passages: Sequence[Passage]
    ) -> list[list[Interaction]]:
        """The interactions by stored token vectors; empty if any passage has none, as scores of two kinds do not compare."""
        if self._tokens is None:
            return []
        ids = [[sentence.node_id for sentence in passage.sentences] for passage in passages]
        codes = self._tokens.get([identifier for passage in ids for identifier in passage])
        stored = [[codes.get(identifier, b"") for identifier in passage] for passage in ids]
        if not all(any(passage) for passage in stored):
            return []
        return model.stored_interactions(questions, stored, self._tokens.codec)


class DiversityRerank(BaseNodePostprocessor):
    """Maximal marginal relevance (Carbonell and Goldstein, 1998) over ranked passages.

    The first passage stays first. Each further place goes to the passage with the highest ``(1 - diversity) × relevance
    - diversity × similarity``: the relevance is the score, brought to 0 to 1 among the passages, the similarity is that to
    the most similar passage before it. Two passages are as similar as the terms of BM25 that they share, out of those that
    either has (Jaccard): near duplicates, which is what crowds results out, share words, and this needs no vector. A
    translation counts as different. Scores stay as they are.
    """

    diversity: float = Field(ge=0, le=1)

    @classmethod
    def class_name(cls) -> str:
        return "DiversityRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        relevance = _to_unit([node.score or 0.0 for node in nodes])
        terms = [frozenset(tokenize(node.node.get_content())) for node in nodes]
        nearest = [0.0] * len(nodes)
        left = list(range(len(nodes)))
        order: list[int] = []
        while left:
            gains = {
                number: (1 - self.diversity) * relevance[number] - self.diversity * nearest[number]
                for number in left
            }
            best = max(left, key=gains.__getitem__) if order else 0  # of equal ones, max returns the first
            order.append(best)
            left.remove(best)
            for number in left:
                nearest[number] = max(nearest[number], jaccard(terms[best], terms[number]))
        return [nodes[number] for number in order]


def build_reranker(config: RerankConfig, embed_model: BaseEmbedding, top_n: int) -> PassageRerank | None:
    """The reranker of the configuration, or None for ``none``.

    Raises:
        ModelUnavailableError: the cross-encoder cannot be loaded.
    """
    if config.model == NONE:
        return None
    if config.model == LOCAL:
        encoder = embed_model.encoder if isinstance(embed_model, LocalEmbedding) else None
        late = LateInteractionModel(encoder)
        weights = (LOCAL_WEIGHT, BLIND_WEIGHT) if config.weight is None else (config.weight, config.weight)
        return PassageRerank(late, LATE_INTERACTION, top_n, *weights)
    weight = 1.0 if config.weight is None else config.weight
    return PassageRerank(load_cross_encoder(config), config.model, top_n, weight)


def name_of(reranker: BaseNodePostprocessor | None) -> str:
    """The name of a reranker in answers and beside calibrations: its model, or its class."""
    return NONE if reranker is None else str(getattr(reranker, "model", None) or type(reranker).__name__)


def _pairs(question: str, nodes: Sequence[NodeWithScore]) -> list[tuple[str, str]]:
    return [(question, node.node.get_content(metadata_mode=MetadataMode.EMBED)) for node in nodes]


def _comparison(
    passage: Passage, question: str, score: float, interaction: Interaction | None, asked: AskedWords | None
) -> dict[str, Any]:
    """The attributes of a passage that change when it is compared with a question; extractive answers need the supports."""
    if interaction is None:
        return {"scores": {**passage.scores, "rerank": score}}
    scores = {**passage.scores, "rerank": score, "weakest": interaction.weakest}
    if asked is not None and is_chinese(question) == is_chinese(passage.text):
        known = map(str, passage.identity.values())
        parts = (passage.text, passage.section, passage.file_name, *known)
        text = "\n".join(map(folded, parts)).lower()
        least = asked.least(interaction.support, text)
        scores |= {} if least is None else {"asked": least}
    if not interaction.sentences:
        return {"scores": scores}
    supported = zip(passage.sentences, interaction.sentences, strict=True)
    return {
        "scores": scores,
        "compared_with": question,
        "sentences": tuple(sentence.supporting(support) for sentence, support in supported),
    }


def blend(model_scores: Sequence[float], earlier_scores: Sequence[float], weight: float) -> list[float]:
    """The weighted mean of the z-scores of a model, by ``weight`` (0 to 1), and of those of the stage before it."""
    pairs = zip(z_scores(model_scores), z_scores(earlier_scores), strict=True)
    return [weight * by_model + (1 - weight) * earlier for by_model, earlier in pairs]


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """The size of the intersection by that of the union, 0 to 1; 1 for two empty sets."""
    either = len(left | right)
    return len(left & right) / either if either else 1.0


def _to_unit(scores: Sequence[float]) -> list[float]:
    """Scores scaled to 0 (the worst) to 1 (the best); 1 if all are equal."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
