"""The passages of all parts of a question in one list, so that the best ones of each part are among the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from llama_index.core.schema import NodeWithScore

from qa_engine.retrieval.naming.identity_index import NamedDocuments
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.types import passage_of, with_changes


def of_parts(question: str, parts: Sequence[str], ranked: Sequence[RankedPassages]) -> RankedPassages:
    """The result of a whole question from those of its parts.

    The best passages of the parts come first, in the order of the parts, then the second ones, and so on. What several
    parts have found comes once; ``parts`` of the result keeps it for each of them, since a row may answer several.

    Args:
        question: the whole question.
        parts: its parts.
        ranked: their results.
    """
    marked = tuple(
        replace(result, passages=[_of_part(node, part) for node in result.passages], part=part)
        for part, result in zip(parts, ranked, strict=True)
    )
    first = marked[0]
    timings: dict[str, float] = defaultdict(float)
    for stage, seconds in chain.from_iterable(result.timings.items() for result in marked):
        timings[stage] += seconds
    return replace(
        first,
        passages=_interleaved([result.passages for result in marked]),
        timings=dict(timings),
        queries=[query for result in marked for query in result.queries],
        rerank_query=question if len(marked) > 1 else first.rerank_query,
        stages={
            stage: _interleaved([result.stages.get(stage, []) for result in marked]) for stage in first.stages
        },
        named=_all_named([result.named for result in marked]),
        glossary=tuple({term.term: term for result in marked for term in result.glossary}.values()),
        translated=tuple({word.word: word for result in marked for word in result.translated}.values()),
        parts=marked,
        part="",
    )


def with_passages(ranked: RankedPassages, passages: Sequence[NodeWithScore]) -> RankedPassages:
    """A result with other passages, for the whole and for each part."""
    parts = tuple(
        replace(part, passages=[node for node in passages if passage_of(node).part == part.part])
        for part in ranked.parts
    )
    return replace(ranked, passages=list(passages), parts=parts)


def _of_part(node: NodeWithScore, part: str) -> NodeWithScore:
    return with_changes(node, passage_of(node), part=part)


def _interleaved(lists: Sequence[Sequence[NodeWithScore]]) -> list[NodeWithScore]:
    """The nodes in turns, without passages whose found sentence an earlier passage holds."""
    kept: list[NodeWithScore] = []
    held: dict[str, set[str]] = defaultdict(set)
    waiting = [list(nodes) for nodes in lists]
    while any(waiting):
        for nodes in waiting:
            while nodes:
                node = nodes.pop(0)
                passage = passage_of(node)
                if passage.sentence and passage.sentence in held[passage.document_id]:
                    continue
                kept.append(node)
                held[passage.document_id].update(sentence.text for sentence in passage.sentences)
                break
    return kept


def _all_named(named: Sequence[NamedDocuments]) -> NamedDocuments:
    preferred = frozenset(chain.from_iterable(one.preferred for one in named))
    set_aside = frozenset(chain.from_iterable(one.set_aside for one in named)) - preferred
    years = tuple(dict.fromkeys(chain.from_iterable(one.years for one in named)))
    return replace(named[0], preferred=preferred, set_aside=set_aside, years=years)
