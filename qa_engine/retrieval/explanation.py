"""Why passages were found and ranked as they were: the queries that ran, their weights, and the scores of each stage."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llama_index.core.schema import NodeWithScore

from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.expansion.expanded_query import Expansion
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.retrieval.hybrid.fusion import QueryWeights
from qa_engine.text.tokenizer import HAN_CLASS, fold, han_words, tokenize
from qa_engine.types import passage_of

_RUNS = re.compile(rf"[{HAN_CLASS}]+|[^\W{HAN_CLASS}]+(?:[-./,&:][^\W{HAN_CLASS}]+)*")
_HAN = re.compile(f"[{HAN_CLASS}]")


@dataclass(frozen=True)
class PassageExplanation:
    """The ranks and scores of one passage at each stage.

    Attributes:
        rank: its place in the result, from 1.
        node_id: id of the passage.
        file: name of the PDF file.
        page: first page, from 1.
        page_end: last page.
        score: the score that decided its rank; higher is better.
        ranks: its rank in each stage: for ``dense``, ``bm25`` and ``fused`` that of its best sentence among the sentences,
            for ``rerank`` that among the passages by this score alone. A stage that did not find it is absent.
        scores: by stage, see `qa_engine.types.SCORES`.
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


@dataclass(frozen=True)
class Condensation:
    """The question that stands alone, and how it was made.

    Attributes:
        question: the question as it was asked.
        standalone: the question as it was searched for and answered.
        method: ``llm``, ``rules``, or ``none`` if the question was left as it was.
        skipped: why the question was left as it was, in one sentence; None if it was rewritten, or if that failed.
        error: why the language model gave no question, in one sentence; None without an error.
        cached: whether the result is from an earlier question.
        seconds: time that the call took; 0 if it is cached.
    """

    question: str
    standalone: str
    method: Literal["llm", "rules", "none"] = "none"
    skipped: str | None = None
    error: str | None = None
    cached: bool = False
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return asdict(self) | {"seconds": round(self.seconds, 4)}


@dataclass
class Explanation:
    """How the passages for a question came about.

    Attributes:
        nodes: the passages, best first.
        queries: the queries, the question first, and the weight of each query and retriever.
        expansion: the expansion of the question; None if no language model was asked for one.
        rerank_query: the question as the passages were compared with it: in its own words, or translated.
        probability: estimated probability (0 to 1) that the passages hold the answer; None without an estimate.
        timings: seconds by stage.
        stages: passages by the stage that ranked them, ``dense``, ``bm25``, ``fused`` and ``reranked``; empty unless
            they were asked for.
        parts: the questions that were searched for one by one; empty if that is the question itself.
        glossary: the terms of the glossary in the question, and what was searched for because of them.
        translated: the words of the question that BM25 searched for in the other language, with what it searched for.
        missing: what the question names and the documents do not hold, so that it was refused.
        condensation: how a question of a conversation was made to stand alone; None for one outside of conversations.
        about: what a question about documents themselves asks for, such as ``pages``; empty for any other question.
    """

    nodes: list[NodeWithScore]
    queries: list[QueryWeights] = field(default_factory=list)
    expansion: Expansion | None = None
    rerank_query: str = ""
    probability: float | None = None
    timings: dict[str, float] = field(default_factory=dict)
    stages: dict[str, list[NodeWithScore]] = field(default_factory=dict)
    condensation: Condensation | None = None
    glossary: Sequence[GlossaryTerm] = ()
    translated: Sequence[TranslatedWord] = ()
    parts: Sequence[str] = ()
    missing: Sequence[str] = ()
    about: str = ""

    @property
    def passages(self) -> list[PassageExplanation]:
        """The passages one by one. Their terms are computed here, so that only readers of this property pay for them."""
        explanations = []
        for rank, passage in enumerate(map(passage_of, self.nodes), 1):
            passage_terms = frozenset(tokenize(f"{passage.section}\n{passage.text}"))
            terms = dict.fromkeys(
                term for query in self.queries for term in matched_terms(query.query, passage_terms)
            )
            explanations.append(
                PassageExplanation(
                    rank,
                    passage.node_id,
                    passage.file_name,
                    passage.page,
                    passage.page_end,
                    passage.score,
                    dict(passage.ranks),
                    dict(passage.scores),
                    list(terms),
                )
            )
        return explanations

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return {
            "queries": [asdict(query) for query in self.queries],
            "expansion": None if self.expansion is None else self.expansion.to_dict(),
            "judged_as": self.rerank_query,
            "probability": self.probability,
            "timings": self.timings,
            "passages": [asdict(passage) for passage in self.passages],
            "missing": list(self.missing),
            "condensation": None if self.condensation is None else self.condensation.to_dict(),
            "glossary": [term.to_dict() for term in self.glossary],
            "translated": [word.to_dict() for word in self.translated],
            "parts": list(self.parts),
            "about": self.about,
        }


def matched_terms(query: str, terms: Set[str]) -> list[str]:
    """The words of a query that a text with the given terms matches, in the order of the query and as they stand in it.

    The tokenizer stems English and cuts Chinese into words and overlapping pairs of characters. Here, words are shown
    unstemmed, and terms that overlap are shown as one.

    Example:
        >>> matched_terms("雷峰塔的largest towers？", set(tokenize("The tower 雷峰塔")))
        ['雷峰塔', 'towers']
    """
    words: dict[str, None] = {}
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", query)):
        run = match[0]
        matched = [term for term in tokenize(run) if term in terms]
        folded = fold(run)
        in_place = _HAN.match(run) and len(folded) == len(run)
        shown = _spans(run, folded, matched) if in_place else [run] if matched else []
        words.update(dict.fromkeys(shown))
    return list(words)


def lacking_terms(query: str, terms: Set[str]) -> list[str]:
    """The words of a query that a text with the given terms does not match, in the order of the query.

    Example:
        >>> lacking_terms("西湖和雷峰塔，largest towers？", set(tokenize("The tower 西湖")))
        ['雷峰塔', 'largest']
    """
    words: dict[str, None] = {}
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", query)):
        run, folded = match[0], fold(match[0])
        known = tokenize(run)
        if not (_HAN.match(run) and len(folded) == len(run)):
            words.update(dict.fromkeys([run] if known and terms.isdisjoint(known) else []))
            continue
        covered = _places(folded, [term for term in known if term in terms])
        lacking = [
            word for word in han_words(folded) if word not in terms and not _places(folded, [word]) <= covered
        ]
        places = {(start := folded.find(word), start + len(word)) for word in lacking}
        words.update(
            dict.fromkeys(
                run[start:end]
                for start, end in sorted(places)
                if not any((a, b) != (start, end) and a <= start and end <= b for a, b in places)
            )
        )
    return list(words)


def _places(folded: str, terms: Iterable[str]) -> set[int]:
    """The places of the characters that terms cover."""
    return {
        place
        for term in terms
        for match in re.finditer(f"(?={re.escape(term)})", folded)
        for place in range(match.start(), match.start() + len(term))
    }


def _spans(run: str, folded: str, terms: Iterable[str]) -> list[str]:
    """The parts of a run of Chinese that terms cover; terms that overlap, not those that only touch, are one part."""
    positions = sorted(
        {
            (match.start(), match.start() + len(term))
            for term in terms
            for match in re.finditer(f"(?={re.escape(term)})", folded)
        }
    )
    spans: list[tuple[int, int]] = []
    for start, end in positions:
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return [run[start:end] for start, end in spans]
