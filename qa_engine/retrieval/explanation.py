"""Why passages were found and ranked as they were: what ran, how much it counted, and what each stage said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from llama_index.core.schema import MetadataMode, NodeWithScore

from qa_engine.conversation.condensation import Condensation
from qa_engine.index.analyser import analyse
from qa_engine.retrieval.expanded_query import Expansion
from qa_engine.retrieval.fusion import RANKS, SCORES, QueryWeights
from qa_engine.retrieval.matched_terms import matched_terms


@dataclass(frozen=True)
class PassageExplanation:
    """What became of one passage.

    Attributes:
        rank: its place in the result, from 1.
        node_id: id of the passage.
        file: name of the PDF file.
        page: first page, from 1.
        page_end: last page.
        score: that gave it its place; higher is better.
        ranks: its place in each stage: among the sentences that ``dense``, ``bm25`` and ``fused`` ranked (that of its best
            one), and among the passages by the score of ``rerank`` alone. A stage that did not find it is absent.
        scores: what each stage said, see `qa_engine.retrieval.fusion.SCORES`.
        terms: the words of the queries that BM25 matches in it, as they stand in the queries.
    """

    rank: int
    node_id: str
    file: str
    page: int | None
    page_end: int | None
    score: float | None
    ranks: Mapping[str, int]
    scores: Mapping[str, float]
    terms: Sequence[str]


@dataclass
class Explanation:
    """How the passages for a question came about.

    Attributes:
        nodes: the passages, best first.
        queries: what was searched for, the question first, and how much each query and leg counted.
        expansion: what a language model added to the question; None if none was asked to.
        judged_as: the wording that the passages were compared with: the question, or its translation.
        probability: estimated probability (0 to 1) that the passages hold the answer; None without an estimate.
        timings: seconds by stage.
        stages: passages by the stage that ranked them, ``dense``, ``bm25``, ``fused`` and ``reranked``; empty unless
            they were asked for.
        condensation: how a question of a conversation was made to stand alone; None for one outside of conversations.
    """

    nodes: list[NodeWithScore]
    queries: list[QueryWeights] = field(default_factory=list)
    expansion: Expansion | None = None
    judged_as: str = ""
    probability: float | None = None
    timings: dict[str, float] = field(default_factory=dict)
    stages: dict[str, list[NodeWithScore]] = field(default_factory=dict)
    condensation: Condensation | None = None

    @property
    def passages(self) -> list[PassageExplanation]:
        """The passages one by one. The terms are looked up here, so that nobody pays who does not look."""
        queries = [given.query for given in self.queries]
        found = []
        for rank, passage in enumerate(self.nodes, 1):
            metadata = passage.node.metadata
            text = passage.node.get_content(metadata_mode=MetadataMode.NONE)
            known = frozenset(analyse(f"{metadata.get('section', '')}\n{text}"))
            terms = dict.fromkeys(term for query in queries for term in matched_terms(query, known))
            found.append(
                PassageExplanation(
                    rank,
                    passage.node.node_id,
                    str(metadata.get("file_name", "")),
                    metadata.get("page"),
                    metadata.get("page_end"),
                    passage.score,
                    dict(metadata.get(RANKS, {})),
                    dict(metadata.get(SCORES, {})),
                    list(terms),
                )
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "queries": [asdict(given) for given in self.queries],
            "expansion": None if self.expansion is None else self.expansion.to_dict(),
            "judged_as": self.judged_as,
            "probability": self.probability,
            "timings": self.timings,
            "passages": [asdict(passage) for passage in self.passages],
            "condensation": None if self.condensation is None else self.condensation.to_dict(),
        }
