"""Where a page got lost on the way from a question to its passages, by what the stages of retrieval computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from llama_index.core.schema import NodeWithScore

from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.explanation import lacking_terms, matched_terms
from qa_engine.text.tokenizer import tokenize
from qa_engine.types import RANKS, passage_of

PartOutcome = Literal["not_found", "not_fused", "per_file", "not_reranked", "set_aside", "ranked"]
Outcome = Literal[
    "shown", "below_top_k", "not_reranked", "repeated", "set_aside", "per_file", "not_fused", "not_found"
]
Unsearched = Literal["other_collection", "not_published", "no_sentences", "duplicate", "filtered"]


@dataclass(frozen=True)
class TracedPage:
    """A page of a document.

    Attributes:
        document_id: of the document.
        sentences: those that are on the page, at least in part.
    """

    document_id: str
    sentences: Sequence[StoredSentence]

    @property
    def ids(self) -> Set[str]:
        """The ids of the sentences."""
        return {sentence.node_id for sentence in self.sentences}


@dataclass(frozen=True)
class SentenceList:
    """The sentences that one retriever found for one query.

    Attributes:
        stage: ``dense`` or ``bm25``.
        query: what was searched for.
        hits: what it found, best first.
        scores: of the sentences of the page, and perhaps others of its document, by id; without those that have none.
    """

    stage: str
    query: str
    hits: Sequence[NodeWithScore]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class ListTrace:
    """The best sentence of the page in one list.

    Attributes:
        stage: ``dense`` or ``bm25``.
        query: what was searched for.
        rank: of the best sentence of the page among all sentences; None if it is not in the list.
        score: of this sentence; None if no sentence of the page has any, such as without a common word.
        last: score of the last sentence of the list; None for an empty one.
        size: number of sentences in the list.
        sentence: the text of the best sentence; empty without a score.
    """

    stage: str
    query: str
    rank: int | None
    score: float | None
    last: float | None
    size: int
    sentence: str


@dataclass(frozen=True)
class PartTrace:
    """How far the page came for a question, or for one part of it.

    Attributes:
        part: the question of its own; empty for a whole question.
        outcome: ``not_found``: no list of sentences has one of the page; ``not_fused``: one has, and was cut off when the
            lists were joined; ``per_file``: other passages of its file took all of ``retrieval.max_per_file``;
            ``not_reranked``: its passage is behind the last one that is reranked and returned; ``set_aside``: its document
            is of a period that the question does not ask for; ``ranked``: its passage has a rank.
        lists: its best sentence in each list that was searched; those of other documents alone are left out.
        fused: rank of its best sentence when the lists were joined; None if it is not among them.
        passage: rank of its passage before reranking; None without one.
        rerank: rank of its passage by the reranker alone; None if it was not reranked.
        rank: final rank of its passage; None without one.
        matched: the words of the question that a sentence of the page, or a title above it, has.
        lacking: the words of the question that none has.
    """

    part: str
    outcome: PartOutcome
    lists: Sequence[ListTrace]
    fused: int | None
    passage: int | None
    rerank: int | None
    rank: int | None
    matched: Sequence[str]
    lacking: Sequence[str]


@dataclass(frozen=True)
class PageTrace:
    """Whether a page is among the passages for a question, and if not, where it got lost.

    Attributes:
        outcome: ``shown``; ``below_top_k``: its passage has a rank, and fewer are returned; ``repeated``: an earlier passage
            holds what was found of it; what became of it in the part that it came furthest in, see `PartTrace`; or why it
            was not searched: ``other_collection``, ``not_published`` (the index that is searched lacks this version of the
            file), ``no_sentences`` (nothing of the page is in the index), ``duplicate`` (the same document is searched in
            another collection), ``filtered`` (the filters leave it out).
        rank: the rank of its first passage among all that were ranked; None without one.
        needed_top_k: the smallest number that was tried and returns it; None if it is returned already, or if none does.
        top_k: number of passages that are returned.
        candidates: number of passages that are reranked.
        sentences: number of its sentences that may be searched.
        parts: how far it came for the question, or for each of its parts; empty if it was not searched.
    """

    outcome: Outcome | Unsearched
    rank: int | None = None
    needed_top_k: int | None = None
    top_k: int = 0
    candidates: int = 0
    sentences: int = 0
    parts: Sequence[PartTrace] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return asdict(self)


def trace_part(
    page: TracedPage,
    question: str,
    lists: Iterable[SentenceList],
    hits: Sequence[NodeWithScore],
    fused: Sequence[NodeWithScore],
    ranked: Sequence[NodeWithScore],
    kept: Sequence[NodeWithScore],
    all_passages: Callable[[], Sequence[NodeWithScore]],
) -> PartTrace:
    """How far a page came for a question without parts.

    Args:
        page: the page, whose sentences were all searched.
        question: as it was searched for.
        lists: the sentences of each retriever and query.
        hits: the sentences that the passages were built around.
        fused: the passages before reranking, as many as were kept.
        ranked: the passages behind all stages.
        kept: those of them that are not set aside.
        all_passages: builds the passages around all hits.
    """
    ids = page.ids
    traces = [_list_trace(page, one) for one in lists]
    own = [hit for hit in hits if hit.node_id in ids]
    place, rank = rank_of(page, fused), rank_of(page, kept)
    aside = rank_of(page, ranked)
    rerank = passage_of(ranked[aside - 1]).ranks.get("rerank") if aside is not None else None
    outcome: PartOutcome = "ranked"
    if rank is None and aside is not None:
        outcome = "set_aside"
    elif rank is None and own:
        place = place or rank_of(page, all_passages())
        outcome = "not_reranked" if place is not None else "per_file"
    elif rank is None:
        outcome = "not_fused" if any(one.rank is not None for one in traces) else "not_found"
    said = (f"{one.metadata.get('section', '')}\n{one.text}" for one in page.sentences)
    terms = frozenset(term for text in said for term in tokenize(text))
    return PartTrace(
        "",
        outcome,
        traces,
        min((hit.node.metadata[RANKS]["fused"] for hit in own), default=None),
        place,
        rerank,
        rank,
        matched_terms(question, terms),
        lacking_terms(question, terms),
    )


def page_trace(
    page: TracedPage, parts: Sequence[PartTrace], kept: Sequence[NodeWithScore], top_k: int, candidates: int
) -> PageTrace:
    """What became of a page, from how far it came for each part of a question.

    Args:
        page: the page.
        parts: of the question, or the question itself.
        kept: the passages for the whole question, without those that are set aside.
        top_k: number of passages that are returned.
        candidates: number of passages that are reranked.
    """
    rank = rank_of(page, kept)
    outcome: Outcome
    if rank is not None:
        outcome = "shown" if rank <= top_k else "below_top_k"
    else:
        order: tuple[PartOutcome, ...] = (
            *("ranked", "not_reranked", "set_aside"),
            *("per_file", "not_fused", "not_found"),
        )
        furthest = min((part.outcome for part in parts), key=order.index)
        outcome = "repeated" if furthest == "ranked" else furthest
    return PageTrace(outcome, rank, None, top_k, candidates, len(page.sentences), tuple(parts))


def tried_top_k(trace: PageTrace) -> int | None:
    """The number of passages that may be enough for the page; None if it is returned, or if no number would do."""
    if trace.outcome == "below_top_k":
        return trace.rank
    if trace.outcome == "not_reranked":
        return min(part.passage for part in trace.parts if part.passage is not None)
    return None


def with_needed_top_k(trace: PageTrace, top_k: int) -> PageTrace:
    """The trace of a page that was found with another number of passages."""
    return replace(trace, needed_top_k=top_k)


def rank_of(page: TracedPage, passages: Sequence[NodeWithScore]) -> int | None:
    """The rank of the first passage that holds a sentence of the page."""
    ids = page.ids
    for rank, passage in enumerate(map(passage_of, passages), 1):
        if passage.document_id == page.document_id and any(one.node_id in ids for one in passage.sentences):
            return rank
    return None


def _list_trace(page: TracedPage, found: SentenceList) -> ListTrace:
    ids = page.ids
    ranks = (rank for rank, hit in enumerate(found.hits, 1) if hit.node_id in ids)
    scores = {hit.node_id: hit.score or 0.0 for hit in found.hits if hit.node_id in ids}
    scores = {name: score for name, score in found.scores.items() if name in ids} | scores
    best = max(page.sentences, key=lambda one: scores.get(one.node_id, -math.inf))
    return ListTrace(
        found.stage,
        found.query,
        next(ranks, None),
        scores.get(best.node_id),
        found.hits[-1].score if found.hits else None,
        len(found.hits),
        best.text if best.node_id in scores else "",
    )
